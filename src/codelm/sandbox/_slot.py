"""One worker process, and running one program in it under the supervisor's clock."""

import contextlib
import json
import os
import resource
import secrets
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from codelm.errors import MissingError
from codelm.sandbox import _protocol, _seccomp, _walls
from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Ended, Outcome, Program
from codelm.sandbox._process_tree import descendants, has_schedstat, kill, kill_descendants, kill_marked
from codelm.sandbox._watch import Watch, interpret

WORKER = Path(__file__).with_name("_worker.py")
LAUNCHER = Path(__file__).with_name("_launcher.py")
BOX = "/box"  # inside the walls: the file system that holds the scratch folder
START_S = 60.0  # a worker that is not ready by then does not work here
REPORT_S = 5.0  # from the death of a program's processes to the worker's report: reaping, cleaning scratch
READ_BYTES = 1 << 16

# -P, -s, -S: nothing of the user's folders, site or .pth files runs; -B: no bytecode is written. Not -I,
# which would make the interpreter ignore PYTHONHASHSEED; the environment is ours, so nothing else gets in.
INTERPRETER_FLAGS = ("-P", "-s", "-S", "-B")
HASH_SEED = 0


class Slot:
    """A place where one program at a time can run: a worker, replaced when it is dead or not clean."""

    def __init__(self, limits: Limits, prelude: str, *, tier: str = "process", uid: int = 65534) -> None:
        """tier: `full` or `process`. uid: whom programs run as in tier `full`."""
        self.limits, self.prelude = limits, prelude
        self.tier, self.uid = tier, uid
        self._with_schedstat = has_schedstat()
        self._worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker and wait until it is warm. Raises: OSError when it does not come up."""
        self._mark = f"CODELM_WORKER={secrets.token_hex(16)}"
        self._folder = tempfile.mkdtemp(prefix="codelm-")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        with theirs, open(output, "wb") as printed:
            self._worker = subprocess.Popen(
                self._command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                cwd=self._folder,
                env=_environment(BOX if self._walled else self._folder, self._mark),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )
        self._pid = self._worker.pid
        self._poll = select.poll()
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._output, select.POLLIN)
        self._control.settimeout(START_S)
        try:
            ready = self._control.recv(1)
        except TimeoutError:
            ready = b""
        self._control.settimeout(None)
        said = self._drain(READ_BYTES)[1].decode(errors="replace").strip().splitlines()
        if ready != _protocol.READY:
            self.stop()
            if said and said[-1].startswith("missing: "):
                raise MissingError(_walls.how_to_mend(said[-1].removeprefix("missing: ")))
            raise OSError(f"the sandbox's worker did not start ({said[-1] if said else 'no message'})")
        if self._walled:  # what we started keeps watch outside; the worker is its only child
            self._pid = descendants(self._pid)[0]
            os.rmdir(
                self._folder
            )  # its root is mounted nowhere any more, so nothing is left if we are killed

    def run(self, program: Program) -> Outcome:
        """Run one program to its end, in a fresh process. Blocks; not for two threads at once."""
        with contextlib.ExitStack() as ends:
            ours, theirs = socket.socketpair()
            ends.enter_context(ours)
            ends.enter_context(theirs)
            try:
                self._hand_over(theirs)
            except OSError as error:
                return Outcome(ended=Ended.LOST, message=str(error))
            theirs.close()
            try:
                return self._watch(program, ours)
            except BaseException:  # Ctrl-C: the program still runs, the worker is in the middle of it
                self.stop()
                raise

    def stop(self) -> None:
        """End the worker and whatever its program started; nothing of them is left, on disk either."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        self._control.close()  # the worker sees it, kills what it runs, and goes
        try:
            worker.wait(REPORT_S)
        except subprocess.TimeoutExpired:
            kill_descendants(worker.pid)
            kill(worker.pid)
            worker.wait()
        if worker.returncode != 0 and not self._walled:  # it could not clean up behind itself
            kill_marked(self._mark)
        os.close(self._output)
        if os.path.exists(self._folder):
            # shutil.rmtree recurses, and a program may have left folders deeper than that can go.
            remove = ["rm", "-rf", "--", self._folder]
            subprocess.run(remove, check=False, stderr=subprocess.DEVNULL)

    def interrupt(self) -> None:
        """From another thread: kill the program that runs here, so that `run` returns soon."""
        if self._worker is not None:
            kill_descendants(self._pid)

    def forget(self) -> None:
        """After a fork of the caller, in the child: let go of the worker, which is the parent's."""
        if self._worker is not None:
            self._control.close()
            os.close(self._output)
            self._worker.returncode = 0  # not our child: nothing to wait for
            self._worker = None

    def _hand_over(self, theirs: socket.socket) -> None:
        """Give a program's socket to a live worker, starting one when there is none."""
        if self._worker is not None:
            try:
                socket.send_fds(self._control, [b"\0"], [theirs.fileno()])
                return
            except OSError:  # it died since its last program, through no fault of the next
                self.stop()
        self.start()
        socket.send_fds(self._control, [b"\0"], [theirs.fileno()])

    def _watch(self, program: Program, channel: socket.socket) -> Outcome:
        nonce = secrets.token_bytes(_protocol.NONCE_BYTES)
        watch = Watch(self.limits, self._pid, with_schedstat=self._with_schedstat)
        job = memoryview(_protocol.encode_job(program, nonce, self.limits.message_chars))
        channel.setblocking(False)
        job = _send_some(channel, job)
        if job:
            self._poll.register(channel, select.POLLOUT)
        ended = False
        while not ended:
            ready = {fd for fd, _ in self._poll.poll(watch.until_next_look_s() * 1000)}
            if job and channel.fileno() in ready:
                job = _send_some(channel, job)
                if not job:
                    self._poll.unregister(channel)
            if self._output in ready:
                watch.output_bytes += self._drain(READ_BYTES)[0]
            ended = self._control.fileno() in ready
            if not ended and watch.must_stop():
                kill_descendants(self._pid)
                os.kill(self._pid, signal.SIGCONT)  # the program may have stopped its worker
                ended = True
        if job:
            self._poll.unregister(channel)
        report = self._await_report()
        watch.end(report)
        watch.output_bytes += self._drain(self.limits.output_bytes + 1)[0]
        answer = _read_all(channel)
        lost_by = self._retire() if report is None or report.state != _protocol.CLEAN else None
        if report is None:
            return watch.outcome(watch.stopped or Ended.LOST, signal=lost_by)
        frame = _protocol.parse_frame(answer, nonce) if answer else None
        return interpret(watch, report, frame, tampered=bool(answer) and frame is None)

    def _await_report(self) -> _protocol.Report | None:
        """The last report on a program that has ended; None when the worker died or does not come to it."""
        deadline = time.monotonic() + REPORT_S
        report = None
        while (left := deadline - time.monotonic()) > 0:
            ready = {fd for fd, _ in self._poll.poll(left * 1000)}
            if self._output in ready:
                self._drain(READ_BYTES)
            if self._control.fileno() in ready:
                said = self._hear()
                report = _protocol.parse_report(said) or report
                if not said or report is None or report.state != _protocol.CLEANING:
                    break
        return report

    def _hear(self) -> bytes:
        """The worker's next message; empty when it is gone."""
        try:
            return self._control.recv(64)
        except OSError:
            return b""

    def _drain(self, at_most: int) -> tuple[int, bytes]:
        """Read and drop what was printed: how much, and the last piece of it."""
        count, last = 0, b""
        with contextlib.suppress(BlockingIOError):
            while count < at_most and (piece := os.read(self._output, READ_BYTES)):
                count, last = count + len(piece), piece
        return count, last

    def _retire(self) -> int | None:
        """Stop a worker that broke or is not clean: the signal it had died of, if it had."""
        assert self._worker is not None
        try:
            status = self._worker.wait(0.1)
        except subprocess.TimeoutExpired:
            status = 0
        self.stop()
        return -status if status < 0 else None

    def _command(self, control: int) -> list[str]:
        config = json.dumps(self._config(control))
        if not self._walled:
            return [sys.executable, *INTERPRETER_FLAGS, str(WORKER), config]
        inside = [_walls.interpreter(), *INTERPRETER_FLAGS, "/worker.py", config]
        launcher = [_walls.interpreter(), *INTERPRETER_FLAGS, str(LAUNCHER)]
        return [*launcher, json.dumps(self._wall_config(control)), *inside]

    def _wall_config(self, control: int) -> dict[str, object]:
        binds, links = _walls.root_plan(site_paths())
        return {
            "control": control,
            "root": self._folder,
            "worker": str(WORKER),
            "binds": binds,
            "links": links,
            "uid": self.uid,
            "scratch_bytes": self.limits.scratch_bytes,
            "scratch_inodes": self.limits.scratch_inodes,
            "landlock_abi": _walls.landlock_abi(),
            "filter": _seccomp.filter_bytes().hex(),
        }

    def _config(self, control: int) -> dict[str, object]:
        limits = self.limits
        # Seconds of CPU, each process: only in case the supervisor is gone and nobody else stops it.
        belt_s = int(limits.wall_guard_s) + 1
        return {
            "control": control,
            "folder": BOX if self._walled else self._folder,
            "walled": self._walled,
            "prelude": self.prelude,
            "site_paths": site_paths(),
            "rlimits": [
                (resource.RLIMIT_AS, limits.address_space_bytes),
                (resource.RLIMIT_CORE, 0),
                (resource.RLIMIT_CPU, belt_s),
                (resource.RLIMIT_FSIZE, limits.file_bytes),
                (resource.RLIMIT_MEMLOCK, 0),
                (resource.RLIMIT_MSGQUEUE, 0),
                (resource.RLIMIT_NOFILE, limits.open_files),
                (resource.RLIMIT_STACK, limits.stack_bytes),
                *([(resource.RLIMIT_NPROC, 4 * limits.processes)] if self._walled else []),
            ],
        }

    @property
    def _walled(self) -> bool:
        return self.tier == "full"


def site_paths() -> list[str]:
    """Where the running interpreter keeps installed packages; what programs may import beyond the stdlib."""
    paths = sysconfig.get_paths()
    return list(dict.fromkeys((paths["purelib"], paths["platlib"])))


def _environment(folder: str, mark: str) -> dict[str, str]:
    """All that a program finds in its environment."""
    name, _, value = mark.partition("=")
    scratch = f"{folder}/scratch"
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONHASHSEED": str(HASH_SEED),
        **dict.fromkeys(threads, "1"),
        name: value,
    }


def _send_some(channel: socket.socket, data: memoryview) -> memoryview:
    """Send what fits now; what is left. Nothing is left when nobody reads any more."""
    try:
        return data[channel.send(data) :]
    except BlockingIOError:
        return data
    except OSError:
        return data[:0]


def _read_all(channel: socket.socket) -> bytes:
    """What a program wrote into its socket, up to a little more than a frame may hold."""
    data = b""
    with contextlib.suppress(OSError):  # would block: only when its worker was lost
        while len(data) <= _protocol.MAX_FRAME_BYTES and (piece := channel.recv(READ_BYTES)):
            data += piece
    return data
