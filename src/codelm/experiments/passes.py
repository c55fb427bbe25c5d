"""pass@k of every model, problem set and temperature (Codex paper, table 1)."""

from collections.abc import Iterable
from math import isnan
from typing import NamedTuple

from codelm.experiments._judged import JudgedSet
from codelm.experiments._table import Column, Table
from codelm.stats import Estimate, mean_pass_at_k

INTERVALS = (
    "Intervals hold with 95% confidence over problems drawn like these; the noise of sampling is inside them."
)


class PassRow(NamedTuple):
    """One model on one problem set at one temperature."""

    model: str
    problem_set: str
    temperature: float
    problems: int
    samples: int  # of all problems together
    pass_at_1: Estimate
    pass_at_10: Estimate
    pass_at_100: Estimate


COLUMNS = (
    Column("model", "text"),
    Column("problems of", "text"),
    Column("temperature", "number"),
    Column("problems", "count"),
    Column("samples", "count"),
    Column("pass@1", "estimate"),
    Column("pass@10", "estimate"),
    Column("pass@100", "estimate"),
)


def pass_table(sets: Iterable[JudgedSet]) -> Table[PassRow]:
    """pass@1, @10 and @100 with intervals over problems, a row per set in the given order.

    pass@k is undefined (NaN) where a problem has fewer than k samples.
    """
    rows = tuple(_row(judged) for judged in sets)
    undefined = [
        f"pass@{k} is undefined where a problem has fewer than {k} samples."
        for k, found in ((10, [row.pass_at_10 for row in rows]), (100, [row.pass_at_100 for row in rows]))
        if any(isnan(estimate.value) for estimate in found)
    ]
    return Table(title="pass@k", columns=COLUMNS, rows=rows, notes=(INTERVALS, *undefined))


def _row(judged: JudgedSet) -> PassRow:
    counts = list(judged.counts().values())
    one, ten, hundred = (mean_pass_at_k(counts, k) for k in (1, 10, 100))
    return PassRow(
        model=judged.model,
        problem_set=judged.problem_set,
        temperature=judged.temperature,
        problems=len(counts),
        samples=len(judged.samples),
        pass_at_1=one,
        pass_at_10=ten,
        pass_at_100=hundred,
    )
