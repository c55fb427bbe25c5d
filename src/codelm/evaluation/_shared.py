"""Coroutines that several tasks of an event loop ask for at the same time, under way once."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")


class Shared(Generic[Result]):
    """What is under way, by event loop and key; what nobody awaits any more is cancelled."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[asyncio.AbstractEventLoop, bytes], asyncio.Task[Result]] = {}
        self._awaiting: dict[asyncio.Task[Result], int] = {}  # how many

    async def result(self, key: bytes, begin: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What comes of what is under way under this key; of what `begin` makes, where nothing is."""
        import asyncio  # it takes a while to import

        place = asyncio.get_running_loop(), key
        if place not in self._tasks:
            self._tasks[place] = asyncio.create_task(begin())
        task = self._tasks[place]
        self._awaiting[task] = self._awaiting.get(task, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._awaiting[task] -= 1
            if not self._awaiting[task]:
                del self._tasks[place], self._awaiting[task]  # first: nobody may join what is cancelled
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
