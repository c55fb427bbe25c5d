"""Samples for a set of problems: drawn, written as they come, put in order at the end.

`OUT.partial` is the journal of a run that has not ended: the same call takes it up again after Ctrl-C or
kill -9. In deterministic mode the finished file is then byte for byte that of an undisturbed run; in fast
mode rounding may tip a token or a last digit (see `SamplingConfig`).
"""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from codelm.files import Json, write_jsonl
from codelm.journal import Journal
from codelm.model import checkpoint_digest, load_checkpoint
from codelm.problems import ProblemSet, Sample
from codelm.progress import progress
from codelm.sampling.config import SamplingConfig
from codelm.sampling.draft import Completion, Request
from codelm.sampling.sampler import Sampler

_DIGITS = 6  # of log-probabilities as written; float32 gives no more


@dataclass(frozen=True, kw_only=True)
class SamplingReport:
    """What a call of `sample_problems` did."""

    path: Path
    n_samples: int  # rows of the file
    n_drawn: int  # in this call; the others were there already, or are copies of a greedy one
    n_tokens: int  # tokens of all completions
    tokens_drawn: int  # in this call, those cut off included
    seconds: float  # of this call, once the model is loaded
    stop_reasons: dict[str, int]  # samples by the reason they ended

    @property
    def tokens_per_s(self) -> float:
        """Speed of this call."""
        return self.tokens_drawn / self.seconds


def sample_problems(
    checkpoint: str | Path, problem_set: ProblemSet, out: str | Path, *, config: SamplingConfig
) -> SamplingReport:
    """Draw `config.n` completions of every problem; write them as JSON Lines, by problem, then by sample.

    Raises: InputError for a checkpoint that cannot be used, a prompt too long for its context, or a journal
    that other settings left; OutputError; UsageError when this machine cannot give deterministic mode.
    """
    out = Path(out)
    source = _Source(checkpoint_digest(checkpoint), problem_set.digest, config)
    sampler = Sampler(*load_checkpoint(checkpoint), config)
    requests = [
        request
        for problem in problem_set.problems.values()
        for request in sampler.requests(problem, source.drawn)
    ]
    began = time.monotonic()
    with Journal(out.with_name(out.name + ".partial"), source.header()) as journal:
        missing = [request for request in requests if request.key not in journal]
        tokens_drawn = _draw(sampler, missing, journal, source, n_done=len(requests) - len(missing))
        rows = [
            journal[request.key] | {"sample": sample}
            for request in requests
            for sample in source.written_as(request)
        ]
        write_jsonl(out, rows)
        journal.remove()
    return SamplingReport(
        path=out,
        n_samples=len(rows),
        n_drawn=len(missing),
        n_tokens=sum(row["n_tokens"] for row in rows),
        tokens_drawn=tokens_drawn,
        seconds=time.monotonic() - began,
        stop_reasons=dict(Counter(row["stop_reason"] for row in rows).most_common()),
    )


def _draw(
    sampler: Sampler, requests: list[Request], journal: Journal, source: "_Source", *, n_done: int
) -> int:
    """Complete the requests and record each; how many tokens that took."""
    began, n_tokens = time.monotonic(), 0
    with progress("sampling", n_done + len(requests), done=n_done, unit="samples") as bar:
        for completion in sampler.complete(requests):
            journal.append(completion.request.key, source.sample(completion).to_json())
            n_tokens += len(completion.tokens)
            bar.advance(note=f"{n_tokens / (time.monotonic() - began):,.0f} tokens/s")
    return n_tokens


@dataclass(frozen=True)
class _Source:
    """Where samples come from: what each row, and the journal, says of it."""

    model: str  # digest of the checkpoint
    dataset_digest: str
    config: SamplingConfig

    @property
    def drawn(self) -> range:
        """The samples of a problem that are drawn; greedy ones are equal by definition, so one is."""
        return range(self.config.n if self.config.temperature > 0.0 else 1)

    def written_as(self, request: Request) -> range | tuple[int]:
        """The samples that a request's completion is written as."""
        return (request.sample,) if self.config.temperature > 0.0 else range(self.config.n)

    def header(self) -> Json:
        """All that a sample depends on; n and the batch size may change when a run is taken up again."""
        config = self.config
        return {
            "work": "sample",
            "version": 1,
            "model": self.model,
            "dataset_digest": self.dataset_digest,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_new_tokens": config.max_new_tokens,
            "seed": config.seed,
            "lanes": config.lanes if config.deterministic else None,
            "keep_raw": config.keep_raw,
        }

    def sample(self, completion: Completion) -> Sample:
        """The record of a completion."""
        mean, keep_raw = completion.mean_logprob, self.config.keep_raw
        return Sample(
            task_id=completion.request.task_id,
            completion=completion.text,
            sample=completion.request.sample,
            sum_logprob=round(completion.sum_logprob, _DIGITS),
            mean_logprob=None if mean is None else round(mean, _DIGITS),
            n_tokens=completion.n_tokens,
            stop_reason=completion.stop_reason,
            raw=completion.raw if keep_raw else None,
            temperature=self.config.temperature,
            top_p=self.config.top_p,
            seed=self.config.seed,
            model=self.model,
            dataset_digest=self.dataset_digest,
            extra={"tokens": list(completion.tokens)} if keep_raw else {},
        )
