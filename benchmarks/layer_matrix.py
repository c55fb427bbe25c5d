"""The attack catalogue with each layer of the sandbox switched off in turn: which rows turn red without it.

    sudo python benchmarks/layer_matrix.py [--tier full] [--python /usr/bin/python3] [--layer seccomp]

Prints a Markdown table. A layer without which nothing turns red is switched off together with each other one:
what turns red then, and with neither of the two alone, is what both of them hold. Red is what fails twice.
As root, since only root may leave a layer out. Takes half a minute for each layer; some minutes more for
those that others cover.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from codelm.sandbox import _housing
from codelm.sandbox._walls import LAYERS
from codelm.sandbox.catalogue import Attacker, Row, Verdict, catalogue

ROWS = (*catalogue().attacks, *catalogue().honest)
# Layers that the supervisor adds whatever the walls: what to put in their place.
ADDED: dict[str, tuple[str, object]] = {
    "control group": ("Cgroup.create", lambda: None),
    "rlimits": ("Plan.rlimits", lambda plan, limits: []),
    "environment": ("environment", lambda folder, mark: {**os.environ, "HOME": f"{folder}/scratch"}),
}
# As root in the host's own pid namespace the worker, which kills all it may, would kill all there is.
DEADLY = frozenset({"pid", "uid"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tier", choices=sorted(LAYERS), default="full")
    parser.add_argument("--python", help="the interpreter of the programs; default: the running one")
    parser.add_argument("--layer", action="append", help="only this one; may be given more than once")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root may leave a layer out")
    layers = options.layer or [*LAYERS[options.tier], *ADDED]
    for line in table(options.tier, layers, options.python):
        print(line, flush=True)


def table(tier: str, layers: Sequence[str], python: str | None = None) -> Iterator[str]:
    """The Markdown table, line by line."""
    always = red(tier, frozenset(), ROWS, python)
    alone: dict[str, list[str]] = {}
    yield f"| without, in tier {tier} | rows that turn red |"
    yield "|---|---|"
    for layer in layers:
        alone[layer] = [row for row in red(tier, frozenset({layer}), ROWS, python) if row not in always]
        if alone[layer]:
            yield f"| {layer} | {', '.join(alone[layer])} |"
    for layer in layers:
        if not alone[layer]:
            yield from pairs(tier, layer, alone, always, python)


def pairs(
    tier: str, layer: str, alone: dict[str, list[str]], always: list[str], python: str | None
) -> Iterator[str]:
    """The lines of a layer that others cover: with which of them off something turns red, and what."""
    rows = [row for row in ROWS if layer in row.about]
    found = False
    for other in (*LAYERS[tier], *ADDED):
        pair = frozenset({layer, other})
        if other == layer or pair >= DEADLY:
            continue
        known = {*always, *(alone[other] if other in alone else red(tier, frozenset({other}), rows, python))}
        if both := [row for row in red(tier, pair, rows, python) if row not in known]:
            found = True
            yield f"| {layer} and {other}, which covers it | {', '.join(both)} |"
    if not found:
        yield f"| {layer} | none, alone or in a pair |"


def red(tier: str, without: frozenset[str], rows: Sequence[Row], python: str | None) -> list[str]:
    """Ids of the rows that do not hold where these layers are left out."""
    assert not without >= DEADLY
    walls = without & set(LAYERS[tier])
    print(f"without {', '.join(sorted(without)) or 'nothing'}", file=sys.stderr)
    with left_out(without - walls), Attacker(tier, python=python, without=walls) as attacker:
        suspects = [row for row in rows if gets_through(attacker, row)]
        return [row.id for row in suspects if gets_through(attacker, row)]


def gets_through(attacker: Attacker, row: Row) -> bool:
    """Whether a row does not hold."""
    return attacker.attack(row).verdict in (Verdict.BROKEN, Verdict.EXCEPTION)


@contextmanager
def left_out(names: frozenset[str]) -> Iterator[None]:
    """Without these layers of the supervisor's."""
    with ExitStack() as patches:
        for name in names:
            target, replacement = ADDED[name]
            patches.enter_context(patch(f"{_housing.__name__}.{target}", replacement))
        yield


if __name__ == "__main__":
    main()
