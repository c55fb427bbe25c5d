"""Control groups: real programs run into their limits, and nothing is left of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import Ended, Limits, Program, Sandbox, _cgroup
from codelm.sandbox._cgroup import Cgroup

MiB = 1 << 20
ENTER = "import sys\nfor name in {files}:\n    with open(name, 'w') as stream: stream.write('0')\n"
TOUCH = "b = bytearray({size}); b[::4096] = bytes(len(b[::4096]))\n"


@pytest.fixture
def group() -> Iterator[Cgroup]:
    """A group of 60 MiB and 16 tasks, gone when the test is over."""
    made = Cgroup.create()
    if made is None:
        absent("this process may not make control groups")
    made.limit(60 * MiB, 16)
    yield made
    assert made.kill()
    assert made.remove()
    assert not any(Path(name).parent.exists() for name in made.procs_files)


def start(group: Cgroup, source: str) -> "subprocess.Popen[str]":
    """A Python that enters the group, then runs this source."""
    command = [sys.executable, "-S", "-c", ENTER.format(files=group.procs_files) + source]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def peak_bytes(group: Cgroup) -> int:
    """The most that the group ever held, by the kernel's own count; version 2 has one from Linux 5.19 on."""
    folder = Path(group.procs_files[0]).parent
    names = ("memory.max_usage_in_bytes", "memory.peak")
    return int(next(folder / name for name in names if (folder / name).exists()).read_text())


def test_program_of_endless_memory_is_killed_and_counted(group) -> None:
    """R4: by the kernel, once, at the limit; what is outside does not notice."""
    assert group.oom_kills() == 0
    with start(group, "a = []\nwhile True: a.append(bytearray(10**6))\n") as process:
        assert process.wait(20) == -signal.SIGKILL
    assert group.oom_kills() == 1
    assert peak_bytes(group) in range(50 * MiB, 61 * MiB)
    assert group.pids() == []


def test_memory_split_over_children_is_counted_together(group) -> None:
    """R6: ten children of 10 MiB each, none of them large."""
    source = (
        f"import os, time\nfor _ in range(10):\n    if os.fork() == 0: break\n{TOUCH.format(size=10 * MiB)}"
    )
    with start(group, f"{source}print('full', flush=True)\ntime.sleep(60)\n") as process:
        assert process.stdout is not None
        seen = iter(process.stdout.readline, "")
        while group.oom_kills() == 0 and next(seen, None):
            pass
        assert group.oom_kills() >= 1
        assert group.kill()


def test_memory_that_is_no_processs_own_is_counted_too(group) -> None:
    """R7: a file in memory, written to by `write`, past any limit of a process."""
    source = "import os\nfd = os.memfd_create('x')\nwhile True: os.write(fd, bytes(1 << 20))\n"
    with start(group, source) as process:
        assert process.wait(20) == -signal.SIGKILL
    assert group.oom_kills() == 1


def test_processes_and_threads_are_counted_together(group) -> None:
    """Sixteen tasks, the first one included: the next fork is refused, EAGAIN."""
    source = (
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "count = 2\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0: time.sleep(60)\n"
        "        count += 1\n"
        "except BlockingIOError: print(count, flush=True)\n"
        "time.sleep(60)\n"
    )
    with start(group, source) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "16\n"
        assert len(group.pids()) == 15
        assert group.kill()
        assert process.wait(5) == -signal.SIGKILL


def test_limits_hold_beside_what_has_settled(group) -> None:
    """A worker of 20 MiB and two threads stays; a program may have 30 MiB more, and two tasks."""
    worker = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    with start(group, f"{worker}{TOUCH.format(size=20 * MiB)}print(flush=True)\ntime.sleep(60)\n") as process:
        assert process.stdout is not None
        process.stdout.readline()
        group.settle()
        group.limit(30 * MiB, 2)
        with start(group, TOUCH.format(size=10 * MiB)) as honest:
            assert honest.wait(20) == 0
        with start(group, TOUCH.format(size=50 * MiB)) as hostile:
            hostile.wait(20)
        assert group.oom_kills() == 1  # of the larger of the two
        with start(group, "import os\nfor _ in range(9): os.fork()\n") as forking:
            assert forking.wait(20) == 1
        assert group.kill()


