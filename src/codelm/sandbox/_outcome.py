"""A program, and what was seen when it ran. What that means is for the caller to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from codelm.sandbox._limits import Limits


@dataclass(frozen=True, kw_only=True)
class Program:
    """Units of Python source, compiled apart, in order, before any is run, then run in one fresh namespace.

    A text under the name `__note__` at its end is told, and proves nothing.
    As in a bare `exec`, `__name__` is "builtins" there, so `if __name__ == "__main__"` blocks do not run;
    in a script it is "__main__", and what the script prints is kept.
    """

    units: tuple[str, ...]
    seed: int = 0  # `random.seed` of this value just before the first unit; 0 <= seed < 2**64
    script: bool = False
    stdin: bytes = b""  # of a script; without it, and for other programs, standard input is empty
    limits: Limits | None = None  # None: those of the sandbox

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 64:
            raise ValueError(f"seed must be in [0, 2**64), got {self.seed}")
        if not 1 <= len(self.units) <= 255:
            raise ValueError(f"a program has 1 to 255 units, got {len(self.units)}")
        if self.stdin and not self.script:
            raise ValueError("only a script has standard input")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command, run by exec in the scratch folder, a compiler or what it made for two; its output is kept.

    It ends as `EXITED` with its status, which proves nothing, or as `RAISED` where it cannot be run.
    """

    argv: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)  # written first: path in the scratch -> content
    stdin: bytes = b""
    limits: Limits | None = None  # None: those of the sandbox

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("a command has at least one word")
        for name in self.files:
            if not name or name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"a file's path must stay inside the scratch folder, got {name!r}")
        if "\0" in "".join((*self.argv, *self.files)):
            raise ValueError("a command's words and file names hold no NUL")


Job = Program | Command


class Ended(Enum):
    """How a program ended."""

    FINISHED = "finished"  # every unit ran to its end, and the proof of it arrived
    RAISED = "raised"  # an exception left a unit, or a unit did not compile
    EXITED = "exited"  # the process ended by itself without a word; never a success, whatever its status
    SIGNALLED = "signalled"  # died on a signal that we did not send
    TIMED_OUT = "timed_out"  # stopped by us, or ended past the limit: see `clock`
    MEMORY = "memory"  # stopped by us: the program's processes together held too much
    OUTPUT = "output"  # stopped by us: it printed too much
    PROCESSES = "processes"  # stopped by us: it had too many processes at once
    LOST = "lost"  # the worker died or broke under it; `signal` says how, where a signal did it


class Clock(Enum):
    """Which clock a program used up."""

    CHARGED = "charged"  # wall time less waiting for a processor; a time-out on it is final
    CPU = "cpu"  # processor time, where the kernel does not say how long a process waited for it
    WALL = "wall"  # the guard far out; says little under load, so the program must be run again alone


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was seen of one program."""

    ended: Ended
    exception: str | None = None  # name of the exception's type
    message: str | None = None  # its text, cut, where that can be had; of what FINISHED, its own __note__
    unit: int | None = None  # the unit whose code raised, innermost; or that did not compile
    compiling: bool = False  # the exception came from compiling, nothing was run
    exit_status: int | None = None  # of the program's first process, when it ended by itself
    signal: int | None = None  # that ended the program's first process, or for LOST, the worker
    clock: Clock | None = None
    cpu_s: float = 0.0  # user + system, of all its processes that were waited for
    wall_s: float = 0.0
    charged_s: float = 0.0  # what the time limit counts: see `TreeMeter.charged_s`
    peak_memory_bytes: int = 0  # resident, of its largest process
    output_bytes: int = 0  # printed, kept or not
    leftover_processes: int = 0  # still alive when its first process ended; killed before this was reported
    near_limit: bool = False  # ended too close to the time limit to count before it is run alone
    stdout: bytes = b""  # what a script or command printed, as much as `kept_output_bytes` of each
    stderr: bytes = b""
    reply: bytes | None = None  # of a call in a session
    tampered: bool = False  # the verdict pipe held anything but exactly one genuine frame

    @property
    def proof(self) -> bool:
        """Whether the program is proved to have run to its end: one genuine frame and a clean exit."""
        return self.ended is Ended.FINISHED and not self.tampered

    @property
    def settled(self) -> bool:
        """False when the program must be run again alone before its outcome counts."""
        return not (self.near_limit or self.clock is Clock.WALL or self.ended is Ended.LOST)
