"""A shuffle without state: the i-th element of a keyed permutation, computed, not looked up.

A Feistel network permutes the integers of an even number of bits; values that fall outside the wanted size
are permuted again until they fall inside (cycle walking), which keeps it a permutation. It needs no memory at
any size, and unlike `numpy.random` its output is ours to keep stable, so old runs resume exactly for ever.
"""

import numpy as np
import numpy.typing as npt

UIntArray = npt.NDArray[np.uint64]

_ROUNDS = 8
_MASK = 2**64 - 1
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of SplitMix64


def random_key(*parts: int) -> int:
    """64 well-mixed bits from integers, such as (seed, epoch); their order counts."""
    key = 0
    for part in parts:
        key = int(_mix(np.array([(key ^ part) & _MASK], dtype=np.uint64))[0])
    return key


def permuted(indices: npt.NDArray[np.int64], *, size: int, key: int) -> npt.NDArray[np.int64]:
    """Where a permutation of range(size), chosen by `key`, sends each index.

    indices: int64, any shape, each in [0, size). Returns int64 of the same shape.
    """
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    values = indices.astype(np.uint64)
    outside = np.ones(values.shape, dtype=bool)
    while outside.any():
        values[outside] = _feistel(values[outside], half_bits, key)
        outside = values >= size
    return values.astype(np.int64)


def _feistel(values: UIntArray, half_bits: int, key: int) -> UIntArray:
    """A permutation of the integers below 2 ** (2 * half_bits)."""
    shift, mask = np.uint64(half_bits), np.uint64(2**half_bits - 1)
    left, right = values >> shift, values & mask
    for number in range(_ROUNDS):
        round_key = np.uint64(random_key(key, number))
        left, right = right, left ^ (_mix(right ^ round_key) & mask)
    return (left << shift) | right


def _mix(values: UIntArray) -> UIntArray:
    """SplitMix64's output function: each input bit reaches every output bit. Wraps at 64 bits."""
    values = values + np.uint64(_GOLDEN)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_MIX_1)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_MIX_2)
    return values ^ (values >> np.uint64(31))
