"""The typed table and its file."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from codelm.errors import InputError
from codelm.experiments import Column, Table, read_table
from codelm.files import write_json
from codelm.stats import Estimate

COLUMNS = (
    Column("model", "text"),
    Column("n", "count"),
    Column("share", "rate"),
    Column("loss", "number"),
    Column("pass@1", "estimate"),
)


def test_table_written_and_read_back_is_equal(tmp_path: Path) -> None:
    """The file holds everything the table says, to the last bit."""
    row = ("12M", 7, 1 / 3, -2.5e-7, Estimate(0.1, 0.05, 0.2))
    table = Table(title="t", columns=COLUMNS, rows=(row,), notes=("a note",))
    write_json(tmp_path / "t.json", table.to_json())
    assert read_table(tmp_path / "t.json") == table


def test_table_undefined_numbers_are_null_in_the_file(tmp_path: Path) -> None:
    """NaN is no JSON; null reads back as NaN."""
    row = ("12M", 7, math.nan, math.nan, Estimate(math.nan, math.nan, math.nan))
    write_json(tmp_path / "t.json", Table(title="t", columns=COLUMNS, rows=(row,)).to_json())
    assert json.loads((tmp_path / "t.json").read_text())["rows"] == [["12M", 7, None, None, [None] * 3]]
    read = read_table(tmp_path / "t.json").rows[0]
    assert math.isnan(read[2])
    assert math.isnan(read[3])
    assert all(math.isnan(part) for part in read[4])


@pytest.mark.parametrize(
    ("column", "cell"),
    [(0, 3), (1, 1.5), (1, True), (1, -1), (2, 1.2), (2, "0.5"), (3, math.inf), (4, 0.5), (4, (0.1, 0.2))],
)
def test_table_with_a_cell_of_the_wrong_kind_is_refused(column: int, cell: object) -> None:
    """A table cannot be built from cells that are not what its columns say."""
    row: list[Any] = ["12M", 7, 0.5, 2.0, Estimate(0.1, 0.05, 0.2)]
    row[column] = cell
    with pytest.raises(ValueError, match=f"row 0, column {COLUMNS[column].name!r}: .* is not a"):
        Table(title="t", columns=COLUMNS, rows=(tuple(row),))


def test_table_with_a_short_row_is_refused() -> None:
    """Each row has a cell for each column."""
    with pytest.raises(ValueError, match="row 0 has 1 cells, the table 5 columns"):
        Table(title="t", columns=COLUMNS, rows=(("12M",),))


def test_table_pointer_finds_the_one_row_with_these_cells() -> None:
    """A report names a cell by what it is, not by a row number that another model would shift."""
    nothing = Estimate(0.0, 0.0, 0.1)
    rows = tuple((model, n, 0.5, 1.0, nothing) for model in ("a", "b") for n in (1, 2))
    table = Table(title="t", columns=COLUMNS, rows=rows)
    assert table.pointer("pass@1", {"model": "b", "n": 1}) == "/rows/2/4"
    with pytest.raises(ValueError, match=r"table 't' has 2 rows with \{'model': 'b'\}, not one"):
        table.pointer("pass@1", {"model": "b"})
    with pytest.raises(ValueError, match="has no column 'colour'; it has model, n, share, loss, pass@1"):
        table.pointer("colour", {"model": "b", "n": 1})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"columns": [], "rows": [], "notes": []}, "field 'title' is missing"),
        (
            {"title": "t", "columns": [{"name": "x", "kind": "colour"}], "rows": [], "notes": []},
            "kind must be",
        ),
        (
            {"title": "t", "columns": [{"name": "x", "kind": "count"}], "rows": [["1"]], "notes": []},
            "not a count",
        ),
        (
            {"title": "t", "columns": [{"name": "x", "kind": "count"}], "rows": [7], "notes": []},
            "not a table",
        ),
        (
            {"title": "t", "columns": [{"name": "x", "kind": "estimate"}], "rows": [[[0.1]]], "notes": []},
            "not a table",
        ),
    ],
)
def test_table_file_that_is_no_table_is_named(tmp_path: Path, broken: dict[str, Any], said: str) -> None:
    """A damaged file is the user's to mend: one line with its name."""
    path = tmp_path / "t.json"
    path.write_text(json.dumps(broken))
    with pytest.raises(InputError, match=said) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: not a table of codelm (")
