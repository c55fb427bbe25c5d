"""Scripts, commands and sessions: what is kept, what builds on what, and what ends them."""

import os
import select
import shutil
import time
from collections.abc import Iterator

import pytest
from support import absent

from codelm.sandbox import Clock, Command, Ended, Limits, Program, Sandbox, Session, probe
from codelm.sandbox._exchange import Exchange
from codelm.sandbox._slot import Slot

MiB = 1 << 20
TIERS = ("process", "full", "gvisor")
COUNTER = """
import os
calls = 0
def answer(payload):
    global calls
    calls += 1
    match payload:
        case b"raise": raise KeyError("no")
        case b"exit": os._exit(7)
        case b"abort": os.abort()
        case b"loop":
            while True: pass
        case b"hold": held = bytearray(900 << 20); held[::4096] = b"x" * len(held[::4096])
        case b"print": print("x" * (3 << 20), flush=True)
        case b"hang up": os.close(3); import time; time.sleep(60)
        case b"forge": os.write(3, b"x" * 100)
        case b"text": return "not bytes"
    return b"%s %d" % (payload, calls)
"""


@pytest.fixture(scope="module", params=TIERS)
def box(request) -> Iterator[Sandbox]:
    """One worker, so that what comes next runs where the last one ran."""
    if (reason := probe(request.param)) is not None:
        absent(reason)
    limits = Limits(time_s=0.5, memory_bytes=200 * MiB, output_bytes=2 * MiB, kept_output_bytes=1000)
    with Sandbox(limits, workers=1, isolation=request.param) as sandbox:
        yield sandbox


@pytest.fixture
def session(box) -> Iterator[Session]:
    """A session whose end leaves an empty scratch folder."""
    with box.session() as entered:
        yield entered
    assert box.run(Program(units=("import os; assert os.listdir() == []",))).proof


def test_script_reads_its_input_and_what_it_prints_is_kept(box) -> None:
    """It runs as __main__; each stream apart, in bytes; a read past the end sees the end."""
    source = (
        "import sys\n"
        "if __name__ == '__main__':\n"
        "    print(input(), sys.stdin.read(), repr(sys.stdin.read()))\n"
        "    sys.stderr.write('ü')\n"
    )
    outcome = box.run(Program(units=(source,), script=True, stdin=b"one\ntwo"))
    assert (outcome.ended, outcome.stdout, outcome.stderr) == (
        Ended.FINISHED,
        b"one two ''\n",
        "ü".encode(),
    )


def test_script_without_input_sees_its_end(box) -> None:
    """EOFError, never what the supervisor could read."""
    outcome = box.run(Program(units=("input()",), script=True))
    assert (outcome.ended, outcome.exception) == (Ended.RAISED, "EOFError")


def test_script_input_larger_than_a_pipe_arrives_whole(box) -> None:
    """No program waits for a supervisor that waits for it."""
    source = "import sys; print(len(sys.stdin.buffer.read()))"
    assert box.run(Program(units=(source,), script=True, stdin=b"x" * 3_000_000)).stdout == b"3000000\n"


def test_script_that_exits_keeps_what_it_printed(box) -> None:
    """`sys.exit(0)` is how many scripts end; it proves nothing, and the output is there to be judged."""
    outcome = box.run(Program(units=("print('a'); raise SystemExit",), script=True))
    assert (outcome.ended, outcome.exception, outcome.stdout) == (Ended.RAISED, "SystemExit", b"a\n")


def test_output_past_what_is_kept_is_counted_and_dropped(box) -> None:
    """The first bytes stay; past the other limit the program is stopped."""
    outcome = box.run(Program(units=("print('x' * 5000)",), script=True))
    assert (outcome.ended, outcome.stdout, outcome.output_bytes) == (Ended.FINISHED, b"x" * 1000, 5001)
    outcome = box.run(Program(units=("while True: print('x' * 5000)",), script=True))
    assert (outcome.ended, outcome.stdout) == (Ended.OUTPUT, b"x" * 1000)


