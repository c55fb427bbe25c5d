"""Batches, from a thread and from an event loop: back-pressure, deadlines, cancellation."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from codelm.sandbox import Ended, Limits, Program, Sandbox

HONEST = Program(units=("x = 1",))
SLEEP = Program(units=("import time; time.sleep(30)",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two workers; programs may take longer than any test."""
    with Sandbox(Limits(time_s=60.0), workers=2, isolation="process") as entered:
        yield entered


def test_batch_takes_few_jobs_ahead_of_what_it_yields(sandbox) -> None:
    """However many there are, no more than twice the workers are held."""
    taken = 0

    def jobs() -> Iterator[tuple[int, Program]]:
        nonlocal taken
        for taken in range(1, 1001):
            yield taken, HONEST

    batch = sandbox.run_many(jobs())
    for yielded in range(1, 21):
        assert next(batch)[1].proof
        assert taken - yielded < 4
    batch.close()
    assert sandbox.run(HONEST).proof


def test_batch_past_its_deadline_is_killed_and_says_so(sandbox) -> None:
    """What had ended by then was yielded; the sandbox is free at once."""
    jobs = [("quick", HONEST), ("slow", SLEEP), ("slow too", SLEEP)]
    began, ended = time.monotonic(), []
    with pytest.raises(TimeoutError, match="not all programs had ended"):
        ended.extend(sandbox.run_many(jobs, deadline_s=0.5))
    assert sandbox.run_alone(HONEST).proof
    assert time.monotonic() - began < 10


def test_deadline_that_is_not_reached_changes_nothing(sandbox) -> None:
    """All jobs, each once."""
    jobs = ((n, HONEST) for n in range(9))
    assert sorted(key for key, _ in sandbox.run_many(jobs, deadline_s=60)) == list(range(9))


def test_error_of_the_callers_iterable_reaches_the_caller(sandbox) -> None:
    """And the running programs are killed."""

    def jobs() -> Iterator[tuple[int, Program]]:
        yield 1, SLEEP
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        list(sandbox.run_many(jobs()))
    assert sandbox.run_alone(HONEST).proof


def test_cancelled_task_kills_its_program(sandbox, tmp_path: Path) -> None:
    """The event loop goes on meanwhile; the program's own later deed is not done."""
    canary = tmp_path / "canary"
    program = Program(units=(f"import time; time.sleep(1.5); open({str(canary)!r}, 'w')",))

    async def main() -> None:
        task = asyncio.create_task(sandbox.run_async(program))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sandbox.run_async(HONEST)).proof
        await asyncio.sleep(1.5)

    asyncio.run(main())
    assert not canary.exists()


def test_event_loop_gets_every_outcome_once(sandbox) -> None:
    """From an async iterable, with back-pressure: no more than twice the workers are taken ahead."""
    taken = 0

    async def jobs() -> AsyncIterator[tuple[int, Program]]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield number, HONEST

    async def main() -> list[int]:
        keys = []
        async for key, outcome in sandbox.run_many_async(jobs()):
            assert outcome.ended is Ended.FINISHED
            keys.append(key)
            assert taken - len(keys) <= 4
        return keys

    assert sorted(asyncio.run(main())) == list(range(40))


def test_event_loop_batch_stopped_by_a_timeout_is_killed(sandbox) -> None:
    """`asyncio.timeout` is its deadline; an ordinary iterable will do."""

    async def main() -> None:
        async with asyncio.timeout(0.5):
            async for _ in sandbox.run_many_async((n, SLEEP) for n in range(9)):
                pass

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert sandbox.run_alone(HONEST).proof
    assert time.monotonic() - began < 10
