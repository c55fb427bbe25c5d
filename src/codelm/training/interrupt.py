"""Ctrl-C and SIGTERM wait for the end of an update: half an update cannot be saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Remembers a signal until it is asked for; a second one acts at once."""

    def __init__(self) -> None:
        usual = {number: signal.getsignal(number) for number in _SIGNALS}
        self._usual = {number: handler for number, handler in usual.items() if handler != signal.SIG_IGN}
        self._pending: int | None = None

    @property
    def pending(self) -> bool:
        """Whether a signal waits."""
        return self._pending is not None

    def deliver(self) -> None:
        """Let the waiting signal do what it would have done: raise KeyboardInterrupt, end the process."""
        if self._pending is not None:
            self._restore()
            signal.raise_signal(self._pending)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
        else:
            self.deliver()

    def _install(self) -> None:
        for number in self._usual:
            signal.signal(number, self._remember)

    def _restore(self) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, signal.SIG_DFL if usual is None else usual)


@contextmanager
def delayed_interrupts() -> Iterator[Interrupts]:
    """Delay signals inside the block. Outside the main thread, which alone gets them, nothing changes."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    interrupts._install()
    try:
        yield interrupts
    finally:
        interrupts._restore()
