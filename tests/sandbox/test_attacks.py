"""Hostile and broken programs: how each ends, that it leaves nothing, and that the next one is not hurt."""

import os
import sys
import time
from pathlib import Path

import pytest

from codelm.sandbox import Clock, Ended, Program

FRAMES = "import sys\nf = sys._getframe()\nwhile 'job' not in f.f_locals: f = f.f_back\n"

ENDINGS = {
    # Ending early is never a success.
    "sys_exit_0": ("import sys; sys.exit(0)", Ended.RAISED),
    "os_exit_0": ("import os; os._exit(0)", Ended.EXITED),
    "os_exit_3": ("import os; os._exit(3)", Ended.EXITED),
    "exit_in_atexit": ("import atexit, os; atexit.register(os._exit, 0); raise SystemExit(0)", Ended.RAISED),
    "exec_true": ("import os; os.execv('/bin/true', ['true'])", Ended.EXITED),
    "kill_self": ("import os; os.kill(os.getpid(), 9)", Ended.SIGNALLED),
    "segfault": ("import ctypes; ctypes.string_at(0)", Ended.SIGNALLED),
    "abort": ("import os; os.abort()", Ended.SIGNALLED),
    "c_stack": (
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): return max(map(lambda x: f(), [0]))\nf()",
        Ended.SIGNALLED if sys.version_info < (3, 12) else Ended.RAISED,  # 3.12 guards its C stack
    ),
    "recursion": ("def f(): return f()\nf()", Ended.RAISED),
    # Exceptions that fight back.
    "str_raises": ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", Ended.RAISED),
    "str_exits": ("class E(Exception):\n    def __str__(self): raise SystemExit(0)\nraise E", Ended.RAISED),
    "str_loops": (
        "class E(Exception):\n    def __str__(self):\n        while 1: pass\nraise E",
        Ended.TIMED_OUT,
    ),
    "str_leaves": (
        "import os\nclass E(Exception):\n    def __str__(self): os._exit(0)\nraise E",
        Ended.EXITED,
    ),
    "huge_message": ("raise ValueError('A' * 2**26)", Ended.RAISED),
    "cause_cycle": (
        "a, b = ValueError(), ValueError(); a.__cause__ = b; b.__cause__ = a\nraise a",
        Ended.RAISED,
    ),
    "deep_traceback": (
        "import sys; sys.setrecursionlimit(100_000)\ndef f(n): return f(n - 1) if n else 1 / 0\nf(50_000)",
        Ended.RAISED,
    ),
    # Never ending.
    "spin": ("while True: pass", Ended.TIMED_OUT),
    "spin_in_c": ("sum(range(10**12))", Ended.TIMED_OUT),
    "sleep": ("import time; time.sleep(1e6)", Ended.TIMED_OUT),
    "swallow_all": (
        "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
        Ended.TIMED_OUT,
    ),
    "block_signals": (
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(60)",
        Ended.TIMED_OUT,
    ),
    "stop_self": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", Ended.TIMED_OUT),
    "busy_children": (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        while True: pass\n"
        "time.sleep(60)",
        Ended.TIMED_OUT,
    ),
    # Too much of something.
    "print_endlessly": ("while True: print('x' * 1000)", Ended.OUTPUT),
    "write_endlessly": ("import os\nwhile True: os.write(2, b'x' * 65536)", Ended.OUTPUT),
    "allocate_at_once": ("bytearray(10**12)", Ended.RAISED),
    "allocate_steadily": (
        "a = []\nwhile True: a.append(bytearray(10**6)); a[-1][::4096] = bytes(245)",
        Ended.MEMORY,
    ),
    "allocate_in_children": (
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0: break\n"
        "b = bytearray(60 * 2**20); b[::4096] = bytes(len(b[::4096])); time.sleep(60)",
        Ended.MEMORY,
    ),
    "fork_forty": (
        "import os, time\nfor _ in range(40):\n    if os.fork() == 0: break\ntime.sleep(60)",
        Ended.PROCESSES,
    ),
    "open_endlessly": ("a = []\nwhile True: a.append(open('/dev/null'))", Ended.RAISED),
    "file_too_large": ("f = open('f', 'wb'); f.truncate(10**9)", Ended.RAISED),
    # Descriptors.
    "close_all": ("import os; os.closerange(0, 1024)", Ended.EXITED),
    "read_stdin": ("import sys; assert sys.stdin.read() == ''", Ended.FINISHED),
    # Things left running do not hold up the verdict.
    "thread_left": (
        "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        Ended.FINISHED,
    ),
    "atexit_loop": ("import atexit\n@atexit.register\ndef _():\n    while True: pass", Ended.FINISHED),
    "del_loop": ("class A:\n    def __del__(self):\n        while True: pass\na = A()", Ended.FINISHED),
    "huge_source": ("x = 1\n" * 100_000, Ended.FINISHED),
    "hostile_scratch": (
        "import os\nfor _ in range(300): os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "open('f', 'w'); os.mkfifo('p'); os.symlink('/etc', 'l'); os.chmod('.', 0)",
        Ended.FINISHED,
    ),
    # Forgeries: anything but exactly one genuine frame.
    "constants_everywhere": (
        "import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'passed')\n    except OSError: pass\n"
        "os._exit(0)",
        Ended.EXITED,
    ),
    "zeros_everywhere": (
        "import os\nfor fd in range(3, 256):\n    try: os.write(fd, bytes(28))\n    except OSError: pass",
        Ended.EXITED,
    ),
    "flood_the_channel": ("import os\nwhile True: os.write(3, bytes(65536))", Ended.TIMED_OUT),
    "frame_then_more": (
        FRAMES + "import os\ng, n = f.f_globals, f.f_locals['job']['nonce']\n"
        "os.write(3, g['pack'](n, g['FINISHED'], 255, '', None) + b'x'); os._exit(0)",
        Ended.EXITED,
    ),
    "frame_then_status": (
        FRAMES + "import os\ng, n = f.f_globals, f.f_locals['job']['nonce']\n"
        "os.write(3, g['pack'](n, g['FINISHED'], 255, '', None)); os._exit(3)",
        Ended.EXITED,
    ),
    "frame_then_signal": (
        FRAMES + "import os\ng, n = f.f_globals, f.f_locals['job']['nonce']\n"
        "os.write(3, g['pack'](n, g['FINISHED'], 255, '', None)); os.kill(os.getpid(), 9)",
        Ended.SIGNALLED,
    ),
    "frame_of_a_program_never_started": (
        FRAMES + "import os\ng, n = f.f_globals, f.f_locals['job']['nonce']\n"
        "os.write(3, g['pack'](n, g['NOT_STARTED'], 255, 'OSError', 'no memory')); os._exit(0)",
        Ended.EXITED,
    ),
    "frame_twice": (
        FRAMES + "import os\ng, n = f.f_globals, f.f_locals['job']['nonce']\n"
        "os.write(3, g['pack'](n, g['FINISHED'], 255, '', None))",
        Ended.EXITED,
    ),
}
TAMPERED = {
    *("constants_everywhere", "zeros_everywhere"),
    *("frame_then_more", "frame_then_status", "frame_then_signal", "frame_twice"),
    "frame_of_a_program_never_started",
}
FAST = {"thread_left", "atexit_loop", "del_loop", "hostile_scratch", "read_stdin"}


