"""`codelm reproduce`: the whole loop, from source text to report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

WIDTH_OF_A_PIPE = 140  # characters


def reproduce(
    scale: Annotated[str, typer.Option(help="How large: laptop.")] = "laptop",
    run: Annotated[Path | None, typer.Option(help="The run's folder [default: runs/SCALE].")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one option; may be repeated."),
    ] = None,
    show_options: Annotated[
        bool, typer.Option("--options", help="Print every option and its value, and stop.")
    ] = False,
) -> None:
    """Run the paper's loop: corpus, tokenizer, Codex, Codex-S, samples, verdicts, tables, report.html.

    Finished stages are skipped, a changed option reruns what depends on it, and an interrupted run goes on
    where it was.

    Examples: codelm reproduce --scale laptop; codelm reproduce --set seed=1 --run runs/seed-1
    """
    from codelm.recipes import scale_named

    chosen = scale_named(scale).with_options(changes or [])
    if show_options:
        for name, value in chosen.to_json().items():
            print(f"{name:22} {value}")
        return
    from codelm.cli._console import Console
    from codelm.recipes import reproduce as run_recipe
    from codelm.report import rich_table

    folder = run or Path("runs") / scale
    findings = run_recipe(folder, chosen)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)
    for table in findings.tables:
        console.print(rich_table(table))
        console.print()
    print(f"report: {findings.report}")
