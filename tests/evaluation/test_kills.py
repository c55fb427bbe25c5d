"""kill -9, twenty times in one evaluation: the rows are those of a run that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codelm.problems import Problem, ProblemSet, write_problems

PROGRAMS = 600
SET = ProblemSet.of(
    "toy",
    [
        Problem(
            task_id="t/0",
            prompt="def f(x):\n",
            entry_point="f",
            test="def check(candidate):\n    assert candidate(2) == 4\n",
            canonical_solution="    return 2 * x\n",
        )
    ],
)

# Kills itself in the middle of writing that line of the journal, or row of the results.
RUN = """
import os, signal, sys
from codelm import journal
from codelm.evaluation import _evaluate, evaluate_samples
from codelm.problems import read_problems

samples, problems, place, count = *sys.argv[1:4], int(sys.argv[4])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if place == "journal":
    class Dying:
        left = count
        def __getattr__(self, name):
            return getattr(os, name)
        def write(self, fd, data):
            Dying.left -= 1
            if Dying.left == 0:
                os.write(fd, data[: len(data) // 2])
                die()
            return os.write(fd, data)
    journal.os = Dying()
elif place == "merge":
    def rows_then_death(rows):
        for number, row in enumerate(rows):
            if number == count:
                die()
            yield row
    write = _evaluate.write_jsonl
    _evaluate.write_jsonl = lambda path, rows: write(path, rows_then_death(rows))
evaluate_samples(samples, read_problems(problems), workers=2, cache=False)
"""


@pytest.mark.slow
def test_rows_after_twenty_kills_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    """Fifteen at random moments, three in the middle of a journal's line, two in the middle of the merge."""
    write_problems(tmp_path / "toy.jsonl", SET)
    rows = [
        {"task_id": "t/0", "completion": f"    import time; time.sleep(0.02)\n    return {i % 3 + 2}  # {i}"}
        for i in range(PROGRAMS)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "killed.jsonl").write_text(text)
    (tmp_path / "quiet.jsonl").write_text(text)
    # What time is left to a run is drawn, so kills also fall before its start-up is over.
    moments = random.Random(4)
    for kill in range(18):
        if kill % 6 == 5:
            _run(tmp_path, "killed", "journal", str(moments.randint(2, 30)), dies=True)
        else:
            process = subprocess.Popen(_command(tmp_path, "killed"), stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.3, 1.2))
            process.kill()
            assert process.wait() == -signal.SIGKILL, "it had ended: more programs are needed"
    for number in (0, PROGRAMS - 1):
        _run(tmp_path, "killed", "merge", str(number), dies=True)
        assert not (tmp_path / "killed.jsonl_results.jsonl").exists()
    _run(tmp_path, "killed")
    _run(tmp_path, "quiet")
    assert _rows(tmp_path, "killed") == _rows(tmp_path, "quiet")
    left = {name for name in os.listdir(tmp_path) if name.startswith("killed")}
    assert left == {"killed.jsonl", "killed.jsonl_results.jsonl", "killed.jsonl_results.meta.json"}


def _command(folder: Path, name: str, place: str = "nowhere", count: str = "0") -> list[str]:
    return [sys.executable, "-c", RUN, str(folder / f"{name}.jsonl"), str(folder / "toy.jsonl"), place, count]


def _run(folder: Path, name: str, *where: str, dies: bool = False) -> None:
    ended = subprocess.run(_command(folder, name, *where), capture_output=True, text=True, check=False)
    assert ended.returncode == (-signal.SIGKILL if dies else 0), ended.stderr


def _rows(folder: Path, name: str) -> list[dict]:
    measured = ("cpu_s", "wall_s", "peak_memory_bytes", "flags")
    rows = map(json.loads, (folder / f"{name}.jsonl_results.jsonl").read_text().splitlines())
    return [{key: value for key, value in row.items() if key not in measured} for row in rows]
