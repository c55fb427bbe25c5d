"""Coroutines that several tasks of an event loop ask for at the same time, under way once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")


class Shared(Generic[Result]):
    """What is under way, by key, and how many await it; what nobody awaits any more is cancelled."""

    def __init__(self) -> None:
        self._tasks: dict[bytes, asyncio.Task[Result]] = {}
        self._awaiting: dict[bytes, int] = {}

    async def result(self, key: bytes, begin: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What is under way under this key comes to; where nothing is, what `begin` makes is from now on."""
        import asyncio  # it takes a while to import

        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(begin())
        task = self._tasks[key]
        self._awaiting[key] = self._awaiting.get(key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._awaiting[key] -= 1
            if not self._awaiting[key]:
                del self._tasks[key], self._awaiting[key]  # before it is cancelled: nobody may join it then
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
