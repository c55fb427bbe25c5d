"""A pool of workers that run programs, several at a time, from any thread."""

import contextlib
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from codelm.errors import InfraError, MissingError
from codelm.sandbox._housing import Plan
from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Job, Outcome
from codelm.sandbox._session import Session
from codelm.sandbox._slot import Slot
from codelm.sandbox._tiers import AUTO, check_host, fresh_uids, tier_of

Key = TypeVar("Key")


class Sandbox:
    """Runs untrusted programs under limits and says what happened; use as a context manager.

    limits: of each program. workers: programs at a time; default: the processors this process may use.
    prelude: Python source of the caller's own, run once in each worker, in a namespace of its own; what it
    changes in modules every program finds changed. isolation: `full`; `auto`, which means full and never
    less; or `process`, which contains nothing.
    Safe to use from several threads; not in a process forked after it was entered.
    Raises, on entry: MissingError where the host cannot do this; InfraError when no worker comes up.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        prelude: str = "",
        isolation: str = AUTO,
    ) -> None:
        self.limits = limits or Limits()
        self.workers = usable_cpus() if workers is None else workers
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.tier = tier_of(isolation)
        self._slots = [
            Slot(Plan(tier=self.tier, uid=uid, limits=self.limits, prelude=prelude))
            for uid in fresh_uids(self.workers)
        ]
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()  # the last used is the warmest
        self._all_of_them = threading.Lock()
        self._owner = 0  # process that entered it; 0 while it is not in use

    def __enter__(self) -> Self:
        check_host(self.tier)
        try:
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(Slot.start, self._slots))
        except MissingError:
            self._stop()
            raise
        except OSError as error:
            self._stop()
            raise InfraError(f"{error}; see whether `{sys.executable} -S -c pass` runs here") from error
        for slot in self._slots:
            self._free.put(slot)
        self._owner = os.getpid()
        _entered.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all workers; what still runs is killed. May be called twice."""
        if self._owner != os.getpid():
            return
        self._owner = 0
        stopped = 0
        while stopped < len(self._slots):
            try:
                self._free.get(timeout=0.02).stop()
                stopped += 1
            except queue.Empty:  # a program still runs in it; its thread lets go when the program is dead
                for slot in self._slots:
                    slot.interrupt()

    def run(self, job: Job) -> Outcome:
        """Run one program or command beside others that may be running."""
        slot = self._take()
        try:
            return slot.run(job)
        finally:
            self._free.put(slot)

    def run_alone(self, job: Job) -> Outcome:
        """Run one job while no other runs in this sandbox: for an outcome that is not `settled`."""
        with self._all_of_them:
            held = [self._take() for _ in self._slots]
            try:
                return held[0].run(job)
            finally:
                for slot in held:
                    self._free.put(slot)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A place of one's own for jobs that build on each other: see `Session`. Waits until one is free."""
        slot = self._take()
        try:
            with contextlib.closing(Session(slot)) as session:
                yield session
        finally:
            self._free.put(slot)

    @property
    def forks(self) -> int:
        """How many programs have been forked, as the workers count them: one for each that was run."""
        return sum(slot.forks for slot in self._slots)

    def run_many(self, jobs: Iterable[tuple[Key, Job]]) -> Iterator[tuple[Key, Outcome]]:
        """Run jobs, several at a time, and yield each key with its outcome as they end, in any order.

        Takes no more than twice as many jobs as there are workers ahead of what it has yielded. When the
        caller stops early, by Ctrl-C too, the running programs are killed.
        """
        ended: queue.SimpleQueue[tuple[Key, Outcome | BaseException]] = queue.SimpleQueue()
        running: set[Slot] = set()
        stopping = threading.Event()

        def run_one(key: Key, job: Job) -> None:
            try:
                slot = self._take()
                running.add(slot)
                try:
                    if stopping.is_set():
                        return
                    outcome = slot.run(job)
                finally:
                    running.discard(slot)
                    self._free.put(slot)
                ended.put((key, outcome))
            except BaseException as error:
                ended.put((key, error))

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="codelm-sandbox")
        waiting = 0
        try:
            for key, job in jobs:
                pool.submit(run_one, key, job)
                waiting += 1
                if waiting >= 2 * self.workers:
                    yield _raise_if_error(*ended.get())
                    waiting -= 1
            for _ in range(waiting):
                yield _raise_if_error(*ended.get())
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            while running:
                for slot in list(running):
                    slot.interrupt()
                time.sleep(0.01)
            raise
        finally:
            pool.shutdown()

    def _take(self) -> Slot:
        self._check_entered()
        slot = self._free.get()
        try:
            self._check_entered()  # it may have been closed while we waited
        except ValueError:
            self._free.put(slot)
            raise
        return slot

    def _check_entered(self) -> None:
        if self._owner != os.getpid():
            raise ValueError("the sandbox is not entered in this process; use `with Sandbox(...) as sandbox`")

    def _stop(self) -> None:
        for slot in self._slots:
            slot.stop()

    def _forget(self) -> None:
        """In a forked copy of the caller: close our copies of the workers' sockets, which are its own."""
        self._owner = 0
        for slot in self._slots:
            slot.forget()


_entered: weakref.WeakSet[Sandbox] = weakref.WeakSet()


def _forget_all() -> None:
    for sandbox in list(_entered):
        sandbox._forget()
    _entered.clear()


os.register_at_fork(after_in_child=_forget_all)


def usable_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _raise_if_error(key: Key, outcome: Outcome | BaseException) -> tuple[Key, Outcome]:
    if isinstance(outcome, BaseException):
        raise outcome
    return key, outcome
