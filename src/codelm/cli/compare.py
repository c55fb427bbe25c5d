"""`codelm compare`: two result files, problem by problem."""

import json
import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codelm.cli.evaluate import parse_ks, share

if TYPE_CHECKING:
    from codelm.evaluation import ResultsComparison
    from codelm.stats import Comparison, Interval

SIGNIFICANT = 0.05
ROWS = ("A", "B", "A - B", "95% over problems", "95% on these problems", "p", "won / lost / tied")


def compare(
    a: Annotated[
        str, typer.Argument(help="Result file, SAMPLES_results.jsonl, as `codelm evaluate` writes it.")
    ],
    b: Annotated[str, typer.Argument(help="Result file to compare it with.")],
    *,
    k: Annotated[str, typer.Option(help="The k of pass@k, separated by commas.")] = "1,10,100",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare files that were judged under different limits, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Compare two result files by pass@k on the problems both judge: A less B, intervals, p-value, wins.

    Over problems: what other problems of the kind would show. On these problems: what new samples for the
    same problems would show. p: two-sided, of no difference over problems; below 0.05 exactly when that
    interval leaves 0 out. Files judged on different versions of a problem set, or under different limits, are
    refused.

    Examples: codelm compare new.jsonl_results.jsonl old.jsonl_results.jsonl --k 1,10
    """
    from codelm.evaluation import compare_results

    compared = compare_results(a, b, ks=parse_ks(k), anyway=anyway)
    for warning in compared.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for note in _notes(compared):
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(json.dumps(compared.to_json()))
    else:
        _print_table(compared)


def _notes(compared: "ResultsComparison") -> list[str]:
    """Which k are undefined, and how far a difference is from being found."""
    notes = []
    if undefined := [f"pass@{k}" for k, found in compared.of_k.items() if math.isnan(found.difference)]:
        task_id, n = compared.fewest
        notes.append(f"{', '.join(undefined)} undefined: {task_id} has only {n} samples, no task has fewer")
    for k, found in compared.of_k.items():
        if found.p_value >= SIGNIFICANT and not math.isnan(found.problems_needed):
            notes.append(
                f"pass@{k}: if a difference of {_signed(found.difference)} is real, it takes about "
                f"{found.problems_needed:,.0f} problems like these {found.problems:,} to find it 4 times in 5"
            )
    return notes


def _print_table(compared: "ResultsComparison") -> None:
    from rich.table import Table

    from codelm.cli._console import Console

    console = Console(highlight=False)
    console.print(f"A: {compared.a.path}\nB: {compared.b.path}", soft_wrap=True, markup=False)
    shared = next(iter(compared.of_k.values())).problems
    table = Table("", title=f"A against B, {shared:,} problems", title_justify="left")
    for k in compared.of_k:
        table.add_column(f"pass@{k}", justify="right")
    for name, *cells in zip(ROWS, *map(_cells, compared.of_k.values()), strict=True):
        table.add_row(name, *cells)
    console.print(table)


def _cells(found: "Comparison") -> tuple[str, ...]:
    if math.isnan(found.difference):
        return ("undefined", *["-"] * (len(ROWS) - 1))
    return (
        share(found.a),
        share(found.b),
        _signed(found.difference),
        _interval(found.over_problems),
        _interval(found.on_these_problems),
        "<0.0001" if found.p_value < 0.0001 else f"{found.p_value:.4f}",
        f"{found.won:,} / {found.lost:,} / {found.tied:,}",
    )


def _interval(interval: "Interval") -> str:
    return f"{_signed(interval.low)} to {_signed(interval.high)}"


def _signed(difference: float) -> str:
    """Four places and a sign; 0 only when it is exactly that.

    >>> _signed(0.25), _signed(-0.00001), _signed(0.0)
    ('+0.2500', '-0.0001', '0.0000')
    """
    return f"{math.copysign(max(abs(difference), 0.0001), difference):+.4f}" if difference else "0.0000"
