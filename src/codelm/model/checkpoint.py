"""Checkpoints: a folder that transformers, vLLM and we ourselves load as it is.

config.json         Hugging Face's GPT2Config fields, and the digest of the tokenizer
model.safetensors   float tensors under Hugging Face's GPT-2 names, weights stored (in, out)
tokenizer.json      Hugging Face's tokenizer format
"""

from pathlib import Path

import torch
from torch import Tensor

from codelm.errors import InputError, OutputError
from codelm.files import Json, digest_file, digest_json, read_json, write_json
from codelm.model.config import GPTConfig
from codelm.model.gpt import GPT, LAYER_NORM_EPS
from codelm.model.tensor_file import check_tensors, read_tensors, write_tensors
from codelm.tokenizer import Tokenizer

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"

_PREFIX = "transformer."  # GPT2LMHeadModel holds the network under this name

# What our network is, in GPT2Config's words; a checkpoint that says otherwise is another network.
_ARCHITECTURE: Json = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "layer_norm_epsilon": LAYER_NORM_EPS,
    "n_inner": None,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def save_checkpoint(folder: str | Path, model: GPT, tokenizer: Tokenizer) -> None:
    """Write a checkpoint; a process killed meanwhile never leaves a mixture of two.

    Over a checkpoint of the same shape and tokenizer, what remains is the old or the new one. Over another
    one, the old weights go first, so that a folder without weights may remain.
    Raises: OutputError.
    """
    folder = Path(folder)
    config = _config_json(model, tokenizer)
    _remove_weights_of_another(folder, config)
    tokenizer.save(folder / TOKENIZER)
    write_json(folder / CONFIG, config)
    tensors = {_PREFIX + name: value for name, value in model.state_dict().items()}
    write_tensors(folder / WEIGHTS, tensors, metadata={"format": "pt"})


def load_checkpoint(folder: str | Path) -> tuple[GPT, Tokenizer]:
    """Read a checkpoint, ours or a Hugging Face GPT-2, onto the CPU, in evaluation mode.

    Raises: InputError for a missing or damaged file, another architecture, a tensor that is missing or of
    another shape, and a tokenizer that is not the one the model was saved with.
    """
    folder = Path(folder)
    values = read_json(folder / CONFIG)
    config = _parse_config(values, folder / CONFIG)
    tokenizer = Tokenizer.load(folder / TOKENIZER)
    _check_tokenizer(values, tokenizer, folder)
    with torch.device("meta"):
        model = GPT(config, seed=None)
    tensors = _without_extras(read_tensors(folder / WEIGHTS)[0])
    check_tensors(tensors, model.state_dict(), folder / WEIGHTS)
    model.load_state_dict(tensors, assign=True)
    return model.requires_grad_().eval(), tokenizer


def checkpoint_digest(folder: str | Path) -> str:
    """SHA-256 over the three files of a checkpoint, in hex. Raises: InputError when one is missing."""
    return digest_json({name: digest_file(Path(folder) / name) for name in (CONFIG, WEIGHTS, TOKENIZER)})


def _remove_weights_of_another(folder: Path, config: Json) -> None:
    if not (folder / WEIGHTS).exists():
        return
    try:
        if read_json(folder / CONFIG) == config:
            return
    except InputError:  # damaged or missing: not ours, whatever it was
        pass
    try:
        (folder / WEIGHTS).unlink()
    except OSError as error:
        raise OutputError(f"{folder / WEIGHTS}: cannot be replaced ({error.strerror})") from error


def _config_json(model: GPT, tokenizer: Tokenizer) -> Json:
    config = model.config
    return _ARCHITECTURE | {
        "architectures": ["GPT2LMHeadModel"],
        "n_layer": config.n_layer,
        "n_embd": config.n_embd,
        "n_head": config.n_head,
        "vocab_size": config.vocab_size,
        "n_positions": config.n_ctx,
        "bos_token_id": tokenizer.end_of_text_id,
        "eos_token_id": tokenizer.end_of_text_id,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "dtype": str(model.wte.weight.dtype).removeprefix("torch."),
        "tokenizer_digest": tokenizer.digest,
    }


def _parse_config(values: Json, where: Path) -> GPTConfig:
    for key, wanted in _ARCHITECTURE.items():
        if values.get(key, wanted) != wanted:
            raise InputError(f"{where}: {key} is {values[key]!r}; codelm's GPT has {wanted!r} only")
    keys = ("n_layer", "n_embd", "n_head", "vocab_size", "n_positions")
    for key in keys:
        if not isinstance(values.get(key), int):
            raise InputError(f"{where}: {key} must be a whole number, found {values.get(key)!r}")
    n_layer, n_embd, n_head, vocab_size, n_ctx = (values[key] for key in keys)
    try:
        return GPTConfig(n_layer=n_layer, n_embd=n_embd, n_head=n_head, vocab_size=vocab_size, n_ctx=n_ctx)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _check_tokenizer(values: Json, tokenizer: Tokenizer, folder: Path) -> None:
    """A Hugging Face checkpoint names no digest; its tokenizer must at least fit into the vocabulary."""
    if values.get("tokenizer_digest", tokenizer.digest) != tokenizer.digest:
        raise InputError(
            f"{folder / TOKENIZER}: not the tokenizer this model was saved with; copy the right one there"
        )
    if tokenizer.vocab_size > values["vocab_size"]:
        raise InputError(
            f"{folder / TOKENIZER}: {tokenizer.vocab_size} tokens, the model knows {values['vocab_size']}"
        )


def _without_extras(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our names for a Hugging Face state dict: no prefix, no constant masks, no copy of the embedding."""
    named = {name.removeprefix(_PREFIX): value for name, value in tensors.items()}
    masks = (".attn.bias", ".attn.masked_bias")
    return {
        name: value for name, value in named.items() if not name.endswith(masks) and name != "lm_head.weight"
    }
