"""The clocks of one running program, when it must be stopped, and what its end amounts to."""

import os
import time
from collections.abc import Callable
from functools import partial

from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Clock, Ended, Outcome
from codelm.sandbox._process_tree import TreeMeter
from codelm.sandbox._protocol import (
    CALL_DIED,
    DID_NOT_COMPILE,
    FINISHED,
    NOT_STARTED,
    RAISED,
    REPLIED,
    Frame,
    Report,
)

LOOK_S = 0.05  # between two looks at a running program's clocks and memory
MAX_STATUS = 0xFFFF  # of those that os.waitpid gives


class Watch:
    """The clocks of one running program, and whether it must be stopped."""

    def __init__(self, limits: Limits, meter: TreeMeter, *, ran_out_of_memory: Callable[[], bool]) -> None:
        """ran_out_of_memory: whether the kernel has killed one of its processes for that."""
        self.limits = limits
        self._ran_out_of_memory = ran_out_of_memory
        self.began = time.monotonic()
        self.wall_s = self.charged_s = 0.0
        self.output_bytes = 0
        self.stopped: Ended | None = None
        self.clock: Clock | None = None
        self._look_s = min(LOOK_S, limits.time_s / 10)
        self._next_look = self.began + self._look_s
        self._meter = meter
        self._with_schedstat = meter.with_schedstat

    def until_next_look_s(self) -> float:
        return max(0.0, self._next_look - time.monotonic())

    def must_stop(self) -> bool:
        """Look at the program when it is time to; True, once, when it has used up something."""
        now = time.monotonic()
        self.stopped = Ended.OUTPUT if self.output_bytes > self.limits.output_bytes else None
        if self.stopped is None and now >= self._next_look:
            self._next_look = now + self._look_s
            self.stopped = self._look(now - self.began)
        return self.stopped is not None

    def begin_call(self) -> None:
        """A call is handed over now."""
        self.began = time.monotonic()

    def end(self, report: Report | None = None, *, said_s: float | None = None) -> None:
        """The program has ended, or its call, or the worker under it: set the clocks to that moment.

        said_s: when its call was answered, as the program says: what passes until we read that is not its
        time, and is long where this machine is busy. Should it lie, its CPU time is charged all the same.
        """
        now = time.monotonic()
        began, ended = self.began, now
        if said_s is not None and began <= said_s <= now:
            ended = said_s
        if report:  # as far as it can be true
            began = min(max(report.began_s, began), now)
            ended = min(max(report.ended_s, began), now)
        self.wall_s = ended - began
        if report is not None and self._with_schedstat:
            self._meter.note_end(report.pid, report.waited_s)
        at_end_s = self._meter.charged_s(self.wall_s) if self._with_schedstat or not report else report.cpu_s
        self.charged_s = max(self.charged_s, at_end_s) if self.stopped else at_end_s

    def charged_since(self, more_s: float) -> float:
        """Charged time of a program that ended its load and has since worked for so much more wall time."""
        self._meter.sample()
        return self._meter.charged_s(self.wall_s + more_s)

    def _look(self, wall_s: float) -> Ended | None:
        meter, limits = self._meter, self.limits
        meter.sample()
        self.wall_s, self.charged_s = wall_s, meter.charged_s(wall_s)
        if meter.processes > limits.processes:  # first: too many of them may hold too much, too
            return Ended.PROCESSES
        if meter.resident_bytes > limits.memory_bytes or self._ran_out_of_memory():
            return Ended.MEMORY
        self.clock = self._clock_used_up()
        return Ended.TIMED_OUT if self.clock else None

    def _clock_used_up(self) -> Clock | None:
        if self.charged_s > self.limits.stop_s:
            return Clock.CHARGED if self._with_schedstat else Clock.CPU
        # Without schedstat sleep is not charged, so wall time must end it, to be run again alone.
        guard_s = self.limits.wall_guard_s if self._with_schedstat else self.limits.stop_s
        return Clock.WALL if self.wall_s > guard_s else None

    def outcome(
        self,
        ended: Ended,
        *,
        report: Report | None = None,
        frame: Frame | None = None,
        tampered: bool = False,
        exit_status: int | None = None,
        signal: int | None = None,
        streams: tuple[bytes, bytes] = (b"", b""),
    ) -> Outcome:
        """What was seen, as the record that leaves the sandbox."""
        by_itself = ended in (Ended.FINISHED, Ended.RAISED, Ended.EXITED, Ended.SIGNALLED)
        return Outcome(
            ended=ended,
            exception=(frame.exception or None) if frame else None,
            message=frame.message if frame else None,
            unit=frame.unit if frame else None,
            compiling=frame is not None and frame.kind == DID_NOT_COMPILE,
            exit_status=exit_status,
            signal=signal,
            clock=self.clock if ended is Ended.TIMED_OUT else None,
            cpu_s=report.cpu_s if report else 0.0,
            wall_s=self.wall_s,
            charged_s=self.charged_s,
            peak_memory_bytes=report.peak_memory_bytes if report else 0,
            output_bytes=self.output_bytes,
            leftover_processes=report.leftover_processes if report else 0,
            stdout=streams[0],
            stderr=streams[1],
            reply=frame.reply if frame else None,
            near_limit=by_itself and self.charged_s >= self.limits.near_s,
            tampered=tampered,
        )


