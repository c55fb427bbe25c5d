"""Sampling noise of pass@k, against enumeration and against what is known of easy cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import mean_pass_at_k_here, pass_at_k
from codelm.stats.noise import effective_trials, estimate_variance

COUNTS = st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@pytest.mark.parametrize("n", range(1, 8))
def test_estimate_variance_equals_enumeration(n: int) -> None:
    """Over every number of passes, weighted by its binomial chance."""
    fail = np.array([1e-5, 0.1, 0.37, 0.5, 0.9, 1 - 1e-5])
    for k in range(1, n + 1):
        estimates = [pass_at_k(n, c, k) for c in range(n + 1)]
        for at, found in zip(fail, estimate_variance(n, k, fail), strict=True):
            chances = [math.comb(n, c) * (1 - at) ** c * at ** (n - c) for c in range(n + 1)]
            mean = 1 - at**k
            expected = math.fsum(p * (x - mean) ** 2 for p, x in zip(chances, estimates, strict=True))
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-14)


def test_estimate_variance_of_one_draw_is_the_binomial_one() -> None:
    """k = 1: p (1 - p) / n, however large n is. k = n: a yes/no with chance (1 - p)^n."""
    fail = np.array([1e-6, 0.25, 0.999999])
    assert estimate_variance(10**6, 1, fail) == pytest.approx(fail * (1 - fail) / 10**6, rel=1e-6)
    assert estimate_variance(20, 20, fail) == pytest.approx(fail**20 * (1 - fail**20), rel=1e-6)


def test_effective_trials_of_single_samples_is_the_number_of_problems() -> None:
    """Noise and difficulty look the same there: the noisiest reading, in which all problems are alike."""
    assert effective_trials([(1, 1)] * 50 + [(1, 0)] * 114, 1) == 164.0
    assert effective_trials([(1, 0)] * 100 + [(5, 2)] * 64, 1) == 164.0


@pytest.mark.parametrize(("n", "m"), [(10, 13), (10, 164), (200, 60)])
def test_effective_trials_of_problems_alike_is_about_the_number_of_samples(n: int, m: int) -> None:
    """Where every problem has the same pass rate, the samples are one pool."""
    assert effective_trials([(n, n // 2)] * m, 1) == pytest.approx(n * m, rel=0.05)


def test_effective_trials_of_solved_and_unsolved_problems_is_far_more() -> None:
    """Problems that always or never pass add no noise, and half a benchmark of them leaves little."""
    always_or_never = [(10, 0)] * 80 + [(10, 10)] * 80
    assert effective_trials([*always_or_never, *[(10, 5)] * 4], 1) > 5 * 1640


def test_effective_trials_match_the_noise_of_drawing_again() -> None:
    """Problems of known pass rates, drawn many times: the trials' variance is the mean's, within a fifth."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.4, 0.8, 164)
    for k in (1, 5):
        estimates = np.array([pass_at_k(20, c, k) for c in range(21)])
        means = estimates[rng.binomial(20, rates, (3000, 164))].mean(axis=1)
        mean = float(np.mean(1 - (1 - rates) ** k))
        known = mean * (1 - mean) / means.var()
        found = [effective_trials([(20, int(c)) for c in rng.binomial(20, rates)], k) for _ in range(10)]
        assert np.mean(found) == pytest.approx(known, rel=0.2)


@given(st.lists(COUNTS, min_size=1, max_size=20), st.integers(1, 12))
def test_mean_pass_at_k_here_holds_its_value_and_has_width(counts: list[tuple[int, int]], k: int) -> None:
    """Mixed n, n = 1, k = n: in [0, 1], around the mean, never certain; NaN where one problem has n < k."""
    estimate = mean_pass_at_k_here(counts, k)
    if any(n < k for n, _ in counts):
        assert all(map(math.isnan, estimate))
    else:
        assert estimate.value == pytest.approx(math.fsum(pass_at_k(n, c, k) for n, c in counts) / len(counts))
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
        assert estimate.high - estimate.low > 0.0


@pytest.mark.parametrize("counts", [[(200, 0)] * 164, [(200, 200)] * 164, [(1, 1)], [(10**6, 10**6)] * 3])
@pytest.mark.parametrize("k", [1, 100])
def test_mean_pass_at_k_here_is_never_certain_of_all_or_nothing(
    counts: list[tuple[int, int]], k: int
) -> None:
    """Nothing passed, or everything: the other bound keeps its distance, however small."""
    if counts[0][0] >= k:
        estimate = mean_pass_at_k_here(counts, k)
        assert 0.0 < estimate.high - estimate.low < 1.0


def test_mean_pass_at_k_here_is_narrower_with_more_samples() -> None:
    """The noise falls as the square root of n; over problems, it would stay."""
    widths = []
    for n in (10, 1000):
        estimate = mean_pass_at_k_here([(n, n * c // 10) for c in range(11)] * 10, 1)
        widths.append(estimate.high - estimate.low)
    assert widths[0] / widths[1] == pytest.approx(10.0, rel=0.1)
