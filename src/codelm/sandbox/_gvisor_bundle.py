"""What tier `gvisor` gives `runsc`: an OCI bundle, which is a description and a root folder."""

import json
import os
from pathlib import Path
from typing import Any

from codelm.sandbox._gvisor_guard import PROC, SCRATCH
from codelm.sandbox._root import RootPlan, is_below

# Nothing is to be seen there: processes would list the guard's and the worker's files and memory maps.
COVERED = ("/proc", "/sys")
# Of process 1, which drops all but what it needs to kill and clean; no program has any.
CAPABILITIES = ("SYS_ADMIN", "SETPCAP", "DAC_READ_SEARCH", "KILL", "SETGID", "SETUID")


def write_bundle(
    folder: Path,
    root: RootPlan,
    *,
    files: dict[str, str],
    command: list[str],
    environment: dict[str, str],
    uid: int,
    scratch_bytes: int,
) -> None:
    """Write config.json and the root folder into an empty folder.

    files: path inside -> file of the host, read-only. command: of process 1. uid: owner of the scratch.
    """
    rootfs = folder / "rootfs"
    (rootfs / SCRATCH[1:]).mkdir(parents=True)
    (rootfs / os.path.dirname(PROC)[1:]).mkdir(mode=0o700)
    (rootfs / "etc").mkdir()
    (rootfs / "etc/passwd").write_text(f"sandbox:x:{uid}:{uid}::{SCRATCH}:/nonexistent\n")
    shown = [*root.binds, *root.packages]
    tmp = [] if any(is_below(path, ["/tmp"]) for path in shown) else [("/tmp", SCRATCH)]  # noqa: S108
    for path, target in [*root.links, *tmp]:
        link = rootfs / path[1:]
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    mounts = [_bind(path, path) for path in root.binds]
    mounts += [_tmpfs(path, "size=64k", "mode=0755", "ro") for path in root.hidden]
    mounts += [_bind(path, path) for path in root.packages]
    mounts += [_bind(path, source) for path, source in files.items()]
    mounts += [_tmpfs(path, "size=4k", "mode=0555", "ro") for path in COVERED]
    mounts += [{"destination": PROC, "type": "proc", "source": "proc"}]
    owner = ("mode=0700", f"uid={uid}", f"gid={uid}")
    mounts += [_tmpfs(SCRATCH, f"size={scratch_bytes}", *owner)]
    (folder / "config.json").write_text(json.dumps(_config(command, environment, mounts)))


def _config(command: list[str], environment: dict[str, str], mounts: list[dict[str, Any]]) -> dict[str, Any]:
    names = [f"CAP_{name}" for name in CAPABILITIES]
    return {
        "ociVersion": "1.0.2",
        "hostname": "sandbox",
        "root": {"path": "rootfs", "readonly": True},
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
        "process": {
            "args": command,
            "cwd": "/",
            "env": [f"{name}={value}" for name, value in environment.items()],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), names),
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_MSGQUEUE", "soft": 0, "hard": 0}],  # cannot be set from inside
        },
    }


def _bind(path: str, source: str) -> dict[str, Any]:
    return {
        "destination": path,
        "type": "bind",
        "source": source,
        "options": ["rbind", "ro", "nosuid", "nodev"],
    }


def _tmpfs(path: str, *options: str) -> dict[str, Any]:
    return {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": [*options, "nosuid", "nodev"]}
