"""Intervals and tests that coverage.py tries beside those of codelm.stats. All at 95%.

Intervals for a mean take sets by problems, values in [0, 1], and return the two bounds of each set.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]

NORMAL = NormalDist()
Z = NORMAL.inv_cdf(0.975)
STUDENT = {13: 2.1788, 60: 2.0010, 164: 1.9746}  # the 97.5% point of Student's t, by number of problems
RESAMPLES = 1000


def plain(values: Array) -> Bounds:
    """Mean and 1.96 standard errors."""
    half = Z * values.std(axis=1, ddof=1) / math.sqrt(values.shape[1])
    return values.mean(axis=1) - half, values.mean(axis=1) + half


def wilson_design_effect(values: Array) -> Bounds:
    """Wilson's interval at an effective sample size: what codelm.stats had before."""
    return _wilson(values.mean(axis=1), _effective(values))


def agresti_design_effect(values: Array) -> Bounds:
    """Agresti and Coull's, two successes and two failures added, at the same effective sample size."""
    trials = _effective(values)
    mean = (values.mean(axis=1) * trials + 2.0) / (trials + 4.0)
    half = Z * np.sqrt(mean * (1.0 - mean) / (trials + 4.0))
    return mean - half, mean + half


def logit_t(values: Array) -> Bounds:
    """Student's t on the logistic scale, half a success and half a failure added to the mean."""
    n = values.shape[1]
    mean = (values.mean(axis=1) * n + 0.5) / (n + 1.0)
    half = STUDENT[n] * values.std(axis=1, ddof=1) / math.sqrt(n) / (mean * (1.0 - mean))
    middle = np.log(mean / (1.0 - mean))
    return 1.0 / (1.0 + np.exp(half - middle)), 1.0 / (1.0 + np.exp(-half - middle))


def percentile_bootstrap(values: Array) -> Bounds:
    """Quantiles of the resampled means."""
    means = values @ _resamples(values.shape[1])
    return np.quantile(means, 0.025, axis=1), np.quantile(means, 0.975, axis=1)


def bca_bootstrap(values: Array) -> Bounds:
    """Efron's, corrected for bias and skew."""
    mean = values.mean(axis=1, keepdims=True)
    means = np.sort(values @ _resamples(values.shape[1]), axis=1)
    tied = np.abs(means - mean) < 1e-12
    share = ((means < mean) & ~tied).mean(axis=1) + tied.mean(axis=1) / 2.0
    bias = np.array([NORMAL.inv_cdf(x) for x in share.clip(1 / RESAMPLES, 1 - 1 / RESAMPLES)])
    away = values - mean
    with np.errstate(invalid="ignore"):
        skew = np.nan_to_num((away**3).sum(axis=1) / (6.0 * (away**2).sum(axis=1) ** 1.5))

    def bound(z: float) -> Array:
        shifted = bias + (bias + z) / (1.0 - skew * (bias + z))
        ranks = [min(RESAMPLES - 1, int(NORMAL.cdf(x) * RESAMPLES)) for x in shifted]
        return means[np.arange(len(means)), ranks]

    return bound(-Z), bound(Z)


def studentized_bootstrap(values: Array) -> Bounds:
    """Quantiles of the resampled t; a resample without spread counts as 50 standard errors."""
    draws = _resamples(values.shape[1])
    mean, means = values.mean(axis=1), values @ draws
    spread = np.sqrt(np.maximum((values**2) @ draws - means**2, 0.0))
    off = means - mean[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(spread > 1e-9, off / spread, 50.0 * np.sign(off))
    scale = values.std(axis=1)
    return mean - np.quantile(t, 0.975, axis=1) * scale, mean - np.quantile(t, 0.025, axis=1) * scale


INTERVALS: dict[str, Callable[[Array], Bounds]] = {
    "mean and 1.96 standard errors": plain,
    "percentile bootstrap": percentile_bootstrap,
    "BCa bootstrap": bca_bootstrap,
    "studentized bootstrap": studentized_bootstrap,
    "logit-t": logit_t,
    "Agresti-Coull, design effect": agresti_design_effect,
    "Wilson, design effect (before)": wilson_design_effect,
}


def sign_flips(differences: Array, *, cells: int = 20_000) -> float:
    """Mid-p-value of the mean difference when every sign is a coin: exact, by convolution, but for rounding.

    differences: one set. They are rounded to a grid on which their absolute sum has about `cells` steps.
    """
    sizes = np.abs(differences[differences != 0.0])
    if not sizes.size:
        return 1.0
    steps = np.rint(sizes * (cells / sizes.sum())).astype(int)
    total = int(steps.sum())
    chances, reached = np.zeros(total + 1), 0
    chances[0] = 1.0
    for step in steps:
        shifted = 0.5 * chances[: reached + 1]
        chances[: reached + 1] *= 0.5
        chances[step : step + reached + 1] += shifted
        reached += int(step)
    sums = np.abs(2 * np.arange(total + 1) - total)
    seen = abs(int((np.sign(differences[differences != 0.0]) * steps).sum()))
    return float(chances[sums > seen].sum() + chances[sums == seen].sum() / 2.0)


def paired_t(differences: Array) -> float:
    """1 or 0: whether Student's paired t is below its 5% bound, as a p-value that can be counted."""
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    return float(abs(differences.mean()) <= STUDENT[len(differences)] * error)


def _effective(values: Array) -> Array:
    n, mean = values.shape[1], values.mean(axis=1)
    bernoulli = mean * (1.0 - mean)
    squares = ((values - mean[:, None]) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(bernoulli == 0.0, n, n * bernoulli * (n + 1) / (squares + bernoulli))


def _wilson(mean: Array, trials: Array) -> Bounds:
    centre = (mean + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z / (1 + Z**2 / trials) * np.sqrt(mean * (1 - mean) / trials + Z**2 / (4 * trials**2))
    return centre - half, centre + half


def _resamples(n: int) -> Array:
    """Shares of each problem in each resample, problems by resamples; the same ones for every set."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), RESAMPLES).T / n
