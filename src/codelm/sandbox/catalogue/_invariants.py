"""What must be on the host after a program as it was before; each kind of thing is given a second to settle.

Some things are the whole host's (`shared`): others on it change them too, and within that second this is laid
to the program's charge. Who finds only such changes runs the program again: what it leaves, it leaves again.
"""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codelm.sandbox._gvisor import VACANT_BYTES
from codelm.sandbox._process_tree import descendants
from codelm.sandbox._process_tree import memory as process_memory
from codelm.sandbox._sandbox import Sandbox
from codelm.sandbox.catalogue._bait import Bait

SETTLE_S = 1.0
LOOK_AGAIN_S = 0.05
MiB = 1 << 20
CGROUPS = "/sys/fs/cgroup"
OWN_MIB, WORKERS_MIB, GROUPS_MIB = (
    "MiB of the supervisor",
    "MiB of the workers",
    "MiB of their control groups",
)
HOST_MIB = "MiB of the host in use"
PLANTED = ("codelm-planted", "codelm-canary", "codelm-big")  # how the catalogue's programs name files
OPEN_FOLDERS = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/etc", "/usr")  # noqa: S108 - looked at


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Whose traces are looked for."""

    sandbox: Sandbox
    bait: Bait


@dataclass(frozen=True, eq=False)
class Invariant:
    """One kind of thing on the host, and how to count it."""

    name: str
    look: Callable[[Watched], Counter[str]]
    slack: Mapping[str, int] = field(default_factory=dict)  # by how much a count may change
    shared: bool = False  # with others on the host, who may change it

    def changes(self, before: Counter[str], after: Counter[str]) -> list[str]:
        """What there is more or less of, each as `+1 thing`."""
        differences = ((thing, after[thing] - before[thing]) for thing in sorted(before | after))
        return [f"{by:+d} {thing}" for thing, by in differences if abs(by) > self.slack.get(thing, 0)]


def processes(watched: Watched) -> Counter[str]:
    """Processes below this one, and all that run as a user of the sandbox's own, by their command names."""
    users = {slot.plan.uid for slot in watched.sandbox._pool.slots}
    pids = set(descendants(os.getpid()))
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if path.stat().st_uid in users and not _is_zombie(path.name):
                pids.add(int(path.name))
    names = {pid: _read(f"/proc/{pid}/comm").strip() for pid in pids}
    return Counter(name for pid, name in names.items() if name and not _is_vacant(pid))


def _is_vacant(pid: int) -> bool:
    """Whether this is an address space that gVisor keeps for the next process inside, and nothing more."""
    return 0 < process_memory(pid).mapped <= VACANT_BYTES


def mounts(watched: Watched) -> Counter[str]:
    """File systems and where they are mounted."""
    lines = _read("/proc/self/mountinfo").splitlines()
    return Counter(f"{line.rpartition(' - ')[2].split()[0]} at {line.split()[4]}" for line in lines)


def ipc_objects(watched: Watched) -> Counter[str]:
    """SysV and POSIX shared memory, semaphores and message queues."""
    found: Counter[str] = Counter()
    for kind in ("shm", "sem", "msg"):
        rows = [line.split() for line in _read(f"/proc/sysvipc/{kind}").splitlines()[1:]]
        found.update(f"SysV {kind} {row[0]}:{row[1]}" for row in rows)
    for folder in ("/dev/shm", "/dev/mqueue"):  # noqa: S108 - looked at
        found.update(f"{folder}/{name}" for name in _names(folder))
    return found


def descriptors(watched: Watched) -> Counter[str]:
    """Open descriptors of this process by what they are."""
    kinds = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            kinds.append(os.readlink(f"/proc/self/fd/{name}").split("[")[0])
    return Counter(kinds)


def control_groups(watched: Watched) -> Counter[str]:
    """Control groups that this process has made."""
    groups = {line.rpartition(":")[2].rstrip("/") for line in _read("/proc/self/cgroup").splitlines()}
    places = groups | {os.path.dirname(group) for group in groups}
    mounted = (CGROUPS, *(f"{CGROUPS}/{name}" for name in _names(CGROUPS)))
    folders = {
        folder for mount in mounted for place in places if os.path.isdir(folder := mount + place.rstrip("/"))
    }
    mine = f"codelm-{os.getpid()}-"
    return Counter(f"{folder}/*" for folder in folders for name in _names(folder) if name.startswith(mine))


