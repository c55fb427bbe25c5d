"""Drawing a token: temperature, then the nucleus (Holtzman et al. 2020, sec. 3.1), then one uniform number.

Tensors are named by shape: B rows, V vocabulary, R rows still undecided, W of a row's likeliest tokens.
"""
# ruff: noqa: N803, N806, N815 - tensors are named by shape

from typing import NamedTuple

import torch
from torch import Tensor

# How many of the likeliest tokens are ranked at first, and when their mass falls short. A trained model
# seldom needs more than the first; ranking a whole vocabulary of 4,096 costs fifty times as much.
_WIDTHS = (32, 512)


def draw_tokens(
    logits_BV: Tensor, uniforms_B: Tensor, *, temperature: float, top_p: float, busy_B: Tensor
) -> Tensor:
    """One token per row, int64 (B,), by inverse cumulative distribution over the row's nucleus.

    The nucleus is the fewest likeliest tokens whose mass reaches top_p at this temperature; of equally likely
    ones the smaller id goes first. Temperature 0 takes the likeliest token.
    uniforms_B: float64 in [0, 1). busy_B: bool, rows to draw for; the others may get any token.
    """
    if temperature == 0.0:
        return logits_BV.argmax(dim=-1)  # the first of several maxima
    n_tokens = logits_BV.shape[-1]
    highest_B1 = logits_BV.amax(dim=-1, keepdim=True)
    mass_B1 = (logits_BV - highest_B1).div_(temperature).exp_().sum(dim=-1, keepdim=True).double()
    tokens_B = torch.zeros_like(busy_B, dtype=torch.int64)
    rows_R, logits_RV = torch.arange(len(logits_BV), device=logits_BV.device), logits_BV
    # At top_p 1 every token is in the nucleus, so no prefix of the ranking is enough.
    for width in [width for width in _WIDTHS if width < n_tokens and top_p < 1.0]:
        ranked_RW, ids_RW = logits_RV.topk(width, dim=-1)
        weights_RW = ((ranked_RW - highest_B1[rows_R]).double() / temperature).exp()
        picked = _pick(weights_RW, top_p * mass_B1[rows_R], uniforms_B[rows_R])
        tokens_B[rows_R] = ids_RW.gather(1, picked.rank_R1).squeeze(1)
        # The last of the prefix may tie with one outside, and `topk` promises no order among equals.
        unsettled_R = (picked.last_R1.squeeze(1) == width - 1) | _has_ties(ranked_RW)
        rows_R = rows_R[unsettled_R & busy_B[rows_R]]
        if not len(rows_R):
            return tokens_B
        logits_RV = logits_BV[rows_R]
    ranked_RV, ids_RV = logits_RV.sort(dim=-1, descending=True, stable=True)
    weights_RV = ((ranked_RV - highest_B1[rows_R]).double() / temperature).exp()
    picked = _pick(weights_RV, top_p * weights_RV.cumsum(dim=-1)[:, -1:], uniforms_B[rows_R])
    tokens_B[rows_R] = ids_RV.gather(1, picked.rank_R1).squeeze(1)
    return tokens_B


def token_logprobs(logits_BV: Tensor, tokens_B: Tensor) -> Tensor:
    """The model's own log-probability of each row's token (temperature 1, whole vocabulary), nats, (B,)."""
    chosen_B = logits_BV.gather(1, tokens_B.unsqueeze(1)).squeeze(1)
    return chosen_B - logits_BV.logsumexp(dim=-1)


class _Picked(NamedTuple):
    rank_R1: Tensor  # rank of the token drawn
    last_R1: Tensor  # rank of the nucleus's last token; the last rank given when the mass was not reached


def _pick(weights_RW: Tensor, needed_R1: Tensor, uniforms_R: Tensor) -> _Picked:
    """Draw a rank from weights, likeliest first, among the fewest whose sum reaches what is needed."""
    cumulative_RW = weights_RW.cumsum(dim=-1)
    last_R1 = (cumulative_RW < needed_R1).sum(dim=-1, keepdim=True).clamp(max=weights_RW.shape[-1] - 1)
    target_R1 = uniforms_R.unsqueeze(1) * cumulative_RW.gather(1, last_R1)
    rank_R1 = (cumulative_RW <= target_R1).sum(dim=-1, keepdim=True)
    return _Picked(rank_R1=torch.minimum(rank_R1, last_R1), last_R1=last_R1)


def _has_ties(ranked_RW: Tensor) -> Tensor:
    """Rows in which two logits are equal, bool (R,)."""
    return (ranked_RW[:, 1:] == ranked_RW[:, :-1]).any(dim=-1)
