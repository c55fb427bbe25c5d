"""Pass rate against the length of a chain of string operations (Codex paper, sec. 6, figure 11).

The paper finds that the rate falls by a factor of 2 to 3 with every block added.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from codelm.errors import InputError
from codelm.experiments._judged import JudgedSet
from codelm.experiments._table import Column, Table
from codelm.experiments.passes import INTERVALS
from codelm.problems import BLOCKS, Problem
from codelm.stats import Estimate, mean_interval

TRAINED = "trained blocks only"
HELD_OUT = "with a held-out block"


class ChainRow(NamedTuple):
    """The chains of one length, of one kind, for one model at one temperature."""

    model: str
    temperature: float
    chains: str  # TRAINED or HELD_OUT
    length: int  # blocks in the chain
    problems: int
    samples: int
    pass_rate: Estimate  # mean over problems of the share of samples that passed


COLUMNS = (
    Column("model", "text"),
    Column("temperature", "number"),
    Column("chains", "text"),
    Column("length", "count"),
    Column("problems", "count"),
    Column("samples", "count"),
    Column("pass rate", "estimate"),
)


class FalloffRow(NamedTuple):
    """How fast the pass rate falls with length, for one curve of the figure."""

    model: str
    temperature: float
    chains: str
    lengths: int  # how many lengths the line goes through: those with a rate above 0
    factor: float  # the rate is divided by this for every block added; NaN below two such lengths


FALLOFF_COLUMNS = (
    Column("model", "text"),
    Column("temperature", "number"),
    Column("chains", "text"),
    Column("lengths fitted", "count"),
    Column("factor per block", "number"),
)


def chain_length_table(
    sets: Iterable[JudgedSet], *, problems: Mapping[str, Problem], held_out: Collection[int]
) -> Table[ChainRow]:
    """Pass rate by chain length, chains with a held-out block apart, with intervals over problems.

    problems: the chains by task_id, as `codelm.problems` makes them. held_out: numbers of the blocks that no
    training example held. Raises: InputError for a sample whose problem is not among the chains.
    """
    rows = tuple(row for judged in sets for row in _rows(judged, problems, frozenset(held_out)))
    notes = [INTERVALS]
    if any(row.length == 1 for row in rows):
        notes.append(
            f"There are only {len(BLOCKS)} chains of length 1, so the interval there cannot be narrowed: "
            "it is about blocks like these, and these are all there are."
        )
    return Table(title="Pass rate by chain length", columns=COLUMNS, rows=rows, notes=tuple(notes))


def falloff_table(chains: Table[ChainRow]) -> Table[FalloffRow]:
    """The factor by which each curve of `chain_length_table` falls per block.

    From the least-squares line through the logarithms of the rates above 0, every length counting the same.
    """
    curves: dict[tuple[str, float, str], list[tuple[int, float]]] = defaultdict(list)
    for row in chains.rows:
        curves[row.model, row.temperature, row.chains].append((row.length, row.pass_rate.value))
    rows = tuple(_falloff(*curve, points) for curve, points in curves.items())
    notes = (
        "Least squares on log rate against length, over the lengths with a rate above 0; leaving out "
        "those at 0 understates the fall. Undefined with fewer than two lengths. Paper: 2 to 3 (Codex-12B).",
    )
    return Table(title="Fall of the pass rate per block", columns=FALLOFF_COLUMNS, rows=rows, notes=notes)


def _rows(judged: JudgedSet, problems: Mapping[str, Problem], held_out: frozenset[int]) -> list[ChainRow]:
    groups: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for task, count in judged.counts().items():
        blocks = _blocks(task, problems)
        groups[HELD_OUT if held_out.intersection(blocks) else TRAINED, len(blocks)].append(count)
    order = sorted(groups, key=lambda group: (group[0] == HELD_OUT, group[1]))
    return [
        ChainRow(
            model=judged.model,
            temperature=judged.temperature,
            chains=chains,
            length=length,
            problems=len(groups[chains, length]),
            samples=sum(n for n, _ in groups[chains, length]),
            pass_rate=mean_interval([c / n for n, c in groups[chains, length]]),
        )
        for chains, length in order
    ]


def _blocks(task: str, problems: Mapping[str, Problem]) -> list[int]:
    blocks = problems[task].metadata.get("blocks") if task in problems else None
    if not isinstance(blocks, list):
        raise InputError(
            f"{task!r} is no chain of these {len(problems)} problems; give the set it was drawn from"
        )
    return blocks


def _falloff(model: str, temperature: float, chains: str, points: list[tuple[int, float]]) -> FalloffRow:
    logs = [(length, math.log(rate)) for length, rate in points if rate > 0.0]
    factor = math.exp(-_slope(logs)) if len(logs) >= 2 else math.nan
    return FalloffRow(model=model, temperature=temperature, chains=chains, lengths=len(logs), factor=factor)


def _slope(points: list[tuple[int, float]]) -> float:
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    covariance = math.fsum((x - mean_x) * (y - mean_y) for x, y in points)
    return covariance / math.fsum((x - mean_x) ** 2 for x, _ in points)
