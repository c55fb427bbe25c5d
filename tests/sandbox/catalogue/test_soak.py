"""A small soak: programs in random order, and workers killed at random."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import probe

SOAK = Path(__file__).parents[3] / "benchmarks" / "soak_sandbox.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("--programs", "200"), ("--programs", "60", "--kills")], ids=["quiet", "kills"]
)
def test_soak_leaves_nothing_and_every_program_ends_as_it_must(words) -> None:
    """Two workers in tier full; the benchmark does the same with more. Tier process holds no such crowd."""
    if reason := probe("full"):
        absent(f"tier full: {reason}")
    command = [sys.executable, str(SOAK), "--isolation", "full", *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
