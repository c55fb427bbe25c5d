"""A place where one program at a time can run, under the supervisor's clock."""

import contextlib
import math
import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from signal import SIGKILL

from codelm.errors import MissingError
from codelm.sandbox import _protocol
from codelm.sandbox._exchange import Exchange, Streams
from codelm.sandbox._gvisor import GvisorHousing
from codelm.sandbox._housing import READ_BYTES, Housing, Plan
from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Command, Ended, Job, Outcome, Program
from codelm.sandbox._walls import GVISOR
from codelm.sandbox._watch import Watch, interpret, interpret_call

REPORT_S = 5.0  # from the death of a program's processes to the worker's report: reaping, cleaning scratch
CALL_DIED_S = 1.0  # from the death of a call's process to what the loaded program says of it
HANG_UP_S = 0.2  # from the end of a program's socket, or nonsense in it, to the report of its own end


@dataclass(kw_only=True)
class Running:
    """A job that has been handed over."""

    nonce: bytes
    unstarted: bytes  # nonce of what its process may say before the program begins
    channel: socket.socket
    streams: Streams | None
    watch: Watch
    exchange: Exchange
    ends: contextlib.ExitStack  # closes our descriptors of it

    def parse(self, said: bytes) -> _protocol.Frame | None:
        """What it said, where that is one whole genuine frame."""
        return _protocol.parse_frame(said, self.nonce, unstarted=self.unstarted)