@pytest.mark.parametrize("name", ENDINGS)
def test_hostile_program_ends_as_expected_and_leaves_nothing(sandbox, name) -> None:
    """The cause is right, the worker lives on without children, and the next honest program passes in it."""
    source, ended = ENDINGS[name]
    worker = _worker(sandbox)
    outcome = sandbox.run(Program(units=(source,)))
    assert outcome.ended is ended, outcome
    assert outcome.proof == (ended is Ended.FINISHED)
    assert outcome.tampered == (name in TAMPERED)
    assert outcome.message is None or len(outcome.message) <= 2048
    assert outcome.wall_s < (1.0 if name in FAST else 5.0)
    assert (_worker(sandbox), _children(worker)) == (worker, [])
    assert sandbox.run(Program(units=("import os\nassert os.listdir() == []\n",))).proof


def test_time_out_is_on_the_charged_clock_and_final(run) -> None:
    """A sleeping program is charged its sleep."""
    outcome = run("import time; time.sleep(60)")
    assert (outcome.ended, outcome.clock, outcome.settled) == (Ended.TIMED_OUT, Clock.CHARGED, True)
    assert outcome.charged_s >= 0.575


def test_nonce_of_a_program_never_started_is_gone_before_any_starts(run) -> None:
    """It would have a failure taken for the sandbox's own; the buffer that it came in is overwritten."""
    assert run(
        FRAMES + "while 'head' not in f.f_locals: f = f.f_back\nassert not any(f.f_locals['head'])"
    ).proof


