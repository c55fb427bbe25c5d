"""Figures as SVG: a table in, a picture out, the same bytes for the same table.

Colours are Okabe and Ito's, told apart by the colour-blind; marks and line styles repeat the distinction.
"""

import io
import math
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from codelm.errors import MissingError, UsageError
from codelm.experiments import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222831"
MUTED = "#6b7280"
GRID = "#dfe2e7"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = ("o", "s", "^", "D", "v", "P")

_WIDTH_IN = 7.4
_LEGEND_CHARS = 100  # that fit in this width
_STYLE: dict[str, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "figure.facecolor": "none",
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and set in the page's font
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}

Record = dict[str, Any]


def draw(figure: str, table: Table[Any]) -> str:
    """One figure of `FIGURES`, as the text of a whole SVG file.

    Raises: UsageError for an unknown name, MissingError without matplotlib, ValueError for a table that lacks
    the figure's columns.
    """
    if figure not in FIGURES:
        raise UsageError(f"no figure {figure!r}; there are {', '.join(FIGURES)}")
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise MissingError("figures need matplotlib: pip install 'codelm[report]'") from error
    style: Any = {**_STYLE, "svg.hashsalt": figure}  # names the parts inside the SVG, at random without it
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's matplotlibrc says
        mpl.rcParams.update(style)
        picture = io.StringIO()
        drawn = FIGURES[figure](_records(table))
        drawn.savefig(picture, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return picture.getvalue()


def loss_curves(records: Sequence[Record]) -> "Figure":
    """Training loss (thin) and validation loss (marks) against tokens seen, a colour per model."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    figure, (axes,) = _panels(1, height_in=3.4)
    for (model, points), colour, mark in zip(
        _groups(records, "model"), cycle(SERIES), cycle(MARKS), strict=False
    ):
        tokens = [point["tokens"] for point in points]
        measured = [point for point in points if not math.isnan(point["validation loss"])]
        axes.plot(
            tokens, [point["training loss"] for point in points], color=colour, alpha=0.45, linewidth=0.9
        )
        axes.plot(
            [point["tokens"] for point in measured],
            [point["validation loss"] for point in measured],
            color=colour,
            marker=mark,
            label=model,
        )
    axes.set(xlabel="tokens seen", ylabel="loss (nats per token)")
    axes.set_xscale("log", nonpositive="mask")  # a loss before the first step has no place on it
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())  # less than a decade would be labelled between, in TeX
    _legend(figure, axes, title="marks: validation; thin line: training")
    return figure


def chain_length(records: Sequence[Record]) -> "Figure":
    """Pass rate against chain length with intervals, a panel per temperature, a colour per model."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    temperatures = _groups(records, "temperature")
    models = [model for model, _ in _groups(records, "model")]
    figure, panels = _panels(len(temperatures), height_in=3.4)
    for axes, (temperature, rows) in zip(panels, temperatures, strict=False):
        curves = _groups(rows, "model", "chains")
        kinds = [chains for chains, _ in _groups(records, "chains")]
        for place, ((model, chains), points) in enumerate(curves):
            # Side by side, so that no error bar hides another.
            shift = 0.06 * (place - (len(curves) - 1) / 2)
            _curve(axes, points, shift, SERIES[models.index(model) % len(SERIES)], kinds.index(chains) > 0)
        axes.set(title=f"T = {temperature:g}", xlabel="blocks in the chain", ylim=(-0.02, 1.02))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylabel("samples that pass")
    _legend(figure, panels[0])
    return figure


def selection(records: Sequence[Record]) -> "Figure":
    """Pass rate of one sample picked from k against k, by rule, a panel per model and temperature."""
    from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter, StrMethodFormatter

    sets = _groups(records, "model", "problems of", "temperature")
    figure, panels = _panels(len(sets), height_in=2.7)
    rules = (("oracle", 0, "-"), ("mean log-prob", 2, "-"), ("sum log-prob", 1, "--"), ("random", 3, ":"))
    for axes, ((model, problem_set, temperature), rows) in zip(panels, sets, strict=False):
        ks = [row["k"] for row in rows]
        for rule, place, style in rules:
            values, lows, highs = zip(*(row[rule] for row in rows), strict=True)
            axes.fill_between(ks, lows, highs, color=SERIES[place], alpha=0.12, linewidth=0)
            axes.plot(ks, values, style, color=SERIES[place], label=rule)
        axes.set(title=f"{model}, {problem_set}, T = {temperature:g}", xlabel="k, samples to pick from")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylabel("picked sample passes")
    panels[0].set_ylim(bottom=0.0)  # last, and shared: it fixes the top as well
    _legend(figure, panels[0])
    return figure


FIGURES: dict[str, Callable[[Sequence[Record]], "Figure"]] = {
    "loss_curves": loss_curves,
    "chain_length": chain_length,
    "selection": selection,
}


def _curve(axes: "Axes", points: Sequence[Record], shift: float, colour: str, hollow: bool) -> None:
    rates = [point["pass rate"] for point in points]
    axes.errorbar(
        [point["length"] + shift for point in points],
        [rate.value for rate in rates],
        yerr=[[rate.value - rate.low for rate in rates], [rate.high - rate.value for rate in rates]],
        color=colour,
        elinewidth=0.9,
        linestyle="--" if hollow else "-",
        marker="o",
        markerfacecolor="none" if hollow else colour,
        label=f"{points[0]['model']}, {points[0]['chains']}",
    )


def _records(table: Table[Any]) -> list[Record]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def _groups(records: Sequence[Record], *names: str) -> list[tuple[Any, list[Record]]]:
    """Records by the values of these columns (one: the value itself), in order of first appearance."""
    groups: dict[Any, list[Record]] = {}
    for record in records:
        key = record[names[0]] if len(names) == 1 else tuple(record[name] for name in names)
        groups.setdefault(key, []).append(record)
    return list(groups.items())


def _panels(count: int, *, height_in: float) -> tuple["Figure", list["Axes"]]:
    """A figure with `count` panels, at most three in a row; one empty panel when there is nothing to show."""
    from matplotlib.figure import Figure

    columns = min(max(count, 1), 3)
    rows = -(-max(count, 1) // columns)
    figure = Figure(figsize=(_WIDTH_IN, height_in * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for unused in panels[max(count, 1) :]:
        unused.set_axis_off()
    return figure, panels[: max(count, 1)]


def _legend(figure: "Figure", axes: "Axes", title: str | None = None) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = max(1, min(len(labels), _LEGEND_CHARS // (6 + max(map(len, labels)))))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=title)
