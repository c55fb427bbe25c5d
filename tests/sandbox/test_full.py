"""Tier full: each wall, seen from inside and from outside, as root and as an ordinary user."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import Ended, Limits, Program, Sandbox, probe
from codelm.sandbox._housing import Housing
from other_hosts import BUBBLEWRAP_USER, ROOT_WITHOUT_ADMIN, USER

REFUSED = probe("full")
pytestmark = pytest.mark.skipif(REFUSED is not None, reason=str(REFUSED))


@pytest.fixture(scope="module")
def full() -> Iterator[Sandbox]:
    """One worker, so that each program runs where the one before it ran."""
    with Sandbox(Limits(time_s=1.0, processes=16), workers=1, isolation="full") as sandbox:
        yield sandbox


SYSCALL = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
# What a program tries, and the type of the exception that must answer it.
REFUSALS = {
    "H1_shadow": ("open('/etc/shadow')", "FileNotFoundError"),
    "H2_other_environments": ("open('/proc/1/environ')", "FileNotFoundError"),
    "H4_site_packages": ("import os; os.mkdir(os.path.dirname(os.__file__) + '/canary')", "OSError"),
    "H4_root": ("import os; os.mkdir('/canary')", "OSError"),
    "H9_chroot": ("import os; os.chroot('.')", "PermissionError"),
    "H10_sysrq": ("open('/proc/sysrq-trigger', 'w')", "FileNotFoundError"),
    "H13_limits_of_the_worker": ("import resource; resource.prlimit(1, 7, (3, 3))", "PermissionError"),
    "H13_affinity_of_the_worker": ("import os; os.sched_setaffinity(1, {0})", "PermissionError"),
    "H13_priority_of_the_worker": ("import os; os.setpriority(os.PRIO_PROCESS, 1, 5)", "PermissionError"),
    "H14_setuid": ("import os; os.setuid(0)", "PermissionError"),
    "H17_unix_socket": ("import socket; socket.socket(socket.AF_UNIX)", "PermissionError"),
    "H18_netlink": ("import socket; socket.socket(16, 3)", "PermissionError"),
    "H18_vsock": ("import socket; socket.socket(40, 1)", "PermissionError"),
    "N1_tcp": ("import socket; socket.create_connection(('127.0.0.1', 1))", "PermissionError"),
    "R8_fill_scratch": (
        "for n in range(99):\n    open(str(n), 'wb').write(bytes(8 << 20))\n",
        "OSError",
    ),
    "R9_files": ("for n in range(10**6):\n    open(str(n), 'w').close()\n", "OSError"),
    "R10_sparse": ("open('x', 'wb').truncate(1 << 50)", "OSError"),
}
# System calls by number with arguments that the kernel would look at: refused by the filter, EPERM.
SYSTEM_CALLS = {
    "K1_io_uring": (425, 1, 0),
    "K2_bpf": (321, 0, 0, 0),
    "K2_perf": (298, 0, 0, 0, 0, 0),
    "K3_userfaultfd": (323, 1),
    "K4_keyctl": (250, 0, -3, 0),
    "K5_unshare": (272, 0x10000000),
    "K6_clone_namespace": (56, 0x10000011, 0, 0, 0, 0),
    "K7_ptrace": (101, 0, 0, 0, 0),
    "K7_process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "K8_x32": (0x40000000 | 39,),
    "K9_open_by_handle": (304, 0, 0, 0),
    "K9_personality": (135, 0xFFFFFFFF),
    "H6_shmget": (29, 0, 4096, 0o1600),
    "H6_mq_open": (240, 0, 0o102, 0, 0),
    "H9_mount": (165, 0, 0, 0, 0, 0),
    "R7_memfd": (319, 0, 0),
}


HONEST = (
    "import asyncio, multiprocessing, os, subprocess, sys, tempfile, threading\n"
    "async def f(): return 3\n"
    "assert asyncio.run(f()) == 3\n"
    "t = threading.Thread(target=int); t.start(); t.join()\n"
    "tempfile.NamedTemporaryFile().write(b'x')\n"
    "with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, 2]) == [1, 2]\n"
    "assert subprocess.run([sys.executable, '-c', 'print(5)'], capture_output=True).stdout == b'5\\n'\n"
)


@pytest.mark.parametrize("name", REFUSALS)
def test_program_that_reaches_past_a_wall_is_refused(full, name) -> None:
    """The program sees an exception, and the next honest one passes in an empty scratch folder."""
    source, exception = REFUSALS[name]
    outcome = full.run(Program(units=(source,)))
    assert (outcome.ended, outcome.exception) == (Ended.RAISED, exception), outcome
    assert full.run(Program(units=("import os; assert os.listdir() == []",))).proof


@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_system_call_that_opens_the_kernel_is_refused(full, name) -> None:
    """EPERM, from the filter."""
    arguments = ", ".join(map(str, SYSTEM_CALLS[name]))
    source = (
        f"{SYSCALL}assert libc.syscall({arguments}) == -1 and ctypes.get_errno() == 1, ctypes.get_errno()"
    )
    outcome = full.run(Program(units=(source,)))
    assert outcome.proof, outcome


def test_clone3_is_unknown_so_that_libc_falls_back(full) -> None:
    """ENOSYS: the filter cannot see its flags."""
    assert full.run(
        Program(units=(f"{SYSCALL}libc.syscall(435, 0, 0); assert ctypes.get_errno() == 38",))
    ).proof


def test_program_cannot_touch_its_worker_by_signals(full) -> None:
    """Process 1 is deaf to what comes from inside, SIGKILL, SIGSTOP and SIGINT too; the program lives on."""
    worker = _housing(full).pid
    source = (
        "import os\nassert os.getppid() == 1\nfor n in (2, 9, 15, 19): os.kill(1, n)\n"
        "try: os.kill(-1, 9)\nexcept ProcessLookupError: pass\n"
    )
    assert full.run(Program(units=(source,))).proof
    assert _housing(full).pid == worker


def test_fork_bomb_and_daemon_leave_no_process(full) -> None:
    """When the outcome is there, the worker has no child: nothing is alive in its pid namespace."""
    bomb = "import os\nwhile 1:\n    try: os.fork(); os.setsid()\n    except OSError: pass\n"
    assert full.run(Program(units=(bomb,))).ended in (Ended.PROCESSES, Ended.TIMED_OUT)
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n"
    assert full.run(Program(units=(daemon,))).leftover_processes == 1
    pid = _housing(full).pid
    assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""


BESIDE = Program(units=("open('../planted', 'w').close()",))
NONE_BESIDE = Program(units=("import os; assert os.listdir('..') == ['scratch']",))


def test_file_beside_the_scratch_folder_is_refused_by_landlock(full) -> None:
    """A place that cleaning does not reach."""
    assert full.run(BESIDE).exception == "PermissionError"
    assert full.run(NONE_BESIDE).proof


def test_file_beside_the_scratch_folder_retires_the_worker_where_there_is_no_landlock() -> None:
    """The next program gets a new worker and sees nothing."""
    with Sandbox(workers=1, isolation="full", _without=["landlock"]) as sandbox:
        worker = _housing(sandbox).pid
        assert sandbox.run(BESIDE).proof
        assert sandbox.run(NONE_BESIDE).proof
        assert _housing(sandbox).pid != worker


def test_worker_dies_with_its_keeper(full) -> None:
    """Nothing of it outlives the process that the supervisor has started; the next program finds another."""
    housing = _housing(full)
    worker = housing.pid
    os.kill(housing.process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{worker}").exists()
    assert full.run(Program(units=("x = 1",))).proof


def test_world_inside_is_small_and_nobodys(full) -> None:
    """No capability, no process of the host, four descriptors, a uid of its own, our environment alone."""
    source = (
        "import os, socket, ctypes, resource\n"
        "assert os.getuid() >= 61184 and os.getgid() >= 61184 and os.getppid() == 1\n"
        "assert socket.gethostname() == 'sandbox'\n"
        "assert sorted(os.listdir('/dev')) == ['full', 'null', 'random', 'shm', 'urandom', 'zero']\n"
        "def is_open(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n"
        "assert [fd for fd in range(256) if is_open(fd)] == [0, 1, 2, 3]\n"
        "prctl = ctypes.CDLL(None).prctl\n"
        "assert not any(prctl(23, n) > 0 for n in range(41))\n"
        "assert prctl(39, 0, 0, 0, 0) == 1 and prctl(3) == 0\n"
        "assert 'USER' not in os.environ and os.environ['HOME'] == os.getcwd() == '/box/scratch'\n"
        "assert resource.getrlimit(resource.RLIMIT_NPROC) == (64, 64)\n"
    )
    outcome = full.run(Program(units=(source,)))
    assert outcome.proof, outcome


def test_honest_neighbours_are_not_hindered(full) -> None:
    """Threads, processes, multiprocessing, temporary files, asyncio and pipes work."""
    outcome = full.run(Program(units=(HONEST,)))
    assert outcome.proof, outcome


def test_ordinary_user_may_not_leave_out_the_pid_namespace() -> None:
    """The worker's kill(-1) would end all that the user runs: refused before anything is started."""
    script = (
        "import json\n"
        "from codelm.errors import MissingError\n"
        "from codelm.sandbox import Sandbox\n"
        "try:\n"
        "    with Sandbox(workers=1, isolation='full', _without=['pid']): pass\n"
        "except MissingError as error: print(json.dumps(str(error)))\n"
    )
    assert "(pid namespace: only root may leave it out)" in USER.run(script)


