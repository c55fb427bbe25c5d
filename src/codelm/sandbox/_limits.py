"""What a program may use, and how its time is counted."""

import resource
from dataclasses import asdict, dataclass
from typing import Any

MiB = 1 << 20
GiB = 1 << 30
HIGHEST = 1 << 50  # of what is counted

# A program may run this share past its limit before it is stopped, and one that ends within the same share
# of the limit, on either side, is `near_limit`: it must be run again alone before it counts.
TIME_SLACK = 0.15


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one program. A process limit holds for each of its processes, a program limit for all."""

    time_s: float = 3.0  # charged time of the program: wall time less waiting for a processor, seconds
    address_space_bytes: int = 4 * GiB  # per process (RLIMIT_AS); past it an allocation fails: MemoryError
    memory_bytes: int = 1 * GiB  # resident, per program, beyond what it was forked with; polled, then killed
    processes: int = 64  # per program; polled, then killed
    file_bytes: int = 64 * MiB  # per file (RLIMIT_FSIZE); past it a write fails: OSError, EFBIG
    scratch_bytes: int = 64 * MiB  # of the scratch folder where the tier caps it; past it: OSError, ENOSPC
    scratch_inodes: int = 4096  # files and folders in it; both as the sandbox has them, not a single program
    open_files: int = 256  # per process (RLIMIT_NOFILE); past it open() fails: OSError, EMFILE
    stack_bytes: int = 8 * MiB  # per process (RLIMIT_STACK); past it: SIGSEGV
    output_bytes: int = 64 * MiB  # stdout and stderr of the program together; past it: killed
    kept_output_bytes: int = (
        64 << 10
    )  # of a script's or command's stdout, and of its stderr; the rest is dropped
    message_chars: int = 2048  # of an exception's text, kept; the rest is cut off

    def __post_init__(self) -> None:
        if type(self.time_s) is bool or not 0.01 <= self.time_s <= 86_400:  # which NaN is not either
            raise ValueError(f"time_s must be 0.01 to 86400 seconds, got {self.time_s}")
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= HIGHEST:
                raise ValueError(f"{name} must be a whole number from {low} to 2**50, got {value}")
        if self.message_chars > 8192:  # four bytes each must fit into a frame
            raise ValueError(f"message_chars must be at most 8192, got {self.message_chars}")

    @property
    def stop_s(self) -> float:
        """Charged time at which a program is stopped; a time-out then is final."""
        return self.time_s * (1 + TIME_SLACK)

    @property
    def near_s(self) -> float:
        """Charged time from which the end of a program is too close to the limit to count at once."""
        return self.time_s * (1 - TIME_SLACK)

    @property
    def wall_guard_s(self) -> float:
        """Plain wall time at which any program is stopped, so that a run ends whatever the load."""
        return 20 * self.time_s + 10

    def rlimits(self, *, tasks: int | None) -> list[tuple[int, int]]:
        """Limits of each process, (RLIMIT_*, value). tasks: of its user, where it has one of its own."""
        # Seconds of CPU, each process: only in case the supervisor is gone and nobody else stops it.
        belt_s = int(self.wall_guard_s) + 1
        return [
            (resource.RLIMIT_AS, self.address_space_bytes),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, belt_s),
            (resource.RLIMIT_FSIZE, self.file_bytes),
            (resource.RLIMIT_MEMLOCK, 0),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_NOFILE, self.open_files),
            (resource.RLIMIT_STACK, self.stack_bytes),
            *([] if tasks is None else [(resource.RLIMIT_NPROC, tasks)]),
        ]

    def to_json(self) -> dict[str, Any]:
        """Every limit by name, for the header of a result."""
        return {**asdict(self), "stop_s": round(self.stop_s, 6), "wall_guard_s": self.wall_guard_s}


_LOWEST = {
    "address_space_bytes": 64 * MiB,  # the worker itself needs about 40
    "memory_bytes": 1 * MiB,
    "processes": 1,
    "file_bytes": 0,
    "scratch_bytes": 64 << 10,
    "scratch_inodes": 16,
    "open_files": 8,
    "stack_bytes": 1 * MiB,
    "output_bytes": 0,
    "kept_output_bytes": 0,
    "message_chars": 0,
}
