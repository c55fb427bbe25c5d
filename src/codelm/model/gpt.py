"""The GPT: GPT-2's network, which GPT-3 and Codex inherit (Codex paper, sec. 3.2).

- LayerNorm before each sub-layer and at the end; learned positions; the output layer is the token embedding.
- GELU by its tanh approximation; the inner layer is 4 D wide; no dropout (the paper states none).
- Every layer attends densely. GPT-3 alternates with locally banded layers; at our lengths that saves little.
- Weight matrices are stored (in, out) under GPT-2's names, so a state dict is a Hugging Face checkpoint.

Tensors are named by shape: B rows, T tokens, D width, H heads, K head width, S cache slots, V vocabulary.
"""
# ruff: noqa: N803, N806, N815 - tensors are named by shape

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codelm.model.cache import KVCache
from codelm.model.config import GPTConfig

LAYER_NORM_EPS = 1e-5


class _CacheWrite(NamedTuple):
    """Where the keys and values of the tokens being read go."""

    cache: KVCache
    slots_BT: Tensor


class Conv1D(nn.Module):
    """A linear layer whose weight is (in, out), as GPT-2 stores it."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.empty(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t(), self.bias)


class Attention(nn.Module):
    """Multi-head causal self-attention."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)

    def forward(self, x_BTD: Tensor, mask: Tensor | None, layer: int, write: _CacheWrite | None) -> Tensor:
        """mask: bool, True where a query may look, broadcast over heads; None is the plain causal mask."""
        heads = (*x_BTD.shape[:2], self.n_head, -1)
        q_BHTK, k, v = (part.view(heads).transpose(1, 2) for part in self.c_attn(x_BTD).chunk(3, dim=-1))
        if write is not None:
            k, v = write.cache.write(layer, write.slots_BT, k, v)  # (B, H, T, K) -> (B, H, S, K)
        y_BHTK = F.scaled_dot_product_attention(q_BHTK, k, v, attn_mask=mask, is_causal=mask is None)
        y_BTD: Tensor = self.c_proj(y_BHTK.transpose(1, 2).reshape(x_BTD.shape))
        return y_BTD


class MLP(nn.Module):
    """Two linear layers around a GELU, at each position by itself."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = Conv1D(config.n_embd, 4 * config.n_embd)
        self.c_proj = Conv1D(4 * config.n_embd, config.n_embd)

    def forward(self, x_BTD: Tensor) -> Tensor:
        y_BTD: Tensor = self.c_proj(F.gelu(self.c_fc(x_BTD), approximate="tanh"))
        return y_BTD


class Block(nn.Module):
    """One transformer block."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPS)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPS)
        self.mlp = MLP(config)

    def forward(self, x_BTD: Tensor, mask: Tensor | None, layer: int, write: _CacheWrite | None) -> Tensor:
        x_BTD = x_BTD + self.attn(self.ln_1(x_BTD), mask, layer, write)
        y_BTD: Tensor = x_BTD + self.mlp(self.ln_2(x_BTD))
        return y_BTD