def test_script_cannot_write_into_its_input(box) -> None:
    """Descriptor 0 can be read only."""
    outcome = box.run(Program(units=("import os; os.write(0, b'x')",), script=True, stdin=b"y"))
    assert (outcome.ended, outcome.exception) == (Ended.RAISED, "OSError")


def test_program_has_limits_of_its_own(box) -> None:
    """Time, polled; and a process limit, which only that program has."""
    loop = Program(units=("while True: pass",), limits=Limits(time_s=0.1))
    outcome = box.run(loop)
    assert (outcome.ended, outcome.clock, outcome.charged_s < 0.4) == (Ended.TIMED_OUT, Clock.CHARGED, True)
    count = "import resource; assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == {}"
    assert box.run(Program(units=(count.format(32),), limits=Limits(open_files=32))).proof
    assert box.run(Program(units=(count.format(256),))).proof


def test_command_runs_with_files_and_input(box) -> None:
    """The interpreter as the command: files in sub-folders, standard input, both streams, its status."""
    source = b"import sys; print(open('in/data').read(), sys.stdin.read()); sys.exit('bad')"
    command = Command(
        argv=(box.python.executable, "-S", "main.py"), files={"main.py": source, "in/data": b"d"}, stdin=b"i"
    )
    outcome = box.run(command)
    assert (outcome.ended, outcome.exit_status, outcome.stdout, outcome.stderr) == (
        Ended.EXITED,
        1,
        b"d i\n",
        b"bad\n",
    )
    assert not outcome.proof


def test_command_that_does_not_exist_raises(box) -> None:
    """As `open` would say it."""
    outcome = box.run(Command(argv=("no-such-command",)))
    assert (outcome.ended, outcome.exception) == (Ended.RAISED, "FileNotFoundError")


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", ""])
def test_file_outside_the_scratch_folder_is_refused_at_once(name) -> None:
    """A programming error of the caller."""
    with pytest.raises(ValueError, match="inside the scratch folder"):
        Command(argv=("x",), files={name: b""})


def test_jobs_of_a_session_share_the_scratch_folder(session) -> None:
    """Compile once, run many; each a fresh process."""
    assert session.run(Program(units=("open('made', 'w').write('here')",))).proof
    for _ in range(3):
        assert session.run(Program(units=("print(open('made').read())",), script=True)).stdout == b"here\n"


@pytest.mark.parametrize("tier", TIERS)
def test_compiler_runs_once_and_what_it_made_many_times(tier) -> None:
    """A C program: compiled with the host's compiler, shown by `paths`; run with an input each time."""
    if (reason := probe(tier)) is not None:
        absent(reason)
    if shutil.which("gcc") is None:
        absent("gcc")
    source = (
        b'#include <stdio.h>\nint main() { int x; return scanf("%d", &x) != 1 || !printf("%d", 2 * x); }\n'
    )
    paths = [path for path in ("/bin", "/usr/bin", "/usr/include") if os.path.exists(path)]
    with Sandbox(workers=1, isolation=tier, paths=paths) as sandbox, sandbox.session() as session:
        compiled = session.run(
            Command(argv=("gcc", "main.c"), files={"main.c": source}, limits=Limits(time_s=30))
        )
        assert (compiled.ended, compiled.exit_status) == (Ended.EXITED, 0), compiled
        ran = [session.run(Command(argv=("./a.out",), stdin=b"%d" % number)) for number in (21, 0)]
        assert [outcome.stdout for outcome in ran] == [b"42", b"0"]


def test_process_left_by_a_job_of_a_session_is_dead_at_the_next(session) -> None:
    """Only files stay."""
    source = "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n"
    assert session.run(Program(units=(source,))).leftover_processes == 1


def test_loaded_program_keeps_its_state_between_calls(session) -> None:
    """A call in a process of its own changes nothing."""
    assert session.load(Program(units=(COUNTER,)), handler="answer").proof
    assert [session.call(b"a").reply, session.call(b"b", fork=True).reply, session.call(b"c").reply] == [
        b"a 1",
        b"b 2",
        b"c 2",
    ]


