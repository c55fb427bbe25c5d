"""Sizes of the GPT, by the paper's names (Codex paper, sec. 3.2).

The paper names its models by their parameters outside the embeddings and prints no architecture. The shapes
here are those of GPT-3 whose 12 L d^2 fits the name; the three smallest have no GPT-3 row and are our guess.
"""

from dataclasses import dataclass
from typing import NamedTuple

from codelm.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Everything that fixes the shape of a GPT's parameters.

    Raises: ValueError when a number is not positive or the heads do not divide the width.
    """

    n_layer: int  # L, transformer blocks
    n_embd: int  # D, width of the residual stream
    n_head: int  # H, attention heads per block, each n_embd / n_head wide
    vocab_size: int  # V, tokens in the vocabulary
    n_ctx: int  # longest sequence in tokens: one learned position each

    def __post_init__(self) -> None:
        if min(self.n_layer, self.n_embd, self.n_head, self.vocab_size, self.n_ctx) < 1:
            raise ValueError(f"every number of a GPTConfig must be at least 1, got {self}")
        if self.n_embd % self.n_head:
            raise ValueError(f"n_head must divide n_embd, got n_embd={self.n_embd}, n_head={self.n_head}")

    @property
    def head_width(self) -> int:
        """K, width of one attention head."""
        return self.n_embd // self.n_head

    @property
    def n_params_non_embedding(self) -> int:
        """Parameters outside the token and position embeddings: 12 L D^2, plus biases and LayerNorms."""
        per_layer = 12 * self.n_embd**2 + 13 * self.n_embd
        return self.n_layer * per_layer + 2 * self.n_embd

    @property
    def n_params(self) -> int:
        """All parameters; the output layer is the token embedding and counts once."""
        return self.n_params_non_embedding + (self.vocab_size + self.n_ctx) * self.n_embd


class Shape(NamedTuple):
    """What a size's name stands for."""

    n_layer: int
    n_embd: int
    n_head: int


SIZES: dict[str, Shape] = {
    # For a laptop's processor; named as the paper names its own, by 12 L D^2.
    "0.1M": Shape(2, 64, 2),
    "0.4M": Shape(2, 128, 4),
    "0.8M": Shape(4, 128, 4),
    "1.6M": Shape(2, 256, 4),
    "3.1M": Shape(4, 256, 4),
    "4.7M": Shape(6, 256, 4),
    "7.1M": Shape(4, 384, 6),
    # The paper's eight.
    "12M": Shape(4, 512, 8),
    "25M": Shape(8, 512, 8),
    "42M": Shape(6, 768, 12),
    "85M": Shape(12, 768, 12),
    "300M": Shape(24, 1024, 16),
    "679M": Shape(24, 1536, 16),
    "2.5B": Shape(32, 2560, 32),
    "12B": Shape(40, 5120, 40),  # GPT-3's table prints a width of 5140, which 40 heads do not divide
}


def gpt_config(size: str, *, vocab_size: int, n_ctx: int) -> GPTConfig:
    """The configuration of a size by name. Raises: UsageError for an unknown name, listing the known ones."""
    if size not in SIZES:
        raise UsageError(f"model size {size!r} is unknown; choose one of {', '.join(SIZES)}")
    return GPTConfig(**SIZES[size]._asdict(), vocab_size=vocab_size, n_ctx=n_ctx)
