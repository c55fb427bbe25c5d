"""Tier `gvisor`: a worker in a container whose system calls another kernel answers, gVisor's, by `runsc`.

    keeper                   starts `runsc`, reaps, and removes the bundle, whoever ended the container
     +- runsc run            ends, and all below with it, when process 1 of the container ends
         +- runsc-gofer      opens the files of the root for the container, read-only
         +- runsc-sandbox    the kernel that programs see; holds their memory
             +- ...          processes that hold nothing but the address spaces of what runs inside

Programs reach the host's kernel only through gVisor's. The supervisor sees none of their processes, so it
watches the container as a whole, and has process 1 of it, the guard, do the killing.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from codelm.errors import MissingError
from codelm.sandbox import _protocol, _seccomp
from codelm.sandbox._gvisor_bundle import write_bundle
from codelm.sandbox._gvisor_guard import DONE, KILL_CALL, KILL_PROGRAM
from codelm.sandbox._housing import STOP_S, WORKER, Housing, Plan, environment
from codelm.sandbox._interpreter import Interpreter
from codelm.sandbox._limits import Limits
from codelm.sandbox._process_tree import TreeMeter, command_name, descendants, memory
from codelm.sandbox._root import root_plan
from codelm.sandbox._walls import BOX, GVISOR, INTERPRETER_FLAGS

KEEPER = Path(__file__).with_name("_gvisor_keeper.py")
GUARD = Path(__file__).with_name("_gvisor_guard.py")
CONTROL = 10  # of the worker, inside: out of the way of what a program is given
START_S = 15.0  # a container that is not up by then hangs; it takes half a second
ANSWER_S = 5.0  # for `runsc` to say what it can do
KILL_S = 2.0  # for the guard to kill; a fork bomb may keep it from that, then the container is ended
VACANT_BYTES = 1 << 16  # mapped in an address space that waits for the next process, at most
SLACK_BYTES = 64 << 20  # page tables and what gVisor keeps
HOST_TASKS = 32
MEND = (
    "it needs root, or user namespaces, and where this is a container the right to make those; if it is old, "
    "put a current build of gVisor on PATH"
)
INSTALL = "get it by `apt-get install runsc` (Debian), or put a current build of gVisor on PATH"


def missing(python: Interpreter, uid: int) -> str | None:
    """Why this tier cannot be had here, and what gets it, or None: seen by starting a worker in it."""
    try:
        plan = Plan(tier=GVISOR, uid=uid, limits=Limits(), prelude="", python=python)
        GvisorHousing(plan).stop()
    except (MissingError, OSError) as error:
        return str(error)
    return None


class Platform(NamedTuple):
    """Where `runsc` is, and how it is to catch system calls."""

    runsc: str
    name: str


@functools.cache
def platform() -> Platform:
    """The one to use: `systrap` where `runsc` has it, else `ptrace`; never `kvm`.

    kvm hung for good where the machine is a virtual one itself. Raises: MissingError.
    """
    runsc = shutil.which("runsc")
    if runsc is None:
        raise MissingError(f"isolation `gvisor` needs runsc, which is not on PATH; {INSTALL}")
    try:
        said = subprocess.run(
            [runsc, "flags"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"isolation `gvisor`: runsc does not run ({error}); {INSTALL}") from None
    flag = re.search(r"^ *-platform .*\n(.*)", said.stdout + said.stderr, re.MULTILINE)
    for name in ("systrap", "ptrace"):
        if flag and name in flag[1]:
            return Platform(runsc, name)
    raise MissingError(f"isolation `gvisor`: this runsc has neither systrap nor ptrace; {INSTALL}")


class GvisorHousing(Housing):
    """A worker in a container of its own."""

    start_s = START_S

    def kill_program(self) -> None:
        """Have the guard kill every process below the worker."""
        self._order(KILL_PROGRAM)

    def kill_call(self) -> bool:
        """Have the guard kill what the loaded program has forked, but not itself."""
        return self._order(KILL_CALL)

    def _order(self, order: bytes) -> bool:
        """Tell the guard; where it does not come to it, overrun by a program, end the container: False."""
        with contextlib.suppress(OSError):
            self._orders.send(order)
            if self._orders.recv(1) == DONE:
                return True
        self._kill()
        return False

    def wake(self) -> None:
        """A program may not stop the worker: they are different users'."""

    def hear(self) -> _protocol.Report | None:
        """The worker's next report; the container's clock is its own, so the end is when we hear of it."""
        report, now = super().hear(), time.monotonic()
        return report and report._replace(began_s=now - (report.ended_s - report.began_s), ended_s=now)

    def died_of(self) -> int | None:
        """The signal that ended the container, if one did; its keeper passes that on as a status."""
        super().died_of()
        status = self.process.returncode or 0
        return status & 0x7F if status > 0x7F else None

    def meter(self, *, running: bool = False) -> TreeMeter:
        """Clocks and memory of the container while a program runs in it."""
        return ContainerMeter(self.process.pid, self._container, with_schedstat=self._with_schedstat)

    def stop(self) -> None:
        """End the container; nothing of it is left."""
        self._orders.close()
        super().stop()

    def forget(self) -> None:
        """After a fork of the caller, in the child: let go of the worker, which is the parent's."""
        self._orders.close()
        super().forget()

    def _spawn(self, control: socket.socket, printed: int) -> subprocess.Popen[bytes]:
        keep = {"folder": self._folder, "cgroup": self._cgroup.procs_files if self._cgroup else []}
        keeper = [os.path.realpath(sys.executable), *INTERPRETER_FLAGS, str(KEEPER), json.dumps(keep)]
        self._write_bundle()
        with contextlib.ExitStack() as undo:
            self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._orders.close)
            # gVisor makes what it is given non-blocking; given twice it is so for programs, too.
            with theirs, open(f"/proc/self/fd/{printed}", "wb") as printed_too:
                process = subprocess.Popen(
                    [*keeper, *self._runsc()],
                    stdin=theirs.fileno(),
                    stdout=printed,
                    stderr=printed_too.fileno(),
                    env={"PATH": os.environ.get("PATH", os.defpath)},
                    start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
                )
            undo.pop_all()
        self._orders.settimeout(KILL_S)
        socket.send_fds(self._orders, [b"\0"], [control.fileno()])
        return process

    def _wait_until_ready(self) -> None:
        try:
            super()._wait_until_ready()
        except OSError as error:
            raise MissingError(f"isolation `gvisor`: runsc brings up no container: {error}; {MEND}") from None

    def _kill(self) -> None:
        self._orders.close()  # process 1 sees it and goes, and all else with it
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S / 5)
        super()._kill()

    def _bounds(self, limits: Limits) -> tuple[int, int]:
        """More than a program may have: where the host's kernel kills or refuses, gVisor itself breaks.

        The supervisor's own limit of memory comes first, and gVisor's of tasks, which takes several of the
        host's for each of its own (14 measured).
        """
        return limits.memory_bytes * 5 // 4 + SLACK_BYTES, HOST_TASKS * self.plan.tasks(limits)

    def _runsc(self) -> list[str]:
        """The container has the name of the bundle's folder: no other on this machine may have the same."""
        rootless = [] if os.geteuid() == 0 else ["--rootless"]
        return [
            *(platform().runsc, f"--root={self._folder}/state", f"--platform={platform().name}", *rootless),
            *("--network=none", "--ignore-cgroups", "--file-access-mounts=exclusive"),
            *("run", f"--bundle={self._folder}", os.path.basename(self._folder)),
        ]

    def _write_bundle(self) -> None:
        plan, python = self.plan, [self.plan.python.executable, *INTERPRETER_FLAGS]
        guard = {"control": CONTROL, "uid": plan.uid, "filter": _seccomp.filter_bytes().hex()}
        worker = self._config(CONTROL) | {"program_uid": plan.uid, "guarded": True}
        write_bundle(
            Path(self._folder),
            root_plan(plan.python, plan.paths),
            files={"/guard.py": str(GUARD), "/worker.py": str(WORKER)},
            command=[*python, "/guard.py", json.dumps(guard), *python, "/worker.py", json.dumps(worker)],
            environment=environment(BOX, self._mark),
            uid=plan.uid,
            scratch_bytes=plan.limits.scratch_bytes,
        )

    def _settle(self) -> None:
        self._container = Container(self.process.pid)


