"""The stateless shuffle: a permutation, and one that looks random."""

import numpy as np
import pytest

from codelm.shards.shuffle import permuted, random_key


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 100, 1023, 4097])
@pytest.mark.parametrize("key", [0, 1, 2**64 - 1])
def test_permuted_visits_each_index_once(size: int, key: int) -> None:
    """Every index is hit exactly once, at any size."""
    assert sorted(permuted(np.arange(size), size=size, key=key)) == list(range(size))


def test_permuted_does_not_depend_on_the_other_indices_asked_for() -> None:
    """One index alone goes where it goes among all, so a run may resume anywhere."""
    whole = permuted(np.arange(1000), size=1000, key=7)
    assert [int(permuted(np.array([i]), size=1000, key=7)[0]) for i in range(0, 1000, 97)] == [*whole[::97]]


def test_permuted_is_pinned_for_ever() -> None:
    """Old runs resume only while these numbers stay."""
    assert permuted(np.arange(8), size=8, key=random_key(1, 2)).tolist() == [2, 7, 6, 3, 4, 5, 0, 1]


@pytest.mark.parametrize("size", [5, 64, 1000])
def test_permuted_spreads_each_index_evenly_over_keys(size: int) -> None:
    """Over many keys each index lands everywhere about equally often (chi-square, generous bound)."""
    n_keys = 20 * size if size < 100 else 1000
    cells = min(size, 10)
    for index in (0, size - 1):
        places = [int(permuted(np.array([index]), size=size, key=random_key(k))[0]) for k in range(n_keys)]
        seen = np.bincount(np.array(places) * cells // size, minlength=cells)
        expected = n_keys / cells
        assert ((seen - expected) ** 2 / expected).sum() < 40  # 9 degrees of freedom: p < 1e-5


def test_neighbours_do_not_stay_neighbours() -> None:
    """Consecutive indices are not sent to consecutive places."""
    steps = np.diff(permuted(np.arange(10_000), size=10_000, key=3))
    assert (np.abs(steps) == 1).sum() < 20


def test_random_key_sees_order_and_every_part() -> None:
    """(seed, epoch) and (epoch, seed) are different shuffles."""
    keys = {random_key(1, 2), random_key(2, 1), random_key(1), random_key(1, 2, 0), random_key(-1)}
    assert len(keys) == 5
