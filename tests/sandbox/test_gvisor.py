"""Tier gvisor: what a program finds in its container, what ends it, and what is left of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import Clock, Command, Ended, Limits, Outcome, Program, Sandbox, _gvisor, probe
from codelm.sandbox._interpreter import interpreter
from codelm.sandbox._process_tree import command_name, descendants

MiB = 1 << 20
NOBODY = 65534
HONEST = Program(units=("import os; assert os.listdir() == os.listdir('/tmp') == []",))


@pytest.fixture(scope="module")
def gvisor() -> Iterator[Sandbox]:
    """One worker, so that each program runs where the one before it ran."""
    if reason := probe("gvisor"):
        absent(reason)
    limits = Limits(time_s=1.0, memory_bytes=200 * MiB, processes=16, output_bytes=1 * MiB)
    with Sandbox(limits, workers=1, isolation="gvisor", packages=()) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, source: str) -> Outcome:
    """One program; whatever became of it, the next honest one passes."""
    outcome = sandbox.run(Program(units=(source,)))
    assert sandbox.run(HONEST).proof, outcome
    return outcome


def keeper(sandbox: Sandbox) -> int:
    """The process that stands for the container."""
    housing = sandbox._pool.slots[0]._housing
    assert housing is not None
    return housing.process.pid


# What a program tries, and the type of the exception that must answer it.
REFUSALS = {
    "H1_shadow": ("open('/etc/shadow')", "FileNotFoundError"),
    "H2_other_environments": ("open('/proc/1/environ')", "FileNotFoundError"),
    "H4_standard_library": ("import os; os.mkdir(os.path.dirname(os.__file__) + '/canary')", "OSError"),
    "H4_root": ("import os; os.mkdir('/canary')", "OSError"),
    "H9_chroot": ("import os; os.chroot('.')", "PermissionError"),
    "H10_sys": ("open('/sys/kernel/canary', 'w')", "FileNotFoundError"),
    "H12_kill_all": ("import os; os.kill(-1, 9)", "ProcessLookupError"),
    "H12_kill_worker": ("import os; os.kill(1, 9)", "PermissionError"),
    "H13_limits_of_the_worker": ("import resource; resource.prlimit(1, 7, (3, 3))", "PermissionError"),
    "H13_affinity_of_the_worker": ("import os; os.sched_setaffinity(1, {0})", "PermissionError"),
    "H13_priority_of_the_worker": ("import os; os.setpriority(os.PRIO_PROCESS, 1, 5)", "PermissionError"),
    "H14_setuid": ("import os; os.setuid(0)", "PermissionError"),
    "H18_netlink": ("import socket; socket.socket(16, 3)", "PermissionError"),
    "N1_tcp": ("import socket; socket.create_connection(('127.0.0.1', 1))", "PermissionError"),
    "guards_processes": ("import os; os.listdir('/guard/proc')", "PermissionError"),
    "R8_fill_scratch": (
        "for n in range(99): open(f'/dev/shm/{n}', 'wb').write(bytes(8 << 20))\n",
        "OSError",
    ),
    "R10_sparse": ("open('/tmp/x', 'wb').truncate(1 << 50)", "OSError"),
}
# System calls by number that the filter inside refuses: EPERM.
SYSTEM_CALLS = {
    "K1_io_uring": (425, 1, 0),
    "K4_keyctl": (250, 0, -3, 0),
    "K5_unshare": (272, 0x10000000),
    "K7_ptrace": (101, 16, 1, 0, 0),
    "H6_shmget": (29, 0, 4096, 0o1600),
    "H9_mount": (165, 0, 0, 0, 0, 0),
    "R7_memfd": (319, 0, 0),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_program_that_reaches_past_a_wall_is_refused(gvisor, name) -> None:
    """The program sees an exception, the container lives on."""
    source, exception = REFUSALS[name]
    container = keeper(gvisor)
    outcome = run(gvisor, source)
    assert (outcome.ended, outcome.exception) == (Ended.RAISED, exception), outcome
    assert keeper(gvisor) == container


@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_system_call_that_the_filter_names_is_refused(gvisor, name) -> None:
    """EPERM, whatever gVisor itself would answer."""
    arguments = ", ".join(map(str, SYSTEM_CALLS[name]))
    outcome = run(
        gvisor,
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"assert libc.syscall({arguments}) == -1 and ctypes.get_errno() == 1, ctypes.get_errno()",
    )
    assert outcome.proof, outcome


def test_world_inside_is_small_and_nobodys(gvisor) -> None:
    """Another kernel's, no capability, four descriptors, a uid of its own, our environment alone."""
    outcome = run(
        gvisor,
        "import ctypes, os, resource, socket\n"
        "assert os.uname().release.startswith('4.4.0') and socket.gethostname() == 'sandbox'\n"
        "assert os.getuid() >= 61184 and os.getgid() >= 61184 and os.getgroups() == []\n"
        "def is_open(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n"
        "assert [fd for fd in range(256) if is_open(fd)] == [0, 1, 2, 3]\n"
        "prctl = ctypes.CDLL(None).prctl\n"
        "assert not any(prctl(23, n) > 0 for n in range(41) if n not in (2, 5, 6, 7))\n"
        "assert prctl(39, 0, 0, 0, 0) == 1\n"
        "assert 'USER' not in os.environ and os.environ['HOME'] == os.getcwd() == '/box/scratch'\n"
        "assert resource.getrlimit(resource.RLIMIT_NPROC) == (64, 64)\n"
        "assert os.listdir('/proc') == os.listdir('/sys') == [] and os.path.islink('/tmp')\n"
        "assert socket.socketpair() and os.read(0, 1) == b''\n",
    )
    assert outcome.proof, outcome


