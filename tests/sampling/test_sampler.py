"""The engine: what a sample is must not depend on how, when or beside what it was drawn."""
# ruff: noqa: N806 - tensors are named by shape

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch

from codelm.errors import InputError, UsageError
from codelm.model import GPT, GPTConfig
from codelm.problems import Problem, ProblemSet, truncate_at_stop
from codelm.sampling import Completion, Request, Sampler, SamplingConfig
from codelm.sampling.lanes import Lanes
from codelm.tokenizer import Tokenizer

BASE: dict[str, Any] = {"temperature": 0.8, "max_new_tokens": 40, "seed": 4}


def all_requests(sampler: Sampler, problems: ProblemSet, n: int = 4) -> list[Request]:
    return [r for problem in problems.problems.values() for r in sampler.requests(problem, range(n))]


def by_key(completions: Iterable[Completion]) -> dict[str, Completion]:
    return {completion.request.key: completion for completion in completions}


@pytest.fixture(scope="module")
def sampler(model: GPT, tokenizer: Tokenizer) -> Sampler:
    return Sampler(model, tokenizer, SamplingConfig(**BASE))


@pytest.fixture(scope="module")
def drawn(sampler: Sampler, problems: ProblemSet) -> dict[str, Completion]:
    """Four samples of each problem, deterministic, all lanes busy."""
    return by_key(sampler.complete(all_requests(sampler, problems)))


def test_drawn_samples_are_a_fair_trial(drawn: dict[str, Completion]) -> None:
    """The fixture's samples differ, end in every way, and need caches of two sizes."""
    assert len(drawn) == 20
    assert len({completion.raw for completion in drawn.values()}) > 15
    reasons = {completion.stop_reason for completion in drawn.values()}
    assert reasons == {"stop_sequence", "end_of_text", "length"}
    assert len({len(c.request.prompt) + c.request.max_tokens > 64 for c in drawn.values()}) == 2


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_batch_size_changes_no_bit_of_any_sample(
    model: GPT, tokenizer: Tokenizer, problems: ProblemSet, drawn: dict[str, Completion], batch_size: int
) -> None:
    """One, seven or all lanes busy: equal tokens and equal log-probabilities."""
    sampler = Sampler(model, tokenizer, SamplingConfig(**BASE, batch_size=batch_size))
    assert by_key(sampler.complete(all_requests(sampler, problems))) == drawn


def test_reverse_order_changes_no_bit_of_any_sample(
    sampler: Sampler, problems: ProblemSet, drawn: dict[str, Completion]
) -> None:
    """Last request first: other lanes, other neighbours, equal samples."""
    assert by_key(sampler.complete(all_requests(sampler, problems)[::-1])) == drawn


def test_part_of_the_requests_gives_the_same_samples(
    sampler: Sampler, problems: ProblemSet, drawn: dict[str, Completion]
) -> None:
    """What is left after an interruption, or a shard of the problems, is drawn as in the whole."""
    part = all_requests(sampler, problems)[1::3]
    assert by_key(sampler.complete(part)) == {request.key: drawn[request.key] for request in part}


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_logprobs_match_a_fresh_forward_pass(
    model: GPT, tokenizer: Tokenizer, problems: ProblemSet, deterministic: bool, temperature: float
) -> None:
    """Recomputed without cache, batch or temperature from prompt and tokens: within 1e-4 each."""
    config = SamplingConfig(**BASE | {"temperature": temperature}, deterministic=deterministic, lanes=16)
    sampler = Sampler(model, tokenizer, config)
    for completion in sampler.complete(all_requests(sampler, problems)):
        ids = [*completion.request.prompt, *completion.tokens]
        with torch.no_grad():
            logprobs_TV = model(torch.tensor([ids]))[0].log_softmax(dim=-1)
        first = len(completion.request.prompt) - 1
        expected = [
            float(logprobs_TV[first + index, token])
            for index, token in enumerate(completion.tokens[: completion.n_tokens])
        ]
        assert completion.logprobs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("deterministic", [True, False])
def test_temperature_zero_is_argmax_of_the_plain_model(
    model: GPT, tokenizer: Tokenizer, problems: ProblemSet, deterministic: bool
) -> None:
    """Greedy decoding by a loop over uncached forward passes gives the same tokens."""
    config = SamplingConfig(**BASE | {"temperature": 0.0}, deterministic=deterministic)
    sampler = Sampler(model, tokenizer, config)
    for completion in sampler.complete(all_requests(sampler, problems, n=1)):
        ids = list(completion.request.prompt)
        for token in completion.tokens:
            with torch.no_grad():
                assert token == int(model(torch.tensor([ids]))[0, -1].argmax())
            ids.append(token)


