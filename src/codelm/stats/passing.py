"""pass@k: the chance that at least one of k samples is correct (Codex paper, sec. 2.1)."""

import math
from collections.abc import Sequence

from codelm.stats.intervals import Estimate, mean_interval


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased pass@k of one problem: 1 - C(n - c, k) / C(n, k), in exact integers (eq. 1).

    n: samples drawn; c: how many of them passed; k: draws without replacement. NaN when n < k: from fewer
    than k samples there is no unbiased estimate, and neither 0 nor 1 would be honest.
    Raises: ValueError unless 0 <= c <= n and k >= 1.

    >>> pass_at_k(n=200, c=2, k=100)
    0.7512562814070352
    """
    if not 0 <= c <= n:
        raise ValueError(f"pass@k needs 0 <= c <= n, got {n=}, {c=}")
    if k < 1:
        raise ValueError(f"pass@k needs k >= 1, got {k=}")
    if n < k:
        return math.nan
    total = math.comb(n, k)
    # int / int is correctly rounded however large the two are; float(a) / float(b) would overflow.
    return (total - math.comb(n - c, k)) / total


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int) -> Estimate:
    """Mean pass@k over problems, with a 95% interval over problems.

    counts: (n, c) of each problem. The estimate is taken per problem first, then averaged, as the paper does.
    All three numbers are NaN when any problem has n < k, or there is no problem.
    """
    return mean_interval([pass_at_k(n, c, k) for n, c in counts])
