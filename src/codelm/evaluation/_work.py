"""Judging one completion: apart from its tests, beside them, or by what it prints."""

import secrets
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from codelm.evaluation._beside import ControlHeld
from codelm.evaluation._compare import COMPARATORS
from codelm.evaluation._confirm import UNCONFIRMED, confirm, decided_apart, judgement_apart
from codelm.evaluation._plan import answers, build_verdict, build_words, plan, run_verdict, run_words
from codelm.evaluation._program import assemble, runs_in_worker, with_control
from codelm.evaluation._split import SplitJudge
from codelm.evaluation._verdict import Judgement, Verdict
from codelm.problems import Problem
from codelm.sandbox import CancelledError, Job, Limits, Outcome, Program, Sandbox, Session, Work

PROOF_BYTES = 16
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What holds for all completions that a judge is given."""

    sandbox: Sandbox
    seed: int
    limits: Limits  # where the problem has none of its own
    apart: SplitJudge | None = None  # who judges Python programs apart from their tests; None: nobody
    apart_only: bool = False  # its verdict stands; else what does not pass there runs beside its tests too
    negative_control: bool = False  # of what passes beside its tests
    confirms: bool = False  # a pass where program and tests are one process is flagged


class JudgingWork(Work[Judgement | None]):
    """One completion on its way to a judgement; None when it must be run again, alone."""

    def __init__(self, conditions: Conditions, problem: Problem, completion: str, *, whole: bool) -> None:
        """whole: the completion is the whole program."""
        self._conditions, self._sandbox, self._limits = conditions, conditions.sandbox, conditions.limits
        self._problem, self._completion, self._whole = problem, completion, whole
        self._cancelled = False

    def run(self) -> Judgement | None:
        """See `Work`."""
        return self._judge(final=False)

    def run_alone(self) -> Judgement:
        """Judge it, each of its programs while no other runs in that program's sandbox; final."""
        judgement = self._judge(final=True)
        assert judgement is not None
        return replace(judgement, flags=("run_alone", *judgement.flags))

    @abstractmethod
    def _judge(self, *, final: bool) -> Judgement | None:
        """final: run what is to be run alone, and let it count whatever was seen."""


def judging_work(conditions: Conditions, problem: Problem, completion: str, *, whole: bool) -> JudgingWork:
    """The work of judging a completion, for one Python program or for a plan of several runs."""
    kind = _ProgramWork if runs_in_worker(problem) else _PlanWork
    return kind(conditions, problem, completion, whole=whole)


class _ProgramWork(JudgingWork):
    """One program for each group of tests, in their order, until one does not pass."""

    _under_way: Work[Any] | None = None

    def cancel(self) -> None:
        self._cancelled = True
        if self._under_way is not None:
            self._under_way.cancel()

    def _run(self, program: Program, *, final: bool) -> Outcome:
        return self._do(self._sandbox.ticket(program, alone=final))

    def _do(self, work: Work[Result]) -> Result:
        self._under_way = work
        if self._cancelled:
            raise CancelledError
        return work.run()

    def _judge(self, *, final: bool) -> Judgement | None:
        judged: list[Judgement] = []
        groups = self._problem.groups
        for group in groups or (None,):
            program = assemble(
                self._problem,
                self._completion,
                seed=self._conditions.seed,
                whole=self._whole,
                group=group,
                limits=self._limits,
            )
            if program.limits is None and self._limits != self._sandbox.limits:
                program = replace(program, limits=self._limits)
            judgement = self._judge_program(program, final=final)
            if judgement is None:
                return None
            judged.append(judgement)
            if not judgement.passed:
                break
        return _together(judged, parts=_parts(groups, judged))

    def _judge_program(self, program: Program, *, final: bool) -> Judgement | None:
        conditions = self._conditions
        if conditions.apart is None:
            return self._judge_beside(program, final=final)
        apart = self._do(conditions.apart.work(self._problem, program, alone=final))
        if not (final or apart.settled):
            return None
        decided = decided_apart(apart)
        if decided is None and conditions.apart_only and apart.needs_inprocess is None:
            decided = judgement_apart(apart)
        if decided is not None:
            return decided
        beside = self._judge_beside(program, final=final)
        return None if beside is None else confirm(beside, apart)

    def _judge_beside(self, program: Program, *, final: bool) -> Judgement | None:
        outcome = self._run(program, final=final)
        if not (final or outcome.settled):
            return None
        judgement = Judgement.of(outcome, program.limits or self._limits)
        if not (judgement.passed and self._conditions.negative_control):
            return judgement
        return self._control(judgement, program, final=final)

    def _control(self, passed: Judgement, program: Program, *, final: bool) -> Judgement | None:
        """A pass stands when the same tests fail on what no candidate returns."""
        secret = secrets.token_hex(PROOF_BYTES)
        control = with_control(program, self._problem, secret)
        if control is None:
            return passed
        outcome = self._run(control, final=final)
        if not (final or outcome.settled):
            return None
        if (outcome.exception, outcome.message) == (ControlHeld.__name__, secret):
            return passed
        return replace(passed, verdict=Verdict.TAMPERED, result="failed: the tests pass whatever is returned")


class _PlanWork(JudgingWork):
    """What is to be built, then its runs, in one session, until one does not go well."""

    _session: Session | None = None

    def cancel(self) -> None:
        self._cancelled = True
        if (session := self._session) is not None:  # which knows whether it has ended
            session.interrupt()

    def _judge(self, *, final: bool) -> Judgement | None:
        proof = secrets.token_hex(PROOF_BYTES).encode()
        steps = plan(self._problem, self._completion, proof=proof, whole=self._whole, limits=self._limits)
        judged: list[Judgement] = []
        right = dict.fromkeys(COMPARATORS if steps.runs[0].expected is not None else (), True)
        with self._sandbox.session(alone=final) as session:
            self._session = session
            if steps.build is not None:
                outcome = self._run(session, steps.build)
                if not (final or outcome.settled):
                    return None
                if (verdict := build_verdict(outcome, steps.build.limits or self._limits)) is not None:
                    words = build_words(outcome, verdict)
                    judgement = Judgement.of(outcome, self._limits, verdict=verdict, words=words)
                    return replace(judgement, parts=dict.fromkeys(right, False))
            for run in steps.runs:
                outcome = self._run(session, run.job)
                if not (final or outcome.settled):
                    return None
                verdict = run_verdict(run, outcome, steps.comparator)
                words = run_words(run, outcome, verdict)
                judged.append(Judgement.of(outcome, run.limits, verdict=verdict, words=words))
                if run.expected is not None:
                    seen = answers(run, outcome)
                    has_answered = verdict in (Verdict.PASSED, Verdict.WRONG)
                    right = {name: was and has_answered and seen[name] for name, was in right.items()}
                if verdict is not Verdict.PASSED and not any(right.values()):
                    break
        judgement = _together(judged, parts=right)
        if judgement.passed and self._problem.kind == "function" and self._conditions.confirms:
            return replace(judgement, flags=(*judgement.flags, UNCONFIRMED))
        return judgement

    def _run(self, session: Session, job: Job) -> Outcome:
        if self._cancelled:
            raise CancelledError
        return session.run(job)


def parts_of(problem: Problem) -> tuple[str, ...]:
    """What a judgement of this problem tells apart: groups of tests, or comparators of what it prints."""
    return problem.groups if runs_in_worker(problem) else tuple(COMPARATORS) * (problem.kind == "stdio")


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
