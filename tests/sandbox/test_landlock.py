"""Tier landlock, where a container or a setting forbids namespaces: as root and as an ordinary user.

Every program runs on a host that refuses namespaces and mounts, in the tier that `auto` finds there.
"""

import signal
from typing import Any

import pytest

from other_hosts import DOCKER, DOCKER_USER, Host

# Runs each source in one worker, with a file and a process of the supervisor's own user as what to attack.
SCRIPT = """
import atexit, json, os, socket, subprocess, sys, tempfile
from codelm.sandbox import Limits, Program, Sandbox
sources = {sources!r}
with tempfile.TemporaryDirectory() as place, open("/dev/null") as null:
    os.chmod(place, 0o755)
    tempfile.tempdir = place
    home = tempfile.mkdtemp()
    victim = os.path.join(home, "victim")
    with open(victim, "w") as stream:
        stream.write("precious")
    os.utime(victim, (1, 1))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind("\\0codelm-test-" + str(os.getpid()))
    listener.setblocking(False)
    beside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    beside.bind(os.path.join(home, "socket"))
    beside.setblocking(False)
    os.chmod(home, 0o755)
    os.chmod(beside.getsockname(), 0o777)
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    sleeper = subprocess.Popen(sleep, stdin=null, stdout=null, stderr=null)
    atexit.register(sleeper.kill)
    def state():
        with open(f"/proc/{{sleeper.pid}}/limits") as stream:
            limits = stream.read()
        fields = open(f"/proc/{{sleeper.pid}}/stat").read().rpartition(")")[2].split()
        return (sleeper.poll(), limits, fields[16], sorted(os.sched_getaffinity(sleeper.pid)),
                *os.stat(victim)[:6], os.stat(victim)[8], open(victim).read(), sorted(os.listdir(home)))
    def heard():
        for one in (listener, beside):
            try: return one.recv(99).decode()
            except BlockingIOError: pass
    before = state()
    names = dict(VICTIM=victim, PID=sleeper.pid, ABSTRACT=listener.getsockname().decode(), HOME=home,
                 SUPERVISOR=os.getpid(), SOCKET=beside.getsockname())
    outcomes = {{}}
    with Sandbox(Limits(time_s=2.0, processes=16), workers=1) as sandbox:
        worker = sandbox._pool.slots[0]._housing.pid
        for name, source in sources.items():
            head = "".join(f"{{key}} = {{value!r}}\\n" for key, value in names.items())
            outcome = sandbox.run(Program(units=(head + {head!r} + source,)))
            honest = sandbox.run(Program(units=("import os; assert os.listdir() == []",)))
            outcomes[name] = (outcome.ended.value, outcome.exception, outcome.message,
                              honest.proof, state() == before, heard())
        kept = sandbox._pool.slots[0]._housing.pid == worker
    sleeper.kill()
    sleeper.wait()
    user = sandbox._pool.slots[0].plan.uid
    owners = [os.stat(f"/proc/{{pid}}").st_uid for pid in os.listdir("/proc") if pid.isdigit()]
    with open(f"/proc/self/task/{{os.getpid()}}/children") as stream:
        children = stream.read().split()
    left = owners.count(user) + len(children), len(os.listdir(place)) - 1
print(json.dumps(dict(tier=sandbox.tier, kept=kept, outcomes=outcomes, left=left)))
"""
HEAD = (
    "import ctypes, fcntl, os, resource, signal, socket, sys, time\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def call(number, *arguments):\n"
    "    if libc.syscall(number, *arguments) < 0:\n"
    "        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))\n"
)
DENIED = "PermissionError"
# What a program tries and the exception that answers it; None: it runs to its end, and nothing has changed.
ATTACKS: dict[str, tuple[str, str | None]] = {
    "H1_shadow": ("open('/etc/shadow')", DENIED),
    "H1_passwd": ("open('/etc/passwd')", DENIED),
    "H1_list_root": ("os.listdir('/')", DENIED),
    "H1_file_of_our_user": ("open(VICTIM)", DENIED),
    "H1_by_descriptor_of_a_folder": ("os.open(HOME, os.O_RDONLY)", DENIED),
    "H1_by_path_descriptor": (
        "fd = os.open(HOME, os.O_PATH); os.open('victim', os.O_RDONLY, dir_fd=fd)",
        DENIED,
    ),
    "H1_exec_cat": ("os.execv('/bin/cat', ['cat', VICTIM])", DENIED),
    "H2_environment_of_the_supervisor": ("open(f'/proc/{SUPERVISOR}/environ')", DENIED),
    "H2_environment_of_the_worker": ("open(f'/proc/{os.getppid()}/environ')", DENIED),
    "H2_own_proc": ("open('/proc/self/maps')", DENIED),
    "H3_scratch_of_others": ("os.listdir('..')", DENIED),
    "H4_standard_library": ("open(os.path.dirname(os.__file__) + '/canary.py', 'w')", DENIED),
    "H4_worker": ("open(sys.argv[0] if os.path.exists(sys.argv[0]) else os.__file__, 'r+')", DENIED),
    "H5_temporary_folder": ("open('/tmp/canary', 'w')", DENIED),
    "H5_shared_memory": ("open('/dev/shm/canary', 'w')", DENIED),
    "H5_beside_the_scratch": ("open('../canary', 'w')", DENIED),
    "H7_link_out_of_the_scratch": ("os.symlink(VICTIM, 'link'); open('link')", DENIED),
    "H7_hard_link": ("os.link(VICTIM, 'link')", DENIED),
    "H7_rename_into_the_scratch": ("os.rename(VICTIM, 'mine')", DENIED),
    "H7_replace_the_scratch": ("os.rename('../scratch', '../other')", DENIED),
    "H8_device": ("os.mknod('device', 0o60600, 1)", DENIED),
    "H9_chroot": ("os.chroot('.')", DENIED),
    "H11_ptrace": ("call(101, 16, PID, 0, 0)", DENIED),
    "H11_memory": ("open(f'/proc/{PID}/mem', 'r+b')", DENIED),
    "H11_process_vm": ("call(310, PID, 0, 0, 0, 0, 0)", DENIED),
    "H12_kill": ("os.kill(PID, 9)", DENIED),
    "H12_kill_supervisor": ("os.kill(SUPERVISOR, 0)", DENIED),
    "H12_kill_worker": ("os.kill(os.getppid(), 9)", DENIED),
    "H12_tkill": ("call(200, PID, 9)", DENIED),
    "H12_queue": ("call(129, PID, 9, (ctypes.c_char * 128)())", DENIED),
    "H12_pidfd": ("call(424, os.pidfd_open(PID), 9, 0, 0)", DENIED),
    "H12_signal_by_pipe": (
        "r, w = os.pipe()\n"
        "fcntl.fcntl(r, 10, 9); fcntl.fcntl(r, fcntl.F_SETOWN, PID)\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC); os.write(w, b'x')",
        DENIED,
    ),
    "H12_signal_by_socket": (
        "a, b = socket.socketpair()\nfcntl.ioctl(a, 0x8901, PID.to_bytes(4, 'little'))",
        DENIED,
    ),
    "H13_limits": ("resource.prlimit(PID, resource.RLIMIT_NOFILE, (3, 3))", DENIED),
    "H13_priority": ("os.setpriority(os.PRIO_PROCESS, PID, 9)", DENIED),
    "H13_affinity": ("os.sched_setaffinity(PID, {0})", DENIED),
    "H13_scheduler": ("os.sched_setscheduler(PID, os.SCHED_IDLE, os.sched_param(0))", DENIED),
    "H13_disk_priority": ("call(251, 1, PID, 3 << 13)", DENIED),
    "H14_setuid": ("os.setuid(1)", DENIED),
    "H14_setuid_program": ("os.execv('/bin/su', ['su'])", DENIED),
    "H15_terminal": ("fcntl.ioctl(1, 0x5412, b'x')", DENIED),
    "H17_abstract_socket": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', ABSTRACT)",
        DENIED,
    ),
    "H17_named_socket": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)[0].sendto(b'x', SOCKET)",
        DENIED,
    ),
    "H17_unix_socket": ("socket.socket(socket.AF_UNIX)", DENIED),
    "H18_netlink": ("socket.socket(16, 3)", DENIED),
    "H18_vsock": ("socket.socket(40, 1)", DENIED),
    "H19_watch_files": ("call(294, 0)", DENIED),
    "H20_keyring": ("call(250, 0, -3, 0)", DENIED),
    "N1_tcp": ("socket.create_connection(('127.0.0.1', 1))", DENIED),
    "N2_names_of_interfaces": ("fcntl.ioctl(socket.socketpair()[0], 0x8912, bytes(16))", DENIED),
    "K1_io_uring": ("call(425, 1, 0)", DENIED),
    "K5_unshare": ("call(272, 0x10000000)", DENIED),
    "K9_open_by_handle": ("call(304, 0, 0, 0)", DENIED),
    "R7_memfd": ("call(319, 0, 0)", DENIED),
    "R10_sparse": ("open('x', 'wb').truncate(1 << 40)", "OSError"),
    "victim_truncate": ("os.truncate(VICTIM, 0)", DENIED),
    "victim_truncate_by_open": ("os.open(VICTIM, os.O_RDONLY | os.O_TRUNC)", DENIED),
    "victim_mode": ("os.chmod(VICTIM, 0)", DENIED),
    "victim_times": ("os.utime(VICTIM, (5, 5))", DENIED),
    "victim_owner": ("os.chown(VICTIM, os.getuid(), os.getgid())", DENIED),
    "victim_attributes": ("os.setxattr(VICTIM, 'user.x', b'y')", DENIED),
    "victim_unlink": ("os.unlink(VICTIM)", DENIED),
    "victim_folder": ("os.mkdir(HOME + '/new')", DENIED),
    "H12_everybody": ("os.kill(-1, 0)", None),
    "clear_death_signal": ("libc.prctl(1, 0)", None),
    "P1_daemon": ("if os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n", None),
    "H21_hostile_scratch": (
        "for _ in range(60): os.mkdir('d' * 200, 0o700); os.chdir('d' * 200)\n"
        "os.mkfifo('p'); os.symlink('/etc', 'l'); open('f', 'w').close()\n",
        None,
    ),
    "H16_descriptors": (
        "def is_open(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n"
        "assert [fd for fd in range(256) if is_open(fd)] == [0, 1, 2, 3]\n",
        None,
    ),
    "honest": (
        "import asyncio, decimal, json, re, sqlite3, tempfile, threading\n"
        "async def f(): return 3\n"
        "assert asyncio.run(f()) == 3\n"
        "t = threading.Thread(target=int); t.start(); t.join()\n"
        "with tempfile.TemporaryDirectory() as d, open(d + '/x', 'w') as s: s.write('x')\n"
        "db = sqlite3.connect('db'); db.execute('create table t (a)'); db.commit()\n"
        "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
        "os.kill(os.getpid(), 0); signal.raise_signal(0)\n"
        "assert open('/dev/null').read() == '' and open('/dev/urandom', 'rb').read(1)\n",
        None,
    ),
}
# With the supervisor's own user no process may be forked, nor everybody signalled; all else is the same.
AS_USER = {
    "H12_everybody": DENIED,
    "P1_daemon": DENIED,
    "H3_scratch_of_others": None,
    "H7_hard_link": "OSError",
}


