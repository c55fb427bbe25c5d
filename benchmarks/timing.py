"""Timing one piece of work, for the benchmarks beside this file."""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class Timed(NamedTuple, Generic[Value]):
    """What a piece of work returned and took."""

    value: Value
    wall_s: float
    cpu_s: float  # processor time of this process, all threads together

    def speed(self, n_mb: float) -> str:
        """Megabytes per second, by the clock and per core, as two cells of a Markdown table."""
        return f"{n_mb / self.wall_s:.1f} | {n_mb / self.cpu_s:.1f}"


def timed(work: Callable[[], Value]) -> Timed[Value]:
    """Do the work once."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return Timed(value, time.perf_counter() - wall, time.process_time() - cpu)