def test_no_folder_but_the_scratch_folder_can_be_written(gvisor) -> None:
    """Tried in every folder, by making a file; the packages' and the libraries' are read-only as a whole."""
    outcome = run(
        gvisor,
        "import os\n"
        "found = []\n"
        "for folder, below, _ in os.walk('/'):\n"
        "    below[:] = [] if folder.startswith(('/usr', '/root', '/home', '/opt')) else below\n"
        "    try:\n"
        "        open(folder + '/canary', 'w').close()\n"
        "        found.append(folder)\n"
        "    except OSError: pass\n"
        "assert found == ['/box/scratch'], found\n",
    )
    assert outcome.proof, outcome


def test_honest_neighbours_are_not_hindered(gvisor) -> None:
    """Threads, processes, multiprocessing, temporary files, asyncio, numpy and pipes work."""
    source = (
        "import asyncio, multiprocessing, subprocess, sys, tempfile, threading\n"
        "async def f(): return 3\n"
        "assert asyncio.run(f()) == 3\n"
        "t = threading.Thread(target=int); t.start(); t.join()\n"
        "tempfile.NamedTemporaryFile().write(b'x')\n"
        "with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, 2]) == [1, 2]\n"
        "assert subprocess.run([sys.executable, '-c', 'print(5)'], capture_output=True).stdout == b'5\\n'\n"
    )
    slowly = Limits(time_s=10, memory_bytes=1024 * MiB)
    outcome = gvisor.run(Program(units=(source,), limits=slowly))
    assert outcome.proof, outcome
    command = Command(
        argv=(gvisor.python.executable, "-S", "x.py"), files={"x.py": b"print(input())"}, stdin=b"6"
    )
    assert gvisor.run(command).stdout == b"6\n"


def test_daemon_is_found_and_killed_with_its_program(gvisor) -> None:
    """Two forks and a session of its own do not take it out of the worker's sight."""
    container = keeper(gvisor)
    source = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    outcome = run(gvisor, source)
    assert (outcome.proof, outcome.leftover_processes) == (True, 1)
    assert keeper(gvisor) == container


