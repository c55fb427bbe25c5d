"""The invariants are real: each thing left on the host turns exactly its own red."""

import contextlib
import ctypes
import mmap
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import Limits, Program, Sandbox
from codelm.sandbox.catalogue import INVARIANTS
from codelm.sandbox.catalogue._bait import Bait
from codelm.sandbox.catalogue._invariants import HOST_MEMORY, HOST_MIB, Watched, broken, snapshot

MiB = 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)
PLANTERS: dict[str, Callable[[Watched], contextlib.AbstractContextManager[object]]] = {}


# The worker opens a descriptor when told to, and closes it again.
OBEDIENT = """
import os, signal
opened = []
signal.signal(signal.SIGUSR1, lambda *_: opened.append(os.open("/dev/null", os.O_RDONLY)))
signal.signal(signal.SIGUSR2, lambda *_: os.close(opened.pop()))
"""


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """A sandbox that does nothing, so that what changes is what a test does."""
    with (
        Bait() as bait,
        Sandbox(Limits(), workers=1, isolation="process", prelude=OBEDIENT) as sandbox,
    ):
        sandbox.run(Program(units=("pass",)))
        yield Watched(sandbox=sandbox, bait=bait)


def test_nothing_is_broken_where_nothing_is_left(watched: Watched) -> None:
    """Though programs ran in the meantime."""
    before = snapshot(watched)
    for _ in range(3):
        assert watched.sandbox.run(Program(units=("import tempfile; tempfile.mkstemp()",))).proof
    assert broken(before, watched) == {}


def planter(function):
    """Register what leaves one thing, by the name of the function."""
    PLANTERS[function.__name__] = contextlib.contextmanager(function)
    return function


@planter
def processes(watched: Watched) -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"]) as left:
        while not Path(f"/proc/{left.pid}/cmdline").read_bytes():  # it is not whole yet
            time.sleep(0.01)
        yield
        left.kill()


@planter
def processes_of_a_programs_user(watched: Watched) -> Iterator[None]:
    """Not below us: its parent has ended."""
    uid = watched.sandbox._pool.slots[0].plan.uid
    script = (
        "import os, time\nchild = os.fork()\nif child: print(child)\nelse:\n"
        f"    os.setuid({uid}); os.setsid(); os.closerange(0, 3); time.sleep(60)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)
    yield
    os.kill(int(said.stdout), 9)


@planter
def descriptors(watched: Watched) -> Iterator[None]:
    left = os.open("/dev/null", os.O_RDONLY)
    yield
    os.close(left)


@planter
def mounts(watched: Watched) -> Iterator[None]:
    place = watched.bait.folder.encode()
    if LIBC.mount(b"none", place, b"tmpfs", 0, b"size=4k") != 0:
        absent("the right to mount")
    os.chmod(place, 0o777)
    for name in ("file", "socket", "datagrams"):
        Path(watched.bait.folder, name).write_bytes(b"canary\n" if name == "file" else b"")
    yield
    assert LIBC.umount2(place, 2) == 0


@planter
def control_groups(watched: Watched) -> Iterator[None]:
    from codelm.sandbox._cgroup import Cgroup

    left = Cgroup.create()
    if left is None:
        absent("the right to make control groups")
    yield
    assert left.remove()


@planter
def files(watched: Watched) -> Iterator[None]:
    left = Path(watched.bait.temporary, "codelm-left")
    left.touch()
    yield
    left.unlink()


@planter
def files_changed(watched: Watched) -> Iterator[None]:
    file = Path(watched.bait.file)
    before = file.read_bytes()
    file.write_bytes(b"late")
    yield
    file.write_bytes(before)


@planter
def ipc_objects(watched: Watched) -> Iterator[None]:
    left = LIBC.shmget(0, 4096, 0o1600)
    if left == -1:
        absent("the right to make shared memory")
    yield
    LIBC.shmctl(left, 0, None)


@planter
def ipc_objects_by_name(watched: Watched) -> Iterator[None]:
    left = Path("/dev/shm", f"canary-{os.getpid()}")
    left.touch()
    yield
    left.unlink()


@planter
def memory(watched: Watched) -> Iterator[None]:
    with mmap.mmap(-1, 100 * MiB) as left:  # shared, so it is of no heap
        left[:: mmap.PAGESIZE] = bytes(len(left[:: mmap.PAGESIZE]))
        yield


@contextlib.contextmanager
def held_by_nobody(size: int, writer: str = "") -> Iterator[None]:
    """Memory that is in no process' count: a file without a name, mapped and never touched.

    writer: Python source that runs before a process of its own fills it.
    """
    fd = os.memfd_create("left")
    fill = f"{writer}\nimport os\nfor _ in range({size // MiB}): os.write({fd}, bytes({MiB}))\n"
    subprocess.run([sys.executable, "-c", fill], check=True, pass_fds=[fd])
    LIBC.mmap.restype = ctypes.c_void_p
    place = LIBC.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, mmap.MAP_SHARED, fd, ctypes.c_long(0))
    os.close(fd)
    yield
    LIBC.munmap(ctypes.c_void_p(place), ctypes.c_size_t(size))


