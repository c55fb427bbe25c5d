"""Judging completions: identical work once, and what was seen too close to a limit again, alone."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple, Self

from codelm.errors import InputError
from codelm.evaluation._program import GUARD, assemble
from codelm.evaluation._verdict import Judgement
from codelm.files import Json
from codelm.problems import Problem, ProblemSet, Sample
from codelm.sandbox import Limits, Outcome, Program, Sandbox


class Job(NamedTuple):
    """One completion to judge, under the caller's key."""

    key: int
    problem: Problem
    completion: str


class Judge:
    """Judges completions in a warm sandbox, from any thread; use as a context manager.

    limits, workers, isolation, python, packages: as of `Sandbox`. seed: of the random numbers of the tests.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        workers: int | None = None,
        seed: int = 0,
        isolation: str | None = None,
        python: str | None = None,
        packages: Sequence[str] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.seed = seed
        self._sandbox = Sandbox(
            self.limits,
            workers=workers,
            prelude=GUARD,
            isolation=isolation,
            python=python,
            packages=packages,
        )

    @property
    def tier(self) -> str:
        """The tier of isolation that programs run in."""
        return self._sandbox.tier

    def describe(self) -> Json:
        """What decides its verdicts: for the header of a result."""
        return {"judge": "inline", **self._sandbox.describe(), "random_seed": self.seed}

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the sandbox; what still runs is killed."""
        self._sandbox.close()

    def judge(self, problem: Problem, completion: str) -> Judgement:
        """Judge one completion."""
        program = assemble(problem, completion, seed=self.seed)
        outcome = self._sandbox.run(program)
        return Judgement.of(outcome, self.limits) if outcome.settled else self._judge_alone(program)

    def judge_many(self, jobs: Iterable[Job], *, dedup: bool = True) -> Iterator[tuple[int, Judgement]]:
        """Judge completions, several at a time; yield each key with its judgement, in any order.

        dedup: run identical programs once; the copies carry the flag `deduplicated`. What must be run alone
        comes last.
        """
        work = _Work(self.seed, dedup=dedup)
        unsettled: list[tuple[bytes, Program]] = []
        for (identity, program), outcome in self._sandbox.run_many(work.programs(jobs)):
            if outcome.settled:
                yield from work.settle(identity, Judgement.of(outcome, self.limits))
            else:
                unsettled.append((identity, program))
            yield from work.take_copies()
        for identity, program in unsettled:
            yield from work.settle(identity, self._judge_alone(program))
        yield from work.take_copies()

    def _judge_alone(self, program: Program) -> Judgement:
        outcome: Outcome = self._sandbox.run_alone(program)
        return Judgement.of(outcome, self.limits, flags=("run_alone",))


class _Work:
    """Which programs are to be run, and whose they are."""

    def __init__(self, seed: int, *, dedup: bool) -> None:
        self._seed, self._dedup = seed, dedup
        self._waiting: dict[bytes, list[int]] = {}  # identity -> keys, while its program is not settled
        self._settled: dict[bytes, Judgement] = {}  # as its copies carry it
        self._copies: deque[tuple[int, Judgement]] = deque()

    def programs(self, jobs: Iterable[Job]) -> Iterator[tuple[tuple[bytes, Program], Program]]:
        """Each program that must be run, under its identity; the program itself rides along in the key."""
        for key, problem, completion in jobs:
            program = assemble(problem, completion, seed=self._seed)
            identity = _identity(program) if self._dedup else str(key).encode()
            if identity in self._settled:
                self._copies.append((key, self._settled[identity]))
            elif identity in self._waiting:
                self._waiting[identity].append(key)
            else:
                self._waiting[identity] = [key]
                yield (identity, program), program

    def settle(self, identity: bytes, judgement: Judgement) -> Iterator[tuple[int, Judgement]]:
        """Everyone who waited for this program, with its judgement."""
        first, *others = self._waiting.pop(identity)
        copy = replace(judgement, flags=(*judgement.flags, "deduplicated"))
        if self._dedup:
            self._settled[identity] = copy
        yield first, judgement
        for key in others:
            yield key, copy

    def take_copies(self) -> Iterator[tuple[int, Judgement]]:
        """Those whose program had been settled before they came."""
        while self._copies:
            yield self._copies.popleft()


def judge_completions(
    problem_set: ProblemSet,
    samples: Iterable[Sample],
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    seed: int = 0,
    dedup: bool = True,
    isolation: str | None = None,
    on_judged: Callable[[Judgement], None] | None = None,
) -> list[Judgement]:
    """Judge samples held in memory; one judgement each, in their order.

    on_judged: called with each judgement as it comes, for progress.
    Raises: InputError for a sample of an unknown task, before anything runs.
    """
    given = list(samples)
    for number, sample in enumerate(given):
        if sample.task_id not in problem_set.problems:
            raise InputError(f"sample {number}: {unknown_task(sample.task_id, problem_set)}")
    jobs = (Job(i, problem_set.problems[s.task_id], s.completion) for i, s in enumerate(given))
    judged: dict[int, Judgement] = {}
    with Judge(limits, workers=workers, seed=seed, isolation=isolation) as judge:
        for key, judgement in judge.judge_many(jobs, dedup=dedup):
            judged[key] = judgement
            if on_judged is not None:
                on_judged(judgement)
    return [judged[key] for key in range(len(given))]


def unknown_task(task_id: str, problem_set: ProblemSet) -> str:
    """The words for a task that a problem set does not have."""
    example = next(iter(problem_set.problems), None)
    return (
        f"unknown task_id {task_id!r}; the problem set {problem_set.name!r} has {len(problem_set)} tasks, "
        f"{example!r} for one; name the set the samples were drawn for (--problems)"
    )


def _identity(program: Program) -> bytes:
    digest = hashlib.sha256(program.seed.to_bytes(8, "big"))
    for unit in program.units:
        data = unit.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
