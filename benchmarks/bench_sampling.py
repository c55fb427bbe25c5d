"""Measure sampling: tokens per second against transformers' `generate`, and deterministic against fast mode.

Prints Markdown for RESULTS.md. The contenders take turns, several rounds; medians are shown. Tokens are those
up to the end of each sample, its end-of-text included; per core means per second of processor time.

    python benchmarks/bench_sampling.py CHECKPOINT --problems chains --threads 2
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from codelm.model import load_checkpoint
from codelm.problems import Problem, load_problems
from codelm.sampling import Completion, Sampler, SamplingConfig
from timing import timed

Samples = list[tuple[int, ...]]  # token ids of each
Contender = Callable[[], Samples]


class Speed(NamedTuple):
    """Tokens per second."""

    wall: float
    core: float


def main() -> None:
    """Run both comparisons and print their tables."""
    parser = argparse.ArgumentParser(description="Speed of sampling.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--problems", default="chains")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--max-new-tokens", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=40, help="problems in the second comparison")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    problems = list(load_problems(options.problems).problems.values())
    print(f"{options.threads} threads, {options.rounds} rounds, temperature {options.temperature}\n")
    against_transformers(options, problems[len(problems) // 2])
    fast_against_deterministic(options, problems[: options.tasks])


def against_transformers(options: argparse.Namespace, problem: Problem) -> None:
    """100 samples of one prompt."""
    contenders = {
        "transformers `generate`": transformers_generate(options, problem, n=100),
        "codelm, deterministic": codelm(options, [problem], n=100, deterministic=True),
        "codelm, fast": codelm(options, [problem], n=100, lanes=104),
    }
    speeds, _ = take_turns(contenders, options.rounds)
    base = speeds["transformers `generate`"]
    print("| 100 samples of one prompt | tokens/s | per core | times transformers |\n|---|---|---|---|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed.wall:,.0f} | {speed.core:,.0f} | {speed.wall / base.wall:.1f} |")
    print()


def fast_against_deterministic(options: argparse.Namespace, problems: list[Problem]) -> None:
    """10 samples of each problem: what determinism costs, and how many samples differ without it."""
    contenders = {"deterministic, 64 lanes": codelm(options, problems, n=10, deterministic=True)}
    for lanes in (1, 16, 64, 128):
        contenders[f"fast, {lanes} lanes"] = codelm(options, problems, n=10, lanes=lanes)
    speeds, samples = take_turns(contenders, options.rounds)
    base, *_ = samples.values()
    print(f"| 10 samples of {len(problems)} problems | tokens/s | per core | samples that differ |")
    print("|---|---|---|---|")
    for name, speed in speeds.items():
        unequal = sum(one != other for one, other in zip(samples[name], base, strict=True))
        print(f"| {name} | {speed.wall:,.0f} | {speed.core:,.0f} | {unequal} of {len(base)} |")


def take_turns(contenders: dict[str, Contender], rounds: int) -> tuple[dict[str, Speed], dict[str, Samples]]:
    """Median speeds over the rounds, and what each contender drew."""
    speeds: dict[str, list[Speed]] = {name: [] for name in contenders}
    samples: dict[str, Samples] = {}
    for _ in range(rounds):
        for name, contender in contenders.items():
            run = timed(contender)
            samples[name] = run.value
            n_tokens = sum(map(len, run.value))
            speeds[name].append(Speed(n_tokens / run.wall_s, n_tokens / run.cpu_s))
    medians = {
        name: Speed(median(s.wall for s in seen), median(s.core for s in seen))
        for name, seen in speeds.items()
    }
    return medians, samples


def codelm(
    options: argparse.Namespace,
    problems: list[Problem],
    *,
    n: int,
    deterministic: bool = False,
    lanes: int = 64,
) -> Contender:
    """Our engine, whole: stop sequences, log-probabilities, texts."""
    model, tokenizer = load_checkpoint(options.checkpoint)
    config = SamplingConfig(
        temperature=options.temperature,
        max_new_tokens=options.max_new_tokens,
        deterministic=deterministic,
        lanes=lanes,
    )
    sampler = Sampler(model, tokenizer, config)
    requests = [request for problem in problems for request in sampler.requests(problem, range(n))]

    def run() -> Samples:
        drawn: dict[str, Completion] = {item.request.key: item for item in sampler.complete(requests)}
        return [drawn[request.key].tokens for request in requests]

    return run


def transformers_generate(options: argparse.Namespace, problem: Problem, *, n: int) -> Contender:
    """The same checkpoint in transformers, all samples in one batch, with its own nucleus sampling."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import GPT2LMHeadModel

    _, tokenizer = load_checkpoint(options.checkpoint)
    model = GPT2LMHeadModel.from_pretrained(options.checkpoint).eval()
    prompt = torch.tensor([tokenizer.encode(problem.prompt)])
    end = tokenizer.end_of_text_id

    def run() -> Samples:
        rows = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=True,
            temperature=options.temperature,
            top_p=0.95,
            top_k=0,
            num_return_sequences=n,
            max_new_tokens=options.max_new_tokens,
            pad_token_id=end,
        )
        drawn = rows[:, prompt.shape[1] :].tolist()
        return [tuple(ids[: ids.index(end) + 1] if end in ids else ids) for ids in drawn]

    return run


if __name__ == "__main__":
    main()