@planter
def memory_of_a_control_group(watched: Watched) -> Iterator[None]:
    group = watched.sandbox._pool.slots[0]._housing._cgroup
    if group is None:
        absent("the right to make control groups")
    enter = "\n".join(f"open({name!r}, 'w').write('0')" for name in group.procs_files)
    with held_by_nobody(60 * MiB, enter):
        yield


@planter
def host_memory(watched: Watched) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, held_by_nobody(1200 * MiB):
        patch.setitem(HOST_MEMORY.slack, HOST_MIB, 400)  # others move less than that in a moment
        yield


@planter
def worker_settings(watched: Watched) -> Iterator[None]:
    pid = watched.sandbox._pool.slots[0]._housing.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft - 1, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@planter
def worker_settings_priority(watched: Watched) -> Iterator[None]:
    pid = watched.sandbox._pool.slots[0]._housing.pid
    before = os.getpriority(os.PRIO_PROCESS, pid)
    os.setpriority(os.PRIO_PROCESS, pid, before + 1)
    yield
    os.setpriority(os.PRIO_PROCESS, pid, before)


@planter
def worker_settings_descriptors(watched: Watched) -> Iterator[None]:
    pid = watched.sandbox._pool.slots[0]._housing.pid
    os.kill(pid, signal.SIGUSR1)
    yield
    os.kill(pid, signal.SIGUSR2)


@planter
def worker_kept(watched: Watched) -> Iterator[None]:
    os.kill(watched.sandbox._pool.slots[0]._housing.pid, 9)
    time.sleep(0.2)
    watched.sandbox.run(Program(units=("pass",)))
    yield


NAME_OF = {invariant.look.__name__: invariant.name for invariant in INVARIANTS}


@pytest.mark.skipif(os.geteuid() != 0, reason="some of this only root can leave behind")
@pytest.mark.parametrize("name", PLANTERS)
def test_thing_left_behind_turns_its_invariant_red_and_no_other(watched, monkeypatch, name) -> None:
    """Until it is gone."""
    monkeypatch.setattr("codelm.sandbox.catalogue._invariants.SETTLE_S", 0.3)
    mine = next(look for look in NAME_OF if name.startswith(look))
    before = snapshot(watched)
    with PLANTERS[name](watched):
        assert [one.name for one in broken(before, watched)] == [NAME_OF[mine]]
    if mine != "worker_kept":  # who that was is past
        assert broken(before, watched) == {}


def test_every_invariant_is_proved() -> None:
    """There is something that turns each red."""
    assert {look for look in NAME_OF if any(name.startswith(look) for name in PLANTERS)} == set(NAME_OF)
