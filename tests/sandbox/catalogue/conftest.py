"""One attacked sandbox for each tier that this host has."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import probe
from codelm.sandbox._interpreter import interpreter
from codelm.sandbox.catalogue import Attacker

SYSTEM_PYTHON = "/usr/bin/python3"


def python_for(tier: str) -> str | None:
    """The Python of the programs: ours, unless that lies where they cannot read it; skips without one."""
    reason = probe(tier)
    if reason is None:
        return None
    if not Path(SYSTEM_PYTHON).exists() or probe(tier, interpreter(SYSTEM_PYTHON, ())) is not None:
        absent(f"tier {tier}: {reason}")
    return SYSTEM_PYTHON


@pytest.fixture(scope="package")
def attacker() -> Iterator[Callable[[str], Attacker]]:
    """The attacker of a tier, entered once; a skip where the host cannot have that tier."""
    with ExitStack() as end:
        enter = cache(lambda tier: end.enter_context(Attacker(tier, python=python_for(tier))))
        yield enter
