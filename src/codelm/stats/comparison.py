"""Two sets of samples, compared on the problems they share: paired, so that difficulty cancels out."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, variance
from typing import NamedTuple

from codelm.stats.intervals import LEVEL, Interval, check_level, mean_interval, mean_p_value
from codelm.stats.passing import mean_pass_at_k_here, pass_at_k

POWER = 0.8


class Comparison(NamedTuple):
    """Mean pass@k of A and of B over the problems that both have; every difference is A less B.

    Where a problem has n < k in either, or none is shared, it is undefined: numbers NaN, no win, no loss.
    """

    problems: int  # shared
    a: float
    b: float
    difference: float
    over_problems: Interval  # of the difference over all problems of the kind
    on_these_problems: Interval  # of the difference if the same problems were sampled anew
    p_value: float  # two-sided, of no difference over all problems of the kind
    won: int  # problems where A's estimate is higher
    lost: int
    tied: int
    problems_needed: float  # how many like these would show this difference, if it is real, with power 0.8


def compare(
    counts_a: Mapping[str, tuple[int, int]],
    counts_b: Mapping[str, tuple[int, int]],
    k: int,
    *,
    level: float = LEVEL,
) -> Comparison:
    """Compare two sets of samples by mean pass@k. counts: (n, c) of each task.

    The interval over problems is that of `mean_interval`, for the per-problem differences; the p-value is
    below 1 - level exactly when it leaves 0 out. The interval on these problems combines those of A and of B
    (Newcombe 1998, square-and-add). Neither has zero width where all problems are tied.
    """
    check_level(level)
    shared = [task_id for task_id in counts_a if task_id in counts_b]
    of_a, of_b = ([counts[task_id] for task_id in shared] for counts in (counts_a, counts_b))
    if not shared or min(n for n, _ in (*of_a, *of_b)) < k:
        nothing = Interval(math.nan, math.nan)
        return Comparison(
            len(shared), math.nan, math.nan, math.nan, nothing, nothing, math.nan, 0, 0, 0, math.nan
        )
    differences = [pass_at_k(*a, k) - pass_at_k(*b, k) for a, b in zip(of_a, of_b, strict=True)]
    over_problems, p_value = _over_problems(differences, max(k / n for n, _ in (*of_a, *of_b)), level)
    here_a, here_b = (mean_pass_at_k_here(counts, k, level=level) for counts in (of_a, of_b))
    won, lost = (sum(sign * difference > 0 for difference in differences) for sign in (1, -1))
    return Comparison(
        problems=len(shared),
        a=here_a.value,
        b=here_b.value,
        difference=fmean(differences),
        over_problems=over_problems,
        on_these_problems=Interval(
            here_a.value - here_b.value - math.hypot(here_a.value - here_a.low, here_b.high - here_b.value),
            here_a.value - here_b.value + math.hypot(here_a.high - here_a.value, here_b.value - here_b.low),
        ),
        p_value=p_value,
        won=won,
        lost=lost,
        tied=len(shared) - won - lost,
        problems_needed=_problems_needed(differences, level),
    )


def _over_problems(differences: Sequence[float], step: float, level: float) -> tuple[Interval, float]:
    """Interval of the mean difference, and its p-value.

    In place of 0 to 1 stands the largest difference seen, or what one sample can change if that is more, and
    a little further for what was not seen: -1 to 1 is far beyond what two models of equal strength can show.
    """
    reach = min(1.0, (1.0 + 1.0 / len(differences)) * max(step, *map(abs, differences)))
    scaled = [0.5 + difference / reach / 2.0 for difference in differences]
    _, low, high = mean_interval(scaled, level=level)
    return Interval(reach * (2.0 * low - 1.0), reach * (2.0 * high - 1.0)), mean_p_value(scaled, 0.5)


def _problems_needed(differences: Sequence[float], level: float) -> float:
    """Problems at which a test of that level finds a true mean difference of this size with power 0.8."""
    mean = fmean(differences)
    if len(differences) < 2 or mean == 0.0:
        return math.nan
    quantiles = NormalDist().inv_cdf((1.0 + level) / 2.0) + NormalDist().inv_cdf(POWER)
    return math.ceil(quantiles**2 * variance(differences) / mean**2)
