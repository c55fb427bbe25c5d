"""One completion while it is written, and what it is when it has ended.

Which tokens count: those that gave at least one byte to the completion, that is, begin before the cut. A
token across the cut counts whole; the end-of-text token and the tokens of a stop sequence do not count.
`n_tokens`, `sum_logprob` and `mean_logprob` run over exactly these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codelm.sampling.stops import StopReason, find_new_stop


@dataclass(frozen=True, kw_only=True)
class Request:
    """One completion to be drawn."""

    task_id: str
    sample: int  # index among the samples of this task, from 0
    prompt: tuple[int, ...]  # token ids, at least one
    max_tokens: int  # tokens to draw at most, at least 1

    @property
    def key(self) -> str:
        """Its name in a journal."""
        return f"{self.task_id}/{self.sample}"


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One completion that has ended. Bytes that are not UTF-8 are shown as U+FFFD in its texts."""

    request: Request
    text: str  # up to the cut
    raw: str  # all that was written
    tokens: tuple[int, ...]  # all ids drawn, in order, an end-of-text id included
    logprobs: tuple[float, ...]  # of the tokens that count: raw (temperature 1) model log-probabilities, nats
    stop_reason: StopReason

    @property
    def n_tokens(self) -> int:
        """How many tokens count."""
        return len(self.logprobs)

    @property
    def sum_logprob(self) -> float:
        """Log-probability of the tokens that count, nats; 0.0 for an empty completion."""
        return sum(self.logprobs)

    @property
    def mean_logprob(self) -> float | None:
        """The same per token; None for an empty completion, which has no mean."""
        return self.sum_logprob / self.n_tokens if self.logprobs else None


class Draft:
    """A completion that is being written, token by token."""

    def __init__(self, request: Request, uniforms: np.ndarray) -> None:
        """uniforms: one number in [0, 1) per position, at least `request.max_tokens`."""
        self.request = request
        self.uniforms = uniforms
        self.tokens: list[int] = []
        self._logprobs: list[float] = []
        self._written = bytearray()
        self._cut = 0

    @property
    def n_read(self) -> int:
        """Tokens the model has read before this step: all but the newest one of prompt and draft."""
        return len(self.request.prompt) - 1 + len(self.tokens)

    @property
    def newest(self) -> int:
        """The token to be read next."""
        return self.tokens[-1] if self.tokens else self.request.prompt[-1]

    @property
    def uniform(self) -> float:
        """The random number for the next token."""
        return float(self.uniforms[len(self.tokens)])

    def push(self, token: int, logprob: float, *, piece: bytes, ends: bool) -> StopReason | None:
        """Append a token and say whether, and why, the completion has ended.

        piece: the token's bytes; ends: whether it is the end of text.
        """
        self.tokens.append(token)
        self._logprobs.append(logprob)
        self._written += piece
        stop = find_new_stop(self._written, len(piece))
        self._cut = len(self._written) if stop is None else stop
        if stop is not None:
            return "stop_sequence"
        if ends:
            return "end_of_text"
        return "length" if len(self.tokens) == self.request.max_tokens else None

    def finish(self, stop_reason: StopReason, pieces: Sequence[bytes]) -> Completion:
        """The completion as it stands. pieces: the bytes of every token id."""
        n_tokens = self._count_kept(pieces)
        return Completion(
            request=self.request,
            text=self._written[: self._cut].decode(errors="replace"),
            raw=self._written.decode(errors="replace"),
            tokens=tuple(self.tokens),
            logprobs=tuple(self._logprobs[:n_tokens]),
            stop_reason=stop_reason,
        )

    def _count_kept(self, pieces: Sequence[bytes]) -> int:
        begins = 0
        for index, token in enumerate(self.tokens):
            if begins >= self._cut:
                return index
            begins += len(pieces[token])
        return len(self.tokens)