def interpret(
    watch: Watch,
    report: Report,
    frame: Frame | None,
    *,
    tampered: bool,
    streams: tuple[bytes, bytes] = (b"", b""),
) -> Outcome:
    """How a program ended, from what the worker, its own frame and the watch say.

    Once the watch has stopped a program that is final, even when its frame arrived in the same moment.
    """
    seen = partial(watch.outcome, report=report, streams=streams)
    if watch.stopped is not None:
        return seen(watch.stopped)
    if os.WIFSIGNALED(report.status):
        # A frame and then a violent end: an honest program sends its frame as the last thing it does.
        return seen(
            Ended.SIGNALLED, signal=os.WTERMSIG(report.status), tampered=tampered or frame is not None
        )
    status = os.waitstatus_to_exitcode(report.status)
    if frame is None or status != 0 or frame.kind not in _ENDS:
        return seen(Ended.EXITED, exit_status=status, tampered=tampered or frame is not None)
    return seen(_ENDS[frame.kind], frame=frame, exit_status=None if frame.kind == NOT_STARTED else status)


def interpret_call(watch: Watch, frame: Frame, *, fork: bool) -> Outcome:
    """How a call ended, from what the loaded program says of it. fork: it had a process of its own."""
    if watch.stopped is not None:
        return watch.outcome(watch.stopped)
    if frame.kind == REPLIED:
        return watch.outcome(Ended.FINISHED, frame=frame)
    if frame.kind == RAISED:
        return watch.outcome(Ended.RAISED, frame=frame)
    status = _status_of_call(frame) if fork else None
    if status is None:
        return watch.outcome(Ended.EXITED, exit_status=0, tampered=True)
    if os.WIFSIGNALED(status):
        return watch.outcome(Ended.SIGNALLED, signal=os.WTERMSIG(status))
    return watch.outcome(Ended.EXITED, exit_status=status >> 8)


def _status_of_call(frame: Frame) -> int | None:
    """How the process of a call ended, as os.waitpid gives it; None for what only a forged frame says.

    The loaded program can find the call's nonce and write any text: int() raises at some and os.WIFSIGNALED
    at others.
    """
    text = frame.message or ""
    if frame.kind != CALL_DIED or not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return None
    status = int(text)
    return status if status <= MAX_STATUS else None


_ENDS = {
    FINISHED: Ended.FINISHED,
    RAISED: Ended.RAISED,
    DID_NOT_COMPILE: Ended.RAISED,
    NOT_STARTED: Ended.LOST,
}
