"""A worker's process: starting it behind the walls of its tier, reaching it, and ending it."""

import contextlib
import errno
import json
import os
import secrets
import select
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from codelm.errors import MissingError
from codelm.sandbox import _hosts, _protocol
from codelm.sandbox._cgroup import Cgroup
from codelm.sandbox._interpreter import Interpreter
from codelm.sandbox._limits import Limits
from codelm.sandbox._process_tree import (
    TreeMeter,
    children,
    descendants,
    has_schedstat,
    kill,
    kill_descendants,
    kill_marked,
)
from codelm.sandbox._root import import_paths, link_packages
from codelm.sandbox._walls import FULL, INTERPRETER_FLAGS, LANDLOCK, PROCESS, Walls

WORKER = Path(__file__).with_name("_worker.py")
START_S = 60.0  # a worker that is not ready by then does not work here
SPARE_TASKS = 4
STOP_S = 5.0  # for a worker to kill what it runs and go
READ_BYTES = 1 << 16

HASH_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a worker is to be: its tier, whom its programs run as, and what it serves."""

    tier: str
    uid: int
    limits: Limits
    prelude: str
    python: Interpreter
    paths: tuple[str, ...] = ()  # of the host, to be read beside what the interpreter needs
    bubblewrap: bool = False  # makes the namespaces, where we may not
    without: frozenset[str] = frozenset()  # walls that are left out, to see what they hold

    @property
    def walls(self) -> Walls | None:
        """What stands around the worker."""
        if self.tier == PROCESS:
            return None
        return Walls(tier=self.tier, uid=self.uid, bubblewrap=self.bubblewrap, without=self.without)

    @property
    def may_fork(self) -> bool:
        """Whether programs may make processes; not where they would be out of the worker's reach."""
        return self.tier != LANDLOCK or (self.walls is not None and self.walls.own_user)

    def rlimits(self, limits: Limits) -> list[tuple[int, int]]:
        """The process limits of one program."""
        own_user = self.walls is not None and self.walls.own_user
        return limits.rlimits(tasks=self.tasks(limits) if own_user else None)

    @staticmethod
    def tasks(limits: Limits) -> int:
        """How many processes and threads a program may have at once; past it a fork fails, EAGAIN."""
        return 4 * limits.processes


