"""The two boxes of judge `split`, as the supervisor sees them: sessions of a sandbox, with their clocks."""

import contextlib
import time
from dataclasses import replace

from codelm.evaluation._boxes import prelude_of
from codelm.sandbox import TIME_SLACK, Clock, Ended, Limits, Outcome, Program, Sandbox, Session

TESTS_SHARE = 4  # the tests' own time, in time limits of the candidate
TESTS_MEMORY_BYTES = 512 << 20  # theirs beyond the candidate's: their process has run others before
TESTS_RUNS = 500  # programs of tests until their process is replaced, for what may pile up in it
LEAVE_S = 0.05  # for a candidate to go when it is told to
MAX_TIME_S = 86_400.0  # that limits can say
MIN_CALL_S = 0.01  # of a call, however little is left
LOOK_SHARE = 0.05  # of the limit: wall time of calls between two looks at what they are charged

PRELUDE = prelude_of(
    *("_wire_types", "_wire", "_wire_encoder", "_wire_decoder", "_raised", "_peer", "_inside"),
    then="warm_up()",
)
_HANDLER = "codelm_handler"
_INSIDE = f"{__package__}._inside"
_TESTS = f"from {_INSIDE} import Tests\n{_HANDLER} = Tests()\n"
# By a call, since it must leave no other name in the candidate's namespace.
_CANDIDATE = f"{_HANDLER} = __import__({_INSIDE!r}, fromlist='*').Candidate(globals())\n"


class TestsBox:
    """A process that runs one program of tests after another, in a slot of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._ends = contextlib.ExitStack()
        self._session = self._ends.enter_context(sandbox.session())
        self._runs = 0  # of the process
        self._memory_bytes = 0  # that it may hold
        self._limits = sandbox.limits
        self._before_s = 0.0  # what its process was charged before the program of tests under way
        self._calls_s = 0.0  # what that program's calls were; may hold what they waited for a processor

    def close(self) -> None:
        """End the process and give the slot back."""
        self._ends.close()

    def interrupt(self) -> None:
        """From another thread: kill the process, so that `say` returns soon."""
        self._session.interrupt()

    def discard(self) -> None:
        """End the process, which is in the middle of a program."""
        self._session.unload()

    def begin(self, job: bytes, limits: Limits, *, converses: bool = False) -> Outcome:
        """Start a program of tests; what it says first. limits: of the candidate.

        converses: more will be said to it, and `is_late` asked.
        """
        self._limits = replace(
            limits,
            time_s=min(TESTS_SHARE * limits.time_s, MAX_TIME_S),
            memory_bytes=limits.memory_bytes + TESTS_MEMORY_BYTES,
        )
        self._calls_s = 0.0
        self._runs += 1
        if self._runs >= TESTS_RUNS or self._limits.memory_bytes > self._memory_bytes:
            self.discard()
        if not self._session.is_loaded:
            loaded = self._load()
            if not loaded.proof:
                return replace(loaded, ended=Ended.LOST, message=f"the tests' box: {loaded.message}")
        if converses:
            self._before_s = self._session.charged_s()
        return self.say(job)

    def say(self, message: bytes) -> Outcome:
        """Pass on a message; what the tests say to it."""
        said = self._session.call(message, limits=self._limits)
        self._calls_s += said.charged_s
        return said

    @property
    def is_fresh(self) -> bool:
        """Whether its process has run no other program of tests."""
        return self._runs == 0

    @property
    def is_late(self) -> bool:
        """Whether the tests have used up their own time."""
        limit_s = self._limits.time_s
        return self._calls_s > limit_s and self._session.charged_s() - self._before_s > limit_s

    def _load(self) -> Outcome:
        self._runs, self._memory_bytes = 0, self._limits.memory_bytes
        program = Program(units=(_TESTS,), limits=self._limits)
        return self._session.load(program, handler=_HANDLER, converses=True)


class CandidateBox:
    """A process that answers calls of what a candidate defines, and what it is charged for that.

    A short call's own charge may hold what it waited for a processor; so once in a while the session is asked
    for the whole.
    """

    def __init__(self, session: Session, limits: Limits) -> None:
        self.wall_s = 0.0  # loading and all calls
        self._session, self._limits = session, limits
        self._began = time.monotonic()
        self._looked_s = self._since_s = self._unseen_s = 0.0
        self._left = limits

    def load(self, source: str, needed: str, seed: int, limits: Limits | None) -> Outcome:
        """Run prompt and completion. needed: a name they must define; limits: if not the sandbox's."""
        # The second unit fails, as the call of the tests would, where the name is not defined.
        units = source, f"{needed}\n", _CANDIDATE
        program = Program(units=units, seed=seed, limits=limits)
        return self._charge(self._session.load(program, handler=_HANDLER, converses=True))

    def call(self, request: bytes) -> Outcome:
        """Pass on a message of the tests; the candidate's answer."""
        return self._charge(self._session.call(request, limits=self._left_limits()))

    def leave(self) -> Outcome:
        """Have it go; what it used."""
        return self._session.call(b"", limits=replace(self._limits, time_s=LEAVE_S))

    def interrupt(self) -> None:
        """From another thread: kill the process, so that what waits for it returns soon."""
        self._session.interrupt()

    @property
    def late_by(self) -> Clock | None:
        """The clock by which its time is up, in calls each of which was short enough."""
        if time.monotonic() - self._began > self._limits.wall_guard_s:
            return Clock.WALL
        return Clock.CHARGED if self._looked_s > self._limits.stop_s else None

    def charged_s(self) -> float:
        """For its loading and all its calls until now; exact where it matters."""
        if self._session.is_loaded and self.wall_s > LOOK_SHARE * self._limits.time_s:
            self._look()
        return self._looked_s + self._since_s

    def _charge(self, outcome: Outcome) -> Outcome:
        self.wall_s += outcome.wall_s
        self._unseen_s += outcome.wall_s
        self._since_s += outcome.charged_s
        return outcome

    def _left_limits(self) -> Limits:
        if self._unseen_s > LOOK_SHARE * self._limits.time_s:
            self._look()
            # It may run past its limit by a share; of what it has used, only the rest counts against that.
            left_s = self._limits.time_s - self._looked_s / (1 + TIME_SLACK)
            self._left = replace(self._limits, time_s=max(MIN_CALL_S, left_s))
        return self._left

    def _look(self) -> None:
        self._looked_s, self._since_s, self._unseen_s = self._session.charged_s(), 0.0, 0.0
