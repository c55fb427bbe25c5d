"""One warm sandbox for the tests that do not need their own."""

from collections.abc import Callable, Iterator

import pytest

from codelm.sandbox import Limits, Outcome, Program, Sandbox

MiB = 1 << 20
Run = Callable[..., Outcome]


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """Tier process, one worker, so each program runs where the one before it ran; limits soon reached."""
    limits = Limits(time_s=0.5, memory_bytes=200 * MiB, processes=16, output_bytes=1 * MiB)
    with Sandbox(limits, workers=1, isolation="process") as entered:
        yield entered


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    """Run units of source in that sandbox."""
    return lambda *units, seed=0: sandbox.run(Program(units=units, seed=seed))
