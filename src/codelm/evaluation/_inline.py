"""Judging one completion beside its tests, or by what it prints; and what passes, again, apart from them."""

import secrets
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from codelm.evaluation._confirm import confirm
from codelm.evaluation._plan import answers, build_verdict, plan, run_verdict
from codelm.evaluation._program import assemble, runs_in_worker
from codelm.evaluation._split import SplitJudge
from codelm.evaluation._trial import SplitOutcome
from codelm.evaluation._verdict import Judgement, Verdict
from codelm.problems import Problem
from codelm.sandbox import CancelledError, Job, Limits, Outcome, Program, Sandbox, Session, Ticket, Work

PROOF_BYTES = 16
Result = TypeVar("Result")


class InlineWork(Work[Judgement | None]):
    """One completion on its way to a judgement; None when it must be run again, alone."""

    def __init__(
        self,
        sandbox: Sandbox,
        problem: Problem,
        completion: str,
        *,
        whole: bool,
        seed: int,
        limits: Limits,
        split: SplitJudge | None = None,
    ) -> None:
        """whole: the completion is the whole program. limits: where the problem has none of its own.

        split: by whom a pass of a Python program is to be confirmed.
        """
        self._split = split
        self._sandbox, self._problem, self._completion = sandbox, problem, completion
        self._whole, self._seed, self._limits = whole, seed, limits
        self._cancelled = False

    @abstractmethod
    def run_alone(self) -> Judgement:
        """Judge it while nothing else runs in the sandbox; final."""


def inline_work(
    sandbox: Sandbox,
    problem: Problem,
    completion: str,
    *,
    whole: bool,
    seed: int,
    limits: Limits,
    split: SplitJudge | None = None,
) -> InlineWork:
    """The work of judging a completion, for one Python program or for a plan of several runs."""
    kind = _ProgramWork if runs_in_worker(problem) else _PlanWork
    return kind(sandbox, problem, completion, whole=whole, seed=seed, limits=limits, split=split)


class _ProgramWork(InlineWork):
    """One program for each group of tests, in their order, until one does not pass."""

    _under_way: Ticket | Work[SplitOutcome] | None = None

    def run(self) -> Judgement | None:
        return self._judge(self._run_beside_others, final=False)

    def run_alone(self) -> Judgement:
        judgement = self._judge(self._sandbox.run_alone, final=True)
        assert judgement is not None
        return replace(judgement, flags=("run_alone", *judgement.flags))

    def cancel(self) -> None:
        self._cancelled = True
        if self._under_way is not None:
            self._under_way.cancel()

    def _run_beside_others(self, program: Program) -> Outcome:
        return self._do(self._sandbox.ticket(program))

    def _do(self, work: Work[Result]) -> Result:
        self._under_way = work  # type: ignore[assignment]
        if self._cancelled:
            raise CancelledError
        return work.run()

    def _judge(self, run: Callable[[Program], Outcome], *, final: bool) -> Judgement | None:
        judged: list[Judgement] = []
        groups = self._problem.groups
        for group in groups or (None,):
            program = assemble(
                self._problem,
                self._completion,
                seed=self._seed,
                whole=self._whole,
                group=group,
                limits=self._limits,
            )
            if program.limits is None and self._limits != self._sandbox.limits:
                program = replace(program, limits=self._limits)
            outcome = run(program)
            if not (final or outcome.settled):
                return None
            judged.append(Judgement.of(outcome, program.limits or self._limits))
            if judged[-1].passed and self._split is not None:
                apart = self._do(self._split.work(self._problem, program, alone=final))
                if not (final or apart.settled):
                    return None
                judged[-1] = confirm(judged[-1], apart)
            if not judged[-1].passed:
                break
        return _together(judged, parts=_parts(groups, judged))


class _PlanWork(InlineWork):
    """What is to be built, then its runs, in one session, until one does not go well."""

    _session: Session | None = None

    def run(self) -> Judgement | None:
        return self._judge(final=False)

    def run_alone(self) -> Judgement:
        judgement = self._judge(final=True)
        assert judgement is not None
        return replace(judgement, flags=("run_alone", *judgement.flags))

    def cancel(self) -> None:
        self._cancelled = True
        if (session := self._session) is not None:
            session.interrupt()

    def _judge(self, *, final: bool) -> Judgement | None:
        proof = secrets.token_hex(PROOF_BYTES).encode()
        steps = plan(self._problem, self._completion, proof=proof, whole=self._whole, limits=self._limits)
        judged: list[Judgement] = []
        right: dict[str, bool] = {}
        with self._sandbox.session(alone=final) as self._session:
            if steps.build is not None:
                outcome = self._run(self._session, steps.build)
                if not (final or outcome.settled):
                    return None
                if (verdict := build_verdict(outcome, steps.build.limits or self._limits)) is not None:
                    return Judgement.of(outcome, self._limits, verdict=verdict)
            for run in steps.runs:
                outcome = self._run(self._session, run.job)
                if not (final or outcome.settled):
                    return None
                verdict = run_verdict(run, outcome, steps.comparator)
                judged.append(Judgement.of(outcome, run.limits, verdict=verdict))
                if run.expected is not None:
                    seen = answers(run, outcome)
                    right = {name: right.get(name, True) and is_right for name, is_right in seen.items()}
                if verdict is not Verdict.PASSED and not any(right.values()):
                    break
        return _together(
            judged, parts={name: ok and len(judged) == len(steps.runs) for name, ok in right.items()}
        )

    def _run(self, session: Session, job: Job) -> Outcome:
        if self._cancelled:
            raise CancelledError
        return session.run(job)


def _parts(groups: tuple[str, ...], judged: list[Judgement]) -> dict[str, bool]:
    """Which groups of tests passed; each contains those before it."""
    passed = [judgement.passed for judgement in judged] + [False] * len(groups)
    return dict(zip(groups, passed, strict=False))


def _together(judged: list[Judgement], *, parts: dict[str, bool]) -> Judgement:
    """One judgement: the first that is no pass, else the last, with what all of them took."""
    decisive = next((judgement for judgement in judged if not judgement.passed), judged[-1])
    return replace(
        decisive,
        cpu_s=round(sum(judgement.cpu_s for judgement in judged), 6),
        wall_s=round(sum(judgement.wall_s for judgement in judged), 6),
        peak_memory_bytes=max(judgement.peak_memory_bytes for judgement in judged),
        parts=parts,
    )
