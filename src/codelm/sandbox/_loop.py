"""Work from an event loop. Apart, since asyncio takes a while to import and few need it."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TypeVar

from codelm.sandbox._batch import CANCEL_S, Work

Key = TypeVar("Key")
Result = TypeVar("Result")
Item = TypeVar("Item")


async def run_async(work: Work[Result]) -> Result:
    """Do work in a thread; when the task that awaits it is cancelled, so is the work."""
    running = asyncio.ensure_future(asyncio.to_thread(work.run))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            work.cancel()
            await asyncio.wait([running], timeout=CANCEL_S)
        running.exception()  # seen: it is that of cancelled work
        raise


async def run_many_async(
    works: Iterable[tuple[Key, Work[Result]]] | AsyncIterable[tuple[Key, Work[Result]]], threads: int
) -> AsyncIterator[tuple[Key, Result]]:
    """Do many, at most twice as many as there are threads taken ahead of what has been yielded."""

    async def run_one(key: Key, work: Work[Result]) -> tuple[Key, Result]:
        return key, await run_async(work)

    running: set[asyncio.Task[tuple[Key, Result]]] = set()
    try:
        async for key, work in as_async(works):
            running.add(asyncio.create_task(run_one(key, work)))
            while len(running) >= 2 * threads:
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
