"""Sampling noise: how far another draw of samples, for the same problems, would move mean pass@k.

Each problem has a pass rate p of its own, seen only through c passes of n samples. Given p, the variance of
pass@k's estimate has a closed form; p itself is averaged out over a distribution of rates that is fitted to
all problems together (empirical Bayes). Two fits are made, since each is too sure of itself somewhere: the
likeliest Beta shape is blind to a second kind of problem, and a free shape takes a problem that failed ten
times for one that always fails. The noisier one counts.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]  # a vector for each problem, or for each shape

# The Beta shapes tried: both parameters from nearly all-or-nothing problems to nearly equal ones.
_SHAPES = np.geomspace(0.02, 50.0, 18)
# Steps of the free fit. It starts flat, holds one pseudo-problem of any rate, and is stopped before it has
# gathered everything into a few points, as the likeliest one does.
_STEPS = 60


class _Rates(NamedTuple):
    """A grid of pass rates, evenly spaced in log-odds; p and 1 - p are both exact near 0."""

    p: Vector
    fail: Vector  # 1 - p
    shapes: Matrix  # weights of the rates, a row for each Beta shape


class _Problems(NamedTuple):
    """Problems with equal counts, as one row each."""

    times: Vector  # how many problems have this row's counts
    likelihood: Matrix  # row by rate, each row's largest is 1
    fail: Vector  # pass@k's complement at each rate, (1 - p)^k
    variance: Matrix  # of pass@k's estimate at that rate


def effective_trials(counts: Sequence[tuple[int, int]], k: int) -> float:
    """How many independent yes/no trials are as noisy as mean pass@k over exactly these problems.

    counts: (n, c) of each problem, with n >= k. It is positive and finite, at 0 and at 1 too. Where fewer
    than half of the problems have two samples, noise cannot be told from difficulty; the noisiest possibility
    is then taken, that all problems are alike.
    """
    if 2 * sum(n > 1 for n, _ in counts) < len(counts):
        return float(len(counts))
    # Steps finer than what n samples can tell apart.
    rates = _grid(min(0.25, max(0.02, 2.0 / math.sqrt(max(n for n, _ in counts)))))
    problems = _gather(counts, k, rates)
    fits = _beta_fit(problems, rates), _free_fit(problems, rates)
    trials = (_trials(weights, problems) for weights in fits)
    # Without the last bound rounding would make certainty of pass@100 where everything passes.
    return min(*trials, float(sum(n for n, _ in counts)) ** 2)


def estimate_variance(n: int, k: int, fail: Vector) -> Vector:
    """Variance of one problem's pass@k estimate, by the chance in (0, 1) that a sample fails.

    The estimate is 1 less the share of k-subsets without a pass. Two subsets that share j samples fail
    together with chance fail^(2k - j), and how often two share j is hypergeometric; a sum of positive terms.
    """
    return _overlaps(n, k) @ _excess(k, fail)


def _overlaps(n: int, k: int) -> Vector:
    """Chance that two k-subsets of n share j samples, for j from 1 to k."""
    total = _log_choose(n, k)
    return np.array(
        [
            math.exp(_log_choose(k, j) + _log_choose(n - k, k - j) - total) if k - j <= n - k else 0.0
            for j in range(1, k + 1)
        ]
    )


def _excess(k: int, fail: Vector) -> Matrix:
    """fail^(2k - j) - fail^(2k), a row for each j from 1 to k."""
    shared = np.arange(1, k + 1)[:, None]
    return np.exp((2 * k - shared) * np.log(fail)) * -np.expm1(shared * np.log(fail))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@lru_cache(maxsize=4)
def _grid(step: float) -> _Rates:
    log_odds = np.arange(-14.0, 14.0, step)  # the ends are as good as 0 and 1
    p, fail = 1.0 / (1.0 + np.exp(-log_odds)), 1.0 / (1.0 + np.exp(log_odds))
    shapes = [_normal(np.exp(a * np.log(p) + b * np.log(fail))) for a in _SHAPES for b in _SHAPES]
    return _Rates(p, fail, np.array(shapes))


def _gather(counts: Sequence[tuple[int, int]], k: int, rates: _Rates) -> _Problems:
    found = Counter(counts)
    overlaps = {n: _overlaps(n, k) for n, _ in found}
    log_likelihood = np.array([c * np.log(rates.p) + (n - c) * np.log(rates.fail) for n, c in found])
    return _Problems(
        times=np.array(list(found.values()), dtype=float),
        likelihood=np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)),
        fail=rates.fail**k,
        variance=np.array([overlaps[n] for n, _ in found]) @ _excess(k, rates.fail),
    )


def _beta_fit(problems: _Problems, rates: _Rates) -> Vector:
    """The likeliest of the Beta shapes, as weights of the rates."""
    fits = np.log(_chances(rates.shapes, problems)) @ problems.times
    likeliest: Vector = rates.shapes[int(fits.argmax())]
    return likeliest


def _free_fit(problems: _Problems, rates: _Rates) -> Vector:
    """Weights that no family binds: expectation-maximisation (Laird 1978), smoothed and cut short."""
    flat = _normal(rates.p * rates.fail)  # even in p, on a grid that is even in log-odds
    weights = flat
    for _ in range(_STEPS):
        gathered = (problems.times / _chances(weights, problems)) @ problems.likelihood
        weights = _normal(weights * gathered + flat)
    return weights


def _trials(weights: Vector, problems: _Problems) -> float:
    """Yes/no trials whose mean has the expected share of failures and the estimate's expected variance."""
    posterior = weights * problems.likelihood / _chances(weights, problems)[:, None]
    n_problems = float(problems.times.sum())
    fail = float(problems.times @ posterior @ problems.fail) / n_problems
    variance = float(problems.times @ (posterior * problems.variance).sum(axis=1)) / n_problems
    return n_problems * fail * (1.0 - fail) / variance if variance > 0.0 else math.inf


def _chances(weights: Matrix, problems: _Problems) -> Matrix:
    """How likely each row's counts are, a problem's rate having this distribution, or each of several."""
    chances: Matrix = weights @ problems.likelihood.T
    return np.maximum(chances, 1e-300)


def _normal(weights: Vector) -> Vector:
    shares: Vector = weights / weights.sum()
    return shares
