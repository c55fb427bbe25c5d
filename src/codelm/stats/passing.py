"""pass@k: the chance that at least one of k samples is correct (Codex paper, sec. 2.1)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from codelm.stats.intervals import (
    LEVEL,
    UNDEFINED,
    Estimate,
    Interval,
    check_level,
    jeffreys_interval,
    mean_interval,
)


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased pass@k of one problem: 1 - C(n - c, k) / C(n, k), in exact integers (eq. 1).

    n: samples drawn; c: how many of them passed; k: draws without replacement. NaN when n < k: from fewer
    than k samples there is no unbiased estimate, and neither 0 nor 1 would be honest.
    Raises: ValueError unless 0 <= c <= n and k >= 1.

    >>> pass_at_k(n=200, c=2, k=100)
    0.7512562814070352
    """
    _check(n, c, k)
    if n < k:
        return math.nan
    total = math.comb(n, k)
    # int / int is correctly rounded however large the two are; float(a) / float(b) would overflow.
    return (total - math.comb(n - c, k)) / total


def biased_pass_at_k(n: int, c: int, k: int) -> float:
    """1 - (1 - c/n)^k: pass@k as it is often computed, too low on average (Appendix A). For contrast only.

    It draws the k samples with replacement, and so the same one twice; it rises with n, the model unchanged.
    NaN without a sample. Raises: ValueError unless 0 <= c <= n and k >= 1.

    >>> round(biased_pass_at_k(n=200, c=2, k=100), 4), round(pass_at_k(n=200, c=2, k=100), 4)
    (0.634, 0.7513)
    """
    _check(n, c, k)
    return 1.0 - (1.0 - c / n) ** k if n else math.nan


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int, *, level: float = LEVEL) -> Estimate:
    """Mean pass@k over problems, with an interval *over problems*: of the mean over all problems of the kind.

    counts: (n, c) of each problem. The estimate is taken per problem first, then averaged, as the paper does.
    The interval contains the noise of sampling, which is part of what makes the estimates differ.
    All three numbers are NaN when any problem has n < k, or there is no problem.
    """
    return mean_interval([pass_at_k(n, c, k) for n, c in counts], level=level)


def mean_pass_at_k_here(counts: Sequence[tuple[int, int]], k: int, *, level: float = LEVEL) -> Estimate:
    """Mean pass@k, with an interval *on these problems*: sampling noise alone, as if all were sampled anew.

    Jeffreys' interval of as many yes/no trials as are equally noisy. counts, NaN: as of `mean_pass_at_k`.
    """
    check_level(level)
    values = [pass_at_k(n, c, k) for n, c in counts]
    if not values or any(math.isnan(value) for value in values):
        return UNDEFINED
    from codelm.stats.noise import effective_trials  # numpy loads with the first interval

    return jeffreys_interval(math.fsum(values) / len(values), effective_trials(counts, k), level=level)


class PassAtK(NamedTuple):
    """Mean pass@k and its two intervals. All NaN where it is undefined."""

    value: float
    over_problems: Interval  # of the mean over all problems of the kind; contains the noise of sampling
    on_these_problems: Interval  # of the mean over these problems: the noise of sampling alone


def score_pass_at_k(counts: Sequence[tuple[int, int]], k: int, *, level: float = LEVEL) -> PassAtK:
    """Mean pass@k with both intervals. counts, NaN: as of `mean_pass_at_k`."""
    over, here = (of(counts, k, level=level) for of in (mean_pass_at_k, mean_pass_at_k_here))
    return PassAtK(over.value, over.interval, here.interval)


def _check(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n:
        raise ValueError(f"pass@k needs 0 <= c <= n, got {n=}, {c=}")
    if k < 1:
        raise ValueError(f"pass@k needs k >= 1, got {k=}")
