"""Looking at one sample: which one, and all that its program says."""

import json
from pathlib import Path

import pytest

from codelm.errors import UsageError
from codelm.evaluation import Verdict, show_sample
from codelm.problems import Problem, ProblemSet

SET = ProblemSet.of(
    "toy",
    [
        Problem(
            task_id="t/0:a",
            prompt="def f(x):\n",
            entry_point="f",
            test="def check(candidate):\n    print('checking')\n    assert candidate(2) == 4, 'no'\n",
        )
    ],
)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Three samples of one task."""
    path = tmp_path / "samples.jsonl"
    completions = ["    return 2 * x", "    return x", "    return 'x' +"]
    rows = [json.dumps({"task_id": "t/0:a", "completion": c}) for c in completions]
    path.write_text("\n\n".join(rows) + "\n")
    return path


def test_sample_is_shown_with_output_and_traceback(samples: Path) -> None:
    """The failing line of the tests and the call that led there; nothing of ours."""
    shown = show_sample(samples, SET, "t/0:a:1", workers=1)
    assert (shown.line, shown.judgement.verdict) == (3, Verdict.WRONG)
    assert shown.outcome.stdout == b"checking\n"
    traceback = shown.outcome.stderr.decode()
    assert traceback.splitlines()[0] == "Traceback (most recent call last):"
    assert "assert candidate(2) == 4, 'no'" in traceback
    assert "exec(code" not in traceback
    assert shown.program.startswith("def f(x):\n    return x\n")


def test_passing_sample_and_one_that_does_not_compile_are_shown(samples: Path) -> None:
    """No traceback for the one, the syntax error with its line for the other."""
    shown = show_sample(samples, SET, "t/0:a", workers=1)
    assert (shown.judgement.verdict, shown.outcome.stderr) == (Verdict.PASSED, b"")
    shown = show_sample(samples, SET, "t/0:a:2", workers=1)
    assert shown.judgement.verdict is Verdict.SYNTAX_ERROR
    assert b"SyntaxError" in shown.outcome.stderr


@pytest.mark.parametrize(
    ("which", "message"),
    [("t/1", "no task 't/1'; write TASK"), ("t/0:a:3", "holds 3 samples of t/0:a, numbered from 0; found 3")],
)
def test_sample_that_is_not_there_is_refused(samples: Path, which: str, message: str) -> None:
    """What was found, and what is allowed."""
    with pytest.raises(UsageError, match=message):
        show_sample(samples, SET, which, workers=1)
