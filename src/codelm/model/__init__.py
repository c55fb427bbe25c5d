"""The GPT (Codex paper, sec. 3.2): its sizes, the network, its key-value cache, checkpoints.

Importing this room is cheap; torch loads with the first use of the network or of a checkpoint.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from codelm.model.config import SIZES, GPTConfig, Shape, gpt_config

if TYPE_CHECKING:
    from codelm.model.cache import KVCache
    from codelm.model.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
    from codelm.model.gpt import GPT
    from codelm.model.tensor_file import check_tensors, read_tensors, write_tensors

__all__ = [
    "GPT",
    "SIZES",
    "GPTConfig",
    "KVCache",
    "Shape",
    "check_tensors",
    "checkpoint_digest",
    "gpt_config",
    "load_checkpoint",
    "read_tensors",
    "save_checkpoint",
    "write_tensors",
]

_NEEDS_TORCH = {
    "GPT": "codelm.model.gpt",
    "KVCache": "codelm.model.cache",
    "check_tensors": "codelm.model.tensor_file",
    "checkpoint_digest": "codelm.model.checkpoint",
    "load_checkpoint": "codelm.model.checkpoint",
    "read_tensors": "codelm.model.tensor_file",
    "save_checkpoint": "codelm.model.checkpoint",
    "write_tensors": "codelm.model.tensor_file",
}


def __getattr__(name: str) -> object:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
