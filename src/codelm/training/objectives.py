"""What every objective gives to the training loop: batches, as a pure function of the step.

So a resumed run sees exactly the batches an undisturbed one does.
"""
# ruff: noqa: N815 - tensors are named by shape: B rows, T tokens

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from torch import Tensor

from codelm.files import Json
from codelm.model import GPTConfig
from codelm.tokenizer import Tokenizer

IGNORED = -100  # a target without loss


class Batch(NamedTuple):
    """Rows of tokens and what should follow each."""

    tokens_BT: Tensor  # int64
    targets_BT: Tensor  # int64, IGNORED where there is no loss
    first_B: Tensor | None  # int64, first real token of each row that is padded on the left; None: no padding


class Data(Protocol):
    """What training and held-out data have in common."""

    def describe(self) -> Json:
        """Everything that decides the batches, the data by its digest: equal descriptions, equal batches."""

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        """Raises: InputError when a model of this shape and tokenizer cannot read the batches."""


class Objective(Data, Protocol):
    """What a model is trained on."""

    def batch(self, step: int) -> Batch:
        """The batch of a step, counted from 0: a pure function of the step."""


class HeldOut(Data, Protocol):
    """Data for the validation loss."""

    def batches(self) -> Iterator[Batch]:
        """The same batches each time."""
