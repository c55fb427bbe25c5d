"""`codelm doctor`: which isolation this machine can give, layer by layer, and what is missing."""

import typer

from codelm.errors import MissingError


def doctor() -> None:
    """Try each tier of isolation by starting a worker in it, and say what holds.

    Ends with 5 when tier `full`, which `codelm evaluate --isolation full` needs, cannot be had.
    """
    from codelm.sandbox import layers_of, probe

    refused = probe("full")
    for tier, reason in (("full", refused), ("process", probe("process"))):
        typer.echo(f"{tier}: {'no: ' + reason if reason else 'yes'}")
        for layer in layers_of(tier) if reason is None else ():
            typer.echo(f"  {'holds  ' if layer.holds else 'MISSING'} {layer.name} {layer.note}".rstrip())
    typer.echo("auto: full" if refused is None else "auto: refused")
    if refused is not None:
        raise MissingError(refused)
