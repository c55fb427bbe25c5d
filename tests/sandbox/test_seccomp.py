"""The system-call filters, run over every number in an interpreter of their own, and by the kernel."""

import errno
import functools
import itertools
import os
import platform
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import absent

from codelm.sandbox import _seccomp, _syscalls

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
PID = 4711
MACHINES = sorted(_syscalls.NUMBERS)

# Arguments at and beside each border, high halves set too: the kernel does not look at them.
VALUES = (
    *(
        0,
        1,
        2,
        3,
        5,
        8,
        0x201,
        0x241,
        0x242,
        10,
        11,
        15,
        17,
        PID,
        PID + 1,
        1023,
        1024,
        1026,
        1030,
        1035,
        1036,
        1038,
        0x200,
        0x203,
        0x80001,
        0x80002,
        0x80805,
    ),
    *(0x10000, 0x20000, 0x3D0F00, 0x10000000, 0x40000011, 0x5401, 0x5412, 0x5413, 0x541B, 0x541C, 0x5421),
    *(0x1180, 0x2180, 0x6180, 0x8180, 0xC180),  # modes of a fifo, devices, a file, a socket
    *(0x5450, 0x5451, 0x8901, 0x8912, 0x40086602, 0x40086685, 0x401C5820),
    *(0xFFFFFFFF, 1 << 32, (1 << 32) + PID),
)
NAMESPACES = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x10000000 | 0x20000000 | 0x40000000


@functools.cache
def instructions(code: bytes) -> list[tuple[int, int, int, int]]:
    """A filter as operation, jump if true, jump if false, value."""
    return list(struct.iter_unpack("<HBBI", code))


