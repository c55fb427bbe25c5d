"""Runs untrusted programs under limits and says what happened; knows nothing of benchmarks.

    with Sandbox(Limits(time_s=1.0)) as sandbox:
        outcome = sandbox.run(Program(units=("print(1 + 1)",), script=True))

Each program is a fork of a warm worker, which lives behind the walls of a tier:

    full       namespaces, a small read-only root, a capped scratch file system, a system-call filter,
               Landlock, no capabilities, a user id of its own; as root, or where users may make namespaces
    gvisor     a container whose system calls gVisor's kernel answers; needs `runsc`
    landlock   no namespaces, as inside Docker: Landlock, the filter, as root a user id of its own
    process    only by name; keeps programs apart, guards against accidents, and contains NOTHING

Covered in every tier: a fresh process, session, environment, set of descriptors and an empty scratch folder
per program; limits of time, memory, processes, file size and output; everything a program starts is dead
before the next begins; nothing that one program changes is seen by the next; ending by `sys.exit(0)`,
`os._exit(0)` or silence is never a success.

Covered in none: bugs of the kernel (in gvisor: of gVisor), side channels, and a program that means to forge
its own success while it shares an interpreter with its tests. What gets through in which tier, row by row:
`docs/isolation.md`; on this host: `codelm doctor --attack`.
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
