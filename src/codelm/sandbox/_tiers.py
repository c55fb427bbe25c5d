"""The tiers of isolation: which can be had on this host, which one is meant, and what each holds."""

import functools
import os
import secrets
import shutil
import subprocess
import threading
from dataclasses import dataclass, replace

from codelm.errors import MissingError, UsageError
from codelm.sandbox import _bubblewrap, _gvisor, _hosts, _seccomp, _walls
from codelm.sandbox._cgroup import Cgroup
from codelm.sandbox._housing import WORKER
from codelm.sandbox._interpreter import Interpreter, interpreter, unreadable
from codelm.sandbox._limits import Limits
from codelm.sandbox._process_tree import missing_kernel_feature
from codelm.sandbox._walls import FULL, GVISOR, LANDLOCK, PROCESS, Walls

AUTO = "auto"
ISOLATIONS = (AUTO, FULL, GVISOR, LANDLOCK, PROCESS)  # what a user may ask for
CONTAINED = (FULL, GVISOR, LANDLOCK)  # what `auto` may mean, best first
PROBE_S = 30.0

# Runs where the worker would; where programs are to have a user of their own, as that user.
_TRY = """
import os, sys
try:
    if {uid} is not None:
        os.setgroups([]); os.setresgid({uid}, {uid}, {uid}); os.setresuid({uid}, {uid}, {uid})
    for path in os.__file__, sys.executable:
        open(path).close()
except OSError as error:
    raise SystemExit(f"missing: {{error.filename or 'a user'}}: {{error.strerror}} for programs' own user")
"""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One wall, and whether it stands on this host."""

    name: str
    holds: bool = True
    note: str = ""  # what is missing and what gets it; empty when it holds


_COMMON = (
    Layer(name="fresh process, session, scratch folder, environment and descriptors"),
    Layer(name="rlimits: address space, core, CPU, file size, open files, locked memory, queues, stack"),
    Layer(name="polled and killed by the supervisor: charged time, wall time, memory, processes, output"),
    Layer(name="all descendants killed and reaped before the verdict"),
)
_FULL = (
    Layer(name="namespaces: pid, mount, network, ipc, uts; user namespace where not root"),
    Layer(name="read-only root: interpreter, libraries, installed packages, five devices; no /proc"),
    Layer(name="scratch: a tmpfs, capped in bytes"),
    Layer(name="seccomp: deny-list with EPERM; another architecture is killed"),
    Layer(name="no capabilities, no_new_privs, not dumpable"),
    Layer(name="rlimit: processes and threads"),
)
_GVISOR = (
    Layer(name="system calls answered by gVisor's kernel, not the host's"),
    Layer(name="namespaces of gVisor: pid, mount, network without a route, ipc, uts"),
    Layer(name="read-only root: interpreter, libraries, installed packages, five devices; no /proc"),
    Layer(name="scratch: a tmpfs, capped in bytes; its files and folders count as memory"),
    Layer(name="seccomp inside: deny-list with EPERM"),
    Layer(name="a user id of its own, no capabilities, no_new_privs, not dumpable"),
    Layer(name="rlimit: processes and threads"),
)
_UNWRAPPED = (Layer(name="scratch: capped in files and folders"), Layer(name="a user id of its own"))
_WRAPPED = (
    Layer(name="scratch: capped in files and folders", holds=False, note="bubblewrap makes it, and cannot"),
    Layer(name="a user id of its own", holds=False, note="the caller's, in a user namespace by bubblewrap"),
)
_BARE = (
    Layer(
        name="namespaces",
        holds=False,
        note="which files, processes and addresses the host has can be found out, not what is in them",
    ),
    Layer(name="scratch: capped as a whole", holds=False, note="each file is"),
    Layer(name="seccomp: deny-list with EPERM; few requests to devices, no datagrams, no signals by files"),
)
_OWN_USER = (
    Layer(name="a user id of its own, no capabilities, no_new_privs, not dumpable"),
    Layer(name="rlimit: processes and threads"),
)
_SAME_USER = (
    Layer(name="seccomp: no process, no signal to others, no change to modes, owners and times of files"),
    Layer(name="a user id of its own", holds=False, note="only root can give one; `sudo` or a container can"),
)


def tier_of(isolation: str, python: Interpreter | None = None) -> str:
    """The tier that is meant: `auto` means the best that contains programs here; never `process`.

    Raises: UsageError for an unknown name; MissingError where `auto` finds none, with each one's reason.
    """
    if isolation not in ISOLATIONS:
        raise UsageError(f"isolation must be one of {', '.join(ISOLATIONS)}; found {isolation!r}")
    if isolation != AUTO:
        return isolation
    reasons = []
    for tier in CONTAINED:
        if (reason := probe(tier, python)) is None:
            return tier
        reasons.append(reason)
    raise MissingError(
        f"{'. '.join(dict.fromkeys(reasons))}. Or ask for `{PROCESS}`, for programs you would run yourself"
    )


def check_host(tier: str, python: Interpreter) -> None:
    """Raises: MissingError where a tier cannot be had."""
    if reason := probe(tier, python):
        raise MissingError(reason)


@functools.cache
def probe(tier: str, python: Interpreter | None = None) -> str | None:
    """Why a tier cannot be had here, or None: seen by building its walls and running Python in them, once."""
    if reason := _hosts.not_linux():
        return reason
    if missing := missing_kernel_feature():
        return f"the sandbox needs {missing}, which this kernel does not have"
    python = python or interpreter()
    if tier == PROCESS or needs_bubblewrap(tier, python):
        return None
    if tier == GVISOR:
        return _gvisor.missing(python, fresh_uids(1)[0])
    reason = _failure(Walls(tier=tier, uid=_walls.FIRST_UID), python)
    return None if reason is None else _hosts.how_to_mend(tier, reason)


def needs_bubblewrap(tier: str, python: Interpreter) -> bool:
    """Whether the tier can be had with its help only."""
    if tier != FULL or not _bubblewrap.is_installed():
        return False
    bare = Walls(tier=FULL, uid=_walls.FIRST_UID)
    return _failure(bare, python) is not None and _failure(replace(bare, bubblewrap=True), python) is None


@functools.cache
def _failure(walls: Walls, python: Interpreter) -> str | None:
    """Why a worker cannot be started within these walls, or None."""
    return _missing_in_kernel(walls) or _unreadable(walls, python) or _seen_to_fail(walls, python)


def _missing_in_kernel(walls: Walls) -> str | None:
    if reason := _seccomp.missing():
        return reason
    if walls.tier == LANDLOCK and not _walls.landlock_abi():
        return "there is no Landlock: Linux 5.13 or later has it, Docker before 23 hides it"
    return None


def _unreadable(walls: Walls, python: Interpreter) -> str | None:
    return unreadable(python, in_place=walls.tier == LANDLOCK) if walls.own_user else None


def _seen_to_fail(walls: Walls, python: Interpreter) -> str | None:
    """Build the walls around a Python that does nothing."""
    source = _TRY.format(uid=walls.uid if walls.tier == LANDLOCK and walls.own_user else None)
    folder = _hosts.new_folder()
    try:
        with open(os.devnull) as control:
            walls.make_room(folder, python)
            command = walls.command(
                WORKER, control=control.fileno(), folder=folder, limits=Limits(), python=python
            )
            ended = subprocess.run(
                [*command[:-1], "-c", source],
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=folder,
                env={},
                pass_fds=[control.fileno()],
                start_new_session=True,
                timeout=PROBE_S,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if ended.returncode == 0:
        return None
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return said[-1].removeprefix("missing: ") if said else f"ended with {ended.returncode}"


def layers_of(tier: str, python: Interpreter | None = None) -> tuple[Layer, ...]:
    """What holds in a tier on this host, and what of the better ones does not."""
    common = (*_COMMON, _control_group())
    if tier == PROCESS:
        return common
    if tier == GVISOR:
        return (*_GVISOR, *common)
    if tier == LANDLOCK:
        return (_landlock(), *_BARE, *(_OWN_USER if _walls.may_change_user() else _SAME_USER), *common)
    wrapped = needs_bubblewrap(tier, python or interpreter())
    return (*_FULL, *(_WRAPPED if wrapped else _UNWRAPPED), _landlock(), *common)


def has_control_group() -> bool:
    """Whether the kernel counts and bounds what a program holds; else that is looked at again and again."""
    if (group := Cgroup.create()) is None:
        return False
    group.remove()
    return True


def _control_group() -> Layer:
    name = "control group: memory, processes and threads of a program together"
    if has_control_group():
        return Layer(name=name)
    note = "polled instead; root has one, so has `systemd-run --user --scope COMMAND`"
    return Layer(name=name, holds=False, note=note)


def _landlock() -> Layer:
    abi = _walls.landlock_abi()
    if not abi:
        return Layer(name="Landlock", holds=False, note="the kernel has none; Linux 5.13 or later has")
    more = ", TCP" * (abi >= 4) + ", abstract sockets, signals" * (abi >= 6)
    return Layer(name=f"Landlock, ABI {abi}: files{more}")


class _Users:
    """The user ids that programs may have, one after another and round again, from a random one on.

    One count for a process, since all that runs as a program's user is killed at its end: sandboxes beside
    each other share none while they have fewer slots than there are ids. Those of other processes may.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._span = _walls.LAST_UID - _walls.FIRST_UID + 1
        self._next, self._taking = secrets.randbelow(self._span), threading.Lock()

    def take(self, count: int) -> list[int]:
        with self._taking:
            first, self._next = self._next, self._next + count
        return [_walls.FIRST_UID + (first + number) % self._span for number in range(count)]


_users = _Users()
os.register_at_fork(after_in_child=_users.begin)


def fresh_uids(count: int) -> list[int]:
    """User ids for the slots of one sandbox, no two alike, and none that this process has just given away."""
    return _users.take(count)
