"""Intervals for a mean of values in [0, 1], such as per-problem pass rates.

`mean_interval` is about the population that the values were drawn from: other problems of the same kind.
How it was chosen, and where it misses its nominal coverage: docs/statistics.md.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
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
    if not _are_defined(values):
        return UNDEFINED
    mean, tail = math.fsum(values) / len(values), (1.0 - level) / 2.0
    low, high = _lower_bound(values, tail), 1.0 - _lower_bound(_mirrored(values), tail)
    # The bounds of a level near 0 may both lie on one side of the mean.
    return Estimate(mean, min(low, mean), max(high, mean))


def mean_p_value(values: Sequence[float], mean: float) -> float:
    """Two-sided p-value of the hypothesis that the population's mean is `mean`; NaN as of `mean_interval`.

    It is below 1 - level exactly when the interval of that level leaves the mean out.
    Raises: ValueError for values outside [0, 1].
    """
    if not _are_defined(values):
        return math.nan
    tails = _chance_below(values, mean), _chance_below(_mirrored(values), 1.0 - mean)
    return min(1.0, 2.0 * min(tails))


def jeffreys_interval(mean: float, trials: float, *, level: float = LEVEL) -> Estimate:
    """The share of passes among independent yes/no trials, with Jeffreys' interval; trials may be a fraction.

    For whole trials it is `mean_interval` of their zeros and ones.
    """
    from codelm.stats.dirichlet import mean_quantile

    tail = (1.0 - level) / 2.0
    weights = {0.0: (1.0 - mean) * trials + 0.5, 1.0: mean * trials + 0.5}
    low = mean_quantile(weights, tail) if mean > 0.0 else 0.0
    high = mean_quantile(weights, 1.0 - tail) if mean < 1.0 else 1.0
    return Estimate(mean, min(low, mean), max(high, mean))


def check_level(level: float) -> None:
    """Raises: ValueError for a level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")


def to_json(record: object) -> object:
    """A record of this room, and those within it, as JSON has it: an object by field name, NaN as null."""
    if isinstance(record, tuple) and hasattr(record, "_asdict"):
        return {name: to_json(value) for name, value in record._asdict().items()}
    return None if isinstance(record, float) and math.isnan(record) else record


def _are_defined(values: Sequence[float]) -> bool:
    """False when there is none or a NaN. Raises: ValueError for values outside [0, 1]."""
    if not values or any(math.isnan(value) for value in values):
        return False
    if not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"values must be in [0, 1], got {min(values)} to {max(values)}")
    return True


def _mirrored(values: Sequence[float]) -> list[float]:
    return [1.0 - value for value in values]


def _lower_bound(values: Sequence[float], tail: float) -> float:
    from codelm.stats.dirichlet import mean_quantile  # numpy loads with the first interval

    return mean_quantile(_weights(values), tail) if max(values) > 0.0 else 0.0


def _chance_below(values: Sequence[float], mean: float) -> float:
    """The tail for which `mean` is the lower bound."""
    from codelm.stats.dirichlet import mean_below

    if mean >= max(values):
        return 1.0
    return mean_below(_weights(values), mean) if mean > 0.0 else 0.0


def _weights(values: Sequence[float]) -> dict[float, float]:
    """Dirichlet parameters of the points that the lower bound rests on."""
    weights = defaultdict(float, {0.0: 0.5})
    weights[max(values)] += 0.5
    for value in values:
        weights[value] += 1.0
    return weights
