"""Looking at one sample: which one, and all that its program says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support import absent

from codelm.errors import MissingError, UsageError
from codelm.evaluation import Verdict, show_sample
from codelm.evaluation._toolchain import TOOLCHAINS
from codelm.problems import Problem, ProblemSet, Test

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


ADD = Problem(
    task_id="s/0",
    kind="stdio",
    prompt="Add.",
    tests=tuple(Test(group="private", stdin=f"{n} 1\n", expected_stdout=f"{n + 1}\n") for n in range(3)),
)
PRINTS = [
    "print(sum(map(int, input().split())))",
    "print(1)",
    "import sys\nprint('at', input(), file=sys.stderr)\n1 / 0",
]


def test_program_that_reads_and_prints_is_shown_with_its_first_wrong_run(tmp_path: Path) -> None:
    """What it read, what it was to print, what it printed; where all go well, the last."""
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps({"task_id": "s/0", "completion": text}) + "\n" for text in PRINTS))
    problems = ProblemSet.of("stdio", [ADD])
    right, wrong, raises = (show_sample(path, problems, f"s/0:{n}", workers=1) for n in range(3))
    assert (right.judgement.verdict, right.stdin, right.expected) == (Verdict.PASSED, "2 1\n", "3\n")
    assert (right.outcome.stdout, right.program) == (b"3\n", PRINTS[0])
    assert (wrong.judgement.verdict, wrong.stdin, wrong.expected) == (Verdict.WRONG, "1 1\n", "2\n")
    assert wrong.outcome.stdout == b"1\n"
    assert (raises.judgement.verdict, raises.outcome.exception) == (Verdict.ERROR, "ZeroDivisionError")
    assert raises.outcome.stderr == b"at 0 1\n"


def test_what_does_not_build_is_shown_with_the_compilers_words(tmp_path: Path) -> None:
    """The program's own text too."""
    try:
        TOOLCHAINS["cpp"].require()
    except MissingError as error:
        absent(str(error))
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"task_id": "s/0", "completion": "int main() {"}))
    shown = show_sample(path, ProblemSet.of("cpp", [replace(ADD, language="cpp")]), "s/0", workers=1)
    assert shown.judgement.verdict is Verdict.SYNTAX_ERROR
    assert b"error" in shown.outcome.stderr
    assert shown.program == "int main() {"