@pytest.fixture(scope="module", params=[DOCKER, DOCKER_USER], ids=["root", "user"])
def host(request: pytest.FixtureRequest) -> Host:
    """A host without namespaces."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def seen(host: Host) -> dict[str, Any]:
    """What was seen there of all of them."""
    sources = {name: source for name, (source, _) in ATTACKS.items()}
    return dict(host.run(SCRIPT.format(sources=sources, head=HEAD)))


@pytest.mark.parametrize("name", ATTACKS)
def test_program_without_namespaces_is_refused_and_changes_nothing(host, seen, name) -> None:
    """The exception is right; the victim's file and process are as before; the next honest program passes."""
    expected = AS_USER.get(name, ATTACKS[name][1]) if host is DOCKER_USER else ATTACKS[name][1]
    ended, exception, message, next_passed, unchanged, heard = seen["outcomes"][name]
    assert (ended, exception) == ("raised" if expected else "finished", expected), message
    assert (next_passed, unchanged, heard) == (True, True, None)


def test_auto_lands_in_landlock_and_leaves_nothing(seen) -> None:
    """One worker for all of them; afterwards no process of a program's user, and no folder."""
    assert (seen["tier"], seen["kept"], seen["left"]) == ("landlock", True, [0, 0])


# A supervisor whose program runs on, with a daemon where it may fork.
SUPERVISOR = """
from codelm.sandbox import Limits, Program, Sandbox
source = {source!r}
with Sandbox(Limits(time_s=600), workers=1) as sandbox:
    slot = sandbox._pool.slots[0]
    print(slot._housing.pid, slot._housing.process.pid, slot.plan.uid, flush=True)
    sandbox.run(Program(units=(source,)))
"""
LASTING = (
    "import os, time\nif {forks} and os.fork() == 0: os.setsid()\nopen('x', 'w').close()\ntime.sleep(600)\n"
)
KILLED = """
import json, os, subprocess, sys, tempfile, time
with tempfile.TemporaryDirectory() as place:
    os.chmod(place, 0o755)
    command = [sys.executable, "-c", {supervisor!r}]
    environment = dict(os.environ, TMPDIR=place)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    worker, keeper, uid = map(int, process.stdout.readline().split())
    def alive():
        owners = {{}}
        for name in os.listdir("/proc"):
            try: owners[name] = os.stat("/proc/" + name).st_uid
            except OSError: pass
        return list(owners.values()).count(uid) + (str(worker) in owners) + (str(keeper) in owners)
    deadline = time.monotonic() + 20
    while not any("x" in files for _, _, files in os.walk(place)) and time.monotonic() < deadline:
        time.sleep(0.05)
    before = alive()
    process.send_signal({signal})
    process.wait()
    while (alive() or os.listdir(place)) and time.monotonic() < deadline:
        time.sleep(0.05)
    print(json.dumps([before, alive(), os.listdir(place)]))
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_supervisor_leaves_no_process_and_no_folder(host, sent) -> None:
    """A program is running, and a daemon of it; worker and keeper end them, and go."""
    own_user = host is DOCKER
    supervisor = SUPERVISOR.format(source=LASTING.format(forks=own_user))
    seen = host.run(KILLED.format(supervisor=supervisor, signal=int(sent)))
    assert seen == [4 if own_user else 2, 0, []]
