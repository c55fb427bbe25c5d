"""Sampling (Codex paper, sec. 3): prompts in, completions and their log-probabilities out.

Importing this room is cheap; torch loads when something is sampled.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from codelm.sampling.config import SamplingConfig
from codelm.sampling.stops import StopReason

if TYPE_CHECKING:
    from codelm.sampling.draft import Completion, Request
    from codelm.sampling.run import SamplingReport, sample_problems
    from codelm.sampling.sampler import Sampler

__all__ = [
    "Completion",
    "Request",
    "Sampler",
    "SamplingConfig",
    "SamplingReport",
    "StopReason",
    "sample_problems",
]

_LAZY = {
    "Completion": "codelm.sampling.draft",
    "Request": "codelm.sampling.draft",
    "Sampler": "codelm.sampling.sampler",
    "SamplingReport": "codelm.sampling.run",
    "sample_problems": "codelm.sampling.run",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
