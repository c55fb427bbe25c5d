"""A set of problems under a name, read from a file or bundled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from codelm.errors import InputError
from codelm.files import digest_json, write_jsonl
from codelm.problems.readers import format_of, problem_from
from codelm.problems.record import Problem
from codelm.problems.rows import problem_rows


@dataclass(frozen=True)
class ProblemSet:
    """Problems by task_id, in file order."""

    name: str
    problems: Mapping[str, Problem]
    untested: int = 0  # rows of its file that are left out, since they have no tests

    @classmethod
    def of(cls, name: str, problems: Iterable[Problem]) -> Self:
        """A set of problems made in memory. Raises: ValueError for a task_id given twice."""
        by_id: dict[str, Problem] = {}
        for problem in problems:
            if problem.task_id in by_id:
                raise ValueError(f"task_id {problem.task_id!r} is given twice")
            by_id[problem.task_id] = problem
        return cls(name, by_id)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the problems' content and order: the same for every file form that holds them."""
        return digest_json([problem.to_json() for problem in self.problems.values()])

    def __len__(self) -> int:
        return len(self.problems)


def read_problems(path: str | Path) -> ProblemSet:
    """Read a problem file: HumanEval's format, ours, or that of another benchmark, found by its rows.

    JSON Lines (plain, .gz or .zst), a JSON list, Parquet, or a folder of APPS.
    Raises: InputError, with file and line, for what is not a problem file, and for a task given twice;
    MissingError for Parquet without pyarrow.
    """
    problems: dict[str, Problem] = {}
    first_at: dict[str, str] = {}
    first_format = None
    untested = 0
    for where, value in problem_rows(path):
        if not problems and not untested:
            first_format = format_of(value)
        elif format_of(value) is not first_format:
            raise InputError(f"{where}: is not in the format of the rows before it")
        problem = problem_from(value, where)
        if problem is None:
            untested += 1
            continue
        if problem.task_id in problems:
            raise InputError(
                f"{where}: task_id {problem.task_id!r} stands already on {first_at[problem.task_id]}; "
                "each task may be given once"
            )
        problems[problem.task_id] = problem
        first_at[problem.task_id] = where.removeprefix(f"{path}, ")
    if not problems and untested:
        raise InputError(f"{path}: none of its {untested} rows has tests")
    if not problems:
        raise InputError(f"{path}: holds no problem; expected one JSON object per line")
    return ProblemSet(Path(path).name.split(".")[0], problems, untested)


def write_problems(path: str | Path, problem_set: ProblemSet) -> None:
    """Write a problem set as JSON Lines, atomically. Raises: OutputError."""
    write_jsonl(path, (problem.to_json() for problem in problem_set.problems.values()))
