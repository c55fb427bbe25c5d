"""HumanEval+ and MBPP+: what a candidate is called with, and what counts as equal."""

import json
from pathlib import Path
from typing import Any

import pytest

from codelm.problems import Problem, load_problems
from codelm.problems.readers._evalplus_check import check_as_evalplus


@pytest.fixture(autouse=True)
def _data(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODELM_DATA", str(data_dir))


def _problem(name: str, task_id: str) -> Problem:
    return load_problems(name).problems[task_id]


def test_evalplus_problem_has_a_base_and_a_plus_test() -> None:
    """And keeps its contract and tolerance, which judge nothing by themselves."""
    problem = _problem("humaneval+", "HumanEval/32")
    assert problem.groups == ("base", "plus")
    assert (problem.kind, problem.metadata["atol"]) == ("function", 0.0001)
    assert "assert isinstance(xs, list)" in problem.metadata["contract"]


def test_evalplus_rows_that_need_more_have_limits_of_their_own() -> None:
    """Measured: 37.9 s and 2.2 GB are the most."""
    large = _problem("mbpp+", "Mbpp/255")
    assert (large.time_limit_s, large.memory_limit_bytes) == (30.0, 4 << 30)
    assert _problem("mbpp+", "Mbpp/599").time_limit_s == 120.0
    assert _problem("mbpp+", "Mbpp/2").time_limit_s is None


@pytest.mark.parametrize(
    ("task_id", "first"),
    [
        ("Mbpp/2", "[(3, 4, 5, 6), (5, 7, 4, 10)]"),
        ("Mbpp/63", "[[(3, 5), (1, 7), (10, 3), (1, 2)]]"),
        ("Mbpp/75", "[[(6, 24, 12), (7, 9, 6), (12, 18, 21)], 6]"),
        ("Mbpp/106", "[[5, 6, 7], (9, 10)]"),
        ("Mbpp/124", "[0.0, 1j]"),
        ("Mbpp/250", "[(10, 8, 5, 2, 10, 15, 10, 8, 5, 8, 8, 2), 4]"),
        ("Mbpp/252", "[(1+0j)]"),
        ("Mbpp/259", "[((1, 3), (4, 5), (2, 9), (1, 10)), ((6, 7), (3, 9), (1, 1), (7, 3))]"),
        ("Mbpp/278", "[(1, 5, 7, (4, 6), 10)]"),
        ("Mbpp/580", "((4, 5, (7, 6, (2, 4)), 6, 8),)"),
        ("Mbpp/722", "[{'Cierra Vega': (6.2, 70)"),
        ("Mbpp/3", "[1]"),
    ],
)
def test_mbpp_plus_arguments_have_the_types_that_json_lost(task_id: str, first: str) -> None:
    """What a candidate is called with, first of all: tuples, sets and complex numbers."""
    problem = _problem("mbpp+", task_id)
    seen: list[Any] = []

    def candidate(*arguments: Any) -> Any:
        seen.append(arguments)
        raise LookupError

    with pytest.raises(LookupError):
        exec(problem.tests[0].check or "", {problem.entry_point: candidate})
    assert repr(seen[0]).startswith(_as_tuple(first))


def _as_tuple(text: str) -> str:
    """A row as a candidate's arguments are shown: `[1, 2` as `(1, 2`."""
    return "(" + text[1:-1] if text.startswith("[") and text.endswith("]") else "(" + text[1:]


HALF = "def f(x):\n    return x / 2\n"
TWO_KINDS = "def f(x):\n    return x / 2 if x < 2 else x\n"
SAME = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    ("reference", "candidate", "inputs", "oracle", "atol", "passes"),
    [
        (SAME, float, [3], "", 0, True),  # 3 == 3.0
        (SAME, lambda x: x + 1e-7, [3], "", 0, False),  # no tolerance for whole numbers
        (HALF, lambda x: x / 2 + 9e-7, [3], "", 0, True),
        (HALF, lambda x: x / 2 + 2e-6, [3], "", 0, False),
        (HALF, lambda x: x / 2 + 5e-5, [3], "", 1e-4, True),
        (HALF, lambda x: x // 2, [3], "", 10, False),  # another type
        (TWO_KINDS, lambda x: x / 2 if x < 2 else x + 9e-7, [3], "", 0, False),
        (TWO_KINDS, lambda x: x / 2 if x < 2 else True, [0, 3], "", 0, False),
        (SAME, lambda x: [1.0, 2.0 + 1e-9], [[1.0, 2.0]], "", 0, True),
        (SAME, lambda x: (1.0, 2.0 + 1e-9), [[1.0, 2.0]], "", 0, False),
        (SAME, lambda x: [1.0], [[1.0, 1.0]], "", 0, False),
        (SAME, lambda x: [2, 1, 1], [[1, 2]], "same elements", 0, True),
        (SAME, lambda x: [2], [[1, 2]], "same elements", 0, False),
        (SAME, lambda x: "match", [True], "something or nothing", 0, True),
        (SAME, lambda x: None, [True], "something or nothing", 0, False),
        (SAME, lambda x: False, [False], "something or nothing", 0, False),
        (SAME, lambda x: None, [3], "anything", 0, True),
        (SAME, lambda x: 0, [3], "or zero", 0, True),
        (SAME, lambda x: 1, [3], "or zero", 0, False),
        (SAME, lambda x: -0.5, [[1, 2]], "root", 1e-4, True),
        (SAME, lambda x: -0.49, [[1, 2]], "root", 1e-4, False),
        ("def f(x):\n    x.append(0)\n    return len(x)\n", len, [[1]], "", 0, False),  # each its own copy
    ],
)
def test_evalplus_takes_for_equal_what_evalplus_does(  # noqa: PLR0917 - a table's columns
    reference: str, candidate: Any, inputs: list[Any], oracle: str, atol: float, passes: bool
) -> None:
    """Tolerance for floats only, types alike, and its special oracles."""
    arguments = {"name": "f", "reference": reference, "inputs": json.dumps([[value] for value in inputs])}
    rules = {"arguments": lambda row: row, "oracle": oracle, "atol": atol}
    try:
        check_as_evalplus(candidate, **arguments, **rules)
    except AssertionError:
        assert not passes
    else:
        assert passes


@pytest.mark.parametrize(
    ("oracle", "given", "answer"),
    [("or by slant height", (3, 4), 35), ("or digit by digit", (9, 123), 1 + 2 + 6)],
)
def test_evalplus_oracles_of_two_arguments_accept_the_other_reading(
    oracle: str, given: tuple[int, int], answer: int
) -> None:
    """A pyramid 4 high over a square of 3 has surface 9 + 6 * 4.272; 009 and 123 differ by 1, 2 and 6."""
    rules = {"arguments": lambda row: row, "oracle": oracle, "atol": 0}
    arguments = {"name": "f", "reference": "def f(a, b): return None", "inputs": json.dumps([given])}
    check_as_evalplus(lambda *_: answer, **arguments, **rules)
    with pytest.raises(AssertionError):
        check_as_evalplus(lambda *_: answer + 1, **arguments, **rules)
