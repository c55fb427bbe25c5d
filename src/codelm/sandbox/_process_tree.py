"""Looking at a tree of processes through /proc, from outside, and killing it."""

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def missing_kernel_feature() -> str | None:
    """What the kernel lacks that this module needs, or None."""
    me = os.getpid()
    if not Path(f"/proc/{me}/stat").exists():
        return "a mounted /proc"
    if not Path(f"/proc/{me}/task/{me}/children").exists():
        return "the list of a process's children in /proc (CONFIG_PROC_CHILDREN)"
    if not hasattr(os, "pidfd_open"):
        return "pidfd_open"
    return None


@functools.cache
def has_schedstat() -> bool:
    """Whether the kernel says how long a thread waited for a processor (CONFIG_SCHED_INFO)."""
    fields = _read("/proc/self/schedstat").split()  # of the first thread: a new one has not run yet
    return len(fields) == 3 and int(fields[0]) > 0


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, zombies too. A snapshot: the tree may change while it is read."""
    found: list[int] = []
    for child in children(pid):
        found.append(child)
        found.extend(descendants(child))
    return found


def kill_descendants(pid: int, *, patience_s: float = 5.0, until: Callable[[], bool] = lambda: False) -> bool:
    """Kill every process below `pid` until none is alive; False when some still are when patience ends.

    Each pass kills all that it sees; what was forked meanwhile is seen by the next one. until: whether what
    starts below from now on is to live; asked after each look, so that what was seen may still be killed.
    """
    deadline = time.monotonic() + patience_s
    while alive := [child for child in descendants(pid) if _is_alive(child)]:
        if until():
            return True
        for child in alive:
            kill(child)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def kill(pid: int) -> None:
    """SIGKILL a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """Kill every process whose first environment holds `mark`: what a dead worker's program left behind."""
    needle = mark.encode()
    for _ in range(
        100
    ):  # passes, each millisecond; a process that forks faster than it is killed would escape
        found = [pid for pid in _all_pids() if needle in _read(f"/proc/{pid}/environ") and _is_alive(pid)]
        if not found:
            return
        for pid in found:
            kill(pid)
        time.sleep(0.001)


class TreeMeter:
    """Clocks and memory of a tree of processes, sampled again and again while it runs.

    Threads that have ended keep what they were last seen with, so the sums never fall. The root itself is not
    of the tree, but when that has ended its waiting for a processor delays the news. At the first look it is
    asleep, so what it waits from then on is that.
    """

    def __init__(self, root: int, *, with_schedstat: bool, running: bool = False) -> None:
        """root: the process above the tree. running: what it used before the first look is not counted."""
        self.root = root
        self.with_schedstat = with_schedstat
        self._before: dict[str, tuple[float, float]] | None = None if running else {}
        self.processes = 0
        self.resident_bytes = 0  # beyond what each process was forked with
        self._base: Memory | None = None
        self._root_before_s: float | None = None
        self._clocks: dict[str, tuple[float, float]] = {}  # thread -> seconds on a processor, waiting for one

    def sample(self) -> None:
        """Look once more."""
        pids = descendants(self.root)
        if self._base is None:
            self._base = memory(self.root)
            self._root_before_s = self._root_clock_s()
        self.processes = len(pids)
        self.resident_bytes = sum(memory(pid).beyond(self._base) for pid in pids)
        self.sample_clocks(pids)

    def sample_clocks(self, pids: Iterable[int]) -> None:
        """Look at the clocks of these processes."""
        for pid in pids:
            self._clocks.update(_thread_clocks(pid) if self.with_schedstat else _process_clock(pid))
        if self._before is None:
            self._before = dict(self._clocks)

    @property
    def was_sampled(self) -> bool:
        """Whether there was a look."""
        return bool(self._clocks)

    def note_end(self, pid: int, waited_s: float) -> None:
        """The first thread of process `pid` has ended, having waited this long for a processor."""
        cpu_s, seen_s = self._clocks.get(str(pid), (0.0, 0.0))
        self._clocks[str(pid)] = (cpu_s, max(seen_s, waited_s))

    @property
    def cpu_s(self) -> float:
        """Seconds on a processor, all threads together."""
        return sum(self._since_before(0))

    @property
    def waited_s(self) -> float:
        """Seconds in a run queue, waiting for a processor, all threads and the root together."""
        root_s = 0.0 if self._root_before_s is None else self._root_clock_s() - self._root_before_s
        return root_s + sum(self._since_before(1))

    def charged_s(self, wall_s: float) -> float:
        """What `wall_s` of this tree's life is charged: work and sleep, but not waiting for a processor.

        One thread: wall time less its waiting. With several, their waiting overlaps, and some of it is for
        each other; then never less than the tree's CPU time spread over all processors, nor than its busiest
        thread's, which is what it would have needed at the very least on an idle machine. So a `wall_s` that
        the tree itself has said cannot be too small. Without schedstat: CPU time.
        """
        if not self.with_schedstat:
            return self.cpu_s
        busiest_s = max(self._since_before(0), default=0.0)
        return max(wall_s - self.waited_s, self.cpu_s / _CPUS, busiest_s)

    def _since_before(self, place: int) -> Iterator[float]:
        """One of the two clocks of each thread."""
        before = self._before or {}
        for thread, clocks in self._clocks.items():
            yield clocks[place] - before.get(thread, _NO_TIME)[place]

    def _root_clock_s(self) -> float:
        fields = _read(f"/proc/{self.root}/schedstat").split() if self.with_schedstat else []
        return int(fields[1]) / 1e9 if fields else 0.0


_NO_TIME = 0.0, 0.0
_CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def children(pid: int) -> Iterator[int]:
    """Every process that `pid` has forked, or inherited, and not reaped."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        yield from map(int, _read(f"/proc/{pid}/task/{thread}/children").split())


def _thread_clocks(pid: int) -> Iterator[tuple[str, tuple[float, float]]]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        if fields := _read(f"/proc/{pid}/task/{thread}/schedstat").split():
            yield thread, (int(fields[0]) / 1e9, int(fields[1]) / 1e9)


def _process_clock(pid: int) -> Iterator[tuple[str, tuple[float, float]]]:
    if fields := _stat_fields(pid):
        yield str(pid), ((int(fields[11]) + int(fields[12])) * TICK_S, 0.0)


def command_name(pid: int) -> str:
    """The first word of the command that a process runs; empty when it has none."""
    return _read(f"/proc/{pid}/cmdline").partition(b"\0")[0].decode(errors="replace")


class Memory(NamedTuple):
    """Bytes of a process."""

    mapped: int
    resident: int
    shared: int  # of these, with files and shared memory behind them

    def beyond(self, base: "Memory") -> int:
        """What a process holds beyond the one that it was forked from.

        A fork starts with the same memory of its own, but maps few of the files: they make no room for more.
        """
        own = self.resident - self.shared - (base.resident - base.shared)
        return max(0, own) + max(0, self.shared - base.shared)


def memory(pid: int) -> Memory:
    """What a process holds now; nothing when it is gone."""
    fields = _read(f"/proc/{pid}/statm").split() or [b"0"] * 3
    return Memory(*(int(field) * PAGE_BYTES for field in fields[:3]))


def _is_alive(pid: int) -> bool:
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def _stat_fields(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on; the command's name before it may hold anything."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _read(path: str) -> bytes:
    parts = []
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # half the cost of open(), twice for each program
        try:
            while part := os.read(fd, 1 << 16):
                parts.append(part)
        finally:
            os.close(fd)
    except OSError:  # it ended between the listing and the look
        return b""
    return b"".join(parts)
