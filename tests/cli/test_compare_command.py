"""`codelm compare`: what it prints, where, and its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codelm.cli.compare import _signed

MAIN = "from codelm.cli import main; main()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A passes nine samples in ten of 60 problems, B five; A has one problem more."""
    for name, passed, problems in (("a", 9, 61), ("b", 5, 60)):
        rows = [{"task_id": f"t/{i}", "passed": j < passed} for i in range(problems) for j in range(10)]
        (tmp_path / f"{name}_results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        header = {"judge": "inline", "dataset": "t", "dataset_digest": "0", "tier": name}
        (tmp_path / f"{name}_results.meta.json").write_text(json.dumps(header))
    return tmp_path


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "compare", *arguments],
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_table_goes_to_stdout_and_warnings_to_stderr(folder: Path) -> None:
    """Both scores, the difference with both intervals, p, wins; undefined k; what differs. In 80 columns."""
    ended = _run(folder, "a_results.jsonl", "b_results.jsonl", "--k", "1,10,100")
    assert ended.returncode == 0, ended.stderr
    rows = {line.split("│")[1].strip(): line for line in ended.stdout.splitlines() if "│" in line}
    assert "0.9000" in rows["A"]
    assert "undefined" in rows["A"]
    assert "+0.4000" in rows["A - B"]
    assert rows["95% over problems"].count(" to +0.") == 2
    assert rows["95% on these problems"].count(" to +0.") == 2
    assert "<0.0001" in rows["p"]
    assert "60 / 0 / 0" in rows["won / lost / tied"]
    assert "A against B, 60 problems" in ended.stdout
    assert "warning: the problems differ: A has 61, B 60; compared on the 60 that both have" in ended.stderr
    assert "warning: judged differently: tier is a for A, b for B" in ended.stderr
    assert "note: pass@100 undefined: t/0 has only 10 samples" in ended.stderr
    assert "…" not in ended.stdout


def test_json_is_one_object_on_stdout(folder: Path) -> None:
    """Numbers for a script, intervals by name; undefined is null."""
    ended = _run(folder, "a_results.jsonl", "b_results.jsonl", "--k", "1,100", "--json")
    found = json.loads(ended.stdout)
    assert found["pass_at_k"]["1"]["difference"] == pytest.approx(0.4)
    assert found["pass_at_k"]["1"]["over_problems"]["low"] > 0.35
    assert (found["pass_at_k"]["1"]["won"], found["pass_at_k"]["1"]["problems"]) == (60, 60)
    assert found["pass_at_k"]["100"]["p_value"] is None
    assert len(found["warnings"]) == 2


def test_a_difference_not_found_says_how_many_problems_would_find_it(folder: Path) -> None:
    """Planning, where p is at least 0.05."""
    for name, passed in (("c", (5, 9)), ("d", (6, 7))):
        rows = [{"task_id": f"t/{i}", "passed": j < passed[i % 2]} for i in range(6) for j in range(10)]
        (folder / f"{name}_results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = _run(folder, "c_results.jsonl", "d_results.jsonl", "--k", "1")
    assert "pass@1: if a difference of +0.0500 is real, it takes about 85 problems" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere.jsonl", "b_results.jsonl"), 3, "nowhere.jsonl: cannot be read"),
        (
            ("a_results.jsonl", "a_results.meta.json"),
            3,
            "a_results.meta.json, line 1: field 'task_id' is missing",
        ),
        (("a_results.jsonl", "other_results.jsonl"), 3, "share no problem"),
        (("a_results.jsonl", "newer_results.jsonl"), 3, "different problems: t 0 against t 1"),
        (("a_results.jsonl", "b_results.jsonl", "--k", "0"), 2, "--k must be whole numbers from 1 on"),
        (("a_results.jsonl",), 2, "missing"),
    ],
)
def test_mistakes_are_a_line_and_a_documented_exit_code(folder: Path, arguments, code, message) -> None:
    """No traceback, nothing on stdout."""
    (folder / "other_results.jsonl").write_text('{"task_id": "u/0", "passed": true}\n')
    (folder / "newer_results.jsonl").write_text('{"task_id": "t/0", "passed": true}\n')
    (folder / "newer_results.meta.json").write_text('{"dataset": "t", "dataset_digest": "1"}')
    ended = _run(folder, *arguments)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert message.lower() in ended.stderr.lower()
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("difference", "shown"),
    [(0.0, "0.0000"), (1e-9, "+0.0001"), (-1e-9, "-0.0001"), (0.25, "+0.2500"), (-1.0, "-1.0000")],
)
def test_signed_never_rounds_to_no_difference(difference: float, shown: str) -> None:
    """A small difference keeps its sign."""
    assert _signed(difference) == shown
