"""Lanes: the rows of one key-value cache, each holding one completion that is being written."""
# ruff: noqa: N806 - tensors are named by shape: B lanes, T tokens, V vocabulary

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from codelm.model import GPT, KVCache
from codelm.sampling.draft import Draft

_ROWS_STEP = 8  # fewer rows, or a number between, take other matrix kernels, which round otherwise
_SLOTS_STEP = 32


class Lanes:
    """A cache of `n_lanes` rows by `slots` tokens, and the drafts in it.

    A prompt but for its last token is read once, alone, and its keys and values are copied for each of its
    samples. The last token is read by the lane's first step, so that all logits that tokens are drawn from
    come out of the same computation.
    """

    def __init__(self, model: GPT, *, n_lanes: int, slots: int) -> None:
        self.drafts: list[Draft | None] = [None] * n_lanes
        self._model = model
        self._device = model.wte.weight.device
        self._cache = model.new_cache(n_lanes, slots)
        self._prompt: tuple[int, ...] = ()
        self._prompt_cache: KVCache | None = None

    @property
    def busy(self) -> list[int]:
        """Lanes that hold a draft."""
        return [lane for lane, draft in enumerate(self.drafts) if draft is not None]

    def put(self, lane: int, draft: Draft) -> None:
        """Let a lane hold a draft whose prompt alone has been written."""
        head = draft.request.prompt[:-1]
        if head:
            self._cache.copy_row(self._read_prompt(head), 0, lane, len(head))
        self.drafts[lane] = draft

    @torch.inference_mode()
    def next_logits(self, *, trim: bool) -> Tensor:
        """Read every draft's newest token: logits of the next one, (B, V); those of a free lane mean nothing.

        trim: attend to no more slots than the longest draft needs, instead of to all.
        """
        lengths = [0 if draft is None else draft.n_read for draft in self.drafts]
        newest = [0 if draft is None else draft.newest for draft in self.drafts]
        cache = self._cache
        if trim:
            cache = cache.first(min(round_up(max(lengths) + 1, _SLOTS_STEP), cache.capacity))
        tokens_B1 = torch.tensor(newest, device=self._device).unsqueeze(1)
        with _plain_attention():
            logits_B1V = self._model.decode(tokens_B1, cache, torch.tensor(lengths, device=self._device))
        return logits_B1V.squeeze(1)

    def shrink(self) -> None:
        """Move the drafts into a smaller cache when half of the lanes or fewer are busy."""
        busy = self.busy
        n_lanes = round_up(len(busy), _ROWS_STEP)
        if not busy or n_lanes > len(self.drafts) // 2:
            return
        smaller = self._model.new_cache(n_lanes, self._cache.capacity)
        drafts = [draft for draft in self.drafts if draft is not None]
        for row, (lane, draft) in enumerate(zip(busy, drafts, strict=True)):
            smaller.copy_row(self._cache, lane, row, draft.n_read)
        self._cache = smaller
        self.drafts = [*drafts, *[None] * (n_lanes - len(drafts))]

    @torch.inference_mode()
    def _read_prompt(self, tokens: tuple[int, ...]) -> KVCache:
        if self._prompt_cache is None or tokens != self._prompt:
            cache = self._model.new_cache(1, len(tokens))
            tokens_1T = torch.tensor([tokens], device=self._device)
            with _plain_attention():
                self._model.decode_states(tokens_1T, cache, torch.zeros_like(tokens_1T[:, 0]))
            self._prompt, self._prompt_cache = tokens, cache
        return self._prompt_cache


def round_up(number: int, step: int) -> int:
    """The least multiple of `step` that is at least `number`."""
    return -(-number // step) * step


def rows_for(n_drafts: int) -> int:
    """Rows to compute for that many drafts."""
    return round_up(n_drafts, _ROWS_STEP)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention as two matrix products.

    torch's fused kernel for CPUs rounds a row otherwise when another thread serves it (seen at 2 threads,
    torch 2.13), so a sample would depend on its lane. At one query per row the fused kernel is no faster.
    """
    with sdpa_kernel(SDPBackend.MATH):
        yield
