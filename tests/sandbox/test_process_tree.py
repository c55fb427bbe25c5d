"""Looking at processes from outside: what is charged, and that nothing below a process survives."""

import os
import subprocess
import sys
import time

import pytest

from codelm.sandbox._process_tree import TreeMeter, descendants, has_schedstat, kill_descendants, kill_marked

BUSY = "import time\nwhile True: pass\n"
PARENT = "import os, time\nfor _ in range(3): os.fork()\nprint('up', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize(
    ("clocks", "wall_s", "charged_s"),
    [
        ({"a": (1.0, 0.0)}, 3.0, 3.0),  # sleep is charged
        ({"a": (1.0, 2.0)}, 3.0, 1.0),  # waiting is not
        (
            {"a": (1.0, 9.0), "b": (1.0, 9.0)},
            3.0,
            1.0,
        ),  # two that waited: at least their work, spread over two
        ({"a": (3.0, 2.9), "b": (3.0, 2.9)}, 3.0, 3.0),  # busy on both processors: the whole time
        (
            {"a": (3.0, 0.5), "b": (0.1, 0.0)},
            0.5,
            3.0,
        ),  # never less than the busiest, whatever wall time is said
        ({}, 3.0, 3.0),
    ],
)
def test_charged_time_is_wall_less_waiting_but_never_below_the_work_done(
    monkeypatch, clocks, wall_s, charged_s
) -> None:
    """On a machine of two processors."""
    monkeypatch.setattr("codelm.sandbox._process_tree._CPUS", 2)
    meter = TreeMeter(os.getpid(), with_schedstat=True)
    monkeypatch.setattr(meter, "_clocks", clocks)
    monkeypatch.setattr(meter, "_root_clock_s", lambda: -meter._root_waited_s)
    assert meter.charged_s(wall_s) == pytest.approx(charged_s)


def test_meter_sees_the_cpu_time_of_a_busy_child_with_and_without_schedstat() -> None:
    """Both sources agree with what the kernel says of the child when it is reaped."""
    if not has_schedstat():
        pytest.skip("this kernel has no schedstat")
    child = subprocess.Popen([sys.executable, "-S", "-c", BUSY])
    meters = [TreeMeter(os.getpid(), with_schedstat=with_it) for with_it in (True, False)]
    time.sleep(0.3)
    for meter in meters:
        meter.sample()
    child.kill()
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = -9
    used_s = usage.ru_utime + usage.ru_stime
    seen_s = [meter._clocks[str(child.pid)][0] for meter in meters]  # other children of ours may be alive
    assert seen_s == pytest.approx([used_s, used_s], abs=0.15)


def test_kill_descendants_kills_grandchildren_too() -> None:
    """Eight processes in three generations, none left."""
    child = subprocess.Popen([sys.executable, "-S", "-c", PARENT], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        for _ in range(8):
            child.stdout.readline()
        assert len(descendants(os.getpid())) >= 8
        middle = descendants(child.pid)
        assert kill_descendants(child.pid)
        assert all(not os.path.exists(f"/proc/{pid}") or _is_zombie(pid) for pid in middle)
        assert child.poll() is None  # the root itself is spared
        child.kill()


def test_kill_marked_finds_a_process_by_its_first_environment() -> None:
    """A process that nobody is the parent of any more is found by the mark it was started with."""
    mark = f"CODELM_WORKER=test-{os.getpid()}"
    name, _, value = mark.partition("=")
    child = subprocess.Popen([sys.executable, "-S", "-c", BUSY], env={name: value})
    other = subprocess.Popen([sys.executable, "-S", "-c", BUSY], env={name: "other"})
    kill_marked(mark)
    assert child.wait(5) == -9
    assert other.poll() is None
    other.kill()
    other.wait()


def _is_zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as stream:
        return stream.read().rpartition(")")[2].split()[0] in "ZX"