def test_exception_without_a_text_keeps_its_type(run) -> None:
    """`__str__` raised: the type is reported, the text is None, which is not the empty text."""
    outcome = run("class E(Exception):\n    def __str__(self): raise ValueError\nraise E")
    assert (outcome.exception, outcome.message) == ("E", None)


def test_program_with_the_lowest_recursion_limit_still_gets_its_message_out(run) -> None:
    """The limit is put back before the exception is described."""
    source = (
        "import sys\n"
        "for n in range(1, 99):\n"
        "    try:\n"
        "        sys.setrecursionlimit(n)\n"
        "        break\n"
        "    except RecursionError:\n"
        "        pass\n"
        "raise ValueError(n)\n"
    )
    outcome = run(source)
    assert outcome.exception == "ValueError"
    assert outcome.message is not None
    assert outcome.message.isdigit()


def test_grandchild_that_holds_the_channel_does_not_delay_the_verdict(run) -> None:
    """The end of the first process decides, not the end of file on the channel."""
    outcome = run("import os, time\nif os.fork() == 0:\n    time.sleep(60)\n")
    assert (outcome.ended, outcome.leftover_processes) == (Ended.FINISHED, 1)
    assert outcome.wall_s < 0.5


def test_daemon_with_its_own_session_is_dead_when_the_verdict_is_out(run, tmp_path: Path) -> None:
    """Double fork and setsid do not take a process out of the worker's reach."""
    canary = tmp_path / "canary"
    outcome = run(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        time.sleep(0.5); open({str(canary)!r}, 'w').close()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert (outcome.ended, outcome.leftover_processes) == (Ended.FINISHED, 1)
    time.sleep(0.7)
    assert not canary.exists()


PLANT = """
import builtins, math, os, random, resource, signal, sys, tempfile
secret = b"zzq99" + b"secret"
open("planted", "w").close(); open(os.path.join(tempfile.gettempdir(), "planted"), "w").close()
math.pi = 3; builtins.len = lambda x: 42; sys.modules["json"] = None; sys.path.insert(0, "/planted")
os.environ["PLANTED"] = "1"; os.umask(0o777); sys.setrecursionlimit(77); random.seed(1)
signal.signal(signal.SIGTERM, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
os.nice(3); sys.planted = True; __builtins__["planted"] = 1
"""
LOOK = """
import json, math, os, re, resource, signal, sys
assert os.listdir() == [] and math.pi > 3.14 and len([]) == 0 and "/planted" not in sys.path
assert "PLANTED" not in os.environ and os.umask(0) == 0o022 and sys.getrecursionlimit() == 1000
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256
assert os.getpriority(os.PRIO_PROCESS, 0) == priority and not hasattr(sys, "planted")
assert "planted" not in __builtins__
needle = re.compile(rb"zzq9[9]secret")
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        if " rw" in line and "[v" not in line:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            memory.seek(start)
            try: data = memory.read(end - start)
            except OSError: continue
            assert not needle.search(data), line
"""


def test_nothing_that_one_program_plants_is_found_by_the_next(run) -> None:
    """Files, module patches, environment, umask, limits, signal handlers, priority, a string on the heap."""
    look = LOOK.replace("priority and", f"{os.getpriority(os.PRIO_PROCESS, 0)} and")
    assert run(look).proof
    assert run(PLANT).proof
    outcome = run(look)
    assert outcome.proof, outcome


def _worker(sandbox) -> int:
    return sandbox._pool.slots[0]._housing.process.pid


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
