"""Progress says what was done, how fast, and how long it will take."""

import pytest

from codelm.progress import Progress, duration, progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (11_400, "3 h 10 min"),
    ],
)
def test_duration_reads_as_a_person_says_it(seconds: float, text: str) -> None:
    """Seconds, minutes and hours, rounded once."""
    assert duration(seconds) == text


def test_line_shows_counts_rate_note_and_time_left() -> None:
    """Rates count only this run's work, not what an earlier one had finished."""
    shown = Progress("judging", 1000, done=500, unit="samples")
    shown.advance(100, note="60 passed")
    assert shown.line(shown._began + 10) == "judging: 600/1,000 samples, 10/s, 60 passed, 40 s left"


def test_line_shows_slow_rates_too() -> None:
    """Half a step per second is not 0/s."""
    shown = Progress("training", 100)
    shown.advance(5)
    assert "0.5/s" in shown.line(shown._began + 10)


def test_line_without_progress_promises_nothing() -> None:
    """No time left is claimed before anything was done."""
    shown = Progress("training", 100)
    assert shown.line(shown._began + 10) == "training: 0/100, 0/s"


def test_progress_writes_to_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for results."""
    with progress("x", 1) as shown:
        shown._logged -= 60
        shown.advance()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("x: 1/1")