def test_kill_reaches_what_has_left_its_session(group) -> None:
    """Daemons are in the group of whoever started them, deaf to other signals or not."""
    source = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(3):\n    if os.fork() == 0: os.setsid()\n"
        "time.sleep(60)\n"
    )
    with start(group, source):
        while len(group.pids()) < 8:
            pass
        assert group.kill()
        assert group.pids() == []


def test_group_in_use_is_not_removed(group, monkeypatch) -> None:
    """`remove` says so, and leaves it whole."""
    monkeypatch.setattr(_cgroup, "PATIENCE_S", 0.05)
    with start(group, "print(flush=True); import time; time.sleep(60)") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not group.remove()
        process.kill()
    assert all(Path(name).exists() for name in group.procs_files)


def test_leftovers_of_a_dead_supervisor_are_swept_and_only_those(group) -> None:
    """One that was killed leaves its groups; the next to make one removes them. Those of the living stay."""
    source = "from codelm.sandbox._cgroup import Cgroup\nimport json, os\n"
    source += "print(json.dumps(Cgroup.create().procs_files), flush=True)\nos.kill(os.getpid(), 9)\n"
    dead = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True)
    assert dead.returncode == -signal.SIGKILL
    left = [Path(name) for name in json.loads(dead.stdout)]
    assert all(path.exists() for path in left)
    other = Cgroup.create()
    assert other is not None
    assert not any(path.exists() for path in left)
    assert group.pids() == []  # still there
    assert other.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_user_who_may_not_make_groups_has_none() -> None:
    """None, without a word on stderr."""
    script = (
        "import os\nfrom codelm.sandbox._cgroup import Cgroup\n"
        "os.setgid(65534); os.setuid(65534)\nprint(Cgroup.create())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("None\n", "")


@pytest.fixture
def version_2(tmp_path: Path, monkeypatch) -> Path:
    """A folder that looks like our own group of version 2, which lends both controllers."""
    (tmp_path / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(_cgroup, "_own_groups", lambda: {"": tmp_path / "own"})
    monkeypatch.setattr(_cgroup, "_removed", lambda folder: True)
    (tmp_path / "own").mkdir()
    return tmp_path


def test_version_2_makes_the_group_where_controllers_are_lent(version_2) -> None:
    """Beside our own, which holds processes and so lends none; not at all where neither does."""
    assert Cgroup.create() is None
    (version_2 / "cgroup.subtree_control").write_text("cpu memory pids")
    made = Cgroup.create()
    assert made is not None
    (folder,) = (Path(name).parent for name in made.procs_files)
    assert (folder.parent, folder.name.startswith(f"codelm-{os.getpid()}-")) == (version_2, True)


def test_version_2_writes_its_own_files(version_2) -> None:
    """Limits, no swap, the count of kills, and all killed at one stroke."""
    (version_2 / "own" / "cgroup.subtree_control").write_text("memory pids")
    made = Cgroup.create()
    assert made is not None
    (name,) = made.procs_files
    folder = Path(name).parent
    made.limit(60 * MiB, 16)
    assert [(folder / name).read_text() for name in ("memory.max", "pids.max")] == [str(60 * MiB), "16"]
    files = {"memory.current": "1000", "pids.current": "2", "memory.swap.max": "max", "cgroup.procs": ""}
    files |= {"memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n"}
    for file, text in files.items():
        (folder / file).write_text(text)
    made.settle()
    made.limit(500, 3)
    assert [(folder / name).read_text() for name in ("memory.max", "pids.max")] == ["1500", "5"]
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (made.oom_kills(), made.pids()) == (2, [])


def test_child_killed_for_want_of_memory_is_not_laid_to_the_next_program() -> None:
    """A program may lose a child and end well; the next one that is killed was not killed for that."""
    loses = (
        "import os\n"
        "if (child := os.fork()) == 0:\n    held = b'x' * (200 << 20)\n    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 9\n"
    )
    limits = Limits(memory_bytes=100 * MiB, time_s=20.0)
    with Sandbox(limits, workers=1, isolation="process") as sandbox:
        if sandbox._pool.slots[0]._housing._cgroup is None:
            absent("the right to make control groups")
        first = sandbox.run(Program(units=(loses,)))
        assert first.ended in (Ended.FINISHED, Ended.MEMORY), first  # the supervisor may have been faster
        assert sandbox.run(Program(units=("import os; os.kill(os.getpid(), 9)",))).ended is Ended.SIGNALLED
