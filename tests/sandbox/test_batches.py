"""Batches, from a thread and from an event loop: back-pressure, deadlines, cancellation."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from codelm.sandbox import Crew, Ended, Limits, Outcome, Program, Sandbox, Work
from codelm.sandbox._process_tree import children
from codelm.sandbox._threads import THREAD_NAME

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


def test_event_loop_waits_in_the_sandboxs_own_threads(sandbox) -> None:
    """However many wait, there are as many threads as workers, and none is one of the caller's `to_thread`.

    What waits is never forked when its task is cancelled.
    """
    forks = sandbox.forks

    async def main() -> tuple[int, str]:
        tasks = [asyncio.create_task(sandbox.run_async(SLEEP)) for _ in range(200)]
        while sandbox.forks < forks + 2:
            await asyncio.sleep(0.005)
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]
        threads = len(_own_threads())
        for task in tasks:
            task.cancel()
        name = await asyncio.to_thread(lambda: threading.current_thread().name)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in ended} == {asyncio.CancelledError}
        return threads, name

    threads, name = asyncio.run(main())
    assert threads == 2
    assert not name.startswith(THREAD_NAME)
    assert sandbox.forks == forks + 2


def test_threads_of_the_event_loop_end_with_the_sandbox() -> None:
    """They start with the first program that is awaited; who still waits at the end is told so."""
    before = _own_threads()

    async def main() -> None:
        with Sandbox(Limits(time_s=60.0), workers=2, isolation="process") as sandbox:
            assert sandbox.run(HONEST).proof
            assert _own_threads() == before
            tasks = [asyncio.create_task(sandbox.run_async(SLEEP)) for _ in range(50)]
            while sandbox.forks < 3:
                await asyncio.sleep(0.005)
            assert len(_own_threads() - before) == 2
        assert _own_threads() == before
        killed, told = [], []
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            (told if isinstance(ended, ValueError) else killed).append(ended)
        assert [outcome.ended for outcome in killed] == [Ended.SIGNALLED] * 2
        assert len(told) == 48
        with pytest.raises(ValueError, match="not entered"):
            await sandbox.run_async(HONEST)

    asyncio.run(main())


class _Stubborn(Work[None]):
    """Ends when it is cancelled for the third time."""

    def __init__(self) -> None:
        self.begun, self.ended, self._ending, self._said = False, False, threading.Event(), 0

    def run(self) -> None:
        self.begun = True
        self._ending.wait()
        self.ended = True

    def cancel(self) -> None:
        self._said += 1
        if self._said == 3:
            self._ending.set()


def test_task_that_is_cancelled_twice_still_waits_for_the_end_of_its_program(sandbox) -> None:
    """By a timeout around a timeout, for one; else a program that is about to be forked would run."""
    work = _Stubborn()

    async def main() -> None:
        task = asyncio.create_task(sandbox.do_async(work))
        while not work.begun:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.ended

    asyncio.run(main())


def _own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)}


@pytest.fixture
def single() -> Iterator[Sandbox]:
    """One worker, so that what comes next runs where the cancelled one ran."""
    with Sandbox(Limits(time_s=60.0), workers=1, isolation="process") as entered:
        yield entered


NAP = Program(units=("import time; time.sleep(0.8)",))


def test_cancelled_programs_slot_kills_nothing_of_the_next(single, monkeypatch) -> None:
    """Between two looks of the killing the slot may have been given away; here there is time for it."""
    slow = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: time.sleep(0.3))
    monkeypatch.setattr("codelm.sandbox._process_tree.time", slow)
    outcomes: list[Outcome] = []
    cancelled = single.ticket(SLEEP)
    thread = threading.Thread(target=lambda: outcomes.extend((cancelled.run(), single.run(NAP))))
    thread.start()
    _wait_until_running(single)
    cancelled.cancel()
    thread.join()
    assert [outcome.ended for outcome in outcomes] == [Ended.SIGNALLED, Ended.FINISHED]


def test_cancelling_what_has_ended_spares_what_runs_in_its_place(single) -> None:
    """A session that was closed, and a ticket in the moment before it hears that its slot is another's."""
    ended: list[Ended] = []
    slot = single._pool.slots[0]
    with single.session() as session:
        lent = slot.lent
    thread = threading.Thread(target=lambda: ended.append(single.run(NAP).ended))
    thread.start()
    _wait_until_running(single)
    session.interrupt()
    slot.interrupt(lent)
    thread.join()
    assert ended == [Ended.FINISHED]


def test_killing_while_the_worker_is_being_stopped_raises_nothing(single, monkeypatch) -> None:
    """Its socket is closed first, and for a moment what it ran is still there."""
    with single.session() as session:
        session.load(Program(units=("def same(x): return x",)), handler="same")
        housing = single._pool.slots[0]._housing
        wait = housing.process.wait
        os.kill(housing.pid, signal.SIGSTOP)

        def interrupted(timeout_s: float) -> int:
            housing.kill_program()
            housing.wake()
            return wait(timeout_s)

        monkeypatch.setattr(housing.process, "wait", interrupted)
        single._pool.slots[0].stop()
    assert single.run(HONEST).proof


def _wait_until_running(sandbox: Sandbox) -> None:
    housing = sandbox._pool.slots[0]._housing
    while not list(children(housing.pid)):
        time.sleep(0.005)


class _Quick(Work[int]):
    def run(self) -> int:
        return 1

    def cancel(self) -> None:
        pass


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "interrupted",
    [lambda crew: (crew.submit(0, _Quick()), crew._ended.get()), lambda crew: crew._unfinished.add(_Quick())],
    ids=["next, with the result taken", "submit, before the work was handed over"],
)
def test_crew_ends_wherever_an_exception_fell(interrupted) -> None:
    """Ctrl-C in the middle of a method: some work never comes back."""
    crew = Crew[int, int](2)
    with contextlib.suppress(KeyboardInterrupt), crew:
        interrupted(crew)
        raise KeyboardInterrupt
    assert not any(thread.is_alive() for thread in crew._threads)