class Container:
    """What the host's kernel knows of a container that is up, with nothing but guard and worker in it."""

    def __init__(self, keeper: int) -> None:
        """Raises: OSError when it is gone, or keeps its memory where it cannot be seen."""
        by_name = {command_name(pid): pid for pid in descendants(keeper)}
        try:
            self._gvisor = by_name["runsc-sandbox"], by_name["runsc-gofer"]
            files = Path(f"/proc/{self._gvisor[0]}/fd").iterdir()
            self._memory_file = next(path for path in files if "runsc-memory" in os.readlink(path))
        except (KeyError, StopIteration):
            raise OSError("the container cannot be watched") from None
        self._idle_bytes = self._idle_processes = 0
        self._idle_bytes, self._idle_processes = self.held_bytes(), self.processes(self.address_spaces())

    def held_bytes(self) -> int:
        """Memory beyond what it held when it was idle: of programs, of their files, of gVisor for them."""
        try:
            theirs = os.stat(self._memory_file).st_blocks * 512  # all that programs and their files have
        except OSError:  # it has ended
            return 0
        held = [memory(pid) for pid in self._gvisor]
        return max(0, theirs + sum(each.resident - each.shared for each in held) - self._idle_bytes)

    def address_spaces(self) -> list[int]:
        """The host's processes that hold them, and nothing else; some wait for the next process inside."""
        return descendants(self._gvisor[0])

    def processes(self, address_spaces: list[int]) -> int:
        """Processes inside, beyond those that were there when it was idle."""
        occupied = sum(memory(pid).mapped > VACANT_BYTES for pid in address_spaces)
        return max(0, occupied - self._idle_processes)

    def at_work(self, address_spaces: list[int]) -> list[int]:
        """The host's processes whose threads do the container's work: these and gVisor's own two."""
        return [*self._gvisor, *address_spaces]


class ContainerMeter(TreeMeter):
    """Clocks of all threads of a container since the first look, and what it holds beyond an idle one.

    What runs inside waits for a processor as one of those threads, so that its waiting is known here too.
    """

    def __init__(self, keeper: int, container: Container, *, with_schedstat: bool) -> None:
        super().__init__(keeper, with_schedstat=with_schedstat, running=True)
        self._container = container

    def sample(self) -> None:
        """Look once more."""
        address_spaces = self._container.address_spaces()
        self.sample_clocks(self._container.at_work(address_spaces))
        self.resident_bytes = self._container.held_bytes()
        self.processes = self._container.processes(address_spaces)

    def note_end(self, pid: int, waited_s: float) -> None:
        """The program has ended; what it waited for since the last look counts, where there was one."""
        if self.was_sampled:
            self.sample_clocks(self._container.at_work(self._container.address_spaces()))
