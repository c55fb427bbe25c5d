"""Threads that do the work of event loops."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")
THREAD_NAME = "codelm-sandbox"


class Threads:
    """Threads that do one call after another; they start as calls come, until there are enough.

    Not a `ThreadPoolExecutor`: the interpreter's exit would wait until that has done all that it was given.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._closed = False

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Have it done by the next thread that is free, unless its future is cancelled before."""
        future: Future[Result] = Future()
        with self._changing:
            if self._closed:
                raise ValueError("the sandbox is closed")
            self._waiting.put((future, call))
            if len(self._threads) < self._enough:
                self._threads.append(threading.Thread(target=self._work, name=THREAD_NAME, daemon=True))
                self._threads[-1].start()
        return future

    def close(self) -> None:
        """End the threads, when they have done all that they were given."""
        with self._changing:
            self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            future, call = given
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
