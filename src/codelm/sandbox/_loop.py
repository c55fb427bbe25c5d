"""Work from an event loop. Apart, since asyncio takes a while to import and few need it."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TypeVar

from codelm.sandbox._batch import CANCEL_S, Work
from codelm.sandbox._threads import Threads

Key = TypeVar("Key")
Result = TypeVar("Result")
Item = TypeVar("Item")


async def run_async(threads: Threads, work: Work[Result]) -> Result:
    """Do work in one of the threads; when the task that awaits it is cancelled, so is the work."""
    given = threads.submit(work.run)
    running = asyncio.wrap_future(given)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        given.cancel()  # where no thread has it yet
        pause_s = 0.0  # for those cancelled with it: else the thread of a killed one begins the next of them
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):  # who cancels twice still leaves nothing
                await asyncio.wait([running], timeout=pause_s)
            work.cancel()
            pause_s = CANCEL_S
        if not running.cancelled():
            running.exception()  # seen: it is that of cancelled work
        raise


async def run_many_async(
    works: AsyncIterable[tuple[Key, Work[Result]]], threads: Threads, *, ahead: int
) -> AsyncIterator[tuple[Key, Result]]:
    """Do many. ahead: at most as many are taken beyond what has been yielded."""

    async def run_one(key: Key, work: Work[Result]) -> tuple[Key, Result]:
        return key, await run_async(threads, work)

    running: set[asyncio.Task[tuple[Key, Result]]] = set()
    try:
        async for key, work in works:
            running.add(asyncio.create_task(run_one(key, work)))
            while len(running) >= ahead:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for next_done in asyncio.as_completed(running):
            yield await next_done
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def as_async(
    pairs: Iterable[Item] | AsyncIterable[Item],
) -> AsyncIterator[Item]:
    """Any iterable as one that an event loop takes."""
    if isinstance(pairs, AsyncIterable):
        async for pair in pairs:
            yield pair
    else:
        for pair in pairs:
            yield pair
