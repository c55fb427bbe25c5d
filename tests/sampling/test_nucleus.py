"""The nucleus against brute force, and drawing against the exact distribution."""
# ruff: noqa: N803, N806 - tensors are named by shape

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from codelm.sampling.nucleus import draw_tokens, token_logprobs

LEVELS = st.lists(st.sampled_from([-3.0, -1.5, -1.0, 0.0, 0.25, 0.5, 2.0]), min_size=1, max_size=12)


def nucleus(logits: list[float], temperature: float, top_p: float) -> list[tuple[int, float]]:
    """By definition, in exact sums: (token, probability before renormalising), likeliest first."""
    weights = [math.exp(logit / temperature) for logit in logits]
    total = math.fsum(weights)
    ranked = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    kept: list[tuple[int, float]] = []
    while ranked and math.fsum(p for _, p in kept) < top_p:
        token = ranked.pop(0)
        kept.append((token, weights[token] / total))
    return kept


def quantile(kept: list[tuple[int, float]], uniform: float) -> int:
    """The token whose share of [0, 1) holds the number."""
    total = math.fsum(p for _, p in kept)
    for index, (token, _) in enumerate(kept):
        if uniform * total < math.fsum(p for _, p in kept[: index + 1]):
            return token
    return kept[-1][0]


def draw(logits_BV: Tensor, uniforms: list[float], temperature: float, top_p: float) -> list[int]:
    busy_B = torch.ones(len(uniforms), dtype=torch.bool)
    numbers_B = torch.tensor(uniforms, dtype=torch.float64)
    return draw_tokens(logits_BV, numbers_B, temperature=temperature, top_p=top_p, busy_B=busy_B).tolist()


@settings(deadline=None)
@given(LEVELS, st.sampled_from([0.2, 0.8, 1.0, 2.0]), st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]))
def test_draw_over_all_quantiles_gives_the_nucleus_by_definition(
    logits: list[float], temperature: float, top_p: float
) -> None:
    """With ties among the logits, each number in [0, 1) gives the token that brute force gives."""
    sums = np.cumsum([p for _, p in nucleus(logits, temperature, 1.0)])
    assume(np.abs(sums[:-1] - top_p).min(initial=1) > 1e-5)  # float32 cannot tell such a mass from top_p
    kept = nucleus(logits, temperature, top_p)
    numbers = [(i + 0.417) / 97 for i in range(97)]
    edges = np.cumsum([p for _, p in kept]) / math.fsum(p for _, p in kept)
    numbers = [u for u in numbers if np.abs(edges - u).min() > 1e-5]
    drawn = draw(torch.tensor([logits] * len(numbers)), numbers, temperature, top_p)
    assert drawn == [quantile(kept, u) for u in numbers]


@pytest.mark.parametrize("spread", [0.02, 0.5, 1.5, 6.0])
@pytest.mark.parametrize("coarse", [False, True])
def test_draw_from_a_large_vocabulary_agrees_with_a_full_sort(spread: float, coarse: bool) -> None:
    """Narrow, wide and tied distributions, whichever prefix of the ranking they need, give one answer."""
    generator = torch.Generator().manual_seed(0)
    logits_BV = torch.randn(40, 1500, generator=generator) * spread
    logits_BV = logits_BV.round(decimals=1) if coarse else logits_BV
    uniforms_B = torch.rand(40, generator=generator, dtype=torch.float64)
    ranked_BV, ids_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
    probs_BV = (ranked_BV.double() / 0.8).softmax(dim=-1)
    inside_BV = probs_BV.cumsum(dim=-1) - probs_BV < 0.95
    kept_BV = (probs_BV * inside_BV).cumsum(dim=-1)
    rank_B1 = (kept_BV <= uniforms_B.unsqueeze(1) * kept_BV[:, -1:]).sum(dim=-1, keepdim=True)
    expected = ids_BV.gather(1, rank_B1).squeeze(1).tolist()
    assert draw(logits_BV, uniforms_B.tolist(), 0.8, 0.95) == expected


def test_draw_frequencies_match_the_exact_nucleus_distribution() -> None:
    """Chi-square of 20,000 draws against the renormalised nucleus; nothing outside is ever drawn."""
    logits = (torch.randn(200, generator=torch.Generator().manual_seed(3)) * 2.5).tolist()
    kept = nucleus(logits, 0.8, 0.95)
    uniforms = np.random.default_rng(5).random(20_000)
    counts = np.bincount(draw(torch.tensor([logits]).expand(20_000, -1), uniforms.tolist(), 0.8, 0.95))
    expected = np.zeros(200)
    expected[[token for token, _ in kept]] = [p for _, p in kept]
    expected *= 20_000 / expected.sum()
    assert counts[expected[: len(counts)] == 0].sum() == 0
    likely = expected >= 5
    observed = np.pad(counts, (0, 200 - len(counts)))
    chi_square = ((observed - expected)[likely] ** 2 / expected[likely]).sum()
    freedom = likely.sum() - 1
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom)  # four standard deviations


@pytest.mark.parametrize("temperature", [0.0, 1e-4])
def test_draw_at_zero_and_tiny_temperature_takes_the_likeliest(temperature: float) -> None:
    """Greedy is the limit of ever lower temperatures; of equally likely tokens the smaller id is drawn."""
    logits_BV = torch.randn(30, 700, generator=torch.Generator().manual_seed(0)) * 100
    logits_BV[:, 600] = logits_BV[:, 77] = 1000.0
    assert draw(logits_BV, [0.3] * 30, temperature, 0.95) == [77] * 30


def test_draw_leaves_rows_that_are_not_busy_alone() -> None:
    """A free lane's row costs no sorting and changes no other row."""
    logits_BV = torch.randn(6, 900, generator=torch.Generator().manual_seed(0))
    numbers_B = torch.full((6,), 0.9, dtype=torch.float64)
    busy_B = torch.tensor([True, False, True, False, False, True])
    some = draw_tokens(logits_BV, numbers_B, temperature=1.0, top_p=0.95, busy_B=busy_B)
    assert some[busy_B].tolist() == torch.tensor(draw(logits_BV, [0.9] * 6, 1.0, 0.95))[busy_B].tolist()


def test_token_logprobs_are_log_softmax_at_temperature_one() -> None:
    """Raw log-probabilities: not tempered, not renormalised over the nucleus."""
    logits_BV = torch.randn(5, 40, generator=torch.Generator().manual_seed(0)) * 3
    tokens_B = torch.tensor([0, 39, 7, 7, 12])
    expected = logits_BV.double().log_softmax(dim=-1)[torch.arange(5), tokens_B]
    assert torch.allclose(token_logprobs(logits_BV, tokens_B).double(), expected, atol=1e-6)
