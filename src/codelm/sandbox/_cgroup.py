"""A control group for one slot: the kernel counts and bounds what a worker and its programs hold together.

Version 1 (hierarchies `memory` and `pids`) or 2, made below the supervisor's own group, or beside it where a
group that holds processes may not have others below it (version 2). Had by doing: it can be made, or there is
none. The name holds the supervisor's pid, so that what a killed supervisor left is swept by the next.
"""

import contextlib
import itertools
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PREFIX = "codelm-"
PATIENCE_S = 1.0  # for killed processes to leave a group
_numbers = itertools.count()


@dataclass(frozen=True)
class _Version:
    """File names of a version of control groups, in the folder that bounds memory."""

    limit: str
    held: str
    kills: str  # holds a line `oom_kill N`


_V1 = _Version("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control")
_V2 = _Version("memory.max", "memory.current", "memory.events")


class Cgroup:
    """One group: a folder in each of two hierarchies (version 1), or one folder (version 2)."""

    def __init__(self, version: _Version, memory: Path, pids: Path) -> None:
        """memory, pids: folders in which the two kinds of files are, or will be."""
        self._version, self._memory, self._pids = version, memory, pids
        self._kills = str(memory / version.kills)
        self._held_bytes = self._held_tasks = 0

    @classmethod
    def create(cls) -> Self | None:
        """A group with nobody in it and no limit that matters; None where this process may not have one."""
        for version, memory, pids in _places():
            name = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
            group = cls(version, memory / name, pids / name)
            try:
                for folder in group._folders:
                    _sweep(folder.parent)
                    folder.mkdir()
                group.limit(1 << 50, 1 << 20)
                return group
            except OSError:
                group.remove()
        return None

    @property
    def procs_files(self) -> list[str]:
        """Files into which a process writes "0" to enter; what it then starts is in the group too."""
        return [str(folder / "cgroup.procs") for folder in self._folders]

    def add(self, pid: int) -> None:
        """Put a process into the group; what it has started before stays where it is. Raises: OSError."""
        for name in self.procs_files:
            Path(name).write_text(str(pid))

    def settle(self) -> None:
        """What is in the group now, a warm worker, is to stay: further limits hold for what comes on top."""
        self._held_bytes = int((self._memory / self._version.held).read_text())
        self._held_tasks = int((self._pids / "pids.current").read_text())

    def limit(self, memory_bytes: int, tasks: int) -> None:
        """Set the limits of memory, swap not to be used, and of processes and threads. Raises: OSError.

        Past the memory the kernel kills the largest process in the group; past `tasks` a fork fails, EAGAIN.
        """
        limit, most = self._memory / self._version.limit, str(self._held_bytes + memory_bytes)
        if self._version is _V1:  # swap is bounded together with memory, never below it: out of the way first
            both = self._memory / "memory.memsw.limit_in_bytes"
            steps = [(both, "-1"), (limit, most), (both, most)]
        else:
            steps = [(self._memory / "memory.swap.max", "0"), (limit, most)]
        for path, value in steps:
            if path == limit or path.exists():  # the kernel may count no swap
                path.write_text(value)
        (self._pids / "pids.max").write_text(str(self._held_tasks + tasks))

    def oom_kills(self) -> int:
        """Processes that the kernel ever killed here for want of memory: one more, and a limit was passed."""
        fd = os.open(self._kills, os.O_RDONLY | os.O_CLOEXEC)  # for each program: read_text() is 3 times that
        try:
            words = os.read(fd, 4096).split()
        finally:
            os.close(fd)
        return int(words[words.index(b"oom_kill") + 1])

    def pids(self) -> list[int]:
        """Processes in the group, zombies left out; 0 for one that our pid namespace does not show."""
        return [int(pid) for pid in (self._pids / "cgroup.procs").read_text().split()]

    def kill(self) -> bool:
        """Kill all that is in the group; False when some are still there after a second."""
        deadline = time.monotonic() + PATIENCE_S
        at_a_stroke = self._pids / "cgroup.kill"  # version 2, Linux 5.14
        while pids := self.pids():
            if at_a_stroke.exists():
                at_a_stroke.write_text("1")
            for pid in filter(None, pids):  # to 0 would be to ourselves
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    def remove(self) -> bool:
        """Remove the group; False when a process stays in it for a second. May be called twice."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(_removed(folder) for folder in self._folders):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        return True

    @property
    def _folders(self) -> list[Path]:
        return list(dict.fromkeys((self._memory, self._pids)))


def _places() -> list[tuple[_Version, Path, Path]]:
    """Where a group may be tried: version, and the parents for its memory and its pids folder."""
    own = _own_groups()
    places = [(_V1, own["memory"], own["pids"])] if {"memory", "pids"} <= own.keys() else []
    if top := own.get(""):
        if not _lends(top):
            with contextlib.suppress(OSError):  # it is ours to lend them, unless it holds processes
                (top / "cgroup.subtree_control").write_text("+memory +pids")
        places += [(_V2, folder, folder) for folder in (top, top.parent) if _lends(folder)]
    return places


def _lends(folder: Path) -> bool:
    """Whether groups below this one, of version 2, have both controllers."""
    try:
        return {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split())
    except OSError:
        return False


def _own_groups() -> dict[str, Path]:
    """The folder of our own group in the hierarchy of each controller of version 1; "" names version 2."""
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return {}
    paths: dict[str, str] = {}
    for line in groups:
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    own: dict[str, Path] = {}
    for line in mounts:
        left, right = (part.split() for part in line.split(" - ", 1))
        root, mounted, kind, names = left[3], left[4], right[0], right[-1].split(",")
        for name in {"cgroup": names, "cgroup2": [""]}.get(kind, []):
            if name in paths and Path(paths[name]).is_relative_to(root):
                own[name] = Path(mounted, Path(paths[name]).relative_to(root))
    return own


def _sweep(parent: Path) -> None:
    """Remove empty groups of ours whose supervisor is dead."""
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _removed(folder)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True
