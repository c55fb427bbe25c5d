"""Submitting one of k samples without running tests (Codex paper, sec. 3.3, figure 7).

Rules: at random (pass@1), by highest mean log-probability per token, by highest summed log-probability (the
paper's negative result), and the oracle that runs the tests (pass@k). All are exact expectations over the
subsets of k samples; nothing is drawn.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from codelm.errors import InputError
from codelm.experiments._judged import Judged, JudgedSet
from codelm.experiments._table import Column, Table
from codelm.experiments.passes import INTERVALS
from codelm.stats import Estimate, mean_interval, pass_at_k


class SelectionRow(NamedTuple):
    """How often the submitted sample passes, by rule, when it is picked from k."""

    model: str
    problem_set: str
    temperature: float
    k: int  # samples to pick from
    problems: int
    random: Estimate
    mean_logprob: Estimate
    sum_logprob: Estimate
    oracle: Estimate


COLUMNS = (
    Column("model", "text"),
    Column("problems of", "text"),
    Column("temperature", "number"),
    Column("k", "count"),
    Column("problems", "count"),
    Column("random", "estimate"),
    Column("mean log-prob", "estimate"),
    Column("sum log-prob", "estimate"),
    Column("oracle", "estimate"),
)


def selection_table(sets: Iterable[JudgedSet]) -> Table[SelectionRow]:
    """Pass rate of one sample picked from k, for k from 1 to the smallest number of samples of any problem.

    Raises: InputError for a sample without log-probabilities.
    """
    rows = tuple(row for judged in sets for row in _rows(judged))
    notes = (
        "Exact expectation over all subsets of k samples; samples with equal scores share the pick evenly.",
        "Log-probabilities are the model's own at temperature 1, over the tokens of the completion.",
        INTERVALS,
    )
    return Table(title="Picking one sample of k", columns=COLUMNS, rows=rows, notes=notes)


def best_of_k(scored: Sequence[tuple[float, bool]], k: int) -> float:
    """Chance that the best-scored of k samples, drawn without replacement, passes.

    scored: (score, passed) of each sample, higher scores better, ties picked among evenly. NaN when there are
    fewer than k. Raises: ValueError for k below 1.

    >>> best_of_k([(-0.1, True), (-0.5, False), (-0.9, False)], k=2)
    0.6666666666666666
    """
    return _expected(_ranked(scored), len(scored), k)


class _Tied(NamedTuple):
    """Samples with equal scores."""

    samples: int
    passed: int


def _ranked(scored: Sequence[tuple[float, bool]]) -> list[_Tied]:
    """The samples by score, best first."""
    best_first = sorted(scored, key=_score, reverse=True)
    groups = [[passed for _, passed in tied] for _, tied in groupby(best_first, key=_score)]
    return [_Tied(len(passes), sum(passes)) for passes in groups]


def _expected(ranked: list[_Tied], n: int, k: int) -> float:
    if k < 1:
        raise ValueError(f"picking needs k >= 1, got {k=}")
    if n < k:
        return math.nan
    outside, total = _subsets(n, k), math.comb(n, k)
    shares, better = [], 0
    for samples, passed in ranked:
        # The pick is in this group when the subset holds none better and at least one of the group: the sum
        # of C(n - r, k - 1) over the group's ranks r telescopes.
        picks = outside[better] - outside[better + samples]
        shares.append(picks * passed / (samples * total))
        better += samples
    return min(1.0, math.fsum(shares))  # rounding may end one bit above 1


@lru_cache(maxsize=1024)
def _subsets(n: int, k: int) -> tuple[int, ...]:
    """Entry r: in how many subsets of k none of the r best of n samples is."""
    return tuple(math.comb(n - r, k) for r in range(n + 1))


def _score(scored: tuple[float, bool]) -> float:
    return scored[0]


def _rows(judged: JudgedSet) -> list[SelectionRow]:
    tasks = list(judged.by_task().values())
    smallest = min((len(samples) for samples in tasks), default=0)
    by_mean = [_ranked([(_mean_score(sample), sample.passed) for sample in samples]) for samples in tasks]
    by_sum = [_ranked([(_sum_score(sample), sample.passed) for sample in samples]) for samples in tasks]
    counts = list(judged.counts().values())
    return [
        SelectionRow(
            model=judged.model,
            problem_set=judged.problem_set,
            temperature=judged.temperature,
            k=k,
            problems=len(tasks),
            random=mean_interval([c / n for n, c in counts]),
            mean_logprob=_mean_over_problems(by_mean, counts, k),
            sum_logprob=_mean_over_problems(by_sum, counts, k),
            oracle=mean_interval([pass_at_k(n, c, k) for n, c in counts]),
        )
        for k in range(1, smallest + 1)
    ]


def _mean_over_problems(ranked: list[list[_Tied]], counts: list[tuple[int, int]], k: int) -> Estimate:
    return mean_interval([_expected(tied, n, k) for tied, (n, _) in zip(ranked, counts, strict=True)])


def _mean_score(sample: Judged) -> float:
    """Mean log-probability per token; an empty completion has no mean and ranks last."""
    return -math.inf if sample.n_tokens == 0 else _present(sample, sample.mean_logprob)


def _sum_score(sample: Judged) -> float:
    """Summed log-probability; of an empty completion 0, the highest there is."""
    return 0.0 if sample.n_tokens == 0 else _present(sample, sample.sum_logprob)


def _present(sample: Judged, logprob: float | None) -> float:
    if logprob is None or math.isnan(logprob):
        raise InputError(
            f"{sample.task_id}, sample {sample.sample}: it has no log-probabilities; ranking needs samples "
            "drawn by `codelm sample`, which writes them"
        )
    return logprob
