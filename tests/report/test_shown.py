"""How numbers and model-written text are shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.experiments import Kind
from codelm.report._shown import shown, visible


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.0, "rate", "0%"),
        (1.0, "rate", "100%"),
        (0.9997, "rate", ">99.9%"),
        (0.0004, "rate", "<0.1%"),
        (1e-17, "rate", "<0.1%"),
        (0.312, "rate", "31.2%"),
        (0.0005, "rate", "0.1%"),
        (math.nan, "rate", "\N{EN DASH}"),
        (None, "number", "\N{EN DASH}"),
        (0, "count", "0"),
        (1234567, "count", "1,234,567"),
        (2.71828, "number", "2.718"),
        (-0.08072, "number", "\N{MINUS SIGN}0.08072"),
        (0.2, "number", "0.2"),
        (6e-4, "number", "0.0006"),
        (1e-9, "number", "1e\N{MINUS SIGN}09"),
        (12345.6, "number", "12,346"),
        (0.0, "number", "0"),
    ],
)
def test_shown_rounds_as_the_table_says(value: float | None, kind: Kind, text: str) -> None:
    """Each kind has one way of being shown, and undefined is a dash."""
    assert shown(value, kind) == text


@given(st.floats(0.0, 1.0))
def test_shown_rate_claims_none_or_all_only_when_exact(rate: float) -> None:
    """99.97% is not 100%."""
    text = shown(rate, "rate")
    assert (text == "0%") == (rate == 0.0)
    assert (text == "100%") == (rate == 1.0)
    assert text not in ("0.0%", "100.0%")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_shown_number_is_zero_only_when_exact(value: float) -> None:
    """A small loss or learning rate is not nothing."""
    assert (shown(value, "number").lstrip("\N{MINUS SIGN}") == "0") == (value == 0.0)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\tb\n", "a\tb\n"),
        ("é 漢 \N{SNOWMAN}", "é 漢 \N{SNOWMAN}"),
        ("\x00\x1b[31m\r", "\\x00\\x1b[31m\\x0d"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_visible_spells_out_what_cannot_be_seen(text: str, seen: str) -> None:
    """Control, bidirectional and surrogate characters of a program neither vanish nor act."""
    assert visible(text) == seen
