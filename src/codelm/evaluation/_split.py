"""Judge `split`: the tests run in one box, the candidate answers their calls from another.

What a candidate can reach holds no test, no expected value and no verdict, and only plain data comes out of
its box (`_wire.py`); so a pass means that it returned the values that the tests want. Left to it is what any
test leaves: to answer by the inputs that it recognises, and a hole in the sandbox.

    supervisor        passes each message on, reads none of the candidate's, keeps the clocks
    box of the tests  one process for many programs of tests, each in a fresh namespace; trusted
    candidate's box   a fresh process for each candidate: prompt and completion, then calls

Not as in one process: the identity of objects holds within a call only, a set may come in another order, the
random numbers of tests and candidate are two streams, and objects of the candidate's own classes stay in its
box. A problem whose canonical solution fails for that, or meets a limit for what its calls cost here,
`needs_inprocess`; a completion that does is wrong.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

from codelm.evaluation._program import GUARD, assemble
from codelm.evaluation._split_boxes import PRELUDE, TestsBox
from codelm.evaluation._trial import SplitOutcome, Trial
from codelm.evaluation._verdict import Verdict, verdict_of
from codelm.evaluation._wire import CannotCross
from codelm.problems import Problem
from codelm.sandbox import CancelledError, Limits, Program, Sandbox, Session, Work, usable_cpus

MAX_CALLS_BYTES = 32 << 20  # of all calls of tests that are remembered
Held = TypeVar("Held")
# Verdicts that may be owed to what cannot cross, and to what crossing costs.
_OVER_CROSSING = (Verdict.WRONG, Verdict.ERROR, Verdict.TIMEOUT, Verdict.MEMORY, Verdict.OUTPUT)


class SplitJudge:
    """Judges completions apart from their tests, from any thread; use as a context manager.

    limits: of each candidate, loading and all its calls; the tests have theirs beside it. workers: candidates
    at a time, each with a process of tests; default: the processors this process may use. isolation, python,
    packages: as of `Sandbox`, for both boxes. Raises, on entry: as `Sandbox`.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        isolation: str | None = None,
        python: str | None = None,
        packages: Sequence[str] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.workers = usable_cpus() if workers is None else workers

        def box() -> Sandbox:
            return Sandbox(
                self.limits,
                workers=self.workers,
                prelude=GUARD + PRELUDE,
                isolation=isolation,
                python=python,
                packages=packages,
            )

        self._candidates, self._tests = box(), box()
        self._free: queue.LifoQueue[TestsBox] = queue.LifoQueue()
        self._made = 0  # boxes, for as many workers once it is entered
        self._all_of_them = threading.Lock()
        self._calls = _Calls()
        self._canonicals: dict[Program, SplitOutcome] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as ends:
            ends.enter_context(self._candidates)
            ends.enter_context(self._tests)
            self._free = queue.LifoQueue()
            self._made = 0
            ends.callback(self.close)
            for _ in range(self.workers):
                self._free.put(TestsBox(self._tests))
                self._made += 1
            ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop both boxes; what still runs is killed. May be called twice."""
        self._candidates.close()
        with self._all_of_them:  # or one that has some boxes and waits for all would keep them from us
            closed = [self._free.get() for _ in range(self._made)]
            for tests in closed:
                tests.close()
                self._free.put(tests)  # who waits for one finds the candidates' box closed, and passes it on
        self._tests.close()

    def judge(
        self, problem: Problem, completion: str, *, seed: int = 0, limits: Limits | None = None
    ) -> SplitOutcome:
        """Judge one completion to the end: again, alone, where that is wanted. limits: if not the judge's."""
        program = assemble(problem, completion, seed=seed, limits=limits or self.limits)
        if limits is not None and program.limits is None:
            program = replace(program, limits=limits)
        outcome = self.work(problem, program).run()
        return outcome if outcome.settled else self.work(problem, program, alone=True).run()

    def work(self, problem: Problem, program: Program, *, alone: bool = False) -> Work[SplitOutcome]:
        """One completion as work that can be cancelled. program: from `assemble`. alone: beside no other."""
        return _Judging(self, problem, program, alone=alone)

    def needs_inprocess(self, problem: Problem, program: Program | None = None) -> str | None:
        """Why a problem cannot be judged apart from its tests; None when it can.

        That is so when its canonical solution passes beside its tests and not apart from them. A problem
        without one is judged apart. Found out once. program: of any completion, for its tests and limits.
        """
        canonical = self._canonical(problem, program)
        return None if canonical is None else canonical.needs_inprocess

    def _canonical(self, problem: Problem, program: Program | None) -> SplitOutcome | None:
        """What became of the canonical solution with the tests of this program."""
        if problem.canonical_solution is None:
            return None
        canonical = assemble(problem, problem.canonical_solution, seed=0, limits=self.limits)
        if program is not None:
            canonical = replace(program, units=(canonical.units[0], *program.units[1:]))
        if canonical not in self._canonicals:
            apart = _Judging(self, problem, canonical, alone=False).hold_trial()
            if not apart.settled:
                apart = _Judging(self, problem, canonical, alone=True).hold_trial()
            if apart.verdict in _OVER_CROSSING and self._passes_beside(canonical):
                apart = replace(apart, needs_inprocess=apart.result)
            self._canonicals[canonical] = apart
        return self._canonicals[canonical]

    def _passes_beside(self, program: Program) -> bool:
        """Whether a program passes in one process with its tests."""
        outcome = self._candidates.run(program)
        if not outcome.settled:
            outcome = self._candidates.run_alone(program)
        return verdict_of(outcome, program.limits or self.limits) is Verdict.PASSED

    @contextlib.contextmanager
    def _boxes(self, *, alone: bool) -> Iterator[tuple[TestsBox, Session]]:
        """Two boxes to oneself; alone: while nobody has others."""
        with contextlib.ExitStack() as held:
            if alone:
                held.enter_context(self._all_of_them)
            for _ in range(self.workers if alone else 1):
                tests = self._free.get()
                held.callback(self._free.put, tests)
            yield tests, held.enter_context(self._candidates.session())