def test_handler_that_converses_replies_in_the_middle_of_its_work(session) -> None:
    """One run of the handler for three calls; the next one begins anew, and what it raises is its own."""
    source = (
        "def answer(said, converse):\n    heard = [said]\n    while heard[-1] != b'end':\n"
        "        heard.append(converse(b'%d' % len(heard)))\n"
        "    if len(heard) > 3: raise KeyError(len(heard))\n    return b' '.join(heard)\n"
    )
    session.load(Program(units=(source,)), handler="answer", converses=True)
    for _ in range(2):
        replies = [session.call(payload).reply for payload in (b"a", b"b", b"end")]
        assert replies == [b"1", b"2", b"a b end"]
    outcomes = [session.call(payload) for payload in (b"a", b"b", b"c", b"end")]
    assert [outcome.reply for outcome in outcomes[:3]] == [b"1", b"2", b"3"]
    assert (outcomes[3].ended, outcomes[3].message) == (Ended.RAISED, "4")


def test_exception_of_a_call_is_told_and_ends_nothing(session) -> None:
    """Its type and text; a reply that is not bytes is one, too."""
    session.load(Program(units=(COUNTER,)), handler="answer")
    outcome = session.call(b"raise")
    assert (outcome.ended, outcome.exception, outcome.message) == (Ended.RAISED, "KeyError", "'no'")
    assert session.call(b"text").exception == "TypeError"
    assert session.call(b"a").reply == b"a 3"


ENDS = {
    "exit": Ended.EXITED,
    "abort": Ended.SIGNALLED,
    "loop": Ended.TIMED_OUT,
    "hold": Ended.MEMORY,
    "print": Ended.OUTPUT,
}


@pytest.mark.parametrize("payload", ENDS)
def test_call_that_ends_badly_ends_the_loaded_program(session, payload) -> None:
    """Each for its own reason; another can be loaded in its place."""
    session.load(Program(units=(COUNTER,)), handler="answer")
    assert session.call(payload.encode()).ended is ENDS[payload]
    assert not session.is_loaded
    with pytest.raises(ValueError, match="no program is loaded"):
        session.call(b"a")
    session.load(Program(units=(COUNTER,)), handler="answer")
    assert session.call(b"a").reply == b"a 1"


@pytest.mark.parametrize("payload", ENDS)
def test_forked_call_that_ends_badly_leaves_the_loaded_program(session, payload) -> None:
    """The next call finds it as it was."""
    session.load(Program(units=(COUNTER,)), handler="answer")
    assert session.call(payload.encode(), fork=True).ended is ENDS[payload]
    assert session.call(b"a").reply == b"a 1"


def test_call_answered_with_anything_but_one_frame_is_no_reply(session) -> None:
    """Bytes of the program's own on the channel, or none at all."""
    session.load(Program(units=(COUNTER,)), handler="answer")
    outcome = session.call(b"forge")
    assert (outcome.reply, outcome.ended is Ended.FINISHED, session.is_loaded) == (None, False, False)
    session.load(Program(units=(COUNTER,)), handler="answer")
    outcome = session.call(b"hang up")
    assert (outcome.reply, outcome.ended is Ended.FINISHED, session.is_loaded) == (None, False, False)


NOISE = "import os, time\nos.write(3, bytes(28))\n"


@pytest.mark.parametrize(
    ("then", "ended"), [("time.sleep(60)", Ended.SIGNALLED), ("os._exit(0)", Ended.EXITED)]
)
def test_whole_frame_that_is_not_genuine_ends_the_program_soon_and_is_tampering(session, then, ended) -> None:
    """When it is loaded and in a call; nothing runs on outside its clock, and the sandbox is not to blame."""
    began = time.monotonic()
    outcome = session.load(Program(units=(NOISE + then,)), handler="answer")
    assert (outcome.ended, outcome.tampered) == (ended, True)
    in_call = f"import os, time\ndef answer(payload):\n    os.write(3, bytes(28))\n    {then}\n"
    session.load(Program(units=(in_call,)), handler="answer")
    outcome = session.call(b"a")
    assert (outcome.ended, outcome.tampered, session.is_loaded) == (ended, True, False)
    assert time.monotonic() - began < 3


