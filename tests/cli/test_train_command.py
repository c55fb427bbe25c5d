"""`codelm train`: from shards on disk to a checkpoint, and what it says about wrong input."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from codelm.cli.train import train
from codelm.errors import InputError, UsageError
from codelm.model import load_checkpoint
from codelm.shards import write_shards
from codelm.tokenizer import train_tokenizer

app = typer.Typer()
app.command()(train)
TEXTS = [f"def add_{i}(x):\n    return x + {i}\n" for i in range(40)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `codelm corpus tokenize` leaves it, with the tokenizer beside."""
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = train_tokenizer(TEXTS, vocab_size=320)
    tokenizer.save(folder / "tokenizer.json")
    for name, texts in (("train", TEXTS[:30]), ("validation", TEXTS[30:])):
        write_shards(
            folder / name,
            tokenizer.encode_batch(texts),
            tokenizer_digest=tokenizer.digest,
            vocab_size=tokenizer.vocab_size,
            end_of_text_id=tokenizer.end_of_text_id,
        )
    return folder


def run(data: Path, out: Path, *options: str) -> str:
    required = [str(data), "--tokenizer", str(data / "tokenizer.json"), "--out", str(out), "--steps", "3"]
    small = ["--size", "0.1M", "--length", "16", "--batch-size", "2", "--warmup-steps", "1"]
    result = CliRunner().invoke(app, [*required, *small, *options])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_train_leaves_a_checkpoint_and_says_its_loss(data: Path, tmp_path: Path) -> None:
    """The JSON printed is the last row of the history; the checkpoint loads."""
    printed = json.loads(run(data, tmp_path, "--json"))
    last = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])
    assert printed["steps"] == last["step"] == 3
    assert printed["validation_loss"] == last["validation_loss"]
    assert load_checkpoint(tmp_path)[0].config.n_ctx == 16


def test_train_text_output_is_one_line(data: Path, tmp_path: Path) -> None:
    """A person reads updates, tokens and both losses."""
    line = run(data, tmp_path)
    assert line.startswith(f"{tmp_path}: 3 updates, 96 tokens, loss ")
    assert ", validation loss " in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "9M"), "'9M' is unknown; choose one of"),
        (("--warmup-steps", "4"), r"warmup_steps in \[0, steps\], got 3 and 4"),
        (("--learning-rate", "-1"), "learning_rate, epsilon and max_grad_norm must be positive"),
    ],
)
def test_train_with_a_wrong_option_is_a_usage_error(
    data: Path, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    """Nothing is written before the options are known to be right."""
    with pytest.raises(UsageError, match=message):
        run(data, tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()


def test_train_without_shards_names_the_file(data: Path, tmp_path: Path) -> None:
    """A wrong path is an input error."""
    (tmp_path / "tokenizer.json").write_bytes((data / "tokenizer.json").read_bytes())
    with pytest.raises(InputError, match=r"train/manifest\.json"):
        run(tmp_path, tmp_path / "run")
