"""Many pieces of work at a time, each of which can be cancelled."""

import queue
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from codelm.sandbox._outcome import Job, Outcome
from codelm.sandbox._pool import Pool

if TYPE_CHECKING:
    from codelm.sandbox._slot import Slot

Key = TypeVar("Key")
Result = TypeVar("Result")
CANCEL_S = 0.01  # between two tries to kill a cancelled program, which may be about to be forked


class Work(ABC, Generic[Result]):
    """Something that takes a while, in a thread that waits for it."""

    @abstractmethod
    def run(self) -> Result:
        """Do it. Raises: CancelledError where it was cancelled before its end and has no result."""

    @abstractmethod
    def cancel(self) -> None:
        """From another thread: let it end soon. To be said again until it has."""


class CancelledError(Exception):
    """Work that was cancelled has no result."""


class Ticket(Work[Outcome]):
    """One job on its way through a pool of slots."""

    def __init__(self, pool: Pool, job: Job, *, alone: bool = False) -> None:
        """alone: while no other runs in the pool."""
        self._pool, self._job, self._alone = pool, job, alone
        self._running: tuple[Slot, int] | None = None  # where it runs, and the number of that loan
        self._cancelled = False

    def run(self) -> Outcome:
        """Run it in the next slot that is free.

        Raises: CancelledError where it was cancelled before it began. Once it runs, cancelling kills its
        program, and the outcome says that: `SIGNALLED`, as a rule.
        """
        with self._pool.all_slots() if self._alone else self._pool.slot() as slot:
            self._running = slot, slot.lent
            try:
                if self._cancelled:
                    raise CancelledError
                return slot.run(self._job)
            finally:
                self._running = None

    def cancel(self) -> None:
        """Kill its program, or see that it is never forked."""
        self._cancelled = True
        if (running := self._running) is not None:
            slot, lent = running
            slot.interrupt(lent)


class Crew(Generic[Key, Result]):
    """Threads that do work, and hand it back as it ends, in any order; use as a context manager.

    At its exit, what has not ended is cancelled and waited for.
    """

    def __init__(self, threads: int, *, deadline_s: float | None = None) -> None:
        """deadline_s: from now on, for all its work."""
        self._size = threads
        self._deadline_s = deadline_s
        self._ends_at = None if deadline_s is None else time.monotonic() + deadline_s
        self._ended: queue.SimpleQueue[tuple[Key, Work[Result], Result | BaseException]] = queue.SimpleQueue()
        self._unfinished: set[Work[Result]] = set()
        self._waiting: queue.SimpleQueue[tuple[Key, Work[Result]] | None] = queue.SimpleQueue()
        # Not an executor, whose futures cost as much as running a program here does.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        # Until the threads have ended, not until all work has come back: where an exception, Ctrl-C for one,
        # fell in the middle of `submit` or `next`, some never does.
        for thread in self._threads:
            while thread.is_alive():
                for work in self._unfinished:
                    work.cancel()
                thread.join(CANCEL_S)

    def __len__(self) -> int:
        return len(self._unfinished)

    @property
    def is_full(self) -> bool:
        """Whether enough is submitted that no thread waits for its next piece."""
        return len(self) >= 2 * self._size

    @property
    def has_result(self) -> bool:
        """Whether `next` need not wait."""
        return not self._ended.empty()

    def submit(self, key: Key, work: Work[Result]) -> None:
        """Have it done by the next thread that is free."""
        self._unfinished.add(work)
        self._waiting.put((key, work))

    def next(self) -> tuple[Key, Result]:
        """What ends next. Raises: what the work raised; TimeoutError when the deadline has passed."""
        left_s = None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())
        try:
            key, work, result = self._ended.get(timeout=left_s)
        except queue.Empty:
            raise TimeoutError(f"not all programs had ended after {self._deadline_s} seconds") from None
        self._unfinished.remove(work)
        if isinstance(result, BaseException):
            raise result
        return key, result

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            key, work = given
            try:
                self._ended.put((key, work, work.run()))
            except BaseException as error:
                self._ended.put((key, work, error))
