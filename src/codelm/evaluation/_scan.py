"""A first pass over a samples file: is every row sound, and how many are there of each task."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codelm.errors import InputError
from codelm.evaluation._judge import unknown_task
from codelm.files import Json
from codelm.problems import ProblemSet, Sample, sample_rows


@dataclass(frozen=True)
class Scan:
    """What a samples file holds."""

    rows: int
    per_task: dict[str, int]  # samples of each task that has any, in file order
    digest: str  # SHA-256 over the rows' content, whatever the file's compression


def scan_samples(path: str | Path, problem_set: ProblemSet) -> Scan:
    """Check every row of a samples file before anything runs. Memory does not grow with the file.

    Raises: InputError, with file and line, for a row that is no sample or whose task is unknown, and for a
    file that is missing, damaged or empty.
    """
    per_task: dict[str, int] = {}
    digest = hashlib.sha256()
    for line, value in sample_rows(path):
        sample = Sample.from_json(value, f"{path}, line {line}")
        if sample.task_id not in problem_set.problems:
            raise InputError(f"{path}, line {line}: {unknown_task(sample.task_id, problem_set)}")
        per_task[sample.task_id] = per_task.get(sample.task_id, 0) + 1
        digest.update(_canonical(value))
    if not per_task:
        raise InputError(f"{path}: holds no sample; expected one JSON object per line")
    return Scan(sum(per_task.values()), per_task, digest.hexdigest())


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
