"""Workers that die: the next program runs, what was left behind is killed, and the cause is told apart."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support import absent

from codelm.errors import InfraError
from codelm.sandbox import Ended, Limits, Program, Sandbox, probe
from codelm.sandbox._housing import Housing, Plan
from codelm.sandbox._interpreter import interpreter
from codelm.sandbox._process_tree import kill_descendants
from codelm.sandbox._slot import Slot

HONEST = Program(units=("x = 1\n",))


@pytest.fixture
def own() -> Sandbox:
    """A sandbox that a test may break."""
    return Sandbox(Limits(time_s=0.5), workers=1, isolation="process")


def test_program_that_kills_its_worker_is_lost_with_the_signal(own, tmp_path: Path) -> None:
    """Said as it is: the worker died of this signal. What the program had started dies with it."""
    canary = tmp_path / "canary"
    source = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        f"    time.sleep(1); open({str(canary)!r}, 'w').close(); os._exit(0)\n"
        "os.kill(os.getppid(), 9); time.sleep(60)\n"
    )
    with own as sandbox:
        folder = sandbox._pool.slots[0]._housing._folder
        outcome = sandbox.run(Program(units=(source,)))
        assert (outcome.ended, outcome.signal, outcome.settled) == (Ended.LOST, signal.SIGKILL, False)
        assert not Path(folder).exists()
        assert sandbox.run(HONEST).proof
        time.sleep(1.2)
    assert not canary.exists()


def test_worker_that_dies_as_it_starts_costs_the_program_no_more_than_another_run(monkeypatch) -> None:
    """Between its word that it is ready and our look at it: the program is lost, to be run again."""
    wait = Housing._wait_until_ready

    def then_die(self):
        wait(self)
        kill_descendants(self.process.pid)

    if (reason := probe("full")) is not None:
        absent(reason)
    with Sandbox(workers=1, isolation="full") as sandbox:
        with monkeypatch.context() as patch:
            patch.setattr(Housing, "_wait_until_ready", then_die)
            _kill_worker(sandbox)
            assert sandbox.run(HONEST).ended is Ended.LOST
        assert sandbox.run(HONEST).proof


def test_worker_killed_between_programs_costs_nobody_a_verdict(own) -> None:
    """The next program finds a new worker."""
    with own as sandbox:
        for _ in range(3):
            _kill_worker(sandbox)
            assert sandbox.run(HONEST).proof


def test_worker_killed_while_a_program_runs_loses_only_that_one(own) -> None:
    """As the kernel's out-of-memory killer would do it."""
    source = "import os, time\nopen('/proc/self/oom_score_adj').close()\ntime.sleep(0.2)\n"
    with own as sandbox:
        many = sandbox.run_many((i, Program(units=(source,))) for i in range(3))
        worker = sandbox._pool.slots[0]._housing.process.pid
        first = next(many)
        assert first[1].ended is Ended.FINISHED
        os.kill(worker, signal.SIGKILL)
        endings = [outcome.ended for _, outcome in many]
    assert endings.count(Ended.FINISHED) >= 1
    assert set(endings) <= {Ended.FINISHED, Ended.LOST}


def test_program_that_stops_its_worker_times_out_and_the_slot_recovers(own) -> None:
    """SIGSTOP to the parent: the supervisor has its own clock and does not need the worker for it."""
    with own as sandbox:
        stop = Program(
            units=("import os, signal, time\nos.kill(os.getppid(), signal.SIGSTOP); time.sleep(60)\n",)
        )
        worker = sandbox._pool.slots[0]._housing.process.pid
        assert sandbox.run(stop).ended is Ended.TIMED_OUT
        assert sandbox.run(HONEST).proof
        assert sandbox._pool.slots[0]._housing.process.pid == worker  # woken up, not replaced


def test_interpreter_that_cannot_start_is_an_infra_error(monkeypatch, tmp_path: Path) -> None:
    """Entering the sandbox says what the interpreter said, and how to look into it."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    python = replace(interpreter(), executable=str(broken))
    monkeypatch.setattr("codelm.sandbox._sandbox.interpreter", lambda *_: python)
    with (
        pytest.raises(InfraError, match="did not start \\(no such luck\\)"),
        Sandbox(workers=2, isolation="process"),
    ):
        pass


def test_worker_that_cannot_be_replaced_loses_the_program_with_the_reason(own, monkeypatch) -> None:
    """No exception leaves `run` for a fault of the host: it is an outcome."""
    with own as sandbox:
        _kill_worker(sandbox)

        def refuse(self: Slot) -> None:
            raise OSError("no more processes")

        monkeypatch.setattr(Slot, "start", refuse)
        outcome = sandbox.run(HONEST)
    assert (outcome.ended, outcome.message, outcome.signal) == (Ended.LOST, "no more processes", None)


def test_program_that_enlarges_and_fills_its_output_pipe_keeps_its_own_end(own, monkeypatch) -> None:
    """A pipe that holds so much cannot be made small again: the worker goes, and the verdict is kept."""
    fill = "import fcntl, os\nfcntl.fcntl(1, 1031, 1 << 20)\nos.write(1, b'x' * (200 << 10))\n"
    with own as sandbox:
        worker = sandbox._pool.slots[0]._housing.process.pid
        with monkeypatch.context() as patch:
            patch.setattr(Housing, "drain", lambda *_: (0, b""))  # the supervisor comes too late to read it
            outcome = sandbox.run(Program(units=(fill,)))
        assert (outcome.ended, outcome.tampered) == (Ended.FINISHED, False)
        assert sandbox.run(HONEST).proof
        assert sandbox._pool.slots[0]._housing.process.pid != worker


def test_program_that_could_not_be_confined_is_lost_with_the_reason(own, monkeypatch) -> None:
    """What its process says before any of it has run is believed, and the worker lives on."""
    with own as sandbox:
        monkeypatch.setattr(Plan, "rlimits", lambda *_: [(9999, 1)])
        outcome = sandbox.run(replace(HONEST, limits=Limits(time_s=0.4)))
        assert (outcome.ended, outcome.exception, outcome.tampered) == (Ended.LOST, "ValueError", False)
        assert outcome.message == "invalid resource specified"
        assert sandbox.run(HONEST).proof


def _kill_worker(sandbox: Sandbox) -> None:
    """Kill the worker and wait until it is dead, but leave it to be reaped."""
    pid = sandbox._pool.slots[0]._housing.process.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