class Housing:
    """A started worker: its process, its control socket, and the pipe into which its programs print."""

    start_s = START_S

    def __init__(self, plan: Plan) -> None:
        """Start it and wait until it is warm.

        Raises: MissingError where a wall cannot be built; OSError when it does not come up.
        """
        self.plan, self._walls = plan, plan.walls
        self._mark = f"CODELM_WORKER={secrets.token_hex(16)}"
        self._bounded: tuple[int, int] | None = None  # what the control group bounds now
        self._with_schedstat = has_schedstat()
        with contextlib.ExitStack() as undo:
            self._cgroup = Cgroup.create()
            if self._cgroup is not None:
                undo.callback(self._cgroup.remove)
            self._folder = _hosts.new_folder()
            undo.callback(_remove, self._folder)
            self._make_room()
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self.control.close)
            with theirs:
                self.output, printed = os.pipe()
                undo.callback(os.close, self.output)
                with open(printed, "wb") as stream:
                    self.process = self._spawn(theirs, stream.fileno())
            undo.callback(self._kill)
            if self._cgroup is not None and self._walls is None:  # else it has entered by itself
                self._cgroup.add(self.process.pid)
            os.set_blocking(self.output, False)
            self.poll = select.poll()  # for its reports and what its programs print
            self.poll.register(self.control, select.POLLIN)
            self.poll.register(self.output, select.POLLIN)
            self._wait_until_ready()
            self.pid = self.process.pid
            self._settle()
            if self._cgroup is not None:
                self._cgroup.settle()
                self.bound(plan.limits)
                self._oom_kills = self._cgroup.oom_kills()
            undo.pop_all()

    def allow(self, limits: Limits) -> None:
        """The next program has these limits: of memory and tasks, which the control group holds."""
        if self._cgroup is not None:
            self._oom_kills = self._cgroup.oom_kills()  # a program may lose a child and end as if it had not
        self.bound(limits)

    def bound(self, limits: Limits) -> None:
        """What is loaded has these limits from now on."""
        bounds = self._bounds(limits)
        if self._cgroup is None or bounds == self._bounded:
            return
        self._bounded = None  # until they are set, so that what fails here is done for the next one
        try:
            self._cgroup.limit(*bounds)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return  # a loaded program holds more than that already: who looks at it sees that, too
        self._bounded = bounds

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed a process of this program for want of memory since last asked."""
        if self._cgroup is None:
            return False
        before, self._oom_kills = self._oom_kills, self._cgroup.oom_kills()
        return self._oom_kills > before

    def meter(self, *, running: bool = False) -> TreeMeter:
        """Clocks and memory of what runs here. running: what it used before the first look is not counted."""
        return TreeMeter(self.pid, with_schedstat=self._with_schedstat, running=running)

    def hear(self) -> _protocol.Report | None:
        """The worker's next report; None when it is gone or says something else."""
        try:
            return _protocol.parse_report(self.control.recv(128))
        except OSError:
            return None

    def kill_program(self) -> None:
        """Kill every process below the worker until it reports the end of its program.

        What is left then it kills itself, and what it starts in order to clean up must live.
        """
        kill_descendants(self.pid, until=self._has_word)

    def _has_word(self) -> bool:
        poll = select.poll()
        try:
            poll.register(self.control, select.POLLIN)
        except ValueError:  # closed: the worker is being stopped, and kills what it runs
            return True
        return bool(poll.poll(0))

    def kill_call(self) -> bool:
        """Kill what the loaded program has forked, but not itself; False where they cannot be told apart."""
        for pid in list(children(self.pid)):
            kill_descendants(pid)
        return True

    def wake(self) -> None:
        """Let the worker go on, which a program may have stopped."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def died_of(self) -> int | None:
        """The signal that ended the worker, if one did."""
        try:
            status = self.process.wait(0.1)
        except subprocess.TimeoutExpired:
            return None
        return -status if status < 0 else None

    def stop(self) -> None:
        """End the worker and whatever its program started; nothing of them is left, on disk either."""
        self.control.close()  # the worker sees it, kills what it runs, and goes
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._kill()
        if self.process.returncode != 0:  # it could not clean up behind itself
            if self._walls is None:
                kill_marked(self._mark)
            else:
                self._walls.kill_leftovers()
        os.close(self.output)
        _remove(self._folder)
        if self._cgroup is not None:
            self._cgroup.kill()
            self._cgroup.remove()

    def forget(self) -> None:
        """After a fork of the caller, in the child: let go of the worker, which is the parent's."""
        self.control.close()
        os.close(self.output)
        self.process.returncode = 0  # not our child: nothing to wait for

    def drain(self, at_most: int) -> tuple[int, bytes]:
        """Read and drop what was printed: how much, and the last piece of it."""
        count, last = 0, b""
        with contextlib.suppress(BlockingIOError):
            while count < at_most and (piece := os.read(self.output, READ_BYTES)):
                count, last = count + len(piece), piece
        return count, last

    def _settle(self) -> None:
        """The worker is up."""
        if self._walls is not None:  # what we started keeps watch outside; the worker is its only child
            below = descendants(self.process.pid)
            if not below:
                raise OSError("the sandbox's worker died as it started")
            self.pid = below[0]
            if self.plan.tier == FULL:  # its root is mounted nowhere any more
                os.rmdir(self._folder)

    def _bounds(self, limits: Limits) -> tuple[int, int]:
        """Bytes of memory and tasks that the control group lets a program have.

        Where a program may have no more, the worker must still be able to fork what ends it.
        """
        return limits.memory_bytes, self.plan.tasks(limits) + SPARE_TASKS

    def _make_room(self) -> None:
        if self._walls is not None:
            self._walls.make_room(self._folder, self.plan.python)
        else:
            os.mkdir(f"{self._folder}/box", 0o700)
            link_packages(self.plan.python, self._folder)

    def _spawn(self, control: socket.socket, printed: int) -> subprocess.Popen[bytes]:
        config = self._config(control.fileno())
        return subprocess.Popen(
            [*self._command(control.fileno()), json.dumps(config)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            cwd=self._folder,
            env=environment(str(config["folder"]), self._mark),
            pass_fds=[control.fileno()],
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
        )

    def _wait_until_ready(self) -> None:
        self.control.settimeout(self.start_s)
        with contextlib.suppress(TimeoutError):
            if self.control.recv(1) == _protocol.READY:
                self.control.settimeout(None)
                self.drain(READ_BYTES)  # it has run a few programs of its own
                return
        said = self.drain(READ_BYTES)[1].decode(errors="replace").strip().splitlines()
        if said and said[-1].startswith("missing: "):
            raise MissingError(_hosts.how_to_mend(self.plan.tier, said[-1].removeprefix("missing: ")))
        raise OSError(f"the sandbox's worker did not start ({said[-1] if said else 'no message'})")

    def _kill(self) -> None:
        kill_descendants(self.process.pid)
        kill(self.process.pid)
        self.process.wait()

    def _command(self, control: int) -> list[str]:
        if self._walls is None:
            return [self.plan.python.executable, *INTERPRETER_FLAGS, str(WORKER)]
        return self._walls.command(
            WORKER,
            control=control,
            folder=self._folder,
            limits=self.plan.limits,
            python=self.plan.python,
            paths=self.plan.paths,
            cgroup=self._cgroup.procs_files if self._cgroup else (),
        )

    def _config(self, control: int) -> dict[str, object]:
        config: dict[str, object] = {
            "control": control,
            "folder": f"{self._folder}/box",
            "import_paths": import_paths(self.plan.python, self._folder),
            "prelude": self.plan.prelude,
            "rlimits": self.plan.rlimits(self.plan.limits),
            "killing": "children",
            "remove_folder": self._folder if self._walls is None else None,
            "program_uid": None,
            "guarded": False,
            "last_filter": None,
            "last_filter_pid_at": [],
        }
        return (
            config if self._walls is None else config | self._walls.for_worker(self._folder, self.plan.python)
        )


def environment(folder: str, mark: str) -> dict[str, str]:
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
        "LD_BIND_NOW": "1",  # for the worker alone: else each program binds the functions of libc anew
        **dict.fromkeys(threads, "1"),
        name: value,
    }


def _remove(folder: str) -> None:
    if os.path.exists(folder):
        # shutil.rmtree recurses, and a program may have left folders deeper than that can go.
        subprocess.run(["/bin/rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)
