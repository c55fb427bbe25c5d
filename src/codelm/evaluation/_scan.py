"""A first pass over a samples file: is every row sound, and how many are there of each task."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codelm.errors import InputError
from codelm.evaluation._judge import unknown_task
from codelm.files import Json
from codelm.problems import Problem, ProblemSet, Sample, sample_rows

MAX_SEEN = 1 << 20  # sample numbers above are not looked at
MAX_SETTINGS = 1 << 16  # tasks and settings beyond are not


@dataclass(frozen=True)
class Scan:
    """What a samples file holds."""

    rows: int
    per_task: dict[str, int]  # samples of each task that has any, in file order
    digest: str  # SHA-256 over the rows' content, whatever the file's compression
    repeated: int  # rows that have task, sample number and settings of an earlier one
    of_others: int  # rows that say they were drawn for problems of another digest


def scan_samples(
    path: str | Path,
    problem_set: ProblemSet,
    *,
    check: Callable[[Problem, Sample], None] = lambda _problem, _sample: None,
) -> Scan:
    """Check every row of a samples file before anything runs. Memory does not grow with the file.

    check: raises for a sample that is not to be judged so.
    Raises: InputError, with file and line, for a row that is no sample or whose task is unknown, and for a
    file that is missing, damaged or empty; what `check` raises.
    """
    per_task: dict[str, int] = {}
    digest = hashlib.sha256()
    seen, repeated, of_others = _Seen(), 0, 0
    for line, value in sample_rows(path):
        sample = Sample.from_json(value, f"{path}, line {line}")
        if sample.task_id not in problem_set.problems:
            raise InputError(f"{path}, line {line}: {unknown_task(sample.task_id, problem_set)}")
        check(problem_set.problems[sample.task_id], sample)
        per_task[sample.task_id] = per_task.get(sample.task_id, 0) + 1
        repeated += seen.again(sample)
        of_others += sample.dataset_digest not in (None, problem_set.digest)
        digest.update(_canonical(value))
    if not per_task:
        raise InputError(f"{path}: holds no sample; expected one JSON object per line")
    return Scan(sum(per_task.values()), per_task, digest.hexdigest(), repeated, of_others)


class _Seen:
    """Which sample numbers of each task and its settings there were: a byte for each."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], bytearray] = {}

    def again(self, sample: Sample) -> bool:
        """Note a sample; whether there was one like it. One without a number never was."""
        number = sample.sample
        if not isinstance(number, int) or not 0 <= number < MAX_SEEN:
            return False
        settings = sample.task_id, sample.temperature, sample.top_p, sample.seed, sample.model
        key = tuple(map(str, settings))
        if key not in self._numbers and len(self._numbers) >= MAX_SETTINGS:
            return False
        seen = self._numbers.setdefault(key, bytearray())
        seen.extend(bytes(max(0, number + 1 - len(seen))))
        was, seen[number] = seen[number], 1
        return bool(was)


def unchanged_rows(path: str | Path, scan: Scan, journal: Path) -> Iterator[Json]:
    """The rows of a file that was scanned before. Raises: InputError if it has changed."""
    digest = hashlib.sha256()
    changed = InputError(f"{path}: changed while it was judged; put it back, or delete {journal}")
    for number, (_, value) in enumerate(sample_rows(path)):
        if number >= scan.rows or value.get("task_id") not in scan.per_task:
            raise changed
        digest.update(_canonical(value))
        yield value
    if digest.hexdigest() != scan.digest:
        raise changed


def _canonical(value: Json) -> bytes:
    return json.dumps(value).encode() + b"\n"
