"""A set of problems under a name, read from a file or bundled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from codelm.errors import InputError
from codelm.files import digest_json, read_jsonl, write_jsonl
from codelm.problems.record import Problem


@dataclass(frozen=True)
class ProblemSet:
    """Problems by task_id, in file order."""

    name: str
    problems: Mapping[str, Problem]

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
    """Read a problem file in HumanEval's format (JSON Lines: plain, .gz or .zst).

    Raises: InputError, with file and line, for what is not a problem file, and for a task given twice.
    """
    problems: dict[str, Problem] = {}
    first_line: dict[str, int] = {}
    for line, value in read_jsonl(path):
        problem = Problem.from_json(value, f"{path}, line {line}")
        if problem.task_id in problems:
            raise InputError(
                f"{path}, line {line}: task_id {problem.task_id!r} stands already on line "
                f"{first_line[problem.task_id]}; each task may be given once"
            )
        problems[problem.task_id] = problem
        first_line[problem.task_id] = line
    if not problems:
        raise InputError(f"{path}: holds no problem; expected one JSON object per line")
    return ProblemSet(Path(path).name.split(".")[0], problems)


def write_problems(path: str | Path, problem_set: ProblemSet) -> None:
    """Write a problem set as JSON Lines, atomically. Raises: OutputError."""
    write_jsonl(path, (problem.to_json() for problem in problem_set.problems.values()))
