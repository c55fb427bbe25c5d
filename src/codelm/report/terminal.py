"""A table in the terminal."""

from typing import TYPE_CHECKING, Any

from codelm.experiments import Kind, Table
from codelm.report._shown import shown, visible

if TYPE_CHECKING:
    import rich.table


def rich_table(table: Table[Any]) -> "rich.table.Table":
    """The table for rich to print, with its notes below; the same roundings as in the HTML report."""
    import rich.box
    import rich.table
    from rich.text import Text

    printed = rich.table.Table(
        title=Text(table.title),
        caption=Text("\n".join(table.notes)),
        title_justify="left",
        caption_justify="left",
        box=rich.box.SIMPLE_HEAD,
    )
    for column in table.columns:
        printed.add_column(Text(column.name), justify="left" if column.kind == "text" else "right")
    for row in table.rows:
        # Text, not str: a model's name must not be read as rich's markup.
        printed.add_row(
            *(Text(_cell(cell, column.kind)) for cell, column in zip(row, table.columns, strict=True))
        )
    return printed


def _cell(cell: Any, kind: Kind) -> str:
    if kind == "text":
        return visible(cell)
    if kind == "estimate":
        value, low, high = (shown(part, "rate") for part in cell)
        return value if value == low == high else f"{value} ({low} to {high})"
    return shown(cell, kind)
