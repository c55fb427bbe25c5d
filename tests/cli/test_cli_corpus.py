"""`codelm corpus` and `codelm tokenizer`: from a folder of source to shards, on the command line."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from codelm.cli.corpus import app as corpus_app
from codelm.cli.tokenizer import app as tokenizer_app


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten small packages, and one file to drop."""
    for number in range(10):
        (tmp_path / "root" / f"p{number}").mkdir(parents=True)
        text = f"def f{number}(x):\n        return x + {number}\n" * 20
        (tmp_path / "root" / f"p{number}" / "m.py").write_text(text)
    (tmp_path / "root" / "p0" / "empty.py").touch()
    return tmp_path / "root"


def run(app: typer.Typer, *arguments: object) -> Result:
    """Run a command that must succeed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_source_becomes_shards_in_three_commands(root: Path, tmp_path: Path) -> None:
    """Build, train, tokenize: each says in one glance what it did."""
    corpus, tokenizer = tmp_path / "corpus", tmp_path / "tokenizer.json"
    built = run(corpus_app, "build", corpus, "--root", root, "--validation-share", "0.4").stdout
    assert "11 files found" in built
    assert "empty" in built
    trained = run(tokenizer_app, "train", corpus, "--out", tokenizer, "--vocab-size", "300").stdout
    assert "300 tokens" in trained
    assert "runs of spaces save" in trained
    done = run(corpus_app, "tokenize", corpus, "--tokenizer", tokenizer, "--out", tmp_path / "tokens").stdout
    assert [line.split()[0] for line in done.splitlines()] == ["train", "validation"]
    shown = run(corpus_app, "stats", corpus).stdout
    assert shown.startswith(built.rstrip("\n"))
    assert "not stated" in shown


def test_json_output_is_the_report_of_the_folder(root: Path, tmp_path: Path) -> None:
    """Scripts get what the file holds."""
    corpus = tmp_path / "corpus"
    out = run(corpus_app, "build", corpus, "--root", root, "--validation-share", "0.4", "--json").stdout
    assert json.loads(out) == json.loads((corpus / "report.json").read_text())
    stats = json.loads(run(corpus_app, "stats", corpus, "--json").stdout)
    assert sum(package["documents"] for package in stats["package_counts"]) == 10
    trained = run(tokenizer_app, "train", corpus, "--out", tmp_path / "t.json", "--json").stdout
    assert 0 < json.loads(trained)["share_saved"] < 1


def test_budget_is_given_in_megabytes(root: Path, tmp_path: Path) -> None:
    """A budget of 0.002 MB keeps 2,000 bytes at most, and the rest is said to be unread."""
    arguments = ("--root", root, "--validation-share", 0, "--max-mb", 0.002)
    out = run(corpus_app, "build", tmp_path / "corpus", *arguments).stdout
    assert "not read: the corpus had reached its size" in out
    report = json.loads((tmp_path / "corpus" / "report.json").read_text())
    assert 0 < report["splits"]["train"]["n_bytes"] <= 2000