FORGED_FAILURE = (
    "import os, sys, time\nf = sys._getframe()\nwhile 'job' not in f.f_locals: f = f.f_back\n"
    "g, n = f.f_globals, f.f_locals['job']['nonce']\n"
    "os.write(3, g['pack'](n, g['RAISED'], 0, 'E', ''))\n"
)


def test_program_that_says_it_failed_and_runs_on_is_stopped_by_its_clock(session) -> None:
    """The frame is genuine; between it and the end of an honest program may lie a while."""
    outcome = session.load(Program(units=(FORGED_FAILURE + "time.sleep(60)",)), handler="answer")
    assert (outcome.ended, outcome.clock) == (Ended.TIMED_OUT, Clock.CHARGED)
    outcome = session.load(Program(units=(FORGED_FAILURE + "time.sleep(0.1)",)), handler="answer")
    assert (outcome.ended, outcome.tampered) == (Ended.EXITED, True)  # its second frame is the worker's own


FORGED_LOADING = (
    "import os, sys\nf = sys._getframe()\nwhile 'job' not in f.f_locals: f = f.f_back\n"
    "g, n = f.f_globals, f.f_locals['job']['nonce']\n"
    "os.write(3, g['pack'](n, g['FINISHED'], g['NO_UNIT'], '', 'a note'))\nos._exit(0)\n"
)


def test_program_that_says_it_is_loaded_and_is_gone_is_tampering(session, monkeypatch) -> None:
    """The report of its end is there before its frame is read: nothing is loaded, so nothing finished."""
    step = Exchange.step

    def late_step(exchange: Exchange, *, listening: bool = False) -> bool:
        select.select([exchange._housing.control], [], [], 5.0)
        return step(exchange, listening=listening)

    with monkeypatch.context() as late:
        late.setattr(Exchange, "step", late_step)
        outcome = session.load(Program(units=(FORGED_LOADING,)), handler="answer")
    assert (outcome.ended, outcome.tampered, outcome.proof) == (Ended.EXITED, True, False)
    assert (outcome.message, outcome.exit_status, session.is_loaded) == (None, 0, False)


FORGED_END = """
import os, sys
def answer(text):
    f = sys._getframe()
    while "calls" not in f.f_locals: f = f.f_back
    g = f.f_globals
    os.write(3, g["pack"](f.f_locals["calls"].nonce, g["CALL_DIED"], 255, "", text.decode()))
    os._exit(0)
"""


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize("text", ["9" * 20, "9" * 5000, "65536", "-9", "²", ""], ids=lambda text: text[:20])
def test_call_that_forges_how_it_died_is_tampering(session, text, fork) -> None:
    """The loaded program knows the call's nonce; no number of its own is taken for a status."""
    session.load(Program(units=(FORGED_END,)), handler="answer")
    outcome = session.call(text.encode(), fork=fork)
    assert (outcome.ended, outcome.tampered) == (Ended.EXITED, True)


def test_call_in_the_loaded_programs_own_process_cannot_be_told_to_have_died(session) -> None:
    """It would have taken the program with it; a status is believed of a call in a fork only."""
    session.load(Program(units=(FORGED_END,)), handler="answer")
    outcome = session.call(b"9")
    assert (outcome.ended, outcome.signal, outcome.tampered) == (Ended.EXITED, None, True)


def test_large_call_and_reply_pass_both_ways(session) -> None:
    """Larger than any socket's buffer."""
    session.load(Program(units=("def double(x): return x * 2",)), handler="double")
    payload = bytes(range(256)) * 20_000
    assert session.call(payload).reply == payload * 2


def test_program_that_does_not_load_says_why(session) -> None:
    """An exception, a syntax error, a handler that is not there, a limit."""
    assert session.load(Program(units=("1 / 0",)), handler="f").exception == "ZeroDivisionError"
    assert session.load(Program(units=("def f(:",)), handler="f").compiling
    assert session.load(Program(units=("x = 1",)), handler="f").message == "name 'f' is not defined"
    loop = Program(units=("while True: pass",), limits=Limits(time_s=0.1))
    assert session.load(loop, handler="f").ended is Ended.TIMED_OUT
    assert not session.is_loaded


