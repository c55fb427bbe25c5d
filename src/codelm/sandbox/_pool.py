"""The slots of one sandbox: started together, taken one by one from any thread, stopped together."""

import contextlib
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from codelm.errors import InfraError
from codelm.sandbox._slot import Slot
from codelm.sandbox._threads import Threads

LET_GO_S = 10.0  # for those who have a place to give it back; one that Ctrl-C took from them never comes
YIELD_S = 0.002  # for those who wait for a place to get one before `close` takes it again


class Pool:
    """Slots, each for one program at a time. Of use in the process that opened it only."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.slots = slots
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()  # the last used is the warmest
        self._all_of_them = threading.Lock()
        self._threads = Threads(len(slots))
        self._owner = 0  # process that opened it; 0 while it is not in use

    def open(self) -> None:
        """Start all workers. Raises: MissingError; InfraError when one does not come up."""
        try:
            with ThreadPoolExecutor(len(self.slots)) as threads:
                list(threads.map(Slot.start, self.slots))
        except OSError as error:
            self._stop()
            raise InfraError(f"{error}; see whether `{sys.executable} -S -c pass` runs here") from error
        except BaseException:  # Ctrl-C for one
            self._stop()
            raise
        self._free = queue.LifoQueue()  # whoever still waits for a place as it was before gets none of these
        for slot in self.slots:
            self._free.put(slot)
        self._threads = Threads(len(self.slots))
        self._owner = os.getpid()
        _opened.add(self)

    def close(self) -> None:
        """Stop all workers; what still runs is killed. May be called twice."""
        if self._owner != os.getpid():
            return
        self._owner = 0
        stopped: list[Slot] = []
        deadline = time.monotonic() + LET_GO_S
        while len(stopped) < len(self.slots) and time.monotonic() < deadline:
            try:
                stopped.append(self._free.get(timeout=0.02))
                stopped[-1].stop()
            except queue.Empty:
                # A program still runs in one: its thread lets go when it is dead. Or a thread has one
                # and waits for the others: it lets go when it gets one and finds the pool closed.
                for slot in self.slots:
                    slot.interrupt()
                self._give_back(stopped)
                time.sleep(YIELD_S)
        for slot in set(self.slots) - set(stopped):
            slot.stop()
        self._give_back(stopped)  # for those who wait: each finds the pool closed, and passes it on
        self._threads.close()

    @property
    def threads(self) -> Threads:
        """One for each slot, for callers that have none. Raises: ValueError where the pool is not open."""
        self._check_open()
        return self._threads

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """One slot to oneself; waits until one is free. Raises: ValueError where the pool is not open."""
        self._check_open()
        free, slot = self._free, None
        try:
            slot = free.get()
            self._check_open()  # it may have been closed while we waited
            if free is not self._free:  # and opened again
                raise ValueError("the sandbox was closed while a place in it was waited for")
            slot.lent += 1
            yield slot
        finally:
            if slot is not None:
                free.put(slot)

    @contextlib.contextmanager
    def all_slots(self) -> Iterator[Slot]:
        """One slot, while nothing runs in the others."""
        with self._all_of_them, contextlib.ExitStack() as held:
            for _ in self.slots:
                slot = held.enter_context(self.slot())
            yield slot

    def _check_open(self) -> None:
        if self._owner != os.getpid():
            raise ValueError("the sandbox is not entered in this process; use `with Sandbox(...) as sandbox`")

    def _give_back(self, slots: list[Slot]) -> None:
        while slots:
            self._free.put(slots.pop())

    def _stop(self) -> None:
        for slot in self.slots:
            slot.stop()

    def _forget(self) -> None:
        """In a forked copy of the caller: close our copies of the workers' sockets, which are its own."""
        self._owner = 0
        for slot in self.slots:
            slot.forget()


_opened: weakref.WeakSet[Pool] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_opened):
        pool._forget()
    _opened.clear()


os.register_at_fork(after_in_child=_forget_all)
