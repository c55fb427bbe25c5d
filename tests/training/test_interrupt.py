"""Signals around an update: delayed once, never swallowed, and left as they were found."""

import signal
import threading

import pytest

from codelm.training.interrupt import delayed_interrupts


def test_signal_waits_until_it_is_delivered() -> None:
    """Ctrl-C in the middle of an update only marks it; delivering raises KeyboardInterrupt."""
    before = signal.getsignal(signal.SIGINT)
    with delayed_interrupts() as interrupts:
        interrupts.deliver()
        assert not interrupts.pending
        signal.raise_signal(signal.SIGINT)
        assert interrupts.pending
        with pytest.raises(KeyboardInterrupt):
            interrupts.deliver()
    assert signal.getsignal(signal.SIGINT) is before


def test_second_signal_acts_at_once() -> None:
    """Who presses Ctrl-C twice does not want to wait for a save."""
    with delayed_interrupts():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ignored_signal_stays_ignored() -> None:
    """A run started in the background with Ctrl-C ignored is not stopped by it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with delayed_interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert not interrupts.pending
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_train_without_touching_signals() -> None:
    """Only the main thread may set handlers; training in another one works all the same."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with delayed_interrupts() as interrupts:
            seen.append((signal.getsignal(signal.SIGINT), interrupts.pending))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
