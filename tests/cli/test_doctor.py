"""`codelm doctor` tells what this machine can give."""

from typer.testing import CliRunner

from codelm.cli import app
from codelm.errors import MissingError


def test_doctor_lists_the_tiers_and_their_layers() -> None:
    """Tier process is had wherever the suite runs; auto is full or refused, never less."""
    ended = CliRunner().invoke(app, ["doctor"])
    assert "process: yes" in ended.stdout
    assert ("auto: full" in ended.stdout) == (ended.exit_code == 0)


def test_doctor_says_which_wall_is_missing(monkeypatch) -> None:
    """A filter that the kernel does not take: tier full is refused, and nothing else is tried."""
    monkeypatch.setattr("codelm.sandbox._seccomp.filter_bytes", lambda: b"\xff" * 8)
    ended = CliRunner().invoke(app, ["doctor"])
    assert "full: no: " in ended.stdout
    assert "seccomp" in ended.stdout
    assert "auto: refused" in ended.stdout
    assert isinstance(ended.exception, MissingError)
