"""`codelm doctor`: which isolation this machine can give, and whether attacks get through it."""

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from codelm.errors import MissingError

if TYPE_CHECKING:
    from codelm.sandbox.catalogue import RowResult

EXIT_BROKEN = 1  # an attack got through, or hurt the host: a bug of ours, or of this host's kernel


def doctor(
    *,
    attack: Annotated[
        bool, typer.Option("--attack", help="Run the catalogue of attacks on this host, in a sandbox.")
    ] = False,
    isolation: Annotated[
        str, typer.Option(help="With --attack: the tier to attack; auto, or one that is listed without it.")
    ] = "auto",
    python: Annotated[
        str | None,
        typer.Option(help="With --attack: the Python of the programs.", show_default="the running one"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --attack: print one JSON object.")] = False,
) -> None:
    """Try each tier of isolation by starting a worker in it, and say what holds.

    `auto` is the best tier that contains programs here. Ends with 5 where there is none.

    With --attack: run each program of the catalogue, a minute or two, and say how it was to end, how it
    ended, and what on the host is not as before. The programs are harmless where they get through. Ends with
    1 when one did that should not have. An `exception` is what the tier is known not to keep out.

    Examples: codelm doctor; codelm doctor --attack --isolation full
    """
    if attack:
        raise typer.Exit(_attack(isolation, python, as_json=as_json))
    _list_tiers()


def _list_tiers() -> None:
    from codelm.sandbox import ISOLATIONS, layers_of, probe, tier_of

    for tier in ISOLATIONS:
        if tier == "auto":
            continue
        reason = probe(tier)
        typer.echo(f"{tier}: {'no: ' + reason if reason else 'yes'}")
        for layer in layers_of(tier) if reason is None else ():
            typer.echo(f"  {'holds  ' if layer.holds else 'MISSING'} {layer.name} {layer.note}".rstrip())
    try:
        typer.echo(f"auto: {tier_of('auto')}")
    except MissingError:
        typer.echo("auto: refused")
        raise


def _attack(isolation: str, python: str | None, *, as_json: bool) -> int:
    from codelm.progress import progress
    from codelm.sandbox.catalogue import Verdict, catalogue, run_catalogue

    rows = (*catalogue().attacks, *catalogue().honest)
    with progress("attacks", len(rows)) as shown:
        results = run_catalogue(isolation, rows=rows, python=python, on_row=lambda _: shown.advance())
    if as_json:
        print(json.dumps({"tier": results[0].tier, "rows": [result.to_json() for result in results]}))
    else:
        _print_table(results)
    broken = [result.row.id for result in results if result.verdict is Verdict.BROKEN]
    if broken:
        print(
            f"codelm: tier `{results[0].tier}` is broken on this host: {', '.join(broken)}", file=sys.stderr
        )
    return EXIT_BROKEN if broken else 0


def _print_table(results: "list[RowResult]") -> None:
    from rich.table import Table
    from rich.text import Text

    from codelm.cli._console import Console

    table = Table(box=None)
    for name in ("row", "verdict", "seen"):
        table.add_column(name, no_wrap=True)
    for name in ("expected", "what the program does", "note"):
        table.add_column(name)
    for result in results:
        note = "; ".join(filter(None, (result.reason, *result.broken)))
        expected = " ".join(result.row.expected)
        words = (result.row.id, result.verdict.value, result.seen, expected, result.row.title, note)
        table.add_row(*map(Text, words))
    console = Console()
    console.print(table)
    counts = Counter(result.verdict for result in results)
    console.print(
        Text(f"tier {results[0].tier}: " + ", ".join(f"{n} {verdict.value}" for verdict, n in counts.items()))
    )
