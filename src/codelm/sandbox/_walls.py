"""How a worker is started behind the walls of tier `full` or `landlock`, and what it must know of them."""

import ctypes
import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codelm.sandbox import _bubblewrap, _seccomp
from codelm.sandbox._interpreter import Interpreter
from codelm.sandbox._limits import Limits
from codelm.sandbox._root import import_paths, link_packages, root_plan

FULL, GVISOR, LANDLOCK, PROCESS = "full", "gvisor", "landlock", "process"
BOX = "/box"  # in tier full: the file system that holds the scratch folder
FIRST_UID, LAST_UID = 61184, 65519  # a range that no distribution gives to people or services
SYS_LANDLOCK_CREATE, LANDLOCK_VERSION = 444, 1
TRUNCATION_ABI = 3  # from which on Landlock guards it
CAP_KILL, CAP_SETGID, CAP_SETUID = 5, 6, 7
TO_CHANGE_USER = (CAP_KILL, CAP_SETGID, CAP_SETUID)  # to be somebody else, and to end what he runs

# -P, -s, -S: nothing of the user's folders, site or .pth files runs; -B: no bytecode is written. Not -I,
# which would make the interpreter ignore PYTHONHASHSEED; the environment is ours, so nothing else gets in.
INTERPRETER_FLAGS = ("-P", "-s", "-S", "-B")
LAUNCHER = Path(__file__).with_name("_launcher.py")

# Walls that can be left out, one at a time, to see what they hold; as root only.
LAYERS = {
    FULL: (
        *("pid", "root", "network", "ipc", "uts", "scratch cap"),
        *("seccomp", "landlock", "capabilities", "uid"),
    ),
    LANDLOCK: ("seccomp", "landlock", "capabilities", "uid"),
}


@dataclass(frozen=True, kw_only=True)
class Walls:
    """The walls around one worker."""

    tier: str  # FULL, LANDLOCK, or GVISOR, which `_gvisor` starts
    uid: int  # whom its programs run as, where we may choose
    bubblewrap: bool = False  # tier FULL: it makes the namespaces and the root
    without: frozenset[str] = frozenset()  # of LAYERS[tier]

    @property
    def own_user(self) -> bool:
        """Whether programs run as nobody else does."""
        return self.tier != LANDLOCK or (may_change_user() and "uid" not in self.without)

    def command(
        self,
        worker: Path,
        *,
        control: int,
        folder: str,
        limits: Limits,
        python: Interpreter,
        paths: Sequence[str] = (),
        cgroup: Sequence[str] = (),
    ) -> list[str]:
        """What to start; the worker's own configuration is to follow as the last argument.

        What is started keeps watch outside, and the worker is its only child.

        control: a descriptor that the worker keeps. folder: what `make_room` was given. paths: of the host,
        to be seen too. cgroup: files into which to write oneself first.
        """
        plan = root_plan(python, paths)
        launcher = [os.path.realpath(sys.executable), *INTERPRETER_FLAGS, str(LAUNCHER)]
        inside = [python.executable, *INTERPRETER_FLAGS]
        config: dict[str, object] = {
            "control": control,
            "cgroup": list(cgroup),
            "without": sorted(self.without),
            "namespaces": self.tier == FULL and not self.bubblewrap,
            "keeps": not self.bubblewrap,
            "remove": folder if self.tier == LANDLOCK else None,
            "uid": None,
            "keep_capabilities": TO_CHANGE_USER if self.tier == LANDLOCK and self.own_user else (),
            "filter": self._filter().hex(),
        }
        if self.tier == LANDLOCK:
            read = [*plan.binds, *plan.packages, *import_paths(python, folder), str(worker)]
            config["landlock"] = self._landlock(read, [f"{folder}/box/scratch"], [f"{folder}/box"])
            return [*launcher, json.dumps(config), *inside, str(worker)]
        config["landlock"] = self._landlock(["/"], [f"{BOX}/scratch"], [])
        if self.bubblewrap:
            files = {"/worker.py": worker, "/launcher.py": LAUNCHER}
            wrap = _bubblewrap.command(plan, files, box=BOX, scratch_bytes=limits.scratch_bytes)
            config["cgroup"] = []
            return [
                *_bubblewrap.entering(cgroup),
                *wrap,
                *inside,
                "/launcher.py",
                json.dumps(config),
                *inside,
                "/worker.py",
            ]
        config |= {
            "root": folder,
            "worker": str(worker),
            **plan._asdict(),
            "uid": self.uid,
            "scratch_bytes": limits.scratch_bytes,
            "scratch_inodes": limits.scratch_inodes,
        }
        return [*launcher, json.dumps(config), *inside, "/worker.py"]

    def make_room(self, folder: str, python: Interpreter) -> None:
        """Make what programs need in a folder of ours: links to packages, a scratch folder for them alone.

        Tier full has its own inside.
        """
        os.chmod(folder, 0o711)  # noqa: S103 - to pass through, for a user who may not look around
        if self.tier == LANDLOCK:
            link_packages(python, folder)
            os.mkdir(f"{folder}/box", 0o711)
            if not self.own_user:
                os.mkdir(f"{folder}/box/scratch", 0o700)
            else:
                os.mkdir(f"{folder}/box/scratch", 0o750)  # the worker, of our group, sees whether it is empty
                os.chown(f"{folder}/box/scratch", self.uid, os.getegid())

    def for_worker(self, folder: str, python: Interpreter) -> dict[str, object]:
        """What stands in the worker's configuration about its walls."""
        if self.tier != LANDLOCK:
            return {"folder": BOX, "import_paths": import_paths(python), "killing": "inside"}
        room: dict[str, object] = {"folder": f"{folder}/box", "import_paths": import_paths(python, folder)}
        if self.own_user:
            return {**room, "killing": "as_program", "program_uid": self.uid}
        code, places = _seccomp.last_filter(truncation=landlock_abi() < TRUNCATION_ABI)
        return {**room, "killing": "child", "last_filter": code.hex(), "last_filter_pid_at": places}

    def kill_leftovers(self) -> None:
        """Kill what a dead worker's programs left running; in tier full that died with it."""
        if self.tier == LANDLOCK and self.own_user:
            # As their user: all of them at one stroke, forks under way too, and nobody else.
            user = {"user": self.uid, "group": self.uid, "extra_groups": []}
            subprocess.run(["/bin/sh", "-c", "kill -9 -1"], check=False, cwd="/", env={}, **user)  # type: ignore[call-overload]

    def _filter(self) -> bytes:
        return _seccomp.filter_bytes(namespaces=self.tier == FULL, without_ipc="ipc" in self.without)

    def _landlock(self, read: list[str], write: list[str], names: list[str]) -> dict[str, object] | None:
        abi = landlock_abi()
        return {"abi": abi, "read": read, "write": write, "names": names} if abi else None


@functools.cache
def landlock_abi() -> int:
    """The version of Landlock that the kernel has; 0 when it has none, or none for us."""
    syscall = ctypes.CDLL(None).syscall
    return max(0, int(syscall(SYS_LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)))


@functools.cache
def may_change_user() -> bool:
    """Whether we are root, with the rights to run programs as somebody else and to end them."""
    if os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text()
    mask = int(status.partition("CapEff:")[2].split()[0], 16)
    return all(mask >> number & 1 for number in TO_CHANGE_USER)
