"""`codelm evaluate` and `evaluate_functional_correctness`: what they print, where, and their exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codelm.cli.evaluate import parse_ks, share
from codelm.errors import UsageError

PROBLEM = {
    "task_id": "t/0",
    "prompt": "def twice(x):\n",
    "entry_point": "twice",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
}
SAMPLES = [{"task_id": "t/0", "completion": f"    return {body}"} for body in ("2 * x", "x", "4", "x[0]")]
MAIN = "from codelm.cli import main; main()"
DROP_IN = "from codelm.cli.evaluate_functional_correctness import main; main()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One problem, four samples, two of them right."""
    (tmp_path / "problems.jsonl").write_text(json.dumps(PROBLEM) + "\n")
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAMPLES))
    return tmp_path


def _run(folder: Path, *arguments: str, script: str = MAIN) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CODELM_CACHE": str(folder / "no-cache"), "COLUMNS": "100"}
    environment.pop("CODELM_DATA", None)
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_table_goes_to_stdout_and_messages_to_stderr(folder: Path) -> None:
    """Score with interval, undefined where n < k, verdict counts; the warning where nothing is contained."""
    command = ("evaluate", "samples.jsonl", "--problems", "problems.jsonl", "--k", "1,10")
    ended = _run(folder, *command, "--isolation", "process")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert any("pass@1 " in line and "0.5000" in line and " to " in line for line in lines)
    assert any("pass@10" in line and "undefined" in line for line in lines)
    assert any("passed" in line and "2" in line for line in lines)
    assert lines[-1] == "rows: samples.jsonl_results.jsonl"
    assert "contains nothing" in ended.stderr
    assert "pass@10 undefined: t/0 has only 4 samples" in ended.stderr


def test_json_is_one_object_on_stdout(folder: Path) -> None:
    """Numbers for a script; undefined is null."""
    ended = _run(folder, "evaluate", "samples.jsonl", "--problems", "problems.jsonl", "--json", "--no-cache")
    score = json.loads(ended.stdout)
    assert (score["pass_at_k"]["1"]["value"], score["pass_at_k"]["100"]["value"]) == (0.5, None)
    assert score["verdicts"] == {"passed": 2, "wrong": 1, "error": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere.jsonl", "--problems", "problems.jsonl"), 3, "nowhere.jsonl: cannot be read"),
        (("samples.jsonl", "--problems", "nothing.jsonl"), 3, "nothing.jsonl: cannot be read"),
        (("samples.jsonl", "--problems", "nothing"), 2, "unknown problem set 'nothing'"),
        (("samples.jsonl", "--problems", "starter"), 3, "samples.jsonl, line 1: unknown task_id 't/0'"),
        (("samples.jsonl",), 5, "codelm problems fetch humaneval"),
        (("samples.jsonl", "--k", "0"), 2, "--k must be whole numbers from 1 on"),
        (("samples.jsonl", "--k", "one"), 2, "found 'one'"),
        (("samples.jsonl", "--timeout", "nan"), 2, "0.01 to 86400 seconds, or auto; found 'nan'"),
        (("samples.jsonl", "--timeout", "0"), 2, "--timeout must be"),
        (("samples.jsonl", "--workers", "0"), 2, "--workers"),
        ((), 2, "samples"),
    ],
)
def test_mistakes_are_a_line_and_a_documented_exit_code(folder: Path, arguments, code, message) -> None:
    """No traceback, nothing on stdout, nothing written."""
    ended = _run(folder, "evaluate", *arguments)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert message.lower() in ended.stderr.lower()
    assert "Traceback" not in ended.stderr
    assert sorted(os.listdir(folder)) == ["problems.jsonl", "samples.jsonl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("samples.jsonl", "--problem_file=problems.jsonl", "--k=1"),
        ("samples.jsonl", "1", "2", "3.0", "problems.jsonl"),
        ("samples.jsonl", "--k", "1", "--n_workers", "2", "--timeout=3", "--problem-file", "problems.jsonl"),
        ("--sample_file=samples.jsonl", "-p", "problems.jsonl", "-k", "1,100"),
    ],
)
def test_drop_in_command_takes_human_evals_arguments(folder: Path, arguments) -> None:
    """By place or by name, with _ or -; `--k=1` too, which crashes the original."""
    ended = _run(folder, *arguments, script=DROP_IN)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] in ("{'pass@1': np.float64(0.5)}", "{'pass@1': 0.5}")
    assert sorted(os.listdir(folder)) == ["problems.jsonl", "samples.jsonl", "samples.jsonl_results.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("samples.jsonl", "1", "--k=2"), 2, "k is given twice"),
        ((), 2, "sample_file is missing"),
        (("samples.jsonl", "--k=1.5"), 2, "--k must be whole numbers"),
        (("samples.jsonl", "--n_workers=0"), 2, "--n_workers must be at least 1"),
        (("samples.jsonl", "--timeout=-1"), 2, "--timeout must be"),
        (("samples.jsonl",), 5, "codelm problems fetch humaneval"),
        (("samples.jsonl", "--problem_file=two.jsonl"), 3, "Some problems are not attempted. 1 of 2"),
        (("nowhere.jsonl", "--problem_file=problems.jsonl"), 3, "nowhere.jsonl: cannot be read"),
    ],
)
def test_drop_in_mistakes_are_a_line_and_an_exit_code(folder: Path, arguments, code, message) -> None:
    """Where the original shows a traceback."""
    two = [PROBLEM, {**PROBLEM, "task_id": "t/1"}]
    (folder / "two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in two))
    ended = _run(folder, *arguments, script=DROP_IN)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_scoring_samples_never_imports_torch(folder: Path) -> None:
    """The whole command runs without it."""
    script = MAIN.replace("; main()", "\nimport sys\ntry: main()\nfinally: assert 'torch' not in sys.modules")
    ended = _run(folder, "evaluate", "samples.jsonl", "--problems", "problems.jsonl", script=script)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0000"), (1.0, "1.0000"), (0.99999, "0.9999"), (1e-9, "0.0001"), (0.325, "0.3250")],
)
def test_share_never_rounds_to_none_or_all(value, shown) -> None:
    """99.999% is not 100%."""
    assert share(value) == shown


def test_ks_are_parsed_once_each_in_order() -> None:
    """Spaces are allowed, repeats are not counted twice."""
    assert parse_ks("10, 1,10") == [10, 1]
    for wrong in ("", "1,", "0", "-1", "1.5", "a"):
        with pytest.raises(UsageError, match="--k"):
            parse_ks(wrong)