SCRIPT = """
import json
from codelm.sandbox import Program, Sandbox
with Sandbox(workers=1, isolation="full") as sandbox:
    def run(source):
        outcome = sandbox.run(Program(units=(source,)))
        return outcome.proof or outcome.exception
    print(json.dumps([run(source) for source in {sources!r}]))
"""


@pytest.mark.parametrize("name", ["user", "root_without_admin", "bubblewrap_user"])
def test_who_may_not_make_namespaces_makes_a_user_namespace_first(name) -> None:
    """The same walls: nothing of the host is seen, nothing is listened to, and all that is honest works."""
    host = {"user": USER, "root_without_admin": ROOT_WITHOUT_ADMIN, "bubblewrap_user": BUBBLEWRAP_USER}[name]
    if name == "bubblewrap_user" and not Path("/usr/bin/bwrap").exists():
        absent("bubblewrap is not installed")
    skipped = REFUSALS["R9_files"][0] if name == "bubblewrap_user" else ""  # it caps no count of files
    sources = {source: exception for source, exception in REFUSALS.values() if source != skipped}
    sources[REFUSALS["H14_setuid"][0]] = "OSError"  # EINVAL: there is no such user
    sources |= {"import os; assert os.getppid() == 1 and os.getuid() not in (0, 1000)": True, HONEST: True}
    assert host.run(SCRIPT.format(sources=list(sources))) == list(sources.values())


def _housing(sandbox: Sandbox) -> Housing:
    housing = sandbox._pool.slots[0]._housing
    assert housing is not None
    return housing
