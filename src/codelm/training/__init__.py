"""Training: objectives, optimiser, schedule, and a loop that resumes exactly (Codex paper, sec. 3.2 and 4.5).

Importing this room is cheap; torch loads with the first use of an objective or of the loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from codelm.training.config import PAPER_WARMUP_STEPS, TrainConfig, gpt_learning_rate, learning_rate_at

if TYPE_CHECKING:
    from codelm.training.loop import TrainResult, train
    from codelm.training.loss import mean_loss, sum_loss
    from codelm.training.masked import MaskedSolutionHeldOut, MaskedSolutionObjective
    from codelm.training.objectives import IGNORED, Batch, HeldOut, Objective
    from codelm.training.plain import PlainHeldOut, PlainObjective

__all__ = [
    "IGNORED",
    "PAPER_WARMUP_STEPS",
    "Batch",
    "HeldOut",
    "MaskedSolutionHeldOut",
    "MaskedSolutionObjective",
    "Objective",
    "PlainHeldOut",
    "PlainObjective",
    "TrainConfig",
    "TrainResult",
    "gpt_learning_rate",
    "learning_rate_at",
    "mean_loss",
    "sum_loss",
    "train",
]

_FILES = {
    "loop": ("TrainResult", "train"),
    "loss": ("mean_loss", "sum_loss"),
    "masked": ("MaskedSolutionHeldOut", "MaskedSolutionObjective"),
    "objectives": ("IGNORED", "Batch", "HeldOut", "Objective"),
    "plain": ("PlainHeldOut", "PlainObjective"),
}
_NEEDS_TORCH = {name: f"codelm.training.{file}" for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
