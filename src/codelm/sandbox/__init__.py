"""Runs untrusted Python programs under limits and says what happened; knows nothing of benchmarks.

Tier `full` contains programs: one worker for each slot lives in namespaces of its own (pid, mount, network,
ipc, uts; a user namespace too where the caller is not root), in a small read-only root without /proc, with a
capped scratch file system, behind a system-call filter and Landlock, without capabilities; each program is a
fork of it. Not covered: bugs of the kernel, side channels, memory between two looks (polled each 0.05 s; no
cgroup yet). The host's libraries and the running interpreter's installed packages can be read. It is had by
doing: where one wall cannot be built nothing runs, and `auto` never falls back.

Tier `process`, only by name, keeps programs apart and guards the verdict against accidents, and is NOT
containment. Use it only for programs that may do, on this machine, what the user running it may do.

Covered in both: a fresh process, session, scratch folder, environment and set of descriptors per program;
limits of time, memory, processes, file size and output; everything a program starts is killed before the next
one; nothing that one program changes in its interpreter is seen by the next; ending by `sys.exit(0)`,
`os._exit(0)` or silence is never a success.

Not covered in tier `process`: files outside the scratch folder and the network are open to the program; it
may signal, trace or read other processes of the same user, the worker included; disk use is limited per file
only. In neither: memory and processes are polled every 0.05 s, so a fast program can pass those limits for a
moment; a program that means to forge its own success can, since it shares an interpreter with its tests.
"""

from codelm.sandbox._batch import CancelledError, Crew, Ticket, Work
from codelm.sandbox._housing import HASH_SEED
from codelm.sandbox._limits import TIME_SLACK, Limits
from codelm.sandbox._outcome import Clock, Command, Ended, Job, Outcome, Program
from codelm.sandbox._sandbox import Sandbox, usable_cpus
from codelm.sandbox._session import Session
from codelm.sandbox._tiers import ISOLATIONS, Layer, layers_of, probe, tier_of

__all__ = [
    "HASH_SEED",
    "ISOLATIONS",
    "TIME_SLACK",
    "CancelledError",
    "Clock",
    "Command",
    "Crew",
    "Ended",
    "Job",
    "Layer",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "Session",
    "Ticket",
    "Work",
    "layers_of",
    "probe",
    "tier_of",
    "usable_cpus",
]
