"""pass@k against the paper's numbers, its stable form, and brute force over every subset."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import mean_pass_at_k, pass_at_k


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
