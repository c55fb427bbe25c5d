"""The typed table that every experiment returns, and its file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args

from codelm.errors import InputError
from codelm.files import Json, read_json
from codelm.stats import Estimate

Kind = Literal["text", "count", "rate", "number", "estimate"]

Cells = tuple[Any, ...]
RowT_co = TypeVar("RowT_co", bound=Cells, covariant=True)


class Column(NamedTuple):
    """A column's heading and what its cells are.

    text: str; count: int; rate: float in [0, 1]; number: float; estimate: `Estimate`, in [0, 1].
    Undefined is NaN (null in the file), never 0; a text or a count is always defined.
    """

    name: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Table(Generic[RowT_co]):
    """Rows of numbers with the meaning of each column; an experiment's result.

    The file is {"title", "columns": [{"name", "kind"}], "rows": [[cell, ...]], "notes": [text]}, an estimate
    being [value, low, high]: cell j of row i has the JSON pointer /rows/i/j.
    Raises: ValueError when a row does not fit the columns.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[RowT_co, ...]
    notes: tuple[str, ...] = ()  # what a reader must know before trusting the numbers, a sentence each

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} cells, the table {len(self.columns)} columns")
            for cell, column in zip(row, self.columns, strict=True):
                if not _fits(cell, column.kind):
                    raise ValueError(f"row {number}, column {column.name!r}: {cell!r} is not a {column.kind}")

    def to_json(self) -> Json:
        """The table as its file holds it, for `codelm.files.write_json`, which turns NaN to null."""
        return {
            "title": self.title,
            "columns": [column._asdict() for column in self.columns],
            "rows": [list(row) for row in self.rows],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, value: Json, where: str) -> "Table[Cells]":
        """Read back what `to_json` wrote, rows as plain tuples. Raises: InputError, opened by `where`."""
        try:
            columns = tuple(Column(**column) for column in value["columns"])
            if any(column.kind not in get_args(Kind) for column in columns):
                raise ValueError(f"a column's kind must be one of {', '.join(get_args(Kind))}")
            rows = tuple(_read_row(row, columns) for row in value["rows"])
            return Table(title=value["title"], columns=columns, rows=rows, notes=tuple(value["notes"]))
        except (KeyError, TypeError, ValueError) as error:
            shown = f"field {error} is missing" if isinstance(error, KeyError) else error
            raise InputError(f"{where}: not a table of codelm ({shown}); run its stage again") from error

    def pointer(self, column: str, where: Mapping[str, object]) -> str:
        """The JSON pointer, in the table's file, of one cell: this column, in the one row with these cells.

        where: heading -> cell. Raises: ValueError when there is no such column, or not exactly one such row.
        """
        wanted = [(self._place(name), cell) for name, cell in where.items()]
        rows = [i for i, row in enumerate(self.rows) if all(row[place] == cell for place, cell in wanted)]
        if len(rows) != 1:
            raise ValueError(f"table {self.title!r} has {len(rows)} rows with {dict(where)}, not one")
        return f"/rows/{rows[0]}/{self._place(column)}"

    def _place(self, column: str) -> int:
        names = [known.name for known in self.columns]
        if column not in names:
            raise ValueError(f"table {self.title!r} has no column {column!r}; it has {', '.join(names)}")
        return names.index(column)


def read_table(path: str | Path) -> Table[Cells]:
    """Read a table's file. Raises: InputError."""
    return Table.from_json(read_json(path), str(path))


def _fits(cell: object, kind: Kind) -> bool:
    if kind == "text":
        return isinstance(cell, str)
    if kind == "count":
        return isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0
    if kind == "estimate":
        return isinstance(cell, tuple) and len(cell) == 3 and all(_fits(part, "rate") for part in cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or math.isinf(cell):
        return False
    return kind == "number" or math.isnan(cell) or 0.0 <= cell <= 1.0


def _read_row(row: list[Any], columns: tuple[Column, ...]) -> Cells:
    kinds = [column.kind for column in columns]
    return tuple(_read_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))


def _read_cell(cell: Any, kind: Kind) -> object:
    if kind == "estimate":
        return Estimate(*(_read_cell(part, "rate") for part in cell))  # type: ignore[arg-type] # Table checks it
    return math.nan if cell is None and kind in ("rate", "number") else cell
