"""The tiers of isolation: which one is meant, and what each holds. Between `process` and `full` there is
nothing yet; `auto` never falls back, it refuses.
"""

import secrets
import sys
from dataclasses import dataclass

from codelm.errors import MissingError, UsageError
from codelm.sandbox import _walls
from codelm.sandbox._housing import Plan
from codelm.sandbox._interpreter import interpreter
from codelm.sandbox._limits import Limits
from codelm.sandbox._process_tree import missing_kernel_feature
from codelm.sandbox._slot import Slot

AUTO, FULL, GVISOR, PROCESS = "auto", "full", "gvisor", "process"
ISOLATIONS = (AUTO, FULL, GVISOR, PROCESS)  # what a user may ask for


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


def tier_of(isolation: str) -> str:
    """The tier that is meant: `auto` means `full`. Raises: UsageError."""
    if isolation not in ISOLATIONS:
        raise UsageError(f"isolation must be one of {', '.join(ISOLATIONS)}; found {isolation!r}")
    return FULL if isolation == AUTO else isolation


def layers_of(tier: str) -> tuple[Layer, ...]:
    """What holds in a tier on this host. All but Landlock must, or the tier is refused."""
    if tier == PROCESS:
        return _COMMON
    abi = _walls.landlock_abi()
    landlock = Layer(
        name=f"Landlock, ABI {abi}: files, TCP, abstract sockets, signals, as far as that ABI goes"
    )
    if not abi:
        landlock = Layer(name="Landlock", holds=False, note="the kernel has none; Linux 5.13 or later has")
    return (
        Layer(name="namespaces: pid, mount, network, ipc, uts, cgroup; user namespace where not root"),
        Layer(name="read-only root: interpreter, libraries, installed packages, five devices; no /proc"),
        Layer(name="scratch: a tmpfs, capped in bytes and inodes"),
        Layer(name="seccomp: deny-list with EPERM; another architecture is killed"),
        landlock,
        Layer(name="a user id of its own, no capabilities, no_new_privs, not dumpable"),
        Layer(name="rlimit: processes and threads"),
        *_COMMON,
    )


def check_host(tier: str) -> None:
    """Raises: MissingError for what can be told before anything is tried."""
    if sys.platform != "linux":
        raise MissingError(f"the sandbox needs Linux, this is {sys.platform}; use a Linux machine or WSL2")
    if missing := missing_kernel_feature():
        raise MissingError(f"the sandbox needs {missing}, which this kernel does not have")
    if tier == FULL and (missing := _walls.missing_for_full()):
        raise MissingError(_walls.how_to_mend(missing))


def probe(tier: str) -> str | None:
    """Why a tier cannot be had here, or None: found by starting a worker in it and stopping it."""
    slot = Slot(Plan(tier=tier, uid=fresh_uids(1)[0], limits=Limits(), prelude="", python=interpreter()))
    try:
        check_host(tier)
        slot.start()
    except (MissingError, OSError) as error:
        return str(error)
    slot.stop()
    return None


def fresh_uids(count: int) -> list[int]:
    """User ids for the slots of one sandbox, no two alike."""
    span = _walls.LAST_UID - _walls.FIRST_UID + 1
    first = secrets.randbelow(span)
    return [_walls.FIRST_UID + (first + number) % span for number in range(count)]
