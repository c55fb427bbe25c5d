"""Readers: one for each benchmark's own format, found by the fields of a row; each makes our record of it."""

from collections.abc import Callable
from typing import NamedTuple

from codelm.errors import InputError
from codelm.files import Json
from codelm.problems.readers import apps, code_contests, evalplus, humaneval_x, mbpp
from codelm.problems.record import Problem


class Format(NamedTuple):
    """A benchmark's row, by which it is known, and what makes a problem of it."""

    name: str
    fields: frozenset[str]
    problem_of: Callable[[Json], Problem | None]  # None for a row without tests


_FORMATS = (
    Format("EvalPlus", evalplus.FIELDS, evalplus.problem_of),
    Format("HumanEval-X", humaneval_x.FIELDS, humaneval_x.problem_of),
    Format("MBPP", mbpp.FULL_FIELDS, mbpp.problem_of),
    Format("sanitized MBPP", mbpp.SANITIZED_FIELDS, mbpp.problem_of),
    Format("APPS", apps.FIELDS, apps.problem_of),
    Format("CodeContests", code_contests.FIELDS, code_contests.problem_of),
)


def format_of(row: Json) -> Format | None:
    """The format of a row; None for our own record, which is HumanEval's row."""
    return next((known for known in _FORMATS if known.fields <= row.keys()), None)


def problem_from(row: Json, where: str) -> Problem | None:
    """The problem of one row of any of the formats; None where it has no tests. Raises: InputError."""
    found = format_of(row)
    if found is None:
        return Problem.from_json(row, where)
    try:
        return found.problem_of(row)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InputError(f"{where}: has {found.name}'s fields but not its content ({error!r})") from error
