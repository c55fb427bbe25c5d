"""pass@k against the paper's numbers, its stable form, and brute force over every subset."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import (
    biased_pass_at_k,
    mean_pass_at_k,
    mean_pass_at_k_here,
    pass_at_k,
    score_pass_at_k,
)


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [(200, 2, 100, 0.7512562814070352), (5, 1, 5, 1.0), (6, 3, 1, 0.5), (10, 0, 10, 0.0), (10, 10, 1, 1.0)],
)
def test_pass_at_k_worked_examples(n: int, c: int, k: int, expected: float) -> None:
    """Values worked out by hand from eq. 1 of the paper."""
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("n", range(1, 8))
def test_pass_at_k_equals_brute_force(n: int) -> None:
    """The share of k-subsets that hold a correct sample, counted one by one."""
    for c in range(n + 1):
        for k in range(1, n + 1):
            subsets = list(combinations(range(n), k))
            share = sum(min(subset) < c for subset in subsets) / len(subsets)
            assert pass_at_k(n, c, k) == pytest.approx(share, abs=1e-15)


@given(st.integers(1, 2000), st.data())
def test_pass_at_k_equals_the_papers_stable_form(n: int, data: st.DataObject) -> None:
    """The numpy product of the paper's figure 3, wherever both are defined."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    product = 1.0 if n - c < k else 1.0 - float(np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))
    assert pass_at_k(n, c, k) == pytest.approx(product, abs=1e-9)


def test_pass_at_k_is_exact_where_floats_would_overflow() -> None:
    """C(10000, 5000) is past the largest float; the ratio is not."""
    assert pass_at_k(10_000, 1, 5_000) == 0.5


def test_pass_at_k_with_too_few_samples_is_nan() -> None:
    """n < k has no unbiased estimate, and is neither 0 nor 1."""
    assert math.isnan(pass_at_k(5, 5, 10))


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (-1, 0, 1)])
def test_pass_at_k_rejects_impossible_counts(n: int, c: int, k: int) -> None:
    """More passes than samples, or no draw, is a caller's bug."""
    with pytest.raises(ValueError, match=r"pass@k needs"):
        pass_at_k(n, c, k)


def test_mean_pass_at_k_averages_problems_not_samples() -> None:
    """Each problem counts once, however many samples it has."""
    assert mean_pass_at_k([(2, 2), (200, 0)], 1).value == 0.5


def test_mean_pass_at_k_is_undefined_when_one_problem_is_short_of_samples() -> None:
    """One problem with n < k, or no problem at all, makes the mean undefined."""
    assert all(map(math.isnan, mean_pass_at_k([(10, 5), (5, 5)], 10)))
    assert all(map(math.isnan, mean_pass_at_k([], 1)))


@given(
    st.integers(1, 40).flatmap(lambda m: st.integers(0, m).map(lambda c: [(1, 1)] * c + [(1, 0)] * (m - c)))
)
def test_both_intervals_of_single_samples_are_the_same(counts: list[tuple[int, int]]) -> None:
    """With n = 1 nothing tells sampling noise from difficulty."""
    over, here = mean_pass_at_k(counts, 1), mean_pass_at_k_here(counts, 1)
    assert here == (pytest.approx(over.value), pytest.approx(over.low), pytest.approx(over.high))


def test_score_pass_at_k_names_both_intervals() -> None:
    """Over problems is the wide one where problems differ; both are around the value."""
    counts = [(10, 0)] * 30 + [(10, 10)] * 30 + [(10, 5)] * 4
    score = score_pass_at_k(counts, 1)
    assert score.value == mean_pass_at_k(counts, 1).value
    assert score.over_problems == mean_pass_at_k(counts, 1).interval
    assert score.on_these_problems == mean_pass_at_k_here(counts, 1).interval
    assert score.over_problems.low < score.on_these_problems.low < score.value
    assert score.value < score.on_these_problems.high < score.over_problems.high


@pytest.mark.parametrize("counts", [[], [(10, 3), (5, 5)]])
def test_score_pass_at_k_is_undefined_where_it_has_no_estimate(counts: list[tuple[int, int]]) -> None:
    """No problem, or one with n < k."""
    score = score_pass_at_k(counts, 10)
    assert all(map(math.isnan, (score.value, *score.over_problems, *score.on_these_problems)))


@pytest.mark.parametrize("n", range(1, 5))
def test_biased_pass_at_k_equals_drawing_with_replacement(n: int) -> None:
    """The share of k-tuples, repeats allowed, that hold a correct sample."""
    for c in range(n + 1):
        for k in (1, 2, 3, 6):
            tuples = list(product(range(n), repeat=k))
            share = sum(min(drawn) < c for drawn in tuples) / len(tuples)
            assert biased_pass_at_k(n, c, k) == pytest.approx(share, abs=1e-12)


@given(st.integers(1, 60), st.floats(0.001, 0.999), st.data())
def test_biased_pass_at_k_is_too_low_on_average(n: int, p: float, data: st.DataObject) -> None:
    """Over all numbers of passes, by their chances; the unbiased one meets the truth (Appendix A)."""
    k = data.draw(st.integers(1, n))
    chances = [math.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
    biased, unbiased = (
        math.fsum(chance * of(n, c, k) for c, chance in enumerate(chances))
        for of in (biased_pass_at_k, pass_at_k)
    )
    truth = 1 - (1 - p) ** k
    assert unbiased == pytest.approx(truth, abs=1e-9)
    assert biased <= truth + 1e-9
    assert k == 1 or truth > 1 - 1e-9 or biased < truth


def test_biased_pass_at_k_without_samples_is_nan() -> None:
    """Nothing was drawn, nothing is known; impossible counts are a caller's bug here, too."""
    assert math.isnan(biased_pass_at_k(0, 0, 1))
    with pytest.raises(ValueError, match=r"pass@k needs"):
        biased_pass_at_k(3, 4, 1)
