"""One attacked sandbox for each tier that this host has."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from support import absent

from codelm.sandbox import probe
from codelm.sandbox.catalogue import Attacker

why_not = cache(probe)


@pytest.fixture(scope="package")
def attacker() -> Iterator[Callable[[str], Attacker]]:
    """The attacker of a tier, entered once; a skip where the host cannot have that tier."""
    with ExitStack() as end:
        enter = cache(lambda tier: end.enter_context(Attacker(tier)))

        def of(tier: str) -> Attacker:
            if reason := why_not(tier):
                absent(f"tier {tier}: {reason}")
            return enter(tier)

        yield of