@pytest.mark.parametrize(
    ("source", "clock_or_end"),
    [
        ("while True: pass", Clock.CHARGED),
        ("import time; time.sleep(60)", Clock.CHARGED),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", Clock.CHARGED),
        ("x = bytearray(300 << 20); x[::4096] = b'x' * len(x[::4096])", Ended.MEMORY),
        ("while True: print('x' * 1000)", Ended.OUTPUT),
        ("import os\nwhile True: os.write(2, b'x' * 1000)", Ended.OUTPUT),
    ],
)
def test_program_that_uses_too_much_is_stopped_in_its_container(gvisor, source, clock_or_end) -> None:
    """The guard kills it, and the same container runs the next one."""
    container = keeper(gvisor)
    outcome = run(gvisor, source)
    assert clock_or_end in (outcome.ended, outcome.clock), outcome
    assert outcome.settled
    assert keeper(gvisor) == container


def test_files_in_scratch_count_as_memory(gvisor) -> None:
    """They are held in memory, and so are a million empty ones, which no limit of inodes stops."""
    fill = "import time\nopen('x', 'wb').write(bytes(50 << 20)); time.sleep(60)"
    tight = Limits(time_s=5.0, memory_bytes=32 * MiB)
    assert gvisor.run(Program(units=(fill,), limits=tight)).ended is Ended.MEMORY
    assert gvisor.run(HONEST).proof


def test_fork_bomb_is_stopped_and_the_next_program_passes(gvisor) -> None:
    """By the guard, or where it does not come to it, with the container."""
    bomb = "import os\nwhile True:\n    try: os.fork(); os.setsid()\n    except OSError: pass\n"
    assert run(gvisor, bomb).ended in (Ended.PROCESSES, Ended.MEMORY, Ended.TIMED_OUT)


def test_container_killed_under_a_program_is_lost_and_replaced(gvisor) -> None:
    """Whichever of its processes is killed: an infrastructure failure, and nobody's verdict."""
    for name in ("runsc", "runsc-gofer", "runsc-sandbox"):
        before = descendants(keeper(gvisor))
        victim = next(pid for pid in before if command_name(pid).endswith(name))
        source = "import os, time; os.write(1, b'x' * 9); time.sleep(60)"
        killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.3; kill -9 {victim}"])
        outcome = run(gvisor, source)
        assert killer.wait() == 0
        assert (outcome.ended, outcome.settled) == (Ended.LOST, False)
        assert not any("runsc" in command_name(pid) for pid in before)


def test_nothing_is_left_when_the_sandbox_is_closed() -> None:
    """No process of the container, no folder, no descriptor."""
    if reason := probe("gvisor"):
        absent(reason)
    before = sorted(os.listdir("/proc/self/fd"))
    with Sandbox(workers=1, isolation="gvisor", packages=()) as sandbox:
        housing = sandbox._pool.slots[0]._housing
        assert housing is not None
        container, folder = descendants(keeper(sandbox)), Path(housing._folder)
        assert folder.exists()
        assert sandbox.run(HONEST).proof
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert not folder.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in container)