def test_time_of_earlier_calls_is_not_charged_to_later_ones(session) -> None:
    """Ten calls of a fifth of the limit each."""
    source = (
        "import time\ndef work(x):\n    end = time.perf_counter() + 0.1\n"
        "    while time.perf_counter() < end: pass\n    return x\n"
    )
    session.load(Program(units=(source,)), handler="work")
    assert [session.call(b"x").reply for _ in range(10)] == [b"x"] * 10


def test_loaded_program_is_charged_for_all_its_calls_but_not_for_the_time_between(session) -> None:
    """Twenty calls of a hundredth of a second each, as the program itself counts them, and a long pause."""
    source = (
        "import time\ndef work(x):\n    end = time.process_time() + 0.01\n"
        "    while time.process_time() < end: pass\n    return x\n"
    )
    session.load(Program(units=(source,)), handler="work")
    before = session.charged_s()
    for _ in range(20):
        session.call(b"x")
    after = session.charged_s()
    time.sleep(0.3)
    assert 0.19 <= after - before < 1.0
    assert session.charged_s() == pytest.approx(after, abs=0.05)


def test_calls_are_not_charged_for_a_supervisor_that_is_slow_to_read(session, monkeypatch) -> None:
    """A busy machine lets it wait, with tests that make a thousand calls for longer than any limit."""
    if session._slot.plan.tier == "gvisor":
        pytest.skip("programs have another clock there")
    listen = Slot._listen

    def late(self, running, **options):
        select.select([running.channel], [], [])  # it has answered
        time.sleep(0.1)
        return listen(self, running, **options)

    session.load(Program(units=(COUNTER,)), handler="answer")
    monkeypatch.setattr(Slot, "_listen", late)
    for _ in range(3):
        began = time.monotonic()
        outcome = session.call(b"x")
        assert outcome.wall_s <= time.monotonic() - began - 0.1


LIAR = """
import sys, time
frame = sys._getframe()
while "job" not in frame.f_locals:
    frame = frame.f_back
began = 0.0
frame.f_globals["Calls"].reply.__defaults__ = (lambda: began,)
def work(x):
    global began
    began = time.monotonic()
    end = time.process_time() + 0.2
    while time.process_time() < end: pass
    return x
"""


def test_program_that_lies_about_its_clock_is_charged_its_work(session) -> None:
    """It says that each call took no time."""
    if session._slot.plan.tier == "gvisor":
        pytest.skip("what it says is not heard there")
    session.load(Program(units=(LIAR,)), handler="work")
    for _ in range(3):
        session.call(b"x")
    assert session.charged_s() >= 0.6


GREEDY = "def answer(size):\n    return str(len(bytearray(int(size)))).encode()\n"


def test_call_has_the_memory_that_its_own_limits_say(session) -> None:
    """Twice the sandbox's 200 MiB, in one call."""
    session.load(Program(units=(GREEDY,)), handler="answer")
    size = 300 * MiB
    outcome = session.call(str(size).encode(), limits=Limits(memory_bytes=600 * MiB, time_s=5.0))
    assert outcome.reply == str(size).encode()


def test_call_may_have_less_memory_than_its_program_holds_already(box) -> None:
    """Then it is over the limit, or was not seen to be; and the next program has the usual limit again."""
    source = f"held = bytearray({300 * MiB})\ndef answer(x):\n    return x\n"
    loading = Program(units=(source,), limits=Limits(memory_bytes=600 * MiB, time_s=5.0))
    with box.session() as session:
        assert session.load(loading, handler="answer").proof
        assert session.call(b"x", limits=Limits(memory_bytes=100 * MiB)).ended in (
            Ended.FINISHED,
            Ended.MEMORY,
        )
    greedy = Program(units=(f"import time\nheld = bytearray({300 * MiB})\ntime.sleep(0.3)\n",))
    assert box.run(greedy).ended is Ended.MEMORY


