"""Random numbers depend on what a sample is, and on nothing else."""

from typing import Any

import numpy as np
import pytest

from codelm.sampling.draws import uniform_draws

BASE: dict[str, Any] = {
    "seed": 1, "task_id": "HumanEval/0", "temperature": 0.8, "top_p": 0.95, "sample": 3, "count": 50
}  # fmt: skip


def test_uniform_draws_stay_when_more_are_asked_for() -> None:
    """The number at a position does not depend on how many positions there are."""
    assert np.array_equal(uniform_draws(**BASE), uniform_draws(**BASE | {"count": 300})[:50])


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"task_id": "HumanEval/1"}, {"temperature": 0.2}, {"top_p": 0.9}, {"sample": 4}],
    ids=str,
)
def test_uniform_draws_differ_in_every_argument(change: dict[str, Any]) -> None:
    """Each of seed, task, temperature, top_p and sample gives other numbers."""
    assert not np.isin(uniform_draws(**BASE), uniform_draws(**BASE | change)).any()


def test_uniform_draws_are_pinned() -> None:
    """A release that changed them would change every sample: these are the numbers for all time."""
    assert uniform_draws(**BASE | {"count": 3}).tolist() == [
        0.9033890075629021,
        0.5551319083942737,
        0.5169919824183139,
    ]


def test_uniform_draws_of_many_samples_are_uniform_and_independent() -> None:
    """Over 2,000 samples: in [0, 1), mean, variance and neighbouring correlations as uniform numbers have."""
    draws = np.array([uniform_draws(**BASE | {"sample": i, "count": 20}) for i in range(2000)])
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    assert abs(draws.mean() - 0.5) < 5 * np.sqrt(1 / 12 / draws.size)
    assert abs(draws.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / draws.size)
    along = np.corrcoef(draws[:, :-1].ravel(), draws[:, 1:].ravel())[0, 1]
    across = np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]
    assert abs(along) < 5 / np.sqrt(draws.size)
    assert abs(across) < 5 / np.sqrt(draws.size)
