"""Tables in the terminal."""

import io
import math
from typing import Any

from rich.console import Console

from codelm.experiments import Column, Table
from codelm.report import rich_table
from codelm.stats import Estimate


def printed(table: Table[Any]) -> str:
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(rich_table(table))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_rich_table_shows_the_same_text_as_the_page() -> None:
    """One way of rounding for all formats."""
    columns = (Column("model", "text"), Column("samples", "count"), Column("pass@1", "estimate"))
    table = Table(
        title="T", columns=columns, rows=(("m", 1234, Estimate(0.9997, 0.5, 1.0)),), notes=("a note",)
    )
    text = printed(table)
    for part in ("1,234", ">99.9% (50.0% to 100%)", "a note", "pass@1"):
        assert part in text


def test_rich_table_shows_undefined_as_a_dash() -> None:
    """Undefined is visible, never 0."""
    nan = math.nan
    table = Table(title="T", columns=(Column("p", "estimate"),), rows=((Estimate(nan, nan, nan),),))
    assert "\N{EN DASH}" in printed(table).split()


def test_rich_table_takes_a_name_in_brackets_literally() -> None:
    """Names are text, not markup, and cannot move the cursor."""
    table = Table(title="[bold]T", columns=(Column("[x]", "text"),), rows=(("[red]m[/red]\x1b[2J",),))
    text = printed(table)
    for part in ("[bold]T", "[x]", "[red]m[/red]\\x1b[2J"):
        assert part in text