def test_process_that_the_kernel_killed_in_one_call_is_not_the_next_ones(session) -> None:
    """A child that ran out of memory, of a call that went on and answered."""
    source = (
        "import os, time\n"
        "def answer(x):\n"
        "    if x == b'fork':\n"
        "        if os.fork() == 0:\n"
        "            held = bytearray(190 << 20)\n"
        "            held = [bytearray(8 << 20) for _ in range(20)]\n"
        "            os._exit(0)\n"
        "        os.wait()\n"
        "    else:\n"
        "        time.sleep(0.3)\n"
        "    return x\n"
    )
    session.load(Program(units=(source,)), handler="answer")
    session.call(b"fork", fork=True)
    if session.is_loaded:
        assert session.call(b"next", fork=True).reply == b"next"


def test_session_misused_is_a_programming_error(box) -> None:
    """Running while loaded, calling while not, using it when closed."""
    with box.session() as session:
        session.load(Program(units=(COUNTER,)), handler="answer")
        with pytest.raises(ValueError, match="unload it first"):
            session.run(Program(units=("x = 1",)))
        session.unload()
        assert session.run(Program(units=("x = 1",))).proof
    with pytest.raises(ValueError, match="closed"):
        session.run(Program(units=("x = 1",)))


STDIN = """
import fcntl, os
assert os.read(0, 1) == b"" and os.get_inheritable(0)
assert fcntl.fcntl(0, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_NONBLOCK | os.O_APPEND) == os.O_RDONLY
fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
"""


def test_program_without_input_has_an_empty_one_of_its_own(box) -> None:
    """It can be read only, what a program starts has it too, and what is done to it is gone with it."""
    for _ in range(2):
        outcome = box.run(Program(units=(STDIN,)))
        assert outcome.proof, outcome


FLAGS = """
import fcntl, os
for fd in (1, 2):
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
    try: fcntl.fcntl(fd, 1031, 4096)
    except OSError: pass
"""
PRINTS = "import sys\nfor _ in range(400): sys.stdout.write('x' * 1000)\nsys.stdout.flush()\n"


def test_program_that_changes_its_output_pipe_changes_it_for_no_other(box) -> None:
    """The pipe is the worker's: flags and size are put back, or the next one's print would fail."""
    for _ in range(3):
        assert box.run(Program(units=(FLAGS,))).proof
        outcome = box.run(Program(units=(PRINTS,)))
        assert outcome.proof, outcome


LEAVES_FLAGS = """
import fcntl, os
ready, told = os.pipe()
if os.fork() == 0:
    os.write(told, b".")
    while True:
        fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)
os.read(ready, 1)
"""


def test_process_that_is_left_changes_the_output_pipe_for_no_other(box) -> None:
    """It changes it until it is killed, so the pipe is put back after that."""
    for _ in range(5):
        assert box.run(Program(units=(LEAVES_FLAGS,))).leftover_processes == 1
        outcome = box.run(Program(units=("import os; assert os.get_blocking(1)",)))
        assert outcome.proof, outcome


def test_memory_that_a_killed_child_held_is_seen_while_its_parent_sleeps() -> None:
    """The kernel kills one process of a program; the program is stopped for memory, not for time."""
    source = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.write(1, b'.')\n"
        "    held = b'x' * (300 << 20)\n"
        "    time.sleep(30)\n"
        "time.sleep(30)\n"
    )
    with Sandbox(Limits(time_s=8.0, memory_bytes=64 * MiB), workers=1, isolation="process") as sandbox:
        assert sandbox.run(Program(units=(source,))).ended is Ended.MEMORY


def test_kernels_memory_kill_in_one_program_is_not_the_next_ones() -> None:
    """One is stopped after the kernel has killed some of it; the next dies by its own hand."""
    greedy = (
        "import os, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        held = b'x' * (300 << 20)\n"
        "        os._exit(0)\n"
        "time.sleep(30)\n"
    )
    suicide = Program(units=("import os; os.kill(os.getpid(), 9)",))
    with Sandbox(Limits(time_s=3.0, memory_bytes=64 * MiB), workers=1, isolation="process") as sandbox:
        for _ in range(3):
            sandbox.run(Program(units=(greedy,)))
            assert sandbox.run(suicide).ended is Ended.SIGNALLED
