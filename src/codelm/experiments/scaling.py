"""Final validation loss against model size (Codex paper, sec. 3.2, figure 4): the points, without a fit."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from codelm.experiments._table import Column, Table
from codelm.experiments.loss_curves import LossCurve


class ScalingRow(NamedTuple):
    """One trained model."""

    model: str
    parameters: int  # non-embedding: embeddings would bend the small end of the curve
    tokens: int  # seen in training
    validation_loss: float  # the last one measured, nats per token; NaN when none was


COLUMNS = (
    Column("model", "text"),
    Column("non-embedding parameters", "count"),
    Column("training tokens", "count"),
    Column("validation loss", "number"),
)


def scaling_table(curves: Iterable[LossCurve], *, parameters: Mapping[str, int]) -> Table[ScalingRow]:
    """Last validation loss of each model, smallest model first.

    parameters: non-embedding parameters by model name, one for each curve.
    """
    rows = [
        ScalingRow(
            model=curve.model,
            parameters=parameters[curve.model],
            tokens=max((point.tokens for point in curve.points), default=0),
            validation_loss=_last([point.validation_loss for point in curve.points]),
        )
        for curve in curves
    ]
    rows.sort(key=lambda row: row.parameters)
    notes = (
        "No power law is fitted: two parameters cannot be judged from fewer than three sizes, "
        "and the paper's constant holds for its tokenizer only.",
    )
    return Table(title="Validation loss by size", columns=COLUMNS, rows=tuple(rows), notes=notes)


def _last(losses: list[float]) -> float:
    return next((loss for loss in reversed(losses) if not math.isnan(loss)), math.nan)
