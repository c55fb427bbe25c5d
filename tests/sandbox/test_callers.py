"""Where the sandbox is called from: threads, asyncio, daemonic processes, forks; and how it goes away."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelm.sandbox import Ended, Limits, Program, Sandbox, _pool

HONEST = Program(units=("x = 1\n",))

DAEMONIC = """
import multiprocessing, sys
from codelm.sandbox import Program, Sandbox

def work():
    with Sandbox(workers=1) as sandbox:
        sys.exit(0 if sandbox.run(Program(units=("x = 1",))).proof else 1)

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""

FORKED = """
import os, sys
from codelm.sandbox import Program, Sandbox

with Sandbox(workers=1) as sandbox:
    pid = os.fork()
    if pid == 0:
        try:
            sandbox.run(Program(units=("x = 1",)))
        except ValueError as error:
            os._exit(0 if "not entered in this process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert sandbox.run(Program(units=("x = 1",))).proof
"""

FORKED_LOOP = """
import asyncio, os
from codelm.sandbox import Program, Sandbox

with Sandbox(workers=1) as sandbox:
    one = Program(units=("x = 1",))
    assert asyncio.run(sandbox.run_async(one)).proof
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(sandbox.run_async(one))
        except ValueError as error:
            sandbox.close()
            os._exit(0 if "not entered in this process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert asyncio.run(sandbox.run_async(one)).proof
"""

LOOP_LEFT_RUNNING = """
import asyncio
from codelm.sandbox import Limits, Program, Sandbox

async def leave():
    tasks = [asyncio.ensure_future(sandbox.run_async(sleeper)) for _ in range(50)]
    while not sandbox.forks:
        await asyncio.sleep(0.005)
    return tasks

sleeper = Program(units=("import time; time.sleep(600)",))
sandbox = Sandbox(Limits(time_s=900), workers=1).__enter__()
loop = asyncio.new_event_loop()
tasks = loop.run_until_complete(leave())
for task in tasks:
    task._log_destroy_pending = False
"""

