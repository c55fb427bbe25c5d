"""`codelm doctor` tells what this machine can give, and attacks it."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from codelm.cli import app, run
from codelm.errors import MissingError
from codelm.sandbox import ISOLATIONS, _tiers
from codelm.sandbox.catalogue import Row

BREAKS = Row(id="X1", title="gets through", programs=("pass",), expected=("raised",))
HOLDS = Row(id="X2", title="a [bold] attack", programs=("1 / 0",), expected=("raised:ZeroDivisionError",))


def test_doctor_lists_the_tiers_and_their_layers() -> None:
    """Tier process is had wherever the suite runs; auto is one that contains programs, or refused."""
    ended = CliRunner().invoke(app, ["doctor"])
    assert "process: yes" in ended.stdout
    assert [f"{tier}: " in ended.stdout for tier in ISOLATIONS] == [True] * len(ISOLATIONS)
    auto = ended.stdout.splitlines()[-1]
    assert auto.startswith("auto: ")
    assert (auto == "auto: refused") == (ended.exit_code != 0)
    assert auto != "auto: process"


def test_windows_is_told_what_to_use_in_one_line(monkeypatch, capsys) -> None:
    """Before anything is imported that it does not have."""
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(SystemExit) as ended:
        run(app)
    assert ended.value.code == MissingError.exit_code
    assert capsys.readouterr().err == "codelm: error: codelm needs Linux; here use WSL2: `wsl --install`\n"


@pytest.fixture
def bare_host(monkeypatch) -> Iterator[None]:
    """A host where neither a filter of system calls nor gVisor can be had."""
    for seen in (_tiers.probe, _tiers._failure):
        seen.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("codelm.sandbox._seccomp.missing", lambda: "no filter")
        patch.setattr("codelm.sandbox._gvisor.missing", lambda python, uid: "no runsc")
        yield
    for seen in (_tiers.probe, _tiers._failure):
        seen.cache_clear()


@pytest.mark.usefixtures("bare_host")
def test_doctor_says_why_there_is_no_tier() -> None:
    """Each one's reason, and `auto` is refused."""
    ended = CliRunner().invoke(app, ["doctor"])
    assert "full: no: " in ended.stdout
    assert "no filter" in ended.stdout
    assert ended.stdout.endswith("auto: refused\n")
    assert isinstance(ended.exception, MissingError)


@pytest.fixture
def attacks(monkeypatch):
    """A catalogue of the rows that are given."""
    from codelm.sandbox.catalogue import _rows, catalogue

    def use(*rows: Row) -> None:
        short = catalogue()._replace(attacks=rows, honest=())
        monkeypatch.setattr("codelm.sandbox.catalogue.catalogue", lambda: short)
        assert _rows.catalogue() is not short

    return use


def test_attack_prints_a_row_for_each_program(attacks) -> None:
    """And ends with 0 where all hold; titles are no markup."""
    attacks(HOLDS)
    ended = CliRunner().invoke(app, ["doctor", "--attack", "--isolation", "process"])
    assert ended.exit_code == 0
    assert "raised:ZeroDivisionError" in ended.stdout
    assert "[bold]" in ended.stdout
    assert "tier process: 1 held" in ended.stdout


def test_attack_that_gets_through_is_named_and_ends_with_1(attacks) -> None:
    """The others run nonetheless."""
    attacks(BREAKS, HOLDS)
    ended = CliRunner().invoke(app, ["doctor", "--attack", "--isolation", "process", "--json"])
    assert ended.exit_code == 1
    assert "tier `process` is broken on this host: X1" in ended.stderr
    rows = json.loads(ended.stdout)["rows"]
    assert [(row["id"], row["verdict"]) for row in rows] == [("X1", "BROKEN"), ("X2", "held")]