BUSY = """
import sys
from codelm.sandbox import Limits, Program, Sandbox
with Sandbox(Limits(time_s=50), workers=1, isolation="gvisor") as sandbox:
    housing = sandbox._pool.slots[0]._housing
    print(housing.process.pid, housing._folder, flush=True)
    try:
        sandbox.run(Program(units=("import time; time.sleep(60)",)))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_caller_that_is_killed_leaves_nothing(number) -> None:
    """The container sees that its caller has gone; the keeper then removes the folder."""
    if reason := probe("gvisor"):
        absent(reason)
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as caller:
        assert caller.stdout is not None
        pid, folder = caller.stdout.readline().split()
        container = [int(pid), *descendants(int(pid))]
        assert len(container) > 3
        caller.send_signal(number)
        caller.wait(20)
    deadline = time.monotonic() + 10
    while Path(folder).exists() or any(Path(f"/proc/{pid}").exists() for pid in container):
        assert time.monotonic() < deadline
        time.sleep(0.02)


AS_USER = (
    "from codelm.sandbox import Program, Sandbox\n"
    "with Sandbox(workers=1, isolation='gvisor', packages=()) as box:\n"
    "    run = lambda text: box.run(Program(units=(text,)))\n"
    "    print(run('x = 1').proof, run('open(\"/etc/passwd-\")').exception,\n"
    "          run('import socket; socket.socket()').exception, run('x = bytearray(2 << 30)').ended)\n"
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_ordinary_user_gets_the_same_container() -> None:
    """By `runsc --rootless`, with the system's interpreter, from a copy of the source that it can read."""
    if reason := probe("gvisor"):
        absent(reason)
    if not Path("/usr/bin/python3").exists() or sys.version_info[:2] != (3, 11):
        pytest.skip("no /usr/bin/python3 of our version")
    import codelm

    source = Path(codelm.__file__).parents[1]
    script = (
        "import os\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"argv = ['/usr/bin/python3', '-c', {AS_USER!r}]\n"
        f"os.execve(argv[0], argv, {{'PYTHONPATH': {str(source)!r}, 'PATH': os.environ['PATH']}})\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    if "No module named 'codelm'" in ended.stderr:
        pytest.skip("the source lies where an ordinary user cannot read it")
    expected = ["True", "FileNotFoundError", "PermissionError", "Ended.MEMORY"]
    assert (ended.stdout.split(), ended.stderr) == (expected, "")


@pytest.fixture
def runsc(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """A `runsc` of our own making, first on PATH."""
    path = tmp_path / "runsc"
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    _gvisor.platform.cache_clear()
    yield path
    _gvisor.platform.cache_clear()


def write_runsc(path: Path, platforms: str, run: str = "exit 1") -> None:
    flags = f"printf '  -platform value\\n    \\twhich platform to use: {platforms}\\n'"
    path.write_text(f"#!/bin/sh\ncase $1 in flags) {flags};; *) {run};; esac\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("platforms", "chosen"),
    [("systrap (default), ptrace, kvm.", "systrap"), ("ptrace (default), kvm.", "ptrace")],
)
def test_systrap_is_used_where_runsc_has_it_and_kvm_never(runsc, platforms, chosen) -> None:
    """As `runsc flags` lists them."""
    write_runsc(runsc, platforms)
    assert _gvisor.platform() == (str(runsc), chosen)


@pytest.mark.parametrize(
    ("platforms", "run", "reason"),
    [
        ("kvm.", "exit 1", "neither systrap nor ptrace; get it by `apt-get install runsc`"),
        ("ptrace.", "echo no such thing >&2; exit 1", r"no container: .*\(no such thing\); it needs root"),
        ("ptrace.", "exec sleep 60", r"no container: .*\(no message\).*a current build of gVisor on PATH"),
    ],
)
def test_runsc_that_does_not_work_is_refused_with_the_way_out(
    runsc, monkeypatch, platforms, run, reason
) -> None:
    """Too old, failing, or hanging: a line that says which, and nothing of it is left."""
    write_runsc(runsc, platforms, run)
    monkeypatch.setattr(_gvisor.GvisorHousing, "start_s", 0.5)
    assert re.match(rf"isolation `gvisor`.*{reason}", _gvisor.missing(interpreter(), NOBODY) or "")


def test_runsc_that_is_absent_is_refused_with_the_way_out(runsc, monkeypatch) -> None:
    """No such program on PATH."""
    monkeypatch.setenv("PATH", str(runsc.parent))
    assert _gvisor.missing(interpreter(), NOBODY) == (
        "isolation `gvisor` needs runsc, which is not on PATH; get it by `apt-get install runsc` (Debian), "
        "or put a current build of gVisor on PATH"
    )