def files(watched: Watched) -> Counter[str]:
    """The bait, folders of ours and of the interpreter, and names that only the catalogue's programs give."""
    bait = watched.bait
    found = Counter(
        "a worker's folder" if name.startswith("codelm-") else name for name in _names(bait.temporary)
    )
    found[f"bait {bait.state()}"] += 1
    found.update(
        f"{folder}/{name}" for folder in OPEN_FOLDERS for name in _names(folder) if name.startswith(PLANTED)
    )
    python = watched.sandbox.python
    for path in (*python.paths, *python.site_paths):
        found[f"{path} of {os.stat(path).st_mtime_ns}"] = 1
    return found


def memory(watched: Watched) -> Counter[str]:
    """Memory of this process, of the workers, and of their control groups: files and buffers too; in MiB."""
    counted = Counter({OWN_MIB: _resident(os.getpid()), WORKERS_MIB: sum(map(_resident, _workers(watched)))})
    for name in _group_files(watched):
        counted[GROUPS_MIB] += int(_read(name) or 0) // MiB
    return counted


def host_memory(watched: Watched) -> Counter[str]:
    """Memory of the host that nothing else can have, in MiB."""
    info = {line.split()[0]: int(line.split()[1]) >> 10 for line in _read("/proc/meminfo").splitlines()}
    return Counter({HOST_MIB: info["MemTotal:"] - info["MemAvailable:"]})


def worker_settings(watched: Watched) -> Counter[str]:
    """Limits, priority, processors, scheduling and descriptors of the workers, whose forks programs are."""
    found: Counter[str] = Counter()
    for pid in _workers(watched):
        found.update(line.strip() for line in _read(f"/proc/{pid}/limits").splitlines())
        found[f"nice {os.getpriority(os.PRIO_PROCESS, pid)}"] += 1
        found[f"processors {sorted(os.sched_getaffinity(pid))}"] += 1
        found[f"scheduling {os.sched_getscheduler(pid)}"] += 1
        found["descriptors of the workers"] += len(_names(f"/proc/{pid}/fd"))  # root sees them
        found[f"oom_score_adj {_read(f'/proc/{pid}/oom_score_adj').strip()}"] += 1
    return found


def worker_kept(watched: Watched) -> Counter[str]:
    """Who the workers are."""
    return Counter(f"worker {pid}" for pid in _workers(watched))


KEPT = Invariant("worker kept", worker_kept)
HOST_MEMORY = Invariant("memory of the host", host_memory, {HOST_MIB: 2048}, shared=True)
INVARIANTS = (
    Invariant("processes", processes),
    Invariant("mounts", mounts, shared=True),
    Invariant("IPC objects", ipc_objects, shared=True),
    Invariant("descriptors", descriptors),
    Invariant("control groups", control_groups),
    Invariant("files", files, shared=True),
    Invariant("memory", memory, {OWN_MIB: 64, WORKERS_MIB: 32, GROUPS_MIB: 32}),
    HOST_MEMORY,
    Invariant("worker settings", worker_settings),
    KEPT,
)
Snapshot = dict[str, Counter[str]]


def snapshot(watched: Watched) -> Snapshot:
    """All that is watched, as it is now."""
    return {invariant.name: invariant.look(watched) for invariant in INVARIANTS}


def broken(before: Snapshot, watched: Watched, *, may_retire: bool = False) -> dict[Invariant, list[str]]:
    """The invariants that do not hold after a second, and what has changed.

    may_retire: the workers may be others.
    """
    deadline = time.monotonic() + SETTLE_S
    suspects = [invariant for invariant in INVARIANTS if not (may_retire and invariant is KEPT)]
    while True:
        found = {one: one.changes(before[one.name], one.look(watched)) for one in suspects}
        suspects = [one for one, changes in found.items() if changes]
        if not suspects or time.monotonic() > deadline:
            return {one: found[one] for one in suspects}
        time.sleep(LOOK_AGAIN_S)


def _group_files(watched: Watched) -> Iterator[str]:
    """Where the kernel says how much a worker's control group holds."""
    for slot in watched.sandbox._pool.slots:
        if slot._housing is not None and slot._housing._cgroup is not None:
            folder = os.path.dirname(slot._housing._cgroup.procs_files[0])
            yield from (f"{folder}/memory.usage_in_bytes", f"{folder}/memory.current")


def has_cgroups(watched: Watched) -> bool:
    """Whether each worker has a control group of its own."""
    return all(slot._housing and slot._housing._cgroup for slot in watched.sandbox._pool.slots)


def has_own_users(watched: Watched) -> bool:
    """Whether programs run as nobody else does."""
    return all(slot.plan.walls and slot.plan.walls.own_user for slot in watched.sandbox._pool.slots)


def _workers(watched: Watched) -> list[int]:
    return [slot._housing.pid for slot in watched.sandbox._pool.slots if slot._housing is not None]


def _is_zombie(pid: str) -> bool:
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] == ["Z"]


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // MiB if fields else 0


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
