"""Intervals for a mean of values in [0, 1], such as per-problem pass rates."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple


class Estimate(NamedTuple):
    """A value in [0, 1] and its interval. All three NaN when there is nothing to estimate from."""

    value: float
    low: float
    high: float


UNDEFINED = Estimate(math.nan, math.nan, math.nan)


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Mean of values in [0, 1] with an interval for the mean of the population they were drawn from.

    Wilson's score interval at an effective sample size: as many yes/no trials as would have the variance
    that the values show (the design-effect argument of survey statistics). For yes/no values it is exactly
    Wilson's interval. It is skewed where the mean is near 0 or 1, and never of zero width. In simulation it
    holds the mean about as often as it says from two values on; less often where a few rare values far from
    the others carry the mean and none was drawn. Any NaN makes all three numbers NaN.
    Raises: ValueError for values outside [0, 1] or a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")
    if not values or any(math.isnan(value) for value in values):
        return UNDEFINED
    if not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"values must be in [0, 1], got {min(values)} to {max(values)}")
    mean = math.fsum(values) / len(values)
    return _wilson(mean, _effective_trials(values, mean), NormalDist().inv_cdf((1 + level) / 2))


def _effective_trials(values: Sequence[float], mean: float) -> float:
    """How many yes/no trials of this mean have the variance of the mean that the values show.

    Between n, for n values that vary as much as values in [0, 1] can, and n (n + 1), for equal ones. n where
    the mean is 0 or 1.
    """
    n, bernoulli = len(values), mean * (1.0 - mean)
    if bernoulli == 0.0:
        return float(n)
    squares = math.fsum((value - mean) ** 2 for value in values)
    # One yes/no trial beside the values' own squares: a few values that happen to be alike prove little.
    return n * bernoulli * (n + 1) / (squares + bernoulli)


def _wilson(mean: float, n: float, z: float) -> Estimate:
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    # At the ends the bound is the end itself; rounding would leave it a hair away.
    low = 0.0 if mean == 0.0 else max(0.0, centre - half)
    high = 1.0 if mean == 1.0 else min(1.0, centre + half)
    return Estimate(mean, low, high)
