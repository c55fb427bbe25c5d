"""Many jobs at a time, from a thread or an event loop: with back-pressure, and cancelled at any moment."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from codelm.sandbox._outcome import Job, Outcome
from codelm.sandbox._pool import Pool

if TYPE_CHECKING:
    from codelm.sandbox._slot import Slot

Key = TypeVar("Key")
CANCEL_S = 0.01  # between two tries to kill a cancelled program, which may be about to be forked


class Ticket:
    """One job on its way through a pool."""

    def __init__(self, pool: Pool, job: Job) -> None:
        self._pool, self._job = pool, job
        self._slot: Slot | None = None  # where it runs
        self._cancelled = False

    def run(self) -> Outcome | None:
        """Run it in the next slot that is free; None when it was cancelled before it began."""
        with self._pool.slot() as slot:
            self._slot = slot
            try:
                return None if self._cancelled else slot.run(self._job)
            finally:
                self._slot = None

    def cancel(self) -> None:
        """From another thread: let it end soon. To be said again until it has."""
        self._cancelled = True
        if (slot := self._slot) is not None:
            slot.interrupt()


def run_many(
    pool: Pool, jobs: Iterable[tuple[Key, Job]], deadline_s: float | None
) -> Iterator[tuple[Key, Outcome]]:
    """See `Sandbox.run_many`."""
    ends_at = None if deadline_s is None else time.monotonic() + deadline_s
    ended: queue.SimpleQueue[tuple[Key, Ticket, Outcome | BaseException | None]] = queue.SimpleQueue()
    tickets: set[Ticket] = set()

    waiting: queue.SimpleQueue[tuple[Key, Ticket] | None] = queue.SimpleQueue()

    def run_all() -> None:
        while (next_one := waiting.get()) is not None:
            key, ticket = next_one
            try:
                ended.put((key, ticket, ticket.run()))
            except BaseException as error:
                ended.put((key, ticket, error))

    def next_ended() -> tuple[Key, Outcome]:
        left_s = None if ends_at is None else max(0.0, ends_at - time.monotonic())
        try:
            key, ticket, outcome = ended.get(timeout=left_s)
        except queue.Empty:
            raise TimeoutError(f"not all programs had ended after {deadline_s} seconds") from None
        tickets.remove(ticket)
        if isinstance(outcome, BaseException):
            raise outcome
        assert outcome is not None, "only the end of the batch cancels a job"
        return key, outcome

    threads = [threading.Thread(target=run_all, name="codelm-sandbox", daemon=True) for _ in pool.slots]
    try:
        for thread in threads:
            thread.start()
        for key, job in jobs:
            ticket = Ticket(pool, job)
            tickets.add(ticket)
            waiting.put((key, ticket))
            if len(tickets) >= _at_once(pool):
                yield next_ended()
        while tickets:
            yield next_ended()
    finally:
        while tickets:
            for ticket in tickets:
                ticket.cancel()
            with contextlib.suppress(queue.Empty):
                tickets.remove(ended.get(timeout=CANCEL_S)[1])
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()


async def run_async(pool: Pool, job: Job) -> Outcome:
    """See `Sandbox.run_async`."""
    ticket = Ticket(pool, job)
    running = asyncio.ensure_future(asyncio.to_thread(ticket.run))
    try:
        outcome = await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            ticket.cancel()
            await asyncio.wait([running], timeout=CANCEL_S)
        raise
    assert outcome is not None, "only the caller cancels it"
    return outcome


async def run_many_async(
    pool: Pool, jobs: Iterable[tuple[Key, Job]] | AsyncIterable[tuple[Key, Job]]
) -> AsyncIterator[tuple[Key, Outcome]]:
    """See `Sandbox.run_many_async`."""

    async def run_one(key: Key, job: Job) -> tuple[Key, Outcome]:
        return key, await run_async(pool, job)

    running: set[asyncio.Task[tuple[Key, Outcome]]] = set()
    try:
        async for key, job in _as_async(jobs):
            running.add(asyncio.create_task(run_one(key, job)))
            while len(running) >= _at_once(pool):
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for next_done in asyncio.as_completed(running):
            yield await next_done
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _at_once(pool: Pool) -> int:
    """How many jobs are taken ahead of what has been yielded: enough that no slot waits for its next one."""
    return 2 * len(pool.slots)


async def _as_async(
    jobs: Iterable[tuple[Key, Job]] | AsyncIterable[tuple[Key, Job]],
) -> AsyncIterator[tuple[Key, Job]]:
    if isinstance(jobs, AsyncIterable):
        async for pair in jobs:
            yield pair
    else:
        for pair in jobs:
            yield pair