def test_completions_end_where_their_text_says(tokenizer: Tokenizer, drawn: dict[str, Completion]) -> None:
    """Text, reason and counted tokens are those of a plain cut of the decoded tokens."""
    for completion in drawn.values():
        raw = tokenizer.decode(completion.tokens)
        assert (completion.raw, completion.text) == (raw, truncate_at_stop(raw).text)
        assert (completion.stop_reason == "stop_sequence") == (truncate_at_stop(raw).stop_reason is not None)
        ended = completion.tokens[-1] == tokenizer.end_of_text_id
        assert (completion.stop_reason == "end_of_text") == ended
        kept = tokenizer.decode_bytes(completion.tokens[: completion.n_tokens])
        assert kept.startswith(completion.text.replace("\ufffd", "").encode()) or "\ufffd" in completion.text


def test_first_token_frequencies_match_the_model(model: GPT, tokenizer: Tokenizer) -> None:
    """Chi-square of the first tokens of 3,000 samples against the exact nucleus of a forward pass."""
    config = SamplingConfig(temperature=0.8, max_new_tokens=1, seed=11)
    sampler = Sampler(model, tokenizer, config)
    problem = Problem(task_id="t", prompt="def f(x):\n", entry_point="f", test="")
    requests = sampler.requests(problem, range(3000))
    counts = np.bincount([c.tokens[0] for c in sampler.complete(requests)], minlength=model.config.vocab_size)
    with torch.no_grad():
        logits_V = model(torch.tensor([requests[0].prompt]))[0, -1].double()
    ranked, ids = (logits_V / 0.8).softmax(dim=0).sort(descending=True)
    inside = ranked.cumsum(dim=0) - ranked < 0.95
    expected = np.zeros(len(counts))
    expected[ids[inside].numpy()] = (ranked[inside] / ranked[inside].sum() * 3000).numpy()
    assert counts[expected == 0].sum() == 0
    likely = expected >= 5
    freedom = likely.sum() - 1
    chi_square = ((counts - expected)[likely] ** 2 / expected[likely]).sum()
    assert freedom > 2
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom)


def test_completion_at_the_end_of_the_context_ends_by_length(model: GPT, tokenizer: Tokenizer) -> None:
    """Prompt and completion together never exceed the context, up to its last position."""
    sampler = Sampler(model, tokenizer, SamplingConfig(**BASE))
    long = Problem(task_id="long", prompt="x = 1\n" * 24, entry_point="f", test="")
    n_prompt = len(tokenizer.encode(long.prompt))
    assert model.config.n_ctx - 40 < n_prompt < model.config.n_ctx, "the test's prompt must nearly fill it"
    completions = list(sampler.complete(sampler.requests(long, range(20))))
    room = model.config.n_ctx - n_prompt
    assert max(len(completion.tokens) for completion in completions) == room
    assert all((c.stop_reason == "length") == (len(c.tokens) == room) for c in completions)


def test_prompt_without_room_is_refused_by_name(sampler: Sampler) -> None:
    """The message names the task, the tokens it has and those the model can hold."""
    problem = Problem(task_id="HumanEval/999", prompt="x = 1\n" * 240, entry_point="f", test="")
    with pytest.raises(InputError, match=r"task 'HumanEval/999': its prompt has \d+ tokens .* of 160"):
        sampler.requests(problem, [0])


def test_machine_whose_equal_rows_differ_is_refused(
    sampler: Sampler, problems: ProblemSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deterministic mode proves on the spot that a lane's place changes nothing, or does not start."""
    honest = Lanes.next_logits

    def uneven(self: Lanes, *, trim: bool) -> torch.Tensor:
        logits_BV = honest(self, trim=trim).clone()
        logits_BV[5] *= 1 + 2**-20
        return logits_BV

    monkeypatch.setattr(Lanes, "next_logits", uneven)
    with pytest.raises(UsageError, match=r"1 of 64 equal rows .* OMP_NUM_THREADS=1"):
        list(sampler.complete(all_requests(sampler, problems)))


def test_model_whose_logits_are_nan_is_refused(tokenizer: Tokenizer, problems: ProblemSet) -> None:
    """A checkpoint of diverged weights gives one line, not samples of token 0."""
    config = GPTConfig(n_layer=1, n_embd=32, n_head=4, vocab_size=tokenizer.vocab_size, n_ctx=160)
    broken = GPT(config).eval()
    broken.ln_f.weight.data.fill_(float("nan"))
    sampler = Sampler(broken, tokenizer, SamplingConfig(**BASE))
    with pytest.raises(InputError, match="logits are not numbers"):
        list(sampler.complete(all_requests(sampler, problems)))


def test_nothing_to_draw_gives_nothing(sampler: Sampler) -> None:
    """A finished run has no requests left."""
    assert list(sampler.complete([])) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "n must be at least 1"),
        ({"temperature": -0.1}, "temperature must be a number from 0 up"),
        ({"temperature": float("nan")}, "temperature must be"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]"),
        ({"top_p": 1.1}, r"top_p must be in \(0, 1\]"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1"),
        ({"lanes": 0}, "lanes must be at least 1"),
        ({"batch_size": 65}, r"batch_size must be in \[1, lanes=64\], got 65"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_config_outside_its_range_is_refused(change: dict[str, Any], message: str) -> None:
    """Each number says its range when the configuration is made."""
    with pytest.raises(ValueError, match=message):
        SamplingConfig(**change)
