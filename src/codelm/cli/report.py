"""`codelm report`: make a run's report.html again, or check its numbers."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="The run's folder, which holds report.json.")],
    check: Annotated[
        bool, typer.Option("--check", help="Compare every number of report.html with its file instead.")
    ] = False,
) -> None:
    """Make report.html again from a run's files, and print its path.

    Examples: codelm report runs/laptop; codelm report --check runs/laptop
    """
    from codelm.errors import InputError
    from codelm.report import check_report, render_report

    if not check:
        print(render_report(run))
        return
    checked = check_report(run)
    if checked.differences:
        raise InputError(
            f"{run / 'report.html'}: {len(checked.differences)} of its numbers and files differ "
            f"({checked.differences[0]}); make it again with `codelm report {run}`"
        )
    print(f"{checked.numbers:,} numbers, each equal to its file")
