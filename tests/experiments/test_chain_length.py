"""Pass rate by chain length."""

import math

import pytest

from codelm.errors import InputError
from codelm.experiments import Judged, JudgedSet, chain_length_table, falloff_table
from codelm.problems import Problem, chain_problem

HELD_OUT = (4, 9, 12)


def chain_set(passes: dict[tuple[int, ...], tuple[int, int]]) -> tuple[JudgedSet, dict[str, Problem]]:
    """A judged set from (samples, passed) of each chain, and its problems."""
    problems = {blocks: chain_problem(blocks) for blocks in passes}
    samples = tuple(
        Judged(task_id=problems[blocks].task_id, sample=i, passed=i < c)
        for blocks, (n, c) in passes.items()
        for i in range(n)
    )
    judged = JudgedSet(model="m", problem_set="chains", temperature=0.2, samples=samples)
    return judged, {problem.task_id: problem for problem in problems.values()}


def test_chain_length_table_keeps_held_out_blocks_apart() -> None:
    """One held-out block anywhere in a chain moves it to the other curve."""
    judged, problems = chain_set({(1,): (4, 4), (4,): (4, 1), (1, 2): (4, 2), (1, 9): (4, 0), (2, 3): (4, 1)})
    rows = chain_length_table([judged], problems=problems, held_out=HELD_OUT).rows
    assert [(row.chains, row.length, row.problems, row.samples, row.pass_rate.value) for row in rows] == [
        ("trained blocks only", 1, 1, 4, 1.0),
        ("trained blocks only", 2, 2, 8, 0.375),
        ("with a held-out block", 1, 1, 4, 0.25),
        ("with a held-out block", 2, 1, 4, 0.0),
    ]


def test_chain_length_table_says_that_there_are_thirteen_of_length_one() -> None:
    """The interval there has a floor that no further sampling lowers."""
    judged, problems = chain_set({(1,): (4, 4)})
    table = chain_length_table([judged], problems=problems, held_out=HELD_OUT)
    assert any("only 13 chains of length 1" in note for note in table.notes)


def test_chain_length_table_without_length_one_leaves_that_note_out() -> None:
    """A note that concerns no row would only confuse."""
    judged, problems = chain_set({(1, 2): (4, 4)})
    table = chain_length_table([judged], problems=problems, held_out=HELD_OUT)
    assert not any("length 1" in note for note in table.notes)


def test_chain_length_table_of_another_problem_set_is_refused() -> None:
    """A sample of no known chain has no length."""
    judged, _ = chain_set({(1,): (4, 4)})
    with pytest.raises(InputError, match=r"^'chains/1/1' is no chain of these 0 problems"):
        chain_length_table([judged], problems={}, held_out=HELD_OUT)


def test_falloff_of_an_exact_halving_is_two() -> None:
    """Rates 0.8, 0.4, 0.2 fall by a factor of 2 per block, and a later 0 is left out."""
    judged, problems = chain_set({(1,): (10, 8), (1, 2): (10, 4), (1, 2, 3): (10, 2), (1, 2, 3, 5): (10, 0)})
    table = chain_length_table([judged], problems=problems, held_out=HELD_OUT)
    (row,) = falloff_table(table).rows
    assert row.factor == pytest.approx(2.0)
    assert row.lengths == 3


def test_falloff_from_one_length_is_undefined() -> None:
    """No line goes through one point alone."""
    judged, problems = chain_set({(1,): (10, 8), (1, 2): (10, 0)})
    (row,) = falloff_table(chain_length_table([judged], problems=problems, held_out=HELD_OUT)).rows
    assert math.isnan(row.factor)
