"""The local engine: many completions at once, each lane taking the next request when its own has ended.

In deterministic mode a sample is independent of its neighbours, of the order of the work and of how much is
done at once: every step has one shape (all lanes, a number of slots that follows from the request alone),
prompts are read alone at their own length, and the engine refuses a machine on which equal rows of one step
give unequal results. The number of torch's threads is part of the machine.
"""
# ruff: noqa: N806 - tensors are named by shape: B lanes, V vocabulary

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import torch

from codelm.errors import InputError, UsageError
from codelm.model import GPT
from codelm.problems import Problem
from codelm.sampling.config import SamplingConfig
from codelm.sampling.draft import Completion, Draft, Request
from codelm.sampling.draws import uniform_draws
from codelm.sampling.lanes import Lanes, round_up, rows_for
from codelm.sampling.nucleus import draw_tokens, token_logprobs
from codelm.tokenizer import Tokenizer

_SLOTS_STEP = 64  # requests that need up to the same multiple of this share one shape


class Sampler:
    """Draws completions from one model; keeps nothing between calls."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, config: SamplingConfig) -> None:
        self.model, self.tokenizer, self.config = model, tokenizer, config
        self._pieces = [tokenizer.decode_bytes([index]) for index in range(tokenizer.vocab_size)]
        # A vocabulary padded to a round size has ids that stand for no text.
        self._pieces += [b""] * (model.config.vocab_size - tokenizer.vocab_size)

    def requests(self, problem: Problem, samples: Iterable[int]) -> list[Request]:
        """What to draw for these samples of a problem, whose prompt is taken unchanged.

        Raises: InputError when the prompt leaves no room in the model's context.
        """
        # An empty prompt starts a document: what follows an end of text.
        prompt = tuple(self.tokenizer.encode(problem.prompt)) or (self.tokenizer.end_of_text_id,)
        room = self.model.config.n_ctx - len(prompt)
        if room < 1:
            raise InputError(
                f"task {problem.task_id!r}: its prompt has {len(prompt)} tokens and the model's context of "
                f"{self.model.config.n_ctx} must hold the completion too; leave the task out or take a model "
                "with a longer context"
            )
        max_tokens = min(self.config.max_new_tokens, room)
        return [
            Request(task_id=problem.task_id, sample=sample, prompt=prompt, max_tokens=max_tokens)
            for sample in samples
        ]

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Draw all requests; each completion comes when it ends, so not in order.

        Requests of one prompt should stand together: a prompt is read again after another one.
        Raises: UsageError when this machine cannot give deterministic mode; InputError for a model whose
        logits are not numbers.
        """
        for slots, group in self._groups(list(requests)):
            lanes = self._lanes(len(group), slots)
            if self.config.deterministic:
                _check_rows_agree(lanes, group[0])
            yield from self._drain(lanes, deque(group))

    def _groups(self, requests: list[Request]) -> Iterator[tuple[int, list[Request]]]:
        """Requests that share a cache, and its slots: in deterministic mode those of equal need."""
        needs = [self._slots(request) for request in requests]
        if not self.config.deterministic and requests:
            yield max(needs), requests
            return
        by_need = sorted(zip(needs, requests, strict=True), key=lambda pair: pair[0])
        for slots, group in groupby(by_need, key=lambda pair: pair[0]):
            yield slots, [request for _, request in group]

    def _slots(self, request: Request) -> int:
        need = round_up(len(request.prompt) + request.max_tokens, _SLOTS_STEP)
        return min(need, self.model.config.n_ctx)

    def _lanes(self, n_requests: int, slots: int) -> Lanes:
        fast = rows_for(min(self.config.busy_lanes, n_requests))
        n_lanes = self.config.lanes if self.config.deterministic else fast
        return Lanes(self.model, n_lanes=n_lanes, slots=slots)

    def _drain(self, lanes: Lanes, waiting: deque[Request]) -> Iterator[Completion]:
        while True:
            self._fill(lanes, waiting)
            if not lanes.busy:
                return
            if not self.config.deterministic and not waiting:
                lanes.shrink()
            yield from self._step(lanes)

    def _fill(self, lanes: Lanes, waiting: deque[Request]) -> None:
        for lane in range(min(self.config.busy_lanes, len(lanes.drafts))):
            if waiting and lanes.drafts[lane] is None:
                lanes.put(lane, self._draft(waiting.popleft()))

    def _draft(self, request: Request) -> Draft:
        config = self.config
        uniforms = uniform_draws(
            seed=config.seed,
            task_id=request.task_id,
            temperature=config.temperature,
            top_p=config.top_p,
            sample=request.sample,
            count=request.max_tokens,
        )
        return Draft(request, uniforms)

    def _step(self, lanes: Lanes) -> list[Completion]:
        """Draw one token in every busy lane; the completions that ended leave their lanes."""
        tokens, logprobs = self._draw(lanes)
        ended = []
        for lane in lanes.busy:
            draft, token = lanes.drafts[lane], tokens[lane]
            assert draft is not None
            ends = token == self.tokenizer.end_of_text_id
            reason = draft.push(token, logprobs[lane], piece=self._pieces[token], ends=ends)
            if reason is not None:
                ended.append(draft.finish(reason, self._pieces))
                lanes.drafts[lane] = None
        return ended

    @torch.inference_mode()
    def _draw(self, lanes: Lanes) -> tuple[list[int], list[float]]:
        """Next token of every lane, and its raw log-probability; a free lane's mean nothing.

        Raises: InputError when the model's logits are not numbers.
        """
        logits_BV = lanes.next_logits(trim=not self.config.deterministic)
        device = logits_BV.device
        uniforms = [0.0 if draft is None else draft.uniform for draft in lanes.drafts]
        tokens_B = draw_tokens(
            logits_BV,
            torch.tensor(uniforms, dtype=torch.float64, device=device),
            temperature=self.config.temperature,
            top_p=self.config.top_p,
            busy_B=torch.tensor([draft is not None for draft in lanes.drafts], device=device),
        )
        logprobs_B = token_logprobs(logits_BV, tokens_B)
        if logprobs_B.isnan().any():
            raise InputError(
                "the model's logits are not numbers (NaN): its training diverged or its file is damaged; "
                "take another checkpoint"
            )
        return tokens_B.tolist(), logprobs_B.tolist()


def _check_rows_agree(lanes: Lanes, request: Request) -> None:
    """Put one request into every lane: all must get the same logits, bit for bit.

    Raises: UsageError when they do not.
    """
    n_lanes = len(lanes.drafts)
    for lane in range(n_lanes):
        lanes.put(lane, Draft(request, np.zeros(1)))
    logits_BV = lanes.next_logits(trim=False).nan_to_num()  # NaN has its own message, once tokens are drawn
    lanes.drafts = [None] * n_lanes
    logprobs_B = token_logprobs(logits_BV, torch.zeros_like(logits_BV[:, 0], dtype=torch.int64))
    unequal = (logits_BV != logits_BV[0]).any(dim=1) | (logprobs_B != logprobs_B[0])
    if unequal.any():
        raise UsageError(
            f"deterministic mode: on this machine {int(unequal.sum())} of {n_lanes} equal rows get unequal "
            "results; take a multiple of 8 lanes, set OMP_NUM_THREADS=1, or use fast mode"
        )
