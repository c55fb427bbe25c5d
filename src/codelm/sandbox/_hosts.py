"""What kind of host this is, and the words and the command for a wall that cannot be had on it."""

import os
import platform
import sys
import tempfile
from pathlib import Path

from codelm.errors import MissingError
from codelm.sandbox._walls import FULL

_APPARMOR = (
    "AppArmor keeps user namespaces from ordinary users here: run as root, `sudo apt install bubblewrap` "
    "where AppArmor has a profile for it, or allow them to this Python: "
    "`printf 'abi <abi/4.0>,\\nprofile codelm-python {python} flags=(unconfined) {{ userns, }}\\n' "
    "| sudo tee /etc/apparmor.d/codelm-python && sudo apparmor_parser -r /etc/apparmor.d/codelm-python`"
)
_DOCKER = (
    "this is a container: start it with `--runtime=runsc`, or with `--security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined`"
)
_KUBERNETES = "this is a Kubernetes pod: give it a RuntimeClass of gVisor or Kata"
_ELSEWHERE = {
    "Darwin": "macOS has none of what it is built of; run codelm in a Linux container or virtual machine",
    "Windows": "use WSL2: `wsl --install`",
}


def not_linux() -> str | None:
    """Why there is no sandbox on this system at all, or None."""
    system = platform.system()
    if system == "Linux":
        return None
    return f"the sandbox needs Linux, this is {system}: {_ELSEWHERE.get(system, 'use a Linux machine')}"


def new_folder() -> str:
    """A fresh temporary folder of ours. Raises: MissingError where none can be made."""
    try:
        return tempfile.mkdtemp(prefix="codelm-")
    except OSError as error:
        where = tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - named
        raise MissingError(
            f"the sandbox can make no temporary folder in {where} ({error.strerror}): free some space there, "
            "or set TMPDIR to a folder that can be written"
        ) from error


def how_to_mend(tier: str, reason: str) -> str:
    """One line for a wall that could not be had: which, why as far as can be told, and what gets it."""
    refused = any(word in reason for word in ("namespace", "EPERM", "EACCES", "not permitted", "denied"))
    mend = _for_full() if tier == FULL and refused else None
    return f"isolation `{tier}` cannot be had here ({reason})" + (f"; {mend}" if mend else "")


def _for_full() -> str:
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return _KUBERNETES
    if _in_container():
        return _DOCKER
    if os.geteuid() == 0:
        return f"root may not make namespaces here; if {_DOCKER}"
    if _reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return _APPARMOR.format(python=os.path.realpath(sys.executable))
    for name in ("user.max_user_namespaces", "kernel.unprivileged_userns_clone"):
        if _reads(f"/proc/sys/{name.replace('.', '/')}") == "0":
            value = 10000 if name.startswith("user") else 1
            return f"user namespaces are off: run as root, or `sudo sysctl -w {name}={value}`"
    return "run as root, or where user namespaces are allowed"


def _in_container() -> bool:
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


def _reads(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