BUSY_CALLER = """
import sys
from codelm.sandbox import Limits, Program, Sandbox

source = "import os, time\\nif os.fork() == 0: os.setsid()\\ntime.sleep(60)"
with Sandbox(Limits(time_s=50), workers=2) as sandbox:
    homes = [slot._housing for slot in sandbox._pool.slots]
    print(*(home.process.pid for home in homes), homes[0]._folder, flush=True)
    try:
        list(sandbox.run_many((i, Program(units=(source,))) for i in range(4)))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_many_threads_share_one_sandbox() -> None:
    """More threads than workers; every one gets its own outcome."""
    with Sandbox(workers=2) as sandbox:
        seen: dict[int, str | None] = {}

        def work(number: int) -> None:
            seen[number] = sandbox.run(Program(units=(f"raise ValueError({number})",))).message

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {number: str(number) for number in range(8)}


def test_sandbox_works_under_asyncio() -> None:
    """A running event loop is no hindrance, and is not blocked by `asyncio.to_thread`."""

    async def judge() -> list[bool]:
        with Sandbox(workers=2) as sandbox:
            outcomes = await asyncio.gather(*(asyncio.to_thread(sandbox.run, HONEST) for _ in range(4)))
        return [outcome.proof for outcome in outcomes]

    assert asyncio.run(judge()) == [True] * 4


@pytest.mark.parametrize(
    "script",
    [DAEMONIC, FORKED, FORKED_LOOP, LOOP_LEFT_RUNNING],
    ids=["daemonic", "forked", "forked, with threads for an event loop", "ends with a loop left running"],
)
def test_sandbox_works_in_other_kinds_of_process(script) -> None:
    """A daemonic process may not have multiprocessing children; a fork does not own its parent's sandbox.

    One that ends with programs awaited, in a loop and a sandbox never closed, does not wait for them.
    """
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_run_many_takes_no_more_than_it_needs() -> None:
    """Back-pressure: the source is read as outcomes are taken, so memory does not grow with its length."""
    taken = 0

    def programs() -> Iterator[tuple[int, Program]]:
        nonlocal taken
        for taken in range(1, 1000):
            yield taken, HONEST

    with Sandbox(workers=2) as sandbox:
        many = sandbox.run_many(programs())
        for _ in range(5):
            next(many)
        assert taken <= 5 + 4
        many.close()


def test_run_many_stopped_early_kills_what_runs_and_spares_other_callers() -> None:
    """The consumer leaves: its programs are killed at once, one that another thread runs is not."""
    with Sandbox(Limits(time_s=20), workers=3) as sandbox:
        others: list[Ended] = []
        other = threading.Thread(
            target=lambda: others.append(sandbox.run(Program(units=("import time; time.sleep(1)",))).ended)
        )
        other.start()
        time.sleep(0.1)
        sleepers = ((i, Program(units=("import time; time.sleep(15)" if i else "x = 1",))) for i in range(9))
        many = sandbox.run_many(sleepers)
        assert next(many)[0] == 0
        began = time.monotonic()
        many.close()
        assert time.monotonic() - began < 5
        other.join()
    assert others == [Ended.FINISHED]


def test_error_in_the_source_of_programs_comes_out() -> None:
    """What the caller's own iterator raises is the caller's to see."""

    def programs() -> Iterator[tuple[int, Program]]:
        yield 0, HONEST
        raise KeyError("from the caller")

    with Sandbox(workers=1) as sandbox, pytest.raises(KeyError, match="from the caller"):
        list(sandbox.run_many(programs()))


def test_run_alone_waits_for_the_others_and_keeps_them_out() -> None:
    """No other program of the sandbox overlaps one that runs alone."""
    with Sandbox(workers=2) as sandbox:
        nap = Program(units=("import time; time.sleep(0.2)",))
        beside = threading.Thread(target=sandbox.run, args=(nap,))
        beside.start()
        time.sleep(0.05)
        assert sandbox.run_alone(HONEST).proof
        assert sandbox._pool._free.qsize() == 2
        beside.join()


@pytest.mark.parametrize(
    ("method", "checks"), [(Sandbox.run, 0), (Sandbox.run_alone, 2)], ids=["run", "run_alone"]
)
def test_caller_who_waits_for_a_place_while_the_sandbox_closes_is_told_so(
    monkeypatch, method, checks
) -> None:
    """However late; one that holds a place and waits for another, too, and lets go of it."""
    sandbox = Sandbox(workers=2, isolation="process")
    pool, told, seen = sandbox._pool, [], iter(range(9))
    check = pool._check_open

    def slow_check() -> None:
        check()
        if next(seen) == checks:  # the next thing it does is to wait for a place
            waiting.set()
            while all(slot._housing for slot in pool.slots):
                time.sleep(0.005)
            time.sleep(0.05)

    def work() -> None:
        with pytest.raises(ValueError, match="not entered"):
            method(sandbox, HONEST)
        told.append(True)

    waiting, thread = threading.Event(), threading.Thread(target=work, daemon=True)
    with sandbox:
        monkeypatch.setattr(pool, "_check_open", slow_check)
        thread.start()
        waiting.wait()
        closing = threading.Thread(target=sandbox.close, daemon=True)
        closing.start()
        closing.join(5)
        thread.join(5)
        assert (told, closing.is_alive()) == ([True], False)


def test_sandbox_closed_while_a_program_runs_can_be_closed_and_entered_again() -> None:
    """The program is killed; the second time begins as the first."""
    sandbox = Sandbox(Limits(time_s=50), workers=2, isolation="process")
    for _ in range(2):
        with sandbox:
            sleeper = Program(units=("import time; time.sleep(40)",))
            thread = threading.Thread(target=sandbox.run, args=(sleeper,))
            thread.start()
            while not sandbox.forks:
                time.sleep(0.005)
            assert sandbox.run(HONEST).proof
            sandbox.close()
            thread.join(5)
            assert not thread.is_alive()
            sandbox.close()
        with pytest.raises(ValueError, match="not entered"):
            sandbox.run(HONEST)


def test_caller_who_waited_for_a_place_of_the_sandbox_as_it_was_gets_none_of_it_entered_again() -> None:
    """Or two would have the same place."""
    sandbox = Sandbox(workers=1, isolation="process")
    pool = sandbox._pool
    with sandbox, pool.slot():
        old = pool._free
        get, held = old.get, threading.Event()

        def late_get(**how: float) -> object:
            assert how or held.wait(5)  # the pool itself waits for a while only
            return get(**how)

        old.get = late_get  # type: ignore[method-assign]
        errors: list[BaseException | None] = []
        waiter = threading.Thread(target=lambda: errors.append(_error_of(sandbox)))
        waiter.start()
        time.sleep(0.1)
    with sandbox:
        held.set()
        waiter.join(5)
        assert [type(error) for error in errors] == [ValueError]
        assert pool._free.qsize() == 1


def _error_of(sandbox: Sandbox) -> BaseException | None:
    try:
        sandbox.run(HONEST)
    except BaseException as error:
        return error
    return None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_caller_that_is_killed_leaves_nothing(number) -> None:
    """Workers, programs with sessions of their own, and folders are gone soon after the caller."""
    caller = subprocess.Popen(
        [sys.executable, "-c", BUSY_CALLER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with caller:
        assert caller.stdout is not None
        *workers, folder = caller.stdout.readline().split()
        time.sleep(0.5)
        programs = [pid for worker in workers for pid in _children(worker)]
        assert len(programs) == 2
        caller.send_signal(number)
        assert caller.wait(20) == (130 if number == signal.SIGINT else -number)
    _wait_until_gone([*workers, *programs], Path(folder))


STARTING_CALLER = """
import os, sys
from codelm.sandbox import Sandbox
from codelm.sandbox._housing import Housing
wait = Housing._wait_until_ready
def say(self):
    print(self.process.pid, self._folder, flush=True)
    wait(self)
