"""Which packages are held out for validation: decided by name alone, so a package never straddles."""

import hashlib
from typing import Literal

Split = Literal["train", "validation"]


def split_of(repo: str, *, validation_share: float, seed: int) -> Split:
    """The split of a package, a pure function of its name and the seed.

    validation_share: expected share of packages held out, in [0, 1]; the share of bytes varies, for packages
    differ in size.
    """
    if not 0.0 <= validation_share <= 1.0:
        raise ValueError(f"validation_share must be in [0, 1], got {validation_share}")
    draw = int.from_bytes(hashlib.sha256(f"{seed}:{repo}".encode()).digest()[:8], "big") / 2**64
    return "validation" if draw < validation_share else "train"
