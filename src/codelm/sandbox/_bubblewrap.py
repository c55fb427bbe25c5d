"""Tier full where only `bwrap` may make user namespaces, since AppArmor has a profile for it and none for us.

It makes the namespaces and the root; the launcher, inside, does the rest, as it does in tier landlock: what
AppArmor leaves a process that bwrap starts needs no more. As tight as our own root but for two things: bwrap
cannot cap the scratch folder's count of files, and the user id inside is the caller's.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from codelm.sandbox._root import RootPlan, is_below

BWRAP = "/usr/bin/bwrap"
DEVICES = ("null", "zero", "full", "random", "urandom")
SCRATCH_LINKS = ("/tmp", "/dev/shm")  # noqa: S108 - of the new root
NAMESPACES = ("user", "pid", "net", "ipc", "uts")


def command(plan: RootPlan, files: dict[str, Path], *, box: str, scratch_bytes: int) -> list[str]:
    """What to put in front of a command that is to run as process 1 of a small root.

    files: more of the host that is shown, by their path inside. box: where the scratch file system is.
    """
    shown = [*plan.binds, *plan.hidden, *plan.packages]
    arguments = [BWRAP, *(f"--unshare-{name}" for name in NAMESPACES), "--hostname", "sandbox", "--as-pid-1"]
    arguments += _each("--ro-bind", ((path, path) for path in plan.binds))
    arguments += _each("--tmpfs", ((path,) for path in plan.hidden))
    arguments += _each("--ro-bind", ((path, path) for path in plan.packages))
    arguments += _each("--remount-ro", ((path,) for path in plan.hidden))
    arguments += _each("--ro-bind", ((str(path), inside) for inside, path in files.items()))
    arguments += _each("--dev-bind", ((f"/dev/{name}", f"/dev/{name}") for name in DEVICES))
    # An interpreter or package that lies under /tmp keeps its place.
    free = [path for path in SCRATCH_LINKS if not any(is_below(other, [path]) for other in shown)]
    links = [*plan.links, *((path, f"{box}/scratch") for path in free)]
    arguments += _each("--symlink", ((target, path) for path, target in links))
    arguments += ["--perms", "0700", "--size", str(scratch_bytes), "--tmpfs", box]
    arguments += ["--perms", "0700", "--dir", f"{box}/scratch"]
    return [*arguments, "--remount-ro", "/", "--chdir", "/", "--"]


def entering(cgroup: Sequence[str]) -> list[str]:
    """What to put in front of that, to write oneself into these files first."""
    if not cgroup:
        return []
    script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", *cgroup, "--"]


def is_installed() -> bool:
    """Whether there is one to try."""
    return os.access(BWRAP, os.X_OK)


def _each(option: str, values: Iterable[tuple[str, ...]]) -> list[str]:
    return [word for value in values for word in (option, *value)]
