"""Intervals: Wilson's own numbers, width everywhere, coverage in simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import mean_interval


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [
        (0, 164, 0.0, 0.022888),
        (164, 164, 0.977112, 1.0),
        (82, 164, 0.424357, 0.575643),
        (1, 10, 0.017876, 0.404150),
    ],
)
def test_mean_interval_of_yes_and_no_is_wilsons(passed: int, n: int, low: float, high: float) -> None:
    """Against Wilson's interval computed from its textbook formula."""
    estimate = mean_interval([1.0] * passed + [0.0] * (n - passed))
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_mean_interval_holds_its_value_and_has_width(values: list[float]) -> None:
    """The interval lies in [0, 1], contains the mean, and never claims certainty."""
    estimate = mean_interval(values)
    assert 0.0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1.0
    assert estimate.high - estimate.low > 1 / (len(values) + 1) ** 2


@pytest.mark.parametrize("values", [[1 / 3] * 25, [0.2] * 3, [0.5, 0.5001], [0.1 + 0.2, 0.3]])
def test_mean_interval_of_values_that_happen_to_agree_stays_wide(values: list[float]) -> None:
    """Neither rounding of the mean nor two values alike make certainty: at most n (n + 1) trials."""
    estimate = mean_interval(values)
    trials, mean = len(values) * (len(values) + 1), estimate.value
    plain_half_width = 1.96 * math.sqrt(mean * (1 - mean) / trials)
    assert estimate.high - estimate.low > plain_half_width


def test_mean_interval_is_narrower_for_values_that_vary_less() -> None:
    """Many samples per problem tell more than one: the interval shows it."""
    yes_no = mean_interval([0.0, 1.0] * 20)
    rates = mean_interval([0.45, 0.55] * 20)
    assert rates.high - rates.low < (yes_no.high - yes_no.low) / 5


@pytest.mark.parametrize(
    ("n", "shape"), [(100, (0.2, 0.8)), (13, (0.5, 3.0)), (5, (0.5, 3.0)), (2, (2.0, 2.0))]
)
def test_mean_interval_covers_the_truth_about_as_often_as_it_says(n: int, shape: tuple[float, float]) -> None:
    """Many or few problems of unequal difficulty, 10 samples each: at least near 95% hold the mean."""
    rng = np.random.default_rng(0)
    truth = shape[0] / sum(shape)
    hits = 0
    for _ in range(600):
        rates = rng.binomial(10, rng.beta(*shape, size=n)) / 10
        estimate = mean_interval(list(rates))
        hits += estimate.low <= truth <= estimate.high
    assert hits / 600 >= 0.92
    assert n < 100 or hits / 600 <= 0.98


@pytest.mark.parametrize("n", [1, 13, 60, 164])
def test_mean_interval_ends_exactly_where_the_mean_does(n: int) -> None:
    """All 0 has the lower bound 0, all 1 the upper bound 1, not a rounding error beside them."""
    assert mean_interval([0.0] * n).low == 0.0
    assert mean_interval([1.0] * n).high == 1.0


def test_mean_interval_of_nothing_or_nan_is_undefined() -> None:
    """No value, or an undefined one, gives an undefined interval."""
    assert all(map(math.isnan, mean_interval([])))
    assert all(map(math.isnan, mean_interval([0.5, math.nan])))


@pytest.mark.parametrize(("values", "level"), [([1.5], 0.95), ([0.5], 1.0), ([0.5], 0.0)])
def test_mean_interval_rejects_what_it_cannot_mean(values: list[float], level: float) -> None:
    """Values outside [0, 1] and levels outside (0, 1) are a caller's bug."""
    with pytest.raises(ValueError, match="must be in"):
        mean_interval(values, level=level)
