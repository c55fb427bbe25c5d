"""The paper's whole loop as a short list of resumable stages. Holds no logic of its own."""

from importlib import import_module
from typing import TYPE_CHECKING

from codelm.recipes.scale import SCALES, Scale, scale_named

if TYPE_CHECKING:
    from codelm.recipes.loop import reproduce

__all__ = ["SCALES", "Scale", "reproduce", "scale_named"]


def __getattr__(name: str) -> object:
    if name != "reproduce":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("codelm.recipes.loop").reproduce