def answer(code: bytes, machine: int, number: int, *arguments: int) -> int:
    """What a filter answers: classic BPF over struct seccomp_data, as far as filters use it."""
    data = struct.pack("<IIQ6Q", number, machine, 0, *arguments, *[0] * (6 - len(arguments)))
    program = instructions(code)
    place, word = 0, 0
    while True:
        operation, if_true, if_false, value = program[place]
        place += 1
        if operation == 0x20:
            (word,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            word &= value
        elif operation == 0x06:
            return value
        else:
            held = {0x15: word == value, 0x35: word >= value, 0x45: word & value != 0}[operation]
            place += if_true if held else if_false


def calls() -> Iterator[tuple[int, int]]:
    """Every pair of first two arguments that is tried with each number."""
    yield from itertools.product(VALUES, VALUES)


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    """Each machine that there are filters for."""
    return str(request.param)


def by_arguments(first: int, second: int, *, namespaces: bool) -> dict[str, bool]:
    """For each call that is refused by its arguments: whether these are allowed. The kernel's own types."""
    first, second = first & 0xFFFFFFFF, second & 0xFFFFFFFF
    allowed = dict.fromkeys(
        ("prlimit64", "sched_setparam", "sched_setscheduler", "sched_setattr"),
        first == 0,
    )
    allowed["clone"] = not first & NAMESPACES
    allowed["setpriority"] = (first, second) == (0, 0)
    allowed["socketpair"] = first == 1 and (namespaces or second % 16 in (1, 5))
    allowed["fcntl"] = second not in {1024, 1026, 8, 10, 15, 1036, 1038}
    harmless = {0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451}
    allowed["mknod"] = not second & 0x2000
    allowed["mknodat"] = not first & 0x2000  # which is its third argument here, too
    refused = {0x5412, 0x541C, 0x40086602, 0x401C5820}
    allowed["ioctl"] = second not in refused if namespaces else second in harmless
    return allowed


@pytest.mark.parametrize("namespaces", [True, False], ids=["namespaces", "bare"])
def test_filter_answers_as_the_table_says_for_every_call(machine, namespaces) -> None:
    """Each number up to past the newest, with each pair of arguments that matters."""
    code = _seccomp.filter_bytes(namespaces=namespaces, machine=machine)
    arch, numbers = _syscalls.AUDIT_ARCH[machine], _syscalls.NUMBERS[machine]
    names = {number: name for name, number in numbers.items()}
    denied = {name for row in _seccomp.DENIED.values() for name in row}
    looked_at = by_arguments(0, 0, namespaces=namespaces)
    assert not denied & set(looked_at)
    for number in range(_syscalls.NEWEST + 20):
        name = names.get(number, "")
        if name in looked_at:
            for first, second in calls():
                allowed = by_arguments(first, second, namespaces=namespaces)[name]
                assert answer(code, arch, number, first, second, first) == (ALLOW if allowed else EPERM), name
            continue
        expected = EPERM if name in denied else ALLOW
        if name == "clone3" or number > _syscalls.NEWEST:
            expected = ENOSYS
        for value in VALUES:
            assert answer(code, arch, number, value, value) == expected, (number, name)


@pytest.mark.parametrize("truncation", [False, True], ids=["abi3", "abi2"])
def test_last_filter_lets_a_program_reach_itself_alone(machine, truncation) -> None:
    """Signals to its own pid, threads and no processes, no change to a file that it may only read."""
    code, places = _seccomp.last_filter(truncation=truncation, machine=machine)
    for place in places:
        code = code[:place] + struct.pack("<I", PID) + code[place + 4 :]
    arch, numbers = _syscalls.AUDIT_ARCH[machine], _syscalls.NUMBERS[machine]
    names = {number: name for name, number in numbers.items()}
    refused = {"fork", "vfork", "tkill", "pidfd_open", "pidfd_send_signal", "chmod", "fchmod", "fchmodat"}
    refused |= {
        "fchmodat2",
        "chown",
        "fchown",
        "lchown",
        "fchownat",
        "utime",
        "utimes",
        "futimesat",
        "utimensat",
    }
    for number in range(_syscalls.NEWEST + 1):
        name = names.get(number, "")
        for first, second in calls() if name else zip(VALUES, VALUES, strict=True):
            allowed = name not in refused
            if name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
                allowed = first & 0xFFFFFFFF == PID
            elif name == "clone":
                allowed = bool(first & 0x10000)
            elif name == "prctl":
                allowed = first & 0xFFFFFFFF != 1
            elif truncation and name == "truncate":
                allowed = False
            elif truncation and name == "open":
                allowed = not second & 0x200 or second & 3 in (1, 2)
            elif truncation and name == "openat2":
                assert answer(code, arch, number, first, second) == ENOSYS
                continue
            assert answer(code, arch, number, first, second) == (ALLOW if allowed else EPERM), name


def test_last_filter_looks_at_the_flags_of_openat(machine) -> None:
    """They are its third argument."""
    code, _ = _seccomp.last_filter(truncation=True, machine=machine)
    arch, number = _syscalls.AUDIT_ARCH[machine], _syscalls.NUMBERS[machine]["openat"]
    for flags in VALUES:
        allowed = not flags & 0x200 or flags & 3 in (1, 2)
        assert answer(code, arch, number, 0x200, 0x200, flags) == (ALLOW if allowed else EPERM), flags


def test_filter_kills_another_architecture_and_refuses_x32(machine) -> None:
    """K8: their numbers mean other calls, or the same ones past the filter."""
    code = _seccomp.filter_bytes(machine=machine)
    arch = _syscalls.AUDIT_ARCH[machine]
    for other in (
        0x40000003,
        0x40000028,
        *(value for value in _syscalls.AUDIT_ARCH.values() if value != arch),
    ):
        assert answer(code, other, 0) == KILL
    for number in (0x40000000, 0x40000000 | 39, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        assert answer(code, arch, number) == EPERM


def test_filter_without_the_ipc_row_refuses_the_rest(machine) -> None:
    """One row can be left out, to show what it holds."""
    full, without = (
        _seccomp.filter_bytes(without_ipc=left_out, machine=machine) for left_out in (False, True)
    )
    arch, numbers = _syscalls.AUDIT_ARCH[machine], _syscalls.NUMBERS[machine]
    changed = {
        name
        for name, number in numbers.items()
        if answer(full, arch, number) != answer(without, arch, number)
    }
    assert changed == {name for name in numbers if re.fullmatch("(shm|sem|msg|mq_).*", name)}


HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


def test_numbers_are_those_of_the_kernels_headers(machine) -> None:
    """As far as the installed headers know them; from 424 on the same everywhere."""
    header = next((Path(path) for path in HEADERS[machine] if Path(path).exists()), None)
    if header is None:
        absent("the kernel's headers are not installed (linux-libc-dev)")
    lines = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    known = {name: int(number) for name, number in lines}
    numbers = _syscalls.NUMBERS[machine]
    assert {name: known.get(name, number) for name, number in numbers.items()} == numbers
    unknown = [name for name in numbers if name not in known]
    assert all(numbers[name] > max(known[name] for name in known if name != "syscalls") for name in unknown)


def test_name_that_no_machine_knows_is_a_bug_of_ours(machine) -> None:
    """A slip in a name would leave the call open in silence."""
    with pytest.raises(AssertionError, match="ptracee"):
        _seccomp._Code(machine).deny(["ptracee"])


def test_unknown_machine_is_refused_with_the_names() -> None:
    """One line that says what there is and what this is."""
    assert _seccomp.missing("x86_64") is None
    assert _seccomp.missing("riscv64") == (
        "the system-call filter is written for x86_64 and aarch64, this is riscv64"
    )


LOADED = """
import ctypes, os, signal, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def load(code):
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
assert libc.prctl(38, 1, 0, 0, 0) == 0
for code, places in {filters!r}:
    for place in places:
        code = code[:place] + struct.pack("<I", os.getpid()) + code[place + 4 :]
    load(code)
def refused(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments) == -1 and ctypes.get_errno() == 1
{body}
"""


@pytest.fixture
def loaded() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a source in a process that has loaded filters."""
    if _seccomp.missing():
        absent(str(_seccomp.missing()))

    def run(body: str, *filters: tuple[bytes, list[int]]) -> "subprocess.CompletedProcess[str]":
        script = LOADED.format(filters=filters, body=body)
        return subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)

    return run


def test_kernel_refuses_what_the_interpreter_says_it_will(loaded) -> None:
    """Each call that is refused whatever its arguments, in a real process, with arguments that do nothing."""
    numbers = _syscalls.NUMBERS[platform.machine()]
    denied = [numbers[name] for row in _seccomp.DENIED.values() for name in row if name in numbers]
    body = f"print([number for number in {denied} if not refused(number, -1, 0, 0, 0, 0, 0)])"
    ended = loaded(body, (_seccomp.filter_bytes(), []))
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_kernel_lets_a_program_under_both_filters_live_and_reach_nobody(loaded) -> None:
    """Threads, signals to itself, files and pairs of sockets work; processes and other pids do not."""
    body = (
        "import socket, tempfile, threading\n"
        "t = threading.Thread(target=int); t.start(); t.join()\n"
        "seen = []\n"
        "signal.signal(10, lambda *_: seen.append(1)); os.kill(os.getpid(), 10); signal.raise_signal(10)\n"
        "assert seen == [1, 1]\n"
        "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
        "with tempfile.TemporaryFile() as f: f.write(b'x'); assert not f.isatty()\n"
        "def fails(function, *arguments):\n"
        "    try: function(*arguments)\n"
        "    except PermissionError: return True\n"
        "import fcntl\n"
        f"for pid in ({os.getpid()}, 0, -1, 1): assert fails(os.kill, pid, 0), pid\n"
        "assert fails(os.fork) and fails(os.posix_spawn, '/bin/true', ['true'], {})\n"
        "assert fails(os.pidfd_open, os.getpid()) and fails(os.chmod, '.', 0o700) and fails(os.utime, '.')\n"
        "assert fails(fcntl.fcntl, 1, 8, os.getpid()) and fails(fcntl.fcntl, 1, 10, 9)\n"
        "assert fails(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "assert fails(os.open, '/dev/null', os.O_TRUNC) and fails(os.open, '/dev/null', os.O_TRUNC | 3)\n"
        "assert fails(os.truncate, '/dev/null', 0); open('/dev/null', 'w').close()\n"
        "assert fails(fcntl.ioctl, a, 0x8912, bytes(16)) and libc.prctl(1, 0) == -1\n"
        "os.abort()\n"
    )
    filters = (_seccomp.filter_bytes(namespaces=False), []), _seccomp.last_filter(truncation=True)
    ended = loaded(body, *filters)
    assert (ended.returncode, ended.stdout) == (-signal.SIGABRT, ""), ended.stderr


@pytest.mark.skipif(platform.machine() != "x86_64", reason="a call of 32-bit x86")
def test_kernel_kills_a_program_that_calls_by_int_0x80(loaded) -> None:
    """K8: `mov eax, 20; int 0x80; ret` is getpid of i386; the filter sees another architecture."""
    body = (
        "import mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))\n"
        "call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        "print(call() == os.getpid(), flush=True)\n"
    )
    if loaded(body).stdout != "True\n":
        absent("this kernel has no 32-bit calls")
    ended = loaded(body, (_seccomp.filter_bytes(), []))
    assert (ended.returncode, ended.stdout) == (-signal.SIGSYS, "")