class _Judging(Work[SplitOutcome]):
    """One completion on its way to an outcome."""

    def __init__(self, judge: SplitJudge, problem: Problem, program: Program, *, alone: bool) -> None:
        self._judge, self._problem, self._program, self._alone = judge, problem, program, alone
        self._trial: Trial | None = None  # under way
        self._cancelled = threading.Event()

    def run(self) -> SplitOutcome:
        """See `Work`."""
        outcome = self.hold_trial()
        if outcome.verdict not in _OVER_CROSSING and not outcome.changed_arguments:
            return outcome
        canonical = self._judge._canonical(self._problem, self._program)
        if canonical is None:
            return outcome
        return replace(
            outcome,
            needs_inprocess=canonical.needs_inprocess if outcome.verdict in _OVER_CROSSING else None,
            changed_arguments=outcome.changed_arguments and not canonical.changed_arguments,
        )

    def hold_trial(self) -> SplitOutcome:
        """Judge it, whatever that says of the problem."""
        key = (self._problem.prompt, self._problem.entry_point, self._program.seed, *self._program.units[1:])
        requests = self._judge._calls.of(key)
        if requests is not None:
            outcome = self._in_boxes(lambda trial: trial.hold_foreseen(requests))
            if outcome is not None:
                return outcome

        def hold(trial: Trial) -> SplitOutcome:
            try:
                outcome = trial.hold()
            except CannotCross as error:
                return SplitOutcome(verdict=Verdict.ERROR, result=f"failed: the tests are {error}")
            if outcome.verdict is Verdict.PASSED and trial.requests is not None:
                self._judge._calls.keep(key, trial.requests)
            return outcome

        return self._in_boxes(hold)

    def _in_boxes(self, hold: Callable[[Trial], Held]) -> Held:
        with self._judge._boxes(alone=self._alone) as (tests, candidate):
            if self._alone:
                tests.discard()  # nor beside what others left in it
            limits = self._program.limits or self._judge.limits
            self._trial = Trial(self._problem, self._program, tests, candidate, limits)
            try:
                if self._cancelled.is_set():
                    raise CancelledError
                held = hold(self._trial)
                if self._cancelled.is_set():
                    raise CancelledError
                return held
            except BaseException:
                tests.discard()  # it may be in the middle of a conversation, not for the next trial to hear
                raise
            finally:
                self._trial = None

    def cancel(self) -> None:
        """See `Work`."""
        self._cancelled.set()
        if (trial := self._trial) is not None:
            trial.interrupt()


class _Calls:
    """The calls that programs of tests made in a trial that passed, for later trials of the same tests."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[bytes, ...]] = {}
        self._bytes = 0
        self._changing = threading.Lock()

    def of(self, key: tuple[object, ...]) -> tuple[bytes, ...] | None:
        """Those of a program of tests, where they are known."""
        return self._kept.get(key)

    def keep(self, key: tuple[object, ...], requests: Sequence[bytes]) -> None:
        """Remember them."""
        size = sum(map(len, requests))
        with self._changing:
            if self._bytes + size > MAX_CALLS_BYTES:
                self._kept, self._bytes = {}, 0
            self._kept[key] = tuple(requests)
            self._bytes += size
