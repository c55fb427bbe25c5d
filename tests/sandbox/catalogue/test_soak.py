"""A small soak: programs in random order, and workers killed at random."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import probe

SOAK = Path(__file__).parents[3] / "benchmarks" / "soak_sandbox.py"


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["full", "process"])
@pytest.mark.parametrize(
    "words", [("--programs", "200"), ("--programs", "60", "--kills")], ids=["quiet", "kills"]
)
def test_soak_leaves_nothing_and_every_program_ends_as_it_must(tier, words) -> None:
    """Two workers; the benchmark does the same with more."""
    if reason := probe(tier):
        absent(f"tier {tier}: {reason}")
    command = [sys.executable, str(SOAK), "--isolation", tier, *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