Housing._wait_until_ready = say
before = sorted(os.listdir("/proc/self/fd"))
try:
    with Sandbox(workers=1):
        pass
except KeyboardInterrupt:
    print("left:", set(os.listdir("/proc/self/fd")) - set(before))
"""


def test_interrupt_while_workers_start_leaves_nothing() -> None:
    """Not in a process that lives on, as a notebook's does."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTING_CALLER], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        worker, folder = caller.stdout.readline().split()
        caller.send_signal(signal.SIGINT)
        assert caller.stdout.readline() == "left: set()\n"
        assert caller.wait(20) == 0
    _wait_until_gone([worker], Path(folder))


def test_place_that_an_interrupt_took_from_its_thread_does_not_hold_up_the_end(monkeypatch) -> None:
    """Nobody gives it back; its worker is stopped all the same."""
    monkeypatch.setattr(_pool, "LET_GO_S", 0.2)
    with Sandbox(workers=2) as sandbox:
        lost = sandbox._pool._free.get()
        assert lost._housing is not None
        worker = str(lost._housing.process.pid)
        folder = Path(lost._housing._folder)
    _wait_until_gone([worker], folder)


def test_no_descriptor_is_lost_where_there_are_none_left() -> None:
    """Each number of free ones fails at another place; then all is as before, and the program can run."""
    program = Program(units=("print(input())",), script=True, stdin=b"x" * 10)
    with Sandbox(workers=1) as sandbox:
        before = _descriptors()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for free in range(9):
            resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) - 1 + free, hard))
            outcome = sandbox.run(program)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert outcome.proof or outcome.ended is Ended.LOST
            assert len(_descriptors()) == len(before)
        assert sandbox.run(program).proof


def test_sandbox_leaves_no_process_descriptor_or_folder_behind() -> None:
    """After the block everything is as before."""
    before = _descriptors()
    with Sandbox(workers=3) as sandbox:
        workers = [str(slot._housing.process.pid) for slot in sandbox._pool.slots if slot._housing]
        folder = Path(sandbox._pool.slots[0]._housing._folder)
        assert sandbox.run(HONEST).proof
    assert _descriptors() == before
    _wait_until_gone(workers, folder)


def _descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def _children(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _wait_until_gone(pids: list[str], folder: Path) -> None:
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids) or folder.exists():
        assert time.monotonic() < deadline, (pids, folder)
        time.sleep(0.02)
