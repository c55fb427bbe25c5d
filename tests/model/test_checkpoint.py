"""Checkpoints: what transformers reads must be what we wrote, and a damaged folder must be named as such."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from codelm.errors import InputError, OutputError
from codelm.model import GPT, GPTConfig, checkpoint_digest, load_checkpoint, save_checkpoint
from codelm.tokenizer import Tokenizer, train_tokenizer

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(["def f(x):\n    return x + 1\n"] * 3, vocab_size=300)


@pytest.fixture
def model(tokenizer: Tokenizer) -> GPT:
    return small_model(tokenizer)


def small_model(tokenizer: Tokenizer, *, n_layer: int = 2, seed: int = 0) -> GPT:
    config = GPTConfig(n_layer=n_layer, n_embd=32, n_head=4, vocab_size=tokenizer.vocab_size, n_ctx=24)
    return GPT(config, seed=seed).eval()


def random_tokens(model: GPT) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(model.config.vocab_size, (2, 24), generator=generator)


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_tensors(folder: Path, change: Any) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_saved_checkpoint_loads_bit_for_bit(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """Saving and loading changes no bit, and the tokenizer comes along."""
    save_checkpoint(tmp_path, model, tokenizer)
    loaded, loaded_tokenizer = load_checkpoint(tmp_path)
    assert loaded.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    assert loaded_tokenizer.digest == tokenizer.digest


def test_saved_checkpoint_gives_equal_logits_in_transformers(
    tmp_path: Path, model: GPT, tokenizer: Tokenizer
) -> None:
    """transformers loads the folder as it is and agrees to 1e-5."""
    from transformers import GPT2LMHeadModel

    save_checkpoint(tmp_path, model, tokenizer)
    theirs, info = GPT2LMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokens = random_tokens(model)
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(tokens).logits, model(tokens), atol=1e-5, rtol=1e-5)


def test_transformers_checkpoint_gives_equal_logits_here(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """A GPT-2 saved by transformers, with a tokenizer.json beside it, loads here and agrees to 1e-5."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": tokenizer.vocab_size, "n_positions": 24}
    theirs = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0)).eval()
    theirs.save_pretrained(tmp_path)
    tokenizer.save(tmp_path / "tokenizer.json")
    ours, _ = load_checkpoint(tmp_path)
    tokens = random_tokens(ours)
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens), theirs(tokens).logits, atol=1e-5, rtol=1e-5)


