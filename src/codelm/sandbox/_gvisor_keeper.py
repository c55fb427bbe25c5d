"""Starts `runsc`, outlives it, reaps all that it leaves and removes its bundle. Run by exec, never imported.

When the supervisor is killed the container ends by itself, and this is who cleans up behind it. gVisor leaves
the processes that held its programs' address spaces to the next reaper above; where process 1 of the host, in
a container for one, does not reap, they would stay as zombies for good.

Stands alone: standard library only; argv[1] is its configuration, argv[2:] the command.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

prctl = ctypes.CDLL(None).prctl


def main() -> None:
    config = json.loads(sys.argv[1])
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in config["cgroup"]:
        with open(name, "w") as stream:
            stream.write("0")
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)  # and all of its own children with it
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606
    os.close(0)  # the container's only
    status = reap_all()[pid]
    os.waitpid(os.posix_spawn("/bin/rm", ["rm", "-rf", "--", config["folder"]], {}), 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def reap_all() -> dict[int, int]:
    """Wait until no process below is left: each one's status."""
    statuses: dict[int, int] = {}
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return statuses
        statuses[pid] = status


if __name__ == "__main__":
    main()
