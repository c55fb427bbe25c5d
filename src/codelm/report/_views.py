"""What `report.html` shows, looked up in the files of the run: every number with its source.

The template fills these in and looks up nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from codelm import __version__
from codelm.errors import InputError
from codelm.experiments import Column, Kind, Table
from codelm.files import Json, digest_file, read_json
from codelm.report import figures
from codelm.report._pointer import inside, resolve, token
from codelm.report._shown import UNDEFINED, shown
from codelm.report._svg import inline_svg
from codelm.report.content import CONTENT, Fact, Program, ReportContent, Section, read_programs

FOLDED_ROWS = 16  # a longer table is folded away
SHOWN_ROWS = 200  # a longer one is only named: its figure shows it, its file holds it

# A reference made by `content.number`: {file#pointer} or {file#pointer|kind}.
_REFERENCE = re.compile(r"\{([^{}#|]+)#(/[^{}#|]*)(?:\|(count|rate|number|estimate))?\}")
_CELL = re.compile(r"/rows/\d+/(\d+)")


class NumberView(NamedTuple):
    """One number, shown and unrounded, and where it comes from."""

    text: str
    value: str  # JSON
    kind: Kind
    file: str
    pointer: str
    form: str = "number"


class EstimateView(NamedTuple):
    """A rate and its interval; `bar` places them on a scale from 0 to 1 (CSS), empty when undefined."""

    value: NumberView
    low: NumberView
    high: NumberView
    bar: str
    form: str = "estimate"


class TextView(NamedTuple):
    """A cell or a part of a text without numbers."""

    text: str
    form: str = "text"


View = TextView | NumberView | EstimateView


class TableView(NamedTuple):
    """A table as the page shows it; no `rows` when there are too many to show."""

    title: str
    file: str
    columns: tuple[Column, ...]
    rows: list[list[View]]
    notes: tuple[str, ...]
    n_rows: int
    folded: bool


class SectionView(NamedTuple):
    """A section, its figure as SVG (safe to insert: we drew it)."""

    title: str
    paragraphs: list[list[View]]
    table: TableView | None
    figure: str | None


class ProgramView(NamedTuple):
    """A program and its numbers."""

    program: Program
    temperature: NumberView
    sample: NumberView
    mean_logprob: NumberView


class Page:
    """Looks up what the page shows; remembers each file it read."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._files: dict[str, Json] = {}
        self._tables: dict[str, Table[Any]] = {}

    def views(self, content: ReportContent) -> dict[str, Any]:
        """The template's variables."""
        return {
            "content": content,
            "summary": [self._prose(sentence) for sentence in content.summary],
            "sections": [
                self._section(section, number) for number, section in enumerate(content.sections, start=1)
            ],
            "stages": self._table(content.stages_file) if content.stages_file else None,
            "machine": self._facts("machine", content.machine),
            "options": self._facts("options", content.options),
            "provenance": self._facts("provenance", content.provenance),
            "programs": self._programs(content.programs_file) if content.programs_file else [],
            "version": __version__,
            "sources": [(file, digest_file(inside(self._run, file))) for file in sorted(self._files)],
        }

    def _read(self, file: str) -> Json:
        if file not in self._files:
            self._files[file] = read_json(inside(self._run, file))
        return self._files[file]

    def _read_table(self, file: str) -> Table[Any]:
        if file not in self._tables:
            self._tables[file] = Table.from_json(self._read(file), str(self._run / file))
        return self._tables[file]

    def _number(self, file: str, pointer: str, kind: Kind) -> NumberView:
        value = resolve(self._read(file), pointer, str(self._run / file))
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise InputError(f"{self._run / file}: expected a number at {pointer!r}, found {value!r}")
        return NumberView(shown(value, kind), json.dumps(value), kind, file, pointer)

    def _estimate(self, file: str, pointer: str) -> EstimateView:
        value, low, high = (self._number(file, f"{pointer}/{part}", "rate") for part in range(3))
        places = [json.loads(part.value) for part in (value, low, high)]
        bar = "" if None in places else "--at:{:.2%};--low:{:.2%};--high:{:.2%}".format(*places)
        return EstimateView(value, low, high, bar)

    def _view(self, file: str, pointer: str, kind: Kind) -> View:
        if kind == "text":
            return TextView(str(resolve(self._read(file), pointer, str(self._run / file))))
        if kind == "estimate":
            return self._estimate(file, pointer)
        return self._number(file, pointer, kind)

    def _table(self, file: str) -> TableView:
        table = self._read_table(file)
        rows = table.rows if len(table.rows) <= SHOWN_ROWS else ()
        cells = [
            [self._view(file, f"/rows/{i}/{j}", column.kind) for j, column in enumerate(table.columns)]
            for i in range(len(rows))
        ]
        folded = len(cells) > FOLDED_ROWS
        return TableView(table.title, file, table.columns, cells, table.notes, len(table.rows), folded)

    def _section(self, section: Section, number: int) -> SectionView:
        paragraphs = [self._prose(text) for text in section.text.split("\n\n") if text.strip()]
        if section.table_file is None:
            return SectionView(section.title, paragraphs, None, None)
        table = self._read_table(section.table_file)
        figure = None
        if section.figure and table.rows:
            figure = inline_svg(figures.draw(section.figure, table), name=f"figure-{number}")
        return SectionView(section.title, paragraphs, self._table(section.table_file), figure)

    def _prose(self, text: str) -> list[View]:
        return list(self._parts(text))

    def _parts(self, text: str) -> Iterator[View]:
        done = 0
        for found in _REFERENCE.finditer(text):
            yield TextView(text[done : found.start()])
            file, pointer, kind = found.groups()
            yield self._view(file, pointer, cast("Kind | None", kind) or self._kind_at(file, pointer))
            done = found.end()
        yield TextView(text[done:])

    def _kind_at(self, file: str, pointer: str) -> Kind:
        """What a number is: its column's kind in a table, else by its type."""
        value = self._read(file)
        cell = _CELL.fullmatch(pointer)
        if cell and "columns" in value:
            resolve(value, pointer, str(self._run / file))
            return self._read_table(file).columns[int(cell[1])].kind
        return "count" if isinstance(resolve(value, pointer, str(self._run / file)), int) else "number"

    def _facts(self, group: str, facts: Mapping[str, Fact]) -> list[tuple[str, View]]:
        return [(name, self._fact(f"/{group}/{token(name)}", fact)) for name, fact in facts.items()]

    def _fact(self, pointer: str, fact: Fact) -> View:
        if isinstance(fact, bool):
            return TextView("yes" if fact else "no")
        if isinstance(fact, int | float):
            return self._number(CONTENT, pointer, "count" if isinstance(fact, int) else "number")
        return TextView(UNDEFINED if fact is None else fact)

    def _programs(self, file: str) -> list[ProgramView]:
        self._read(file)
        views = []
        for place, program in enumerate(read_programs(inside(self._run, file))):
            at = f"/programs/{place}"
            temperature = self._number(file, f"{at}/temperature", "number")
            sample = self._number(file, f"{at}/sample", "count")
            mean_logprob = self._number(file, f"{at}/mean_logprob", "number")
            views.append(ProgramView(program, temperature, sample, mean_logprob))
        return views
