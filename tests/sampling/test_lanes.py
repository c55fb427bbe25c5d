"""Lanes: equal rows give equal results, and fewer rows or slots give the same ones up to rounding."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from codelm.model import GPT, GPTConfig
from codelm.sampling.draft import Draft, Request
from codelm.sampling.lanes import Lanes

PROMPTS = ((5,), (7, 8, 9), tuple(range(10, 80)), tuple(range(20, 35)))


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def new_draft(prompt: tuple[int, ...], *tokens: int) -> Draft:
    draft = Draft(Request(task_id="t", sample=0, prompt=prompt, max_tokens=20), np.zeros(20))
    draft.tokens.extend(tokens)
    return draft


def uncached(model: GPT, draft: Draft) -> Tensor:
    """Logits of a draft's next token, from a plain forward pass over all it holds."""
    with torch.no_grad():
        return model(torch.tensor([[*draft.request.prompt, *draft.tokens]]))[0, -1]


def step_all(lanes: Lanes, token: int, *, trim: bool) -> None:
    """Read every draft's newest token, then append one and the same to all."""
    lanes.next_logits(trim=trim)
    for draft in lanes.drafts:
        if draft is not None:
            draft.tokens.append(token)


@pytest.mark.usefixtures("two_threads")
def test_equal_drafts_in_all_lanes_get_equal_bits_from_two_threads() -> None:
    """Which thread serves a lane changes nothing; with torch's fused attention this fails."""
    wide = GPT(GPTConfig(n_layer=2, n_embd=128, n_head=4, vocab_size=300, n_ctx=160)).eval()
    lanes = Lanes(wide, n_lanes=64, slots=128)
    for lane in range(64):
        lanes.put(lane, new_draft(PROMPTS[2]))
    logits = lanes.next_logits(trim=False)
    assert (logits == logits[0]).all()


@pytest.mark.parametrize("trim", [True, False])
def test_lanes_agree_with_the_uncached_model_through_reuse_and_shrinking(model: GPT, trim: bool) -> None:
    """Drafts of unequal lengths, one put where another ended, then moved to fewer rows: always their own."""
    lanes = Lanes(model, n_lanes=24, slots=128)
    for lane, prompt in zip((0, 9, 17, 23), PROMPTS, strict=True):
        lanes.put(lane, new_draft(prompt))
    step_all(lanes, 3, trim=trim)
    lanes.put(17, new_draft(PROMPTS[3]))
    step_all(lanes, 4, trim=trim)
    lanes.shrink()
    assert len(lanes.drafts) == 8
    assert lanes.busy == [0, 1, 2, 3]
    logits = lanes.next_logits(trim=trim)
    for lane in lanes.busy:
        draft = lanes.drafts[lane]
        assert draft is not None
        assert torch.allclose(logits[lane], uncached(model, draft), atol=1e-4)


def test_shrink_with_most_lanes_busy_changes_nothing(model: GPT) -> None:
    """Moving costs a copy, so half of the rows must be free for it."""
    lanes = Lanes(model, n_lanes=16, slots=64)
    for lane in range(9):
        lanes.put(lane, new_draft(PROMPTS[0]))
    lanes.shrink()
    assert len(lanes.drafts) == 16
