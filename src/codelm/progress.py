"""Progress of long work, on stderr: a live bar on a terminal, a line now and then in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOG_INTERVAL_S = 10.0


class Progress:
    """Counts finished units of one piece of work and shows rate, notes and time left."""

    def __init__(self, title: str, total: int, *, done: int = 0, unit: str = "") -> None:
        self.title, self.total, self.done, self.unit = title, total, done, unit
        self.note = ""
        self._first_done = done
        self._began = self._logged = time.monotonic()

    def advance(self, amount: int = 1, note: str | None = None) -> None:
        """Count `amount` more units; `note` (loss, passed so far) replaces the one shown."""
        self.done += amount
        if note is not None:
            self.note = note
        now = time.monotonic()
        if now - self._logged >= LOG_INTERVAL_S:
            self._logged = now
            self._show(self.line(now))

    def line(self, now: float) -> str:
        """The text shown at `now` (a `time.monotonic()` reading)."""
        elapsed = max(now - self._began, 1e-9)
        rate = (self.done - self._first_done) / elapsed
        left = f", {duration((self.total - self.done) / rate)} left" if rate > 0 else ""
        note = f", {self.note}" if self.note else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.title}: {self.done:,}/{self.total:,}{unit}, {_rate(rate)}/s{note}{left}"

    def _show(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class _LiveProgress(Progress):
    """The same, redrawn in place four times a second."""

    def advance(self, amount: int = 1, note: str | None = None) -> None:
        self.done += amount
        if note is not None:
            self.note = note
        now = time.monotonic()
        if now - self._logged >= 0.25 or self.done >= self.total:
            self._logged = now
            print(f"\r\x1b[2K{self.line(now)}", end="", file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: int, *, done: int = 0, unit: str = "") -> Iterator[Progress]:
    """Show the progress of one piece of work while the block runs.

    total: units in all; done: units finished by an earlier run; unit: their name ("samples", "tokens").
    """
    live = sys.stderr.isatty()
    shown = (_LiveProgress if live else Progress)(title, total, done=done, unit=unit)
    try:
        yield shown
    finally:
        if live:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def duration(seconds: float) -> str:
    """A length of time as a person says it: `8 s`, `2 min 05 s`, `3 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
