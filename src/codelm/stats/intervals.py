"""Intervals for a mean of values in [0, 1], such as per-problem pass rates.

`mean_interval` is about the population that the values were drawn from: other problems of the same kind.
How it was chosen, and where it misses its nominal coverage: docs/statistics.md.
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

LEVEL = 0.95


class Interval(NamedTuple):
    """Two bounds. Both NaN when there is nothing to bound."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A value and its interval. All three NaN when there is nothing to estimate from."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        """The two bounds."""
        return Interval(self.low, self.high)


UNDEFINED = Estimate(math.nan, math.nan, math.nan)


def mean_interval(values: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Mean of values in [0, 1] with an interval for the mean of the population they were drawn from.

    A Bayesian bootstrap (Rubin 1981) that knows the ends: beside the values, half an observation of 0 counts
    when the lower bound is sought, half a one of 1 for the upper bound, and half a one of the value furthest
    from it. For yes/no values it is Jeffreys' interval (Brown, Cai, DasGupta 2001), ending at 0 or 1 when all
    agree. It is skewed as the values are, never of zero width, and computed by quadrature, not by drawing.
    Any NaN makes all three numbers NaN.
    Raises: ValueError for values outside [0, 1] or a level outside (0, 1).
    """
    check_level(level)
    if not values or any(math.isnan(value) for value in values):
        return UNDEFINED
    if not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"values must be in [0, 1], got {min(values)} to {max(values)}")
    mean, tail = math.fsum(values) / len(values), (1.0 - level) / 2.0
    low = _lower_bound(values, tail)
    high = 1.0 - _lower_bound([1.0 - value for value in values], tail)
    # A level near 0 asks for less than the distance between the bounds' medians.
    return Estimate(mean, min(low, mean), max(high, mean))


def wilson(mean: float, trials: float, *, level: float = LEVEL) -> Estimate:
    """Wilson's score interval of a share seen in that many independent yes/no trials; trials may be a fraction."""
    z = normal_quantile(level)
    centre = (mean + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(mean * (1 - mean) / trials + z * z / (4 * trials * trials))
    # At the ends the bound is the end itself; rounding would leave it a hair away.
    low = 0.0 if mean == 0.0 else max(0.0, centre - half)
    high = 1.0 if mean == 1.0 else min(1.0, centre + half)
    return Estimate(mean, low, high)


def normal_quantile(level: float) -> float:
    """Half the width, in standard deviations, of the middle of a normal distribution that holds `level` of it."""
    return NormalDist().inv_cdf((1.0 + level) / 2.0)


def check_level(level: float) -> None:
    """Raises: ValueError for a level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")


def _lower_bound(values: Sequence[float], tail: float) -> float:
    from codelm.stats.dirichlet import mean_quantile  # numpy loads with the first interval

    largest = max(values)
    if largest == 0.0:
        return 0.0
    weights = Counter({0.0: 0.5, largest: 0.5})
    weights.update(values)
    return mean_quantile(weights, tail)
