"""One module per figure or table of the paper: judged samples and losses in, a typed table out.

Nothing here draws, prints or trains. A `Table` becomes the stage's file by `to_json`; `codelm.report` shows
it.
"""

from codelm.experiments._judged import Judged, JudgedSet, read_judged
from codelm.experiments._table import Column, Kind, Table, read_table
from codelm.experiments.chain_length import (
    HELD_OUT,
    TRAINED,
    ChainRow,
    FalloffRow,
    chain_length_table,
    falloff_table,
)
from codelm.experiments.examples import Examples, choose_examples
from codelm.experiments.loss_curves import LossCurve, LossPoint, LossRow, loss_table, read_history
from codelm.experiments.passes import PassRow, pass_table
from codelm.experiments.scaling import ScalingRow, scaling_table
from codelm.experiments.selection import SelectionRow, best_of_k, selection_table

__all__ = [
    "HELD_OUT",
    "TRAINED",
    "ChainRow",
    "Column",
    "Examples",
    "FalloffRow",
    "Judged",
    "JudgedSet",
    "Kind",
    "LossCurve",
    "LossPoint",
    "LossRow",
    "PassRow",
    "ScalingRow",
    "SelectionRow",
    "Table",
    "best_of_k",
    "chain_length_table",
    "choose_examples",
    "falloff_table",
    "loss_table",
    "pass_table",
    "read_history",
    "read_judged",
    "read_table",
    "scaling_table",
    "selection_table",
]
