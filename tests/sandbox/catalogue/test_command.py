"""`python -m codelm.sandbox.catalogue`: anybody can run it, with the standard library alone."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import absent

import codelm

SYSTEM_PYTHON = "/usr/bin/python3"
ORDINARY_UID = 54321  # nobody's
SOME = (
    "R1a",
    "R6a",
    "R8a",
    "V29a",
    "H1a",
    "H6a",
    "H12a",
    "H16a",
    "H21a",
    "N2a",
    "P3d",
    "K5a",
    "honest-mp-pool",
)


@pytest.fixture(scope="module")
def source() -> Iterator[Path]:
    """The package where everybody can read it, which pytest's own folders are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(codelm.__file__).parent, f"{folder}/codelm", ignore=without)
        yield Path(folder)


def run(source: Path, *words: str, uid: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command in the system's own Python, which has no package of ours; uid: as whom."""
    if not Path(SYSTEM_PYTHON).exists():
        absent(SYSTEM_PYTHON)
    if subprocess.run(
        [SYSTEM_PYTHON, "-c", "import tomllib"], check=False, stderr=subprocess.DEVNULL
    ).returncode:
        absent(f"a {SYSTEM_PYTHON} of 3.11 or later")
    return subprocess.run(
        [SYSTEM_PYTHON, "-S", "-B", "-m", "codelm.sandbox.catalogue", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONPATH": str(source), "PATH": os.defpath},
        **({} if uid is None else {"user": uid, "group": uid, "extra_groups": []}),
    )


def results(ended: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    """What it printed, by the row."""
    return {row["id"]: row for row in map(json.loads, ended.stdout.splitlines())}


def test_command_prints_each_row_and_ends_with_0_where_all_hold(source) -> None:
    """In tier process, which any host has."""
    ended = run(source, "--isolation", "process", "--json", "R5", "V4a", "H12b")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {name: row["verdict"] for name, row in results(ended).items()} == dict.fromkeys(
        ("R5", "V4a", "H12b"), "held"
    )


def test_command_refuses_a_row_that_is_not_there(source) -> None:
    """With the exit code of wrong options."""
    ended = run(source, "R99")
    assert ended.returncode == 2
    assert "no such row: R99" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    "rows", [pytest.param(SOME, id="some"), pytest.param((), id="all", marks=pytest.mark.slow)]
)
def test_catalogue_holds_for_an_ordinary_user(source, rows) -> None:
    """In tier full, where this host lets an ordinary user have it."""
    ended = run(source, "--isolation", "full", "--json", *rows, uid=ORDINARY_UID)
    if ended.returncode == 5:
        absent(f"tier full for an ordinary user: {ended.stderr}")
    broken = [row for row in results(ended).values() if row["verdict"] == "BROKEN"]
    assert (broken, ended.stderr, ended.returncode) == ([], "", 0)
