"""`codelm sample`: options become a configuration, and the report one line or one object."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from codelm.cli.sample import sample
from codelm.errors import UsageError
from codelm.model import GPT, GPTConfig, save_checkpoint
from codelm.problems import Problem, ProblemSet, read_samples, write_problems
from codelm.tokenizer import train_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint and two problems."""
    tokenizer = train_tokenizer(["def f(x):\n    return x + 1\n"] * 3, vocab_size=300)
    config = GPTConfig(n_layer=1, n_embd=16, n_head=2, vocab_size=tokenizer.vocab_size, n_ctx=64)
    save_checkpoint(tmp_path / "model", GPT(config), tokenizer)
    problems = [Problem(task_id=f"t/{i}", prompt="def f(x):\n", entry_point="f", test="") for i in range(2)]
    write_problems(tmp_path / "two.jsonl", ProblemSet.of("two", problems))
    return tmp_path


def run(folder: Path, *options: str) -> Result:
    app = typer.Typer()
    app.command()(sample)
    arguments = [folder / "model", "--problems", folder / "two.jsonl", "--out", folder / "s.jsonl", *options]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_sample_passes_its_options_on(folder: Path) -> None:
    """Number, temperature, nucleus, seed and limit arrive in the rows."""
    result = run(
        folder, "--n", "3", "--temperature", "0.8", "--top-p", "0.9", "--seed", "7", "--max-new-tokens", "5"
    )
    assert result.exit_code == 0, result.output
    assert "s.jsonl: 6 samples" in result.stdout
    rows = [row.sample for row in read_samples(folder / "s.jsonl")]
    assert [row.sample for row in rows] == [0, 1, 2] * 2
    assert {(row.temperature, row.top_p, row.seed) for row in rows} == {(0.8, 0.9, 7)}
    assert max(row.n_tokens or 0 for row in rows) <= 5


def test_sample_as_json_prints_the_report(folder: Path) -> None:
    """One object on stdout, whose numbers are those of the file."""
    result = run(folder, "--fast", "--max-new-tokens", "4", "--json")
    report = json.loads(result.stdout)
    assert report["path"] == str(folder / "s.jsonl")
    assert report["n_samples"] == sum(report["stop_reasons"].values()) == 2


@pytest.mark.parametrize("options", [("--n", "0"), ("--top-p", "1.5"), ("--batch-size", "65")])
def test_sample_with_a_number_out_of_range_is_a_usage_error(folder: Path, options: tuple[str, str]) -> None:
    """What the configuration refuses is the user's to mend."""
    result = run(folder, *options)
    assert isinstance(result.exception, UsageError)
    assert options[0].strip("-").replace("-", "_") in str(result.exception)
