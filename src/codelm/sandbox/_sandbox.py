"""Where untrusted programs run: several at a time, from any thread or event loop."""

import contextlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from codelm.sandbox._batch import Crew, Ticket, Work
from codelm.sandbox._housing import HASH_SEED, Plan
from codelm.sandbox._interpreter import interpreter
from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Job, Outcome
from codelm.sandbox._pool import Pool
from codelm.sandbox._session import Session
from codelm.sandbox._slot import Slot
from codelm.sandbox._tiers import (
    AUTO,
    check_host,
    fresh_uids,
    has_control_group,
    layers_of,
    needs_bubblewrap,
    tier_of,
)

Key = TypeVar("Key")
Result = TypeVar("Result")
ISOLATION_VARIABLE = "CODELM_ISOLATION"
MAX_WORKERS = 512  # each holds a process or three and some descriptors


class Sandbox:
    """Runs untrusted programs under limits and says what happened; use as a context manager.

    limits: of each program that has none of its own. workers: programs at a time; default: the processors
    this process may use. prelude: Python source of the caller's own, run once in each worker, in its own
    namespace; what it changes in modules every program finds changed.
    isolation: a tier by name, or `auto`: the best of `full`, `gvisor` and `landlock` that this host has, but
    not `process`, which contains nothing; default: what the variable CODELM_ISOLATION says, else `auto`.
    python: the interpreter of the programs, a path or a name on PATH; default: the running one.
    packages: what they may import beyond the standard library, with all that it needs; default: numpy where
    it is installed.
    paths: more of the host that they may read, a compiler's folders for one.
    Safe to use from several threads; not in a process forked after it was entered.
    Raises, on entry: MissingError where the host cannot do this; InfraError when no worker comes up.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        prelude: str = "",
        isolation: str | None = None,
        python: str | None = None,
        packages: Sequence[str] | None = None,
        paths: Sequence[str] = (),
        _without: Iterable[str] = (),
    ) -> None:
        self.limits = limits or Limits()
        self.workers = usable_cpus() if workers is None else workers
        if not 1 <= self.workers <= MAX_WORKERS:
            raise ValueError(f"workers must be 1 to {MAX_WORKERS}, got {workers}")
        self.python = interpreter(python, packages)
        self.tier = tier_of(isolation or os.environ.get(ISOLATION_VARIABLE) or AUTO, self.python)
        plans = (
            Plan(
                tier=self.tier,
                uid=uid,
                limits=self.limits,
                prelude=prelude,
                python=self.python,
                paths=tuple(paths),
                bubblewrap=needs_bubblewrap(self.tier, self.python),
                without=frozenset(_without),
            )
            for uid in fresh_uids(self.workers)
        )
        self._pool = Pool([Slot(plan) for plan in plans])

    def __enter__(self) -> Self:
        check_host(self.tier, self.python)
        self._pool.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all workers; what still runs is killed. May be called twice."""
        self._pool.close()

    def run(self, job: Job) -> Outcome:
        """Run one program or command beside others that may be running."""
        with self._pool.slot() as slot:
            return slot.run(job)

    def run_alone(self, job: Job) -> Outcome:
        """Run one job while no other runs in this sandbox: for an outcome that is not `settled`."""
        with self._pool.all_slots() as slot:
            return slot.run(job)

    def run_many(
        self, jobs: Iterable[tuple[Key, Job]], *, deadline_s: float | None = None
    ) -> Iterator[tuple[Key, Outcome]]:
        """Run jobs, several at a time, and yield each key with its outcome as they end, in any order.

        Takes no more than twice as many jobs as there are workers ahead of what it has yielded. When the
        caller stops early, by Ctrl-C too, the running programs are killed.
        deadline_s: for the whole batch, from the first `next` on. Raises: TimeoutError when it has passed.
        """
        with Crew[Key, Outcome](self.workers, deadline_s=deadline_s) as crew:
            for key, job in jobs:
                crew.submit(key, self.ticket(job))
                if crew.is_full:
                    yield crew.next()
            while crew:
                yield crew.next()

    async def run_async(self, job: Job) -> Outcome:
        """Run one job without blocking the event loop. When the task is cancelled, its program is killed."""
        return await self.do_async(self.ticket(job))

    async def do_async(self, work: Work[Result]) -> Result:
        """As `run_async`, for work that runs jobs of this sandbox.

        Any number may be awaited: each waits its turn for one of the sandbox's own threads, of which there
        are as many as workers, so that none is taken from `asyncio.to_thread`.
        """
        from codelm.sandbox._loop import run_async  # asyncio takes a while to import

        return await run_async(self._pool.threads, work)

    async def run_many_async(
        self, jobs: Iterable[tuple[Key, Job]] | AsyncIterable[tuple[Key, Job]]
    ) -> AsyncIterator[tuple[Key, Outcome]]:
        """As `run_many`, for an event loop; `asyncio.timeout` around it is its deadline."""
        from codelm.sandbox._loop import as_async, run_many_async

        works = ((key, self.ticket(job)) async for key, job in as_async(jobs))
        async for result in run_many_async(works, self._pool.threads, ahead=2 * self.workers):
            yield result

    def ticket(self, job: Job, *, alone: bool = False) -> Ticket:
        """A job as work that can be cancelled, for `Crew` and `do_async`. alone: as `run_alone`."""
        return Ticket(self._pool, job, alone=alone)

    @contextlib.contextmanager
    def session(self, *, alone: bool = False) -> Iterator[Session]:
        """A place of one's own for jobs that build on each other: see `Session`. Waits until one is free.

        alone: nothing else runs in this sandbox meanwhile.
        """
        with (
            self._pool.all_slots() if alone else self._pool.slot() as slot,
            contextlib.closing(Session(slot)) as session,
        ):
            yield session

    def describe(self) -> dict[str, Any]:
        """What decides how programs end here: for the header of a result."""
        return {
            "tier": self.tier,
            "layers": [layer.name for layer in layers_of(self.tier, self.python) if layer.holds],
            "limits": self.limits.to_json(),
            "memory": "bounded by a control group" if has_control_group() else "polled",
            "interpreter": f"CPython {self.python.version}",
            "packages": list(self.python.distributions),
            "hash_seed": HASH_SEED,
        }

    @property
    def forks(self) -> int:
        """How many programs have been forked, as the workers count them: one for each that was run."""
        return sum(slot.forks for slot in self._pool.slots)


def usable_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
