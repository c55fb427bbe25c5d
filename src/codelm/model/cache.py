"""Keys and values of tokens already read, so that sampling reads each token once.

L layers, B rows, H heads, S slots, K head width. A row is one sequence; slot i of a row holds its i-th token.
"""
# ruff: noqa: N803, N806, N815 - tensors are named by shape

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from codelm.model.config import GPTConfig


@dataclass(frozen=True)
class KVCache:
    """Fixed room for B rows of up to S tokens each.

    The cache does not know how long its rows are: its user keeps the lengths and passes them to `GPT.decode`.
    Slots from a row's length on may hold anything, so a row is reused by starting again at length 0.
    """

    keys_LBHSK: Tensor
    values_LBHSK: Tensor

    @classmethod
    def empty(
        cls, config: GPTConfig, batch: int, capacity: int, *, device: torch.device, dtype: torch.dtype
    ) -> Self:
        """Room for `batch` rows of `capacity` tokens, zeroed: masked slots must be finite."""
        shape = (config.n_layer, batch, config.n_head, capacity, config.head_width)
        return cls(
            torch.zeros(shape, device=device, dtype=dtype), torch.zeros(shape, device=device, dtype=dtype)
        )

    @property
    def batch(self) -> int:
        """B, how many rows."""
        return self.keys_LBHSK.shape[1]

    @property
    def capacity(self) -> int:
        """S, how many tokens a row can hold."""
        return self.keys_LBHSK.shape[3]

    def first(self, slots: int) -> "KVCache":
        """The first `slots` slots of every row, sharing memory: attention to fewer slots costs less."""
        return KVCache(self.keys_LBHSK[..., :slots, :], self.values_LBHSK[..., :slots, :])

    def copy_row(self, source: "KVCache", source_row: int, row: int, length: int) -> None:
        """Overwrite the first `length` slots of `row` by those of `source_row` of another cache."""
        self.keys_LBHSK[:, row, :, :length] = source.keys_LBHSK[:, source_row, :, :length]
        self.values_LBHSK[:, row, :, :length] = source.values_LBHSK[:, source_row, :, :length]

    def write(self, layer: int, slots_BT: Tensor, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
        """Store one layer's new keys and values, each row at its own slots; return all (B, H, S, K)."""
        keys_BHSK, values_BHSK = self.keys_LBHSK[layer], self.values_LBHSK[layer]
        rows_B1 = torch.arange(self.batch, device=slots_BT.device).unsqueeze(1)
        keys_BHSK[rows_B1, :, slots_BT] = k_BHTK.transpose(1, 2)
        values_BHSK[rows_B1, :, slots_BT] = v_BHTK.transpose(1, 2)
        return keys_BHSK, values_BHSK
