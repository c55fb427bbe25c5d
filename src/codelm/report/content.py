"""What a report says: texts, and the files its numbers, figures and programs are read from.

The content is saved as `report.json` in the run's folder. It holds no result itself, so `report.html` can be
made again from the run's files and cannot disagree with them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from codelm.errors import InputError
from codelm.experiments import Kind
from codelm.files import Json, atomic_write, read_json

CONTENT = "report.json"
FORMAT = 1  # raised when an older codelm could not read the file

Fact = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the report: text, a table, a figure of that table; each may be left out.

    Raises: ValueError for a figure without its table.
    """

    title: str
    text: str = ""  # paragraphs apart by a blank line; may hold `number(...)` references
    table_file: str | None = None  # a `Table`, relative to the run's folder
    figure: str | None = None  # a name in `FIGURES`, drawn from the table

    def __post_init__(self) -> None:
        if self.figure is not None and self.table_file is None:
            raise ValueError(f"section {self.title!r}: a figure is drawn from a table_file, none is given")


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything `report.html` shows, apart from the files it names (paths relative to the run's folder).

    machine, options and provenance are name -> value, shown in their order.
    """

    title: str
    subtitle: str  # what was run, in a sentence
    date: str  # as it is shown
    summary: tuple[str, ...]  # the main findings, a sentence each, with `number(...)` references
    sections: tuple[Section, ...]
    machine: Mapping[str, Fact] = field(default_factory=dict)
    options: Mapping[str, Fact] = field(default_factory=dict)
    provenance: Mapping[str, Fact] = field(default_factory=dict)  # digests, versions
    stages_file: str | None = None  # a `Table`: seconds per stage
    programs_file: str | None = None  # written by `write_programs`

    def to_json(self) -> Json:
        """The object that `report.json` holds."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, value: Json, where: str) -> Self:
        """Read back what `to_json` wrote. Raises: InputError, opened by `where`."""
        if value.get("format") != FORMAT:
            found = value.get("format")
            raise InputError(
                f"{where}: report format {found!r}, this codelm reads {FORMAT}; run the recipe again"
            )
        fields = {name: item for name, item in value.items() if name != "format"}
        try:
            fields["sections"] = tuple(Section(**section) for section in fields["sections"])
            fields["summary"] = tuple(fields["summary"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: not the content of a report ({error}); run the recipe again"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Program:
    """One sample as the report shows it."""

    task_id: str
    model: str
    temperature: float
    sample: int
    passed: bool
    verdict: str  # "passed", "wrong", "timeout", ...
    prompt: str
    completion: str
    mean_logprob: float | None = None  # nats per token


def number(file: str, pointer: str, kind: Kind | None = None) -> str:
    """A reference to a number, to be put into a text: `report.html` shows the number and its source.

    file: JSON, relative to the run's folder; pointer: where in it (RFC 6901), such as "/rows/0/5". The kind
    is the column's in a table; elsewhere an integer is a count, and `kind` says what else it is.

    >>> number("pass.json", "/rows/0/5")
    '{pass.json#/rows/0/5}'
    """
    return f"{{{file}#{pointer}{f'|{kind}' if kind else ''}}}"


def write_programs(path: str | Path, programs: Iterable[Program]) -> None:
    """Write the programs that a report shows. Raises: OutputError."""
    value = {"programs": [asdict(program) for program in programs]}
    with atomic_write(path) as stream:
        # In ASCII: a completion may hold a lone surrogate, which UTF-8 cannot write.
        stream.write(json.dumps(value, indent=2, allow_nan=False).encode())


def read_programs(path: str | Path) -> tuple[Program, ...]:
    """Read what `write_programs` wrote. Raises: InputError."""
    rows: Any = read_json(path).get("programs")
    try:
        return tuple(Program(**row) for row in rows)
    except TypeError as error:
        raise InputError(f"{path}: not a file of programs ({error}); run its stage again") from error
