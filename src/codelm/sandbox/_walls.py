"""What tier `full` puts into a worker's small root, and what it needs of the host."""

import ctypes
import os
import platform
from pathlib import Path

FIRST_UID, LAST_UID = 61184, 65519  # a range that no distribution gives to people or services
SYS_LANDLOCK_CREATE, LANDLOCK_VERSION = 444, 1


def landlock_abi() -> int:
    """The version of Landlock that the kernel has; 0 when it has none."""
    syscall = ctypes.CDLL(None).syscall
    return max(0, int(syscall(SYS_LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)))


def missing_for_full() -> str | None:
    """What this machine lacks before anything is tried, or None."""
    if platform.machine() != "x86_64":
        return f"the system-call filter is written for x86_64, this is {platform.machine()}"
    return None


def how_to_mend(reason: str) -> str:
    """The words for a wall that could not be had, and the command that gets it."""
    if _reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" and os.geteuid() != 0:
        mend = (
            "AppArmor keeps user namespaces from ordinary users here: run as root, or allow `userns` for "
            "this python in an AppArmor profile"
        )
    elif _reads("/proc/sys/user/max_user_namespaces") == "0" and os.geteuid() != 0:
        mend = "user namespaces are off: run as root, or `sysctl user.max_user_namespaces=10000`"
    elif os.geteuid() == 0:
        mend = (
            "if this is a container, start it with --runtime=runsc, or with a seccomp profile that allows "
            "unshare and mount"
        )
    else:
        mend = "run as root, or where user namespaces are allowed"
    return (
        f"isolation `full` cannot be had here ({reason}); {mend}; or, for programs you would run yourself, "
        "ask for `process` by name"
    )


def _reads(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
