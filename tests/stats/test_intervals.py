"""Intervals over problems: Jeffreys' own numbers, width everywhere, the p-value that goes with them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import mean_interval, mean_p_value, to_json
from codelm.stats.intervals import jeffreys_interval


def beta_quantile(a: float, b: float, chance: float) -> float:
    """Of a Beta distribution, by adding up its density on the scale of angles, where it has no poles."""
    edges = np.linspace(0.0, math.pi / 2, 400_001)
    angles = (edges[1:] + edges[:-1]) / 2
    density = np.sin(angles) ** (2 * a - 1) * np.cos(angles) ** (2 * b - 1)
    below = np.cumsum(density) / density.sum()
    return math.sin(float(np.interp(chance, below, edges[1:]))) ** 2


@pytest.mark.parametrize(
    ("passed", "n"), [(0, 164), (1, 164), (82, 164), (163, 164), (164, 164), (1, 10), (6, 13)]
)
def test_mean_interval_of_yes_and_no_is_jeffreys(passed: int, n: int) -> None:
    """Quantiles of Beta(c + 1/2, n - c + 1/2), but for 0 at no pass and 1 at no failure."""
    estimate = mean_interval([1.0] * passed + [0.0] * (n - passed))
    low = beta_quantile(passed + 0.5, n - passed + 0.5, 0.025) if passed else 0.0
    high = beta_quantile(passed + 0.5, n - passed + 0.5, 0.975) if passed < n else 1.0
    assert estimate.value == passed / n
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    trials = jeffreys_interval(passed / n, n)
    assert (trials.low, trials.high) == (pytest.approx(estimate.low), pytest.approx(estimate.high))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0.01, 0.999))
def test_mean_interval_holds_its_value_and_has_width(values: list[float], level: float) -> None:
    """The interval lies in [0, 1], contains the mean, and never claims certainty."""
    estimate = mean_interval(values, level=level)
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
    assert estimate.high - estimate.low > 0.0
    wide = mean_interval(values)
    assert wide.high - wide.low > 1.0 / (len(values) + 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_mean_interval_of_failures_is_that_of_passes_turned_round(values: list[float]) -> None:
    """Counting what failed instead of what passed says the same."""
    passes, failures = mean_interval(values), mean_interval([1.0 - value for value in values])
    assert passes.low == pytest.approx(1.0 - failures.high, abs=1e-8)
    assert passes.high == pytest.approx(1.0 - failures.low, abs=1e-8)


def test_mean_interval_leans_towards_the_rare_values() -> None:
    """A few values far from the others make the interval longer on their side."""
    estimate = mean_interval([0.0] * 55 + [0.9] * 5)
    assert estimate.high - estimate.value > 1.3 * (estimate.value - estimate.low)


def test_mean_interval_is_narrower_for_values_that_vary_less() -> None:
    """Many samples per problem tell more than one: the interval shows it."""
    yes_no = mean_interval([0.0, 1.0] * 20)
    rates = mean_interval([0.45, 0.55] * 20)
    assert rates.high - rates.low < (yes_no.high - yes_no.low) / 3


@pytest.mark.parametrize("n", [1, 13, 60, 164])
def test_mean_interval_ends_exactly_where_the_mean_does(n: int) -> None:
    """All 0 has the lower bound 0, all 1 the upper bound 1, not a rounding error beside them."""
    assert mean_interval([0.0] * n).low == 0.0
    assert mean_interval([1.0] * n).high == 1.0


def test_mean_interval_of_nothing_or_nan_is_undefined() -> None:
    """No value, or an undefined one, gives an undefined interval and p-value."""
    for values in ([], [0.5, math.nan]):
        assert all(map(math.isnan, mean_interval(values)))
        assert math.isnan(mean_p_value(values, 0.5))


@pytest.mark.parametrize(("values", "level"), [([1.5], 0.95), ([0.5], 1.0), ([0.5], 0.0)])
def test_mean_interval_rejects_what_it_cannot_mean(values: list[float], level: float) -> None:
    """Values outside [0, 1] and levels outside (0, 1) are a caller's bug."""
    with pytest.raises(ValueError, match="must be in"):
        mean_interval(values, level=level)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_mean_p_value_is_small_exactly_when_the_interval_leaves_the_mean_out(
    values: list[float], mean: float
) -> None:
    """Test and interval never contradict each other."""
    estimate, p_value = mean_interval(values), mean_p_value(values, mean)
    assert 0.0 <= p_value <= 1.0
    if abs(p_value - 0.05) > 1e-6:
        assert (p_value < 0.05) == (not estimate.low <= mean <= estimate.high)


def test_mean_p_value_of_the_ends_is_zero_or_one() -> None:
    """A mean of 0 cannot be where one value is above it; where all are 0, it fits perfectly."""
    assert mean_p_value([0.0, 0.2], 0.0) == 0.0
    assert mean_p_value([0.0, 0.0], 0.0) == 1.0
    assert mean_p_value([1.0, 1.0], 1.0) == 1.0


def test_to_json_names_fields_and_has_no_nan() -> None:
    """A record is an object by field name; undefined is null."""
    assert to_json(mean_interval([])) == {"value": None, "low": None, "high": None}
    assert to_json(7) == 7
