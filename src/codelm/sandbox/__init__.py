"""Runs untrusted Python programs under limits and says what happened; knows nothing of benchmarks.

This is isolation tier `process`: it keeps programs apart and guards the verdict against accidents, and it is
NOT containment. Use it only for programs that may do, on this machine, what the user running it may do.

Covered: a fresh process, session, scratch folder, environment and set of descriptors per program; limits of
time, memory, processes, file size and output; everything a program starts is killed before the next one;
nothing that one program changes in its interpreter is seen by the next; ending by `sys.exit(0)`,
`os._exit(0)` or silence is never a success.

Not covered: files outside the scratch folder and the network are open to the program; it may signal, trace or
read other processes of the same user, the worker included; memory and processes are polled every 0.05 s, so
a fast program can pass those limits for a moment; disk use is limited per file only; a program that means to
forge its own success can, since it shares an interpreter with its tests.
"""

from codelm.sandbox._limits import TIME_SLACK, Limits
from codelm.sandbox._outcome import Clock, Ended, Outcome, Program
from codelm.sandbox._sandbox import Sandbox, usable_cpus
from codelm.sandbox._slot import HASH_SEED

TIER = "process"
LAYERS = (
    "fresh process, session, scratch folder, environment and descriptors",
    "rlimits: address space, core, CPU, file size, open files, locked memory, message queues, stack",
    "polled and killed by the supervisor: charged time, wall time, memory, processes, output",
    "all descendants killed and reaped before the verdict",
)

__all__ = [
    "HASH_SEED",
    "LAYERS",
    "TIER",
    "TIME_SLACK",
    "Clock",
    "Ended",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "usable_cpus",
]
