"""A few programs to look at: numbers say how often a model is right, programs say how."""

from collections.abc import Sequence
from typing import NamedTuple

from codelm.experiments._judged import Judged


class Examples(NamedTuple):
    """Samples chosen for reading."""

    passing: tuple[Judged, ...]
    failing: tuple[Judged, ...]


def choose_examples(samples: Sequence[Judged], *, passing: int, failing: int) -> Examples:
    """Up to `passing` passed and `failing` failed samples, spread over the problems.

    No two passing ones, and no two failing ones, are of one problem. The first sample of a problem stands for
    it, so the choice depends on order alone, not on what looks good.
    """
    return Examples(
        passing=_spread([sample for sample in samples if sample.passed], passing),
        failing=_spread([sample for sample in samples if not sample.passed], failing),
    )


def _spread(samples: list[Judged], count: int) -> tuple[Judged, ...]:
    firsts: dict[str, Judged] = {}
    for sample in samples:
        firsts.setdefault(sample.task_id, sample)
    pool = list(firsts.values())
    return (
        tuple(pool[place * len(pool) // count] for place in range(count))
        if len(pool) > count
        else tuple(pool)
    )
