"""The distribution of a randomly weighted mean, against every closed form that there is."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats.dirichlet import mean_below, mean_quantile


@pytest.mark.parametrize("t", [1e-6, 0.01, 0.3, 0.5, 0.97, 1 - 1e-6])
def test_mean_below_of_two_points_is_beta(t: float) -> None:
    """Arcsine law for halves, powers where one parameter is 1, the cubic of Beta(2, 2)."""
    assert mean_below({0.0: 0.5, 1.0: 0.5}, t) == pytest.approx(
        2 / math.pi * math.asin(math.sqrt(t)), abs=1e-4
    )
    assert mean_below({0.0: 1.0, 1.0: 163.5}, t) == pytest.approx(t**163.5, abs=1e-7)
    assert mean_below({0.0: 163.5, 1.0: 1.0}, t) == pytest.approx(1 - (1 - t) ** 163.5, abs=1e-7)
    assert mean_below({0.0: 2.0, 1.0: 2.0}, t) == pytest.approx(3 * t**2 - 2 * t**3, abs=1e-7)


@given(st.sets(st.integers(0, 1000), min_size=3, max_size=7), st.floats(0.01, 0.99))
def test_mean_below_of_distinct_points_is_a_spline(hundredths: set[int], place: float) -> None:
    """With parameters of 1 the distribution is a sum of truncated powers (Curry and Schoenberg 1966)."""
    points = sorted(x / 1000 for x in hundredths)
    t = points[0] + place * (points[-1] - points[0])
    terms = [
        (t - x) ** (len(points) - 1) / math.prod(y - x for y in points if y != x) for x in points if x < t
    ]
    lost = 1e-13 * max(map(abs, terms))  # large terms of both signs cancel
    assert mean_below(dict.fromkeys(points, 1.0), t) == pytest.approx(math.fsum(terms), abs=2e-6 + lost)


@given(
    st.dictionaries(st.floats(0, 1), st.floats(0.5, 500), min_size=2, max_size=30),
    st.floats(0.001, 0.999),
)
def test_mean_quantile_is_where_mean_below_reaches_the_chance(
    weights: dict[float, float], chance: float
) -> None:
    """One inverts the other, and the quantile lies between the points."""
    low, high = min(weights), max(weights)
    if high - low > 1e-9:
        t = mean_quantile(weights, chance)
        assert low < t < high
        assert mean_below(weights, t) == pytest.approx(chance, abs=1e-6)


def test_mean_below_rises_from_nearly_none_to_nearly_all() -> None:
    """No wiggle of the quadrature shows, also where one rare point far away carries the mean."""
    weights = {0.0: 163.0, 0.001: 5.0, 1.0: 0.5}
    chances = [mean_below(weights, t) for t in np.geomspace(1e-6, 0.99, 200)]
    assert all(a <= b + 1e-9 for a, b in pairwise(chances))
    assert chances[0] < 0.01
    assert chances[-1] > 0.999


@pytest.mark.parametrize("trials", [1e3, 1e6, 1e9, 1e12])
def test_mean_quantile_of_many_trials_is_the_normal_one(trials: float) -> None:
    """Huge parameters lose no digits that matter."""
    t = mean_quantile({0.0: 0.7 * trials, 1.0: 0.3 * trials}, 0.975)
    assert (t - 0.3) / math.sqrt(0.21 / trials) == pytest.approx(1.96, abs=1.0 / math.sqrt(trials) + 1e-4)
