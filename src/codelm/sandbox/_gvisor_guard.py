"""Process 1 of a gVisor container: finishes its root, starts the worker, kills its programs. Never imported.

    guard, process 1 of the container       hears the supervisor on descriptor 0, a socket
     +- worker, process 1 of a pid namespace below it: reaps what its programs leave behind
         +- a program, as a user of its own, without capabilities

The supervisor sees none of these processes, so it tells the guard to kill; when it is gone the guard ends,
and gVisor ends the container with it. The worker cannot listen meanwhile: older gVisor knows no pidfd.

Stands alone: standard library only; argv[1] is its configuration, argv[2:] the worker's command.
"""

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import sys
import time
from typing import Any

NEWPID, MNT_DETACH = 0x20000000, 2
SYS_CAPSET, CAPABILITY_VERSION = {"x86_64": 126, "aarch64": 91}.get(os.uname().machine, 126), 0x20080522
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, SECCOMP_MODE_FILTER = 4, 22, 24, 2
LAST_CAPABILITY = 63
# Kept, for the worker: to look into the scratch folder, which is the program's, to kill, to be another user.
DAC_READ_SEARCH, KILL, SETGID, SETUID = 2, 5, 6, 7
KEPT = (DAC_READ_SEARCH, KILL, SETGID, SETUID)
SCRATCH = "/box/scratch"
DEVICES = ("null", "zero", "full", "random", "urandom")
PROC = "/guard/proc"  # in a folder that is closed to programs
KILL_PROGRAM, KILL_CALL, DONE = b"P", b"C", b"D"  # orders, and the answer
PASS_S = 0.002  # between two passes over the processes

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    config: dict[str, Any] = json.loads(sys.argv[1])
    orders = socket.socket(fileno=os.dup(0))
    control = socket.recv_fds(orders, 1, 1)[1][0]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    finish_root()
    call("pid namespace", libc.unshare, NEWPID)
    drop_capabilities()
    call("dumpable", libc.prctl, PR_SET_DUMPABLE, 0, 0, 0, 0)
    load_filter(bytes.fromhex(config["filter"]))
    worker = os.fork()
    if worker == 0:
        orders.close()
        os.dup2(control, config["control"])
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a new interpreter, with nothing of this one
    os.close(control)
    serve(orders, worker, config["uid"])


def serve(orders: socket.socket, worker: int, uid: int) -> None:
    """Kill what is told, and say so, until nobody tells any more. uid: whom programs run as."""
    while order := orders.recv(1):
        if order == KILL_CALL:
            kill_below(children(worker))
        elif not strike(uid):  # it is not that user yet
            kill(children(worker))
        with contextlib.suppress(OSError):
            orders.send(DONE)


def strike(uid: int) -> bool:
    """Kill all that runs as a user, by one call, since a fork bomb leaves no time for more; False for nobody.

    With its first process dead, the worker ends whatever else there is of a program.
    """
    os.setresuid(uid, uid, 0)  # so that neither the worker nor we ourselves are reached
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.setresuid(0, 0, 0)
    return True


def kill_below(roots: list[int]) -> None:
    """Kill every process below these until none is alive; each pass sees what was forked during the last."""
    while victims := below(roots):
        kill(victims)
        time.sleep(PASS_S)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """The living processes right below this one."""
    return [child for child, parent in parents().items() if parent == pid]


def below(roots: list[int]) -> list[int]:
    """The living processes below these."""
    found, of = list(roots), parents()
    for pid in found:  # it grows meanwhile
        found.extend(child for child, parent in of.items() if parent == pid)
    return found[len(roots) :]


def parents() -> dict[int, int]:
    """The parent of every living process in the container."""
    of = {}
    for name in filter(str.isdigit, os.listdir(PROC)):
        with contextlib.suppress(OSError), open(f"{PROC}/{name}/stat", "rb") as stream:
            state, parent = stream.read().rpartition(b")")[2].split()[:2]
            if state not in b"ZX":
                of[int(name)] = int(parent)
    return of


def finish_root() -> None:
    """Take away what gVisor has put there: a file system without a limit over our link /tmp, and in /dev
    terminals and network devices. The folder for shared memory is the scratch folder.
    """
    for mount in ("/tmp", "/dev/pts"):  # noqa: S108 - of the container
        if os.path.ismount(mount):
            call(f"umount {mount}", libc.umount2, mount.encode(), MNT_DETACH)
    os.chdir("/dev")
    for name in set(os.listdir()) - set(DEVICES):
        if os.path.isdir(name) and not os.path.islink(name):
            for inner in os.listdir(name):
                os.unlink(f"{name}/{inner}")
            os.rmdir(name)
        else:
            os.unlink(name)
    os.symlink(SCRATCH, "shm")
    os.chdir("/")


def drop_capabilities() -> None:
    for number in set(range(LAST_CAPABILITY + 1)) - set(KEPT):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # those that it does not know it refuses
    kept = sum(1 << number for number in KEPT)
    header = struct.pack("<Ii", CAPABILITY_VERSION, 0)
    call("capset", libc.syscall, SYS_CAPSET, header, struct.pack("<6I", kept, kept, 0, 0, 0, 0))


def load_filter(code: bytes) -> None:
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    call("seccomp", libc.prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def call(name: str, function: Any, *arguments: Any) -> None:
    """A call of libc that must succeed."""
    if int(function(*arguments)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, str(number)), name)


if __name__ == "__main__":
    main()
