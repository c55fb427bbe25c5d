"""The pass@k table against the paper's worked numbers."""

import math

import pytest

from codelm.experiments import Judged, JudgedSet, pass_table


def judged_set(counts: list[tuple[int, int]], *, temperature: float = 0.2) -> JudgedSet:
    samples = tuple(
        Judged(task_id=f"t/{task}", sample=i, passed=i < c)
        for task, (n, c) in enumerate(counts)
        for i in range(n)
    )
    return JudgedSet(model="m", problem_set="chains", temperature=temperature, samples=samples)


def test_pass_table_reproduces_the_papers_check_value() -> None:
    """200 samples of which 2 pass: pass@100 is 0.75126, where the plug-in estimate says 0.63397."""
    row = pass_table([judged_set([(200, 2)])]).rows[0]
    assert row.pass_at_100.value == pytest.approx(0.75126, abs=5e-6)
    assert row.pass_at_1.value == pytest.approx(0.01)


def test_pass_table_averages_over_problems_not_samples() -> None:
    """A problem with more samples weighs no more than another."""
    row = pass_table([judged_set([(30, 30), (10, 0)])]).rows[0]
    assert row.pass_at_1.value == pytest.approx(0.5)
    assert (row.problems, row.samples) == (2, 40)


def test_pass_table_below_k_samples_is_undefined_and_noted() -> None:
    """Ten samples say nothing about pass@100, and the table says so."""
    table = pass_table([judged_set([(10, 3), (10, 0)])])
    assert math.isnan(table.rows[0].pass_at_100.value)
    assert table.rows[0].pass_at_10.value == pytest.approx(0.5)
    assert table.notes[1:] == ("pass@100 is undefined where a problem has fewer than 100 samples.",)


def test_pass_table_of_no_sample_is_undefined() -> None:
    """A set without samples has no rate, not a rate of 0."""
    row = pass_table([judged_set([])]).rows[0]
    assert math.isnan(row.pass_at_1.value)
    assert row.problems == 0


def test_pass_table_interval_never_has_zero_width() -> None:
    """Nothing passed is no proof that nothing ever would."""
    row = pass_table([judged_set([(10, 0)] * 13)]).rows[0]
    assert row.pass_at_1.value == 0.0
    assert row.pass_at_1.low == pytest.approx(0.0, abs=1e-12)
    assert row.pass_at_1.high > 0.1
