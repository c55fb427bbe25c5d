"""The attack catalogue: programs a sandbox must survive, and the host that must be as it was after each.

`attacks.toml` and `honest.toml` are the programs, each with the ends that are allowed; `run_catalogue` runs
them against a sandbox of this host, and compares processes, memory, mounts, files, IPC objects, descriptors
and the worker's own settings before and after. `python -m codelm.sandbox.catalogue` prints what it found and
needs nothing but the standard library; `codelm doctor --attack` prints it as a table.
"""

from codelm.sandbox.catalogue._invariants import INVARIANTS
from codelm.sandbox.catalogue._rows import Catalogue, Row, catalogue
from codelm.sandbox.catalogue._run import Attacker, RowResult, Verdict, run_catalogue

__all__ = [
    "INVARIANTS",
    "Attacker",
    "Catalogue",
    "Row",
    "RowResult",
    "Verdict",
    "catalogue",
    "run_catalogue",
]
