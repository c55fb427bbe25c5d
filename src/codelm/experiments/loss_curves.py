"""Training and validation loss against tokens seen."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codelm.errors import InputError
from codelm.experiments._table import Column, Table
from codelm.files import Json, read_jsonl


class LossPoint(NamedTuple):
    """One row of a training history."""

    step: int
    tokens: int  # seen so far
    loss: float  # training loss, nats per token
    validation_loss: float  # the same on held-out files; NaN where it was not measured
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """The history of one model's training."""

    model: str
    points: tuple[LossPoint, ...]


class LossRow(NamedTuple):
    """One point of one model's curve."""

    model: str
    step: int
    tokens: int
    loss: float
    validation_loss: float
    learning_rate: float


COLUMNS = (
    Column("model", "text"),
    Column("step", "count"),
    Column("tokens", "count"),
    Column("training loss", "number"),
    Column("validation loss", "number"),
    Column("learning rate", "number"),
)


def loss_table(curves: Iterable[LossCurve]) -> Table[LossRow]:
    """Every recorded loss, a row per point, models in the given order."""
    rows = tuple(LossRow(curve.model, *point) for curve in curves for point in curve.points)
    notes = (
        "Cross-entropy in nats per token; it depends on the tokenizer: only models that share one compare.",
    )
    return Table(title="Loss by tokens seen", columns=COLUMNS, rows=rows, notes=notes)


def read_history(path: str | Path) -> tuple[LossPoint, ...]:
    """Read a training's history.jsonl. Raises: InputError with file and line."""
    return tuple(_point(value, f"{path}, line {line}") for line, value in read_jsonl(path))


def _point(value: Json, where: str) -> LossPoint:
    for name in LossPoint._fields:
        item = value.get(name)
        absent = item is None and name in ("loss", "validation_loss")
        if not absent and (isinstance(item, bool) or not isinstance(item, int | float)):
            raise InputError(f"{where}: field {name!r} must be a number, found {item!r}; train again")
    return LossPoint(
        step=value["step"],
        tokens=value["tokens"],
        loss=_nan_if_none(value.get("loss")),
        validation_loss=_nan_if_none(value.get("validation_loss")),
        learning_rate=value["learning_rate"],
    )


def _nan_if_none(loss: float | None) -> float:
    return math.nan if loss is None else loss
