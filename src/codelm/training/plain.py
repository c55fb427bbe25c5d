"""The plain objective, Codex's: predict every token of packed documents (Codex paper, sec. 3.2)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from codelm.errors import InputError
from codelm.files import Json
from codelm.model import GPTConfig
from codelm.shards import TokenShards
from codelm.tokenizer import Tokenizer
from codelm.training.objectives import Batch


class PlainObjective:
    """Windows of packed documents, drawn without replacement in each epoch.

    A window may begin inside a document and run over several; as in GPT-3, attention is not cut at borders.
    """

    def __init__(self, shards: TokenShards, *, batch_size: int, length: int, seed: int) -> None:
        """batch_size: windows per step. length: targets per window. seed: of the order of windows."""
        self.shards, self.batch_size, self.length, self.seed = shards, batch_size, length, seed
        shards.windows_per_epoch(length)  # refuses shards without one window

    def batch(self, step: int) -> Batch:
        return _plain_batch(
            self.shards.batch(step, batch_size=self.batch_size, length=self.length, seed=self.seed)
        )

    def describe(self) -> Json:
        return {
            "objective": "plain",
            "data": self.shards.manifest.digest,
            "batch_size": self.batch_size,
            "length": self.length,
            "seed": self.seed,
        }

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        _check_shards(self.shards, self.length, config, tokenizer)


class PlainHeldOut:
    """Windows of packed documents in order, spread evenly where there are more than wanted."""

    def __init__(
        self, shards: TokenShards, *, batch_size: int, length: int, max_windows: int | None = None
    ) -> None:
        """max_windows: windows read per validation; None: all."""
        self.shards, self.batch_size, self.length = shards, batch_size, length
        shards.windows_per_epoch(length)  # refuses shards without one window
        whole = (shards.n_tokens - 1) // length
        n_windows = whole if max_windows is None else min(whole, max_windows)
        self.starts = np.arange(n_windows, dtype=np.int64) * whole // n_windows * length

    def batches(self) -> Iterator[Batch]:
        for begin in range(0, len(self.starts), self.batch_size):
            chosen = self.starts[begin : begin + self.batch_size]
            yield _plain_batch(self.shards.windows(chosen, length=self.length))

    def describe(self) -> Json:
        return {
            "objective": "plain",
            "data": self.shards.manifest.digest,
            "batch_size": self.batch_size,  # float rounding depends on it
            "length": self.length,
            "windows": len(self.starts),
        }

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        _check_shards(self.shards, self.length, config, tokenizer)


def _plain_batch(windows: npt.NDArray[np.int64]) -> Batch:
    tokens = torch.from_numpy(windows)
    return Batch(tokens[:, :-1], tokens[:, 1:], None)


def _check_shards(shards: TokenShards, length: int, config: GPTConfig, tokenizer: Tokenizer) -> None:
    if shards.manifest.tokenizer_digest != tokenizer.digest:
        raise InputError(
            f"{shards.folder}: made with another tokenizer "
            f"({shards.manifest.tokenizer_digest[:12]}, this one is {tokenizer.digest[:12]})"
        )
    if shards.manifest.vocab_size > config.vocab_size:
        raise InputError(
            f"{shards.folder}: ids below {shards.manifest.vocab_size}; the model knows {config.vocab_size}"
        )
    if length > config.n_ctx:
        raise InputError(f"{shards.folder}: windows of {length} tokens; the model reads {config.n_ctx}")