def test_weights_under_gpt2s_released_names_load(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """The released GPT-2 files have no prefix, and constant attention masks among their tensors."""
    save_checkpoint(tmp_path, model, tokenizer)
    released = {name: value.clone() for name, value in model.state_dict().items()}
    released["h.0.attn.bias"] = torch.ones(1, 1, 24, 24)
    save_file(released, tmp_path / "model.safetensors")
    loaded, _ = load_checkpoint(tmp_path)
    assert torch.equal(loaded.wpe.weight, model.wpe.weight)


def test_digest_names_the_content(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """Equal checkpoints have equal digests wherever they are; another weight gives another."""
    save_checkpoint(tmp_path / "a", model, tokenizer)
    save_checkpoint(tmp_path / "b", model, tokenizer)
    assert checkpoint_digest(tmp_path / "a") == checkpoint_digest(tmp_path / "b")
    with torch.no_grad():
        model.ln_f.bias[3] += 1e-6
    save_checkpoint(tmp_path / "b", model, tokenizer)
    assert checkpoint_digest(tmp_path / "a") != checkpoint_digest(tmp_path / "b")


def test_missing_tensor_is_named(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """The message names the tensor, not just the file."""
    save_checkpoint(tmp_path, model, tokenizer)
    change_tensors(tmp_path, lambda tensors: tensors.pop("transformer.h.1.mlp.c_fc.bias"))
    with pytest.raises(InputError, match=r"tensor 'h\.1\.mlp\.c_fc\.bias' is missing; the model asks for it"):
        load_checkpoint(tmp_path)


def test_tensor_of_another_shape_is_named_with_both(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """The message gives the shape found and the shape config.json asks for."""
    save_checkpoint(tmp_path, model, tokenizer)
    change_config(tmp_path, n_positions=32)
    with pytest.raises(
        InputError, match=r"'wpe\.weight' has shape \(24, 32\), the model asks for \(32, 32\)"
    ):
        load_checkpoint(tmp_path)


def test_unknown_tensor_is_refused(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """A checkpoint with more layers than config.json says is not silently cut."""
    save_checkpoint(tmp_path, model, tokenizer)
    change_config(tmp_path, n_layer=1)
    with pytest.raises(InputError, match=r"tensor 'h\.1\.[a-z_0-9.]+' is not one of this model's"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("activation_function", "relu"), ("tie_word_embeddings", False), ("model_type", "gptj"), ("n_inner", 7)],
)
def test_other_architecture_is_refused(
    tmp_path: Path, model: GPT, tokenizer: Tokenizer, key: str, value: object
) -> None:
    """A network that differs from ours where no tensor shape shows it is not loaded as if it were ours."""
    save_checkpoint(tmp_path, model, tokenizer)
    change_config(tmp_path, **{key: value})
    with pytest.raises(InputError, match=f"{key} is {value!r}; codelm's GPT has"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(("key", "value"), [("n_layer", "two"), ("n_embd", None), ("n_head", 5)])
def test_config_that_is_no_shape_is_refused(
    tmp_path: Path, model: GPT, tokenizer: Tokenizer, key: str, value: object
) -> None:
    """A damaged config.json is an input error that names the field."""
    save_checkpoint(tmp_path, model, tokenizer)
    change_config(tmp_path, **{key: value})
    with pytest.raises(InputError, match=rf"config\.json: .*{key}"):
        load_checkpoint(tmp_path)


def test_foreign_tokenizer_is_refused(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """A tokenizer.json copied from elsewhere would turn every id into another text."""
    save_checkpoint(tmp_path, model, tokenizer)
    train_tokenizer(["class A:\n  pass\n"] * 3, vocab_size=290).save(tmp_path / "tokenizer.json")
    with pytest.raises(InputError, match=r"tokenizer\.json: not the tokenizer this model was saved with"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_file_is_named(tmp_path: Path, model: GPT, tokenizer: Tokenizer, name: str) -> None:
    """Each of the three files is needed, by the loader and by the digest."""
    save_checkpoint(tmp_path, model, tokenizer)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=name):
        load_checkpoint(tmp_path)
    with pytest.raises(InputError, match=name):
        checkpoint_digest(tmp_path)


def test_truncated_weights_are_refused(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """A download cut short is an input error."""
    save_checkpoint(tmp_path, model, tokenizer)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors: not a whole safetensors file"):
        load_checkpoint(tmp_path)


def test_unwritable_folder_is_an_output_error(tmp_path: Path, model: GPT, tokenizer: Tokenizer) -> None:
    """A file where the folder should be is said in one line."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        save_checkpoint(tmp_path / "taken", model, tokenizer)


KILLED_WHILE_SAVING = """
import sys
from pathlib import Path
from codelm.model import load_checkpoint, save_checkpoint
old, _ = load_checkpoint(sys.argv[1])
new, tokenizer = load_checkpoint(sys.argv[2])
print("ready", flush=True)
while True:
    save_checkpoint(sys.argv[3], old, tokenizer)
    save_checkpoint(sys.argv[3], new, tokenizer)
"""


def test_process_killed_while_saving_leaves_one_of_the_two(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """After kill -9 at any moment the folder holds the old or the new checkpoint, whole."""
    folders = [tmp_path / "old", tmp_path / "new", tmp_path / "saved"]
    save_checkpoint(folders[0], small_model(tokenizer, seed=1), tokenizer)
    save_checkpoint(folders[1], small_model(tokenizer, seed=2), tokenizer)
    save_checkpoint(folders[2], small_model(tokenizer, seed=1), tokenizer)
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.send_signal(signal.SIGKILL)
    load_checkpoint(folders[2])
    digests = [checkpoint_digest(folder) for folder in folders]
    assert digests[2] in digests[:2]


def test_save_over_another_shape_interrupted_leaves_no_mixture(
    tmp_path: Path, model: GPT, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New settings never stand beside old weights: the old weights go first."""
    save_checkpoint(tmp_path, model, tokenizer)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("codelm.model.checkpoint.write_tensors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, small_model(tokenizer, n_layer=3), tokenizer)
    with pytest.raises(InputError, match=r"model\.safetensors: cannot be read"):
        load_checkpoint(tmp_path)