class GPT(nn.Module):
    """A GPT-2 language model.

    config: its shape. seed: of the initial weights (`initialise`); None leaves them unset, for a loader.
    """

    def __init__(self, config: GPTConfig, *, seed: int | None = 0) -> None:
        super().__init__()
        self.config = config
        self.wte = _embedding(config.vocab_size, config.n_embd)
        self.wpe = _embedding(config.n_ctx, config.n_embd)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=LAYER_NORM_EPS)
        if seed is not None:
            initialise(self, seed)

    def forward(self, tokens_BT: Tensor, *, first_B: Tensor | None = None) -> Tensor:
        """Logits of the token after each position: (B, T) int64 -> (B, T, V).

        first_B: int64, the index of each row's first real token when rows are padded on the left. Padding is
        never attended to and positions count from the first real token, so a padded row's logits are those of
        the row alone; at the padding itself they mean nothing.
        Raises: ValueError when T exceeds n_ctx.
        """
        return self.unembed(self.states(tokens_BT, first_B=first_B))

    def states(self, tokens_BT: Tensor, *, first_B: Tensor | None = None) -> Tensor:
        """What `forward` gives to the output layer, (B, T, D): for a caller that needs few of the logits."""
        n_tokens = tokens_BT.shape[1]
        if n_tokens > self.config.n_ctx:
            raise ValueError(f"{n_tokens} tokens exceed the model's context of {self.config.n_ctx}")
        places_T = torch.arange(n_tokens, device=tokens_BT.device)
        if first_B is None:
            return self._run(tokens_BT, places_T.unsqueeze(0), None, None)
        positions_BT = (places_T - first_B.unsqueeze(1)).clamp(min=0)
        return self._run(tokens_BT, positions_BT, _left_padded_mask(places_T, first_B), None)

    def unembed(self, states: Tensor) -> Tensor:
        """Logits of final states: (..., D) -> (..., V)."""
        return F.linear(states, self.wte.weight)

    def new_cache(self, batch: int, capacity: int) -> KVCache:
        """An empty cache on the model's device; capacity: tokens per row. Raises: ValueError above n_ctx."""
        if capacity > self.config.n_ctx:
            raise ValueError(f"a cache of {capacity} slots exceeds the context of {self.config.n_ctx}")
        weight = self.wte.weight
        return KVCache.empty(self.config, batch, capacity, device=weight.device, dtype=weight.dtype)

    def decode(self, tokens_BT: Tensor, cache: KVCache, lengths_B: Tensor) -> Tensor:
        """Read T more tokens of every row of a cache; logits of the token after each, (B, T, V).

        tokens_BT: int64, B the cache's rows. lengths_B: int64, tokens each row already holds; its new ones go
        to the slots from there on and see the slots up to their own. The caller then counts those it wants
        to keep: a prompt padded on the right is read whole and counted to its true length. Rows never see
        one another. Reading a prompt is the same call at lengths 0. lengths + T must not exceed the capacity
        (IndexError on a CPU).
        """
        return self.unembed(self.decode_states(tokens_BT, cache, lengths_B))

    @torch.no_grad()
    def decode_states(self, tokens_BT: Tensor, cache: KVCache, lengths_B: Tensor) -> Tensor:
        """What `decode` gives to the output layer, (B, T, D): after a prompt only the last one is needed."""
        device = tokens_BT.device
        slots_BT = lengths_B.unsqueeze(1) + torch.arange(tokens_BT.shape[1], device=device)
        mask_BTS = torch.arange(cache.capacity, device=device) <= slots_BT.unsqueeze(2)
        return self._run(tokens_BT, slots_BT, mask_BTS.unsqueeze(1), _CacheWrite(cache, slots_BT))

    def _run(
        self, tokens_BT: Tensor, positions_BT: Tensor, mask: Tensor | None, write: _CacheWrite | None
    ) -> Tensor:
        x_BTD = self.wte(tokens_BT) + self.wpe(positions_BT)
        for layer, block in enumerate(self.h):
            x_BTD = block(x_BTD, mask, layer, write)
        states_BTD: Tensor = self.ln_f(x_BTD)
        return states_BTD


def _embedding(n_rows: int, width: int) -> nn.Embedding:
    """An embedding whose rows are not yet set: the usual constructor draws from the global random state."""
    return nn.Embedding(n_rows, width, _weight=torch.empty(n_rows, width))


def _left_padded_mask(places_T: Tensor, first_B: Tensor) -> Tensor:
    """(B, 1, T, T): causal, and blind to padding. A pad sees itself, for softmax over nothing is NaN."""
    causal_TT = places_T.unsqueeze(0) <= places_T.unsqueeze(1)
    itself_TT = places_T.unsqueeze(0) == places_T.unsqueeze(1)
    real_B1T = (places_T >= first_B.unsqueeze(1)).unsqueeze(1)
    return ((causal_TT & real_B1T) | itself_TT).unsqueeze(1)


@torch.no_grad()
def initialise(model: GPT, seed: int) -> None:
    """Draw the initial weights from a seed, as GPT-2's released code does.

    | parameter                              | distribution                |
    |----------------------------------------|-----------------------------|
    | token embedding `wte`                  | N(0, 0.02)                  |
    | position embedding `wpe`               | N(0, 0.01)                  |
    | weights `c_attn`, `c_fc`               | N(0, 0.02)                  |
    | weights `c_proj` (into the residual)   | N(0, 0.02 / sqrt(2 L))      |
    | biases                                 | 0                           |
    | LayerNorm scale, shift                 | 1, 0                        |

    The scaling by 1/sqrt(2 L) is the GPT-2 paper's, sec. 2.3; Hugging Face draws `wpe` at 0.02 instead.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif ".ln_" in name or name.startswith("ln_"):
            parameter.fill_(1.0)
        else:
            parameter.normal_(0.0, _initial_deviation(name, model.config), generator=generator)


def _initial_deviation(name: str, config: GPTConfig) -> float:
    if name == "wpe.weight":
        return 0.01
    return 0.02 / math.sqrt(2 * config.n_layer) if "c_proj" in name else 0.02
