"""The random numbers of a sample: a function of what it is, not of when or beside what it is drawn."""

import hashlib
import json

import numpy as np

_UNIT = 2.0**-53  # a double has 53 bits


def uniform_draws(
    *, seed: int, task_id: str, temperature: float, top_p: float, sample: int, count: int
) -> np.ndarray:
    """One number in [0, 1) per position of a completion, float64 (count,).

    Philox, a counter-based generator, keyed by a hash of all arguments but `count`: the number at a position
    stays when `count` grows. Its raw words are used because numpy promises those never to change.
    """
    name = json.dumps([seed, task_id, float(temperature), float(top_p), sample])
    key = hashlib.blake2b(name.encode(), digest_size=16, person=b"codelm sampling").digest()
    words = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(count)
    draws: np.ndarray = (words >> np.uint64(11)) * _UNIT
    return draws
