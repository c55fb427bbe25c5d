"""The fields of a problem: what is written is read back, and what cannot be judged is refused."""

import json
from pathlib import Path

import pytest

from codelm.errors import InputError
from codelm.problems import Problem, read_problems, write_problems

ROW = {"task_id": "t/0", "prompt": "def f():\n", "entry_point": "f", "test": "def check(c): pass"}
STDIO = {
    "task_id": "s/0",
    "prompt": "Add two numbers.",
    "kind": "stdio",
    "language": "cpp",
    "tests": [{"group": "public", "stdin": "1 2\n", "expected_stdout": "3\n"}],
    "comparator": "apps",
    "time_limit_s": 2.5,
    "memory_limit_bytes": 1 << 28,
    "imports": ["#include <iostream>"],
    "source": "made up",
    "license": "MIT",
    "level": 3,
}


def test_problem_with_every_field_round_trips(tmp_path: Path) -> None:
    """Fields that we do not know come back, too."""
    problem = Problem.from_json(STDIO, "here")
    assert problem.to_json() == STDIO
    assert (problem.tests[0].stdin, problem.metadata) == ("1 2\n", {"level": 3})
    (tmp_path / "p.jsonl").write_text(json.dumps(STDIO) + "\n")
    problem_set = read_problems(tmp_path / "p.jsonl")
    write_problems(tmp_path / "q.jsonl", problem_set)
    assert read_problems(tmp_path / "q.jsonl").problems == {"s/0": problem}


def test_groups_come_in_the_order_of_their_first_tests() -> None:
    """Each once."""
    checks = [{"group": group, "check": f"f({n})"} for n, group in enumerate(("base", "plus", "base"))]
    assert Problem.from_json({**ROW, "tests": checks}, "here").groups == ("base", "plus")


def test_null_field_is_an_absent_one() -> None:
    """Parquet has every column in every row."""
    row = {**ROW, "kind": None, "tests": None, "time_limit_s": None, "canonical_solution": None}
    assert Problem.from_json(row, "here") == Problem.from_json(ROW, "here")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**ROW, "kind": "quiz"}, "field 'kind' must be one of function, script, stdio, found 'quiz'"),
        ({**ROW, "comparator": "vague"}, "'comparator' must be one of exact, apps, found 'vague'"),
        ({**ROW, "time_limit_s": 0}, "'time_limit_s' must be a number from 0.01 to 86400, found 0"),
        ({**ROW, "memory_limit_bytes": "1G"}, "'memory_limit_bytes' must be a number from .*, found '1G'"),
        ({**ROW, "language": 3}, "'language' must be a string, found int"),
        ({**ROW, "imports": "import os"}, "'imports' must be a list, found str"),
        ({**ROW, "tests": "assert 1"}, "'tests' must be a list, found str"),
        ({**ROW, "tests": ["assert 1"]}, "a test is an object, found str"),
        (
            {**ROW, "tests": [{"group": "secret", "check": "1"}]},
            "public, private, base, plus, found 'secret'",
        ),
        ({**ROW, "tests": [{"check": "1"}]}, "public, private, base, plus, found ''"),
        ({**ROW, "tests": [{"group": "base"}]}, "either a check or both stdin and expected_stdout"),
        ({**ROW, "tests": [{"group": "base", "check": "1", "stdin": ""}]}, "either a check or both stdin"),
        ({**ROW, "tests": [{"group": "base", "check": 1}]}, "all strings; found 'check'"),
        ({**ROW, "tests": STDIO["tests"]}, "kind 'function' has no test that reads standard input"),
        ({**STDIO, "tests": [{"group": "base", "check": "1"}]}, "'stdio' has no test that checks a function"),
        ({**STDIO, "tests": []}, "a problem of kind 'stdio' needs a test"),
        ({**ROW, "kind": "script", "test": ""}, "a problem of kind 'script' needs a test"),
        (
            {"task_id": "s", "prompt": "", "kind": "stdio"},
            "field 'tests' is missing; a problem needs task_id",
        ),
    ],
)
def test_bad_field_is_named(row: dict[str, object], message: str) -> None:
    """So is a problem whose tests could not tell right from wrong."""
    with pytest.raises(InputError, match=f"^here: .*{message}"):
        Problem.from_json(row, "here")