class Slot:
    """A worker, replaced when it is dead or not clean, and what runs in it. For one thread at a time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.forks = 0  # programs that its workers have forked
        self.lent = 0  # how often it was lent; raised before each borrower has it
        self._killing = threading.Lock()  # while another thread kills what runs here
        self._housing: Housing | None = None
        self._loaded: Running | None = None  # the program of a session, which answers calls
        self._called_s = 0.0  # wall time of its calls so far
        self._charged_s = 0.0  # what each of them was charged, and its loading

    def start(self) -> None:
        """Start the worker and wait until it is warm. Raises: MissingError, OSError."""
        self._housing = GvisorHousing(self.plan) if self.plan.tier == GVISOR else Housing(self.plan)
        self._number = 0  # programs that this worker has forked

    def run(self, job: Job, *, keep_scratch: bool = False) -> Outcome:
        """Run one job to its end, in a fresh process. keep_scratch: what it leaves is for the next one."""
        running = self._begin(job, _protocol.KEEP if keep_scratch else _protocol.RUN)
        if isinstance(running, Outcome):
            return running
        with running.ends, self._stopped_on_error():
            while not running.exchange.step():
                if running.watch.must_stop():
                    self._kill_program()
                    break
            return self._end(running)

    def load(self, program: Program, handler: str, *, converses: bool = False) -> Outcome:
        """Run a program that then waits for calls; `FINISHED` when it does."""
        running = self._begin(program, _protocol.KEEP, handler, converses=converses)
        if isinstance(running, Outcome):
            return running
        with contextlib.ExitStack() as ends, self._stopped_on_error():
            ends.push(running.ends)
            frame = self._listen(running)
            if frame is None or frame.kind != _protocol.FINISHED:
                self._see_off(running, frame)
                return _not_loaded(self._end(running, frame))
            ends.pop_all()
            running.watch.end()
            self._loaded, self._called_s, self._charged_s = running, 0.0, running.watch.charged_s
            return running.watch.outcome(Ended.FINISHED, frame=frame)

    @property
    def is_loaded(self) -> bool:
        """Whether a program waits for calls here."""
        return self._loaded is not None

    def call(self, payload: bytes, *, fork: bool, limits: Limits | None) -> Outcome:
        """Have the loaded program answer one call; it is no longer loaded when that ends it.

        fork: in a process of its own, so that the call changes nothing and may fail.
        Raises: MissingError where programs may not fork.
        """
        if fork and not self.plan.may_fork:
            raise MissingError(f"calls in a process of their own: in tier {self.plan.tier} as root only")
        loaded = self._loaded
        assert loaded is not None
        assert self._housing is not None
        # What was killed in a call of its own process says nothing of the next.
        (self._housing.allow if fork else self._housing.bound)(limits or self.plan.limits)
        watch = self._watch(limits or self.plan.limits, running=True)
        running = replace(
            loaded,
            nonce=secrets.token_bytes(_protocol.NONCE_BYTES),
            watch=watch,
            exchange=Exchange(self._housing, watch, loaded.channel, loaded.streams),
        )
        with self._stopped_on_error():
            call = _protocol.encode_call(payload, running.nonce, fork=fork)
            watch.begin_call()
            running.exchange.send(call)
            frame = self._listen(running, only_call=fork)
            if frame is not None:
                # In gVisor the clock of programs is another one.
                watch.end(said_s=frame.ended_s if self.plan.tier != GVISOR else None)
                self._called_s += watch.wall_s
                self._charged_s += watch.charged_s
                if frame.kind == _protocol.CALL_DIED:
                    self._ask_for_memory(watch)
                return interpret_call(watch, frame, fork=fork)
            self._loaded = None
            with running.ends:
                self._see_off(running, None)
                return self._end(running)

    def charged_s(self) -> float:
        """What the loaded program is charged for its loading and all calls so far."""
        assert self._loaded is not None
        if self.plan.tier == GVISOR:  # its threads outside wait for more than the program, between calls too
            return self._charged_s
        return self._loaded.watch.charged_since(self._called_s)

    def unload(self) -> None:
        """End the loaded program."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            with loaded.ends, self._stopped_on_error():
                if self._housing is not None:  # else it went with its worker
                    self._kill_program()
                    self._end(loaded)

    def empty_scratch(self) -> None:
        """Make the place as it was, after programs that shared their scratch folder."""
        if self._housing is None:
            return
        with contextlib.suppress(OSError):
            self._housing.control.send(_protocol.EMPTY)
        report, _ = self._await_report(READ_BYTES)
        if report is None or report.state != _protocol.CLEAN:
            self._retire()

    def stop(self) -> None:
        """End the worker and whatever its program started; nothing of them is left, on disk either."""
        housing, self._housing = self._housing, None
        loaded, self._loaded = self._loaded, None
        if housing is not None:
            housing.stop()
        if loaded is not None:
            loaded.ends.close()

    def interrupt(self, lent: int | None = None) -> None:
        """From another thread: kill the program that runs here, so that `run` returns soon.

        lent: what `lent` was when the slot was given to whom this is for; a later borrower's program is
        spared. None: whoever has it.
        """
        # Killing takes several looks, and in gVisor another process does it: no program may begin meanwhile.
        with self._killing:
            if (housing := self._housing) is not None and lent in (None, self.lent):
                housing.kill_program()

    def forget(self) -> None:
        """After a fork of the caller, in the child: let go of the worker, which is the parent's."""
        self._killing = threading.Lock()  # a thread that we do not have may have held it
        if self._housing is not None:
            self._housing.forget()
            self._housing = self._loaded = None

    @contextlib.contextmanager
    def _stopped_on_error(self) -> Iterator[None]:
        """On Ctrl-C for one the program still runs, and the worker is in the middle of it."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _begin(
        self, job: Job, order: bytes, handler: str = "", *, converses: bool = False
    ) -> Running | Outcome:
        """Hand a job over; the outcome where there is no worker to take it."""
        limits = job.limits or self.plan.limits
        nonce, unstarted = (secrets.token_bytes(_protocol.NONCE_BYTES) for _ in range(2))
        rlimits = self.plan.rlimits(limits) if job.limits else None
        data = _protocol.encode_job(
            job,
            nonce,
            limits.message_chars,
            unstarted=unstarted,
            rlimits=rlimits,
            handler=handler,
            converses=converses,
        )
        with contextlib.ExitStack() as ends:
            streams = None
            try:
                if isinstance(job, Command) or job.script:
                    streams = Streams(job.stdin, limits.kept_output_bytes)
                    ends.callback(streams.close)
                ours, theirs = socket.socketpair()
                ends.callback(ours.close)
                ours.setblocking(False)
                self._hand_over(order, theirs, streams)
            except (OSError, MissingError) as error:
                return Outcome(ended=Ended.LOST, message=str(error))
            with self._stopped_on_error():
                watch = self._watch(limits)
                assert self._housing is not None
                self._housing.allow(limits)
                exchange = Exchange(self._housing, watch, ours, streams)
                exchange.send(data)
            return Running(
                nonce=nonce,
                unstarted=unstarted,
                channel=ours,
                streams=streams,
                watch=watch,
                exchange=exchange,
                ends=ends.pop_all(),
            )

    def _watch(self, limits: Limits, *, running: bool = False) -> Watch:
        assert self._housing is not None
        meter = self._housing.meter(running=running)
        return Watch(limits, meter, ran_out_of_memory=self._housing.ran_out_of_memory)

    def _hand_over(self, order: bytes, theirs: socket.socket, streams: Streams | None) -> None:
        """Give a program's descriptors to a live worker, starting one when there is none."""
        with theirs, contextlib.ExitStack() as ends:
            fds = [theirs.fileno()]
            if streams is not None:
                ends.callback(streams.release_theirs)
                fds += streams.theirs
            if self._housing is not None:
                try:
                    if not _is_readable(self._housing.control):  # it has nothing to say now: or it is broken
                        self._send(order, fds)
                        return
                except OSError:  # it died since its last program, through no fault of the next
                    pass
                self.stop()
            self.start()
            self._send(order, fds)

    def _send(self, order: bytes, fds: list[int]) -> None:
        assert self._housing is not None
        with self._killing:
            socket.send_fds(self._housing.control, [order], fds)
        self._number += 1
        self.forks += 1

    def _listen(self, running: Running, *, only_call: bool = False) -> _protocol.Frame | None:
        """The frame that a program answers with; None when it ended, was stopped, or said something else."""
        exchange, watch = running.exchange, running.watch
        patience = math.inf
        while exchange.frame() is None:
            if exchange.step(listening=True) or exchange.hung_up:
                return None
            if watch.stopped is None and watch.must_stop():
                kills_call = only_call and self._kill_call()
                patience = time.monotonic() + (CALL_DIED_S if kills_call else 0.0)
            if time.monotonic() >= patience:
                self._kill_program()
                return None
        frame = running.parse(bytes(exchange.answer))
        if frame is not None:
            exchange.answer.clear()
        return frame

    def _see_off(self, running: Running, frame: _protocol.Frame | None) -> None:
        """A program has said its last, or no frame at all: wait for its end, and see that it comes.

        Its clock runs on after a genuine frame: under load an honest program may take a while from there to
        its end. One that has closed its socket, or said anything else, is about to end, or it is ended.
        """
        exchange, watch = running.exchange, running.watch
        while frame is not None and not exchange.hung_up:
            if exchange.step(listening=True):
                return
            if watch.must_stop():
                self._kill_program()
                return
        assert self._housing is not None
        if not _is_readable(self._housing.control, HANG_UP_S):
            self._kill_program()

    def _kill_program(self) -> None:
        assert self._housing is not None
        self._housing.kill_program()
        self._housing.wake()

    def _kill_call(self) -> bool:
        assert self._housing is not None
        return self._housing.kill_call()

    def _end(self, running: Running, frame: _protocol.Frame | None = None) -> Outcome:
        """The outcome of a program that has ended or was killed; the place is ready for the next one."""
        watch, exchange, housing = running.watch, running.exchange, self._housing
        assert housing is not None
        report, output_bytes = self._await_report(watch.limits.output_bytes + 1)
        watch.end(report)
        printed = b"", b""
        if running.streams is not None:
            running.streams.finish(watch)
            printed = bytes(running.streams.out.data), bytes(running.streams.err.data)
        watch.output_bytes += output_bytes
        exchange.read_rest()
        killed = report is None or (os.WIFSIGNALED(report.status) and os.WTERMSIG(report.status) == SIGKILL)
        if killed or watch.stopped is not None:
            self._ask_for_memory(watch)
        lost_by = self._retire() if report is None or report.state != _protocol.CLEAN else None
        if report is None:
            return watch.outcome(watch.stopped or Ended.LOST, signal=lost_by)
        if said := bytes(exchange.answer):  # more than one frame is none
            frame = running.parse(said) if frame is None else None
        return interpret(watch, report, frame, tampered=bool(said) and frame is None, streams=printed)

    def _ask_for_memory(self, watch: Watch) -> None:
        """Something was killed, and not by us: see whether the kernel did it for want of memory."""
        assert self._housing is not None
        # Asked in any case: what the kernel killed of this program is not the next one's.
        if self._housing.ran_out_of_memory() and watch.stopped is None:
            watch.stopped = Ended.MEMORY

    def _await_report(self, drained_bytes: int) -> tuple[_protocol.Report | None, int]:
        """The last report on a program that has ended, and how much it had printed in the meantime.

        No report when the worker died or does not come to it. drained_bytes: at most at a time.
        """
        assert self._housing is not None
        deadline = time.monotonic() + REPORT_S
        report, printed = None, 0
        while (left := deadline - time.monotonic()) > 0:
            ready = {fd for fd, _ in self._housing.poll.poll(left * 1000)}
            if self._housing.output in ready:
                printed += self._housing.drain(drained_bytes)[0]
            if self._housing.control.fileno() in ready:
                report = self._housing.hear()
                if report is None or report.number != self._number:
                    return None, printed
                if report.state != _protocol.CLEANING:
                    break
        return report, printed

    def _retire(self) -> int | None:
        """Stop a worker that broke or is not clean: the signal it had died of, if it had."""
        assert self._housing is not None
        signal = self._housing.died_of()
        self.stop()
        return signal


def _not_loaded(outcome: Outcome) -> Outcome:
    """The outcome of a program that has ended and so waits for no calls, whatever it said.

    One that forges the frame of its loading and goes may be gone before we read that.
    """
    if outcome.ended is not Ended.FINISHED:
        return outcome
    return replace(outcome, ended=Ended.EXITED, message=None, tampered=True)


def _is_readable(control: socket.socket, within_s: float = 0.0) -> bool:
    poll = select.poll()
    poll.register(control, select.POLLIN)
    return bool(poll.poll(within_s * 1000))
