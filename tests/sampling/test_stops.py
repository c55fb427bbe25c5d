"""Stop sequences: cut at the earliest, whatever tokens they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.problems import STOP_SEQUENCES, Truncated, truncate_at_stop
from codelm.sampling.stops import find_new_stop

PARTS = st.lists(st.sampled_from([*STOP_SEQUENCES, "\n", "é", "你", "c", "de", "f", " if", "# "]), max_size=8)


@pytest.mark.parametrize("sequence", STOP_SEQUENCES)
def test_truncate_at_each_sequence_drops_it_and_the_rest(sequence: str) -> None:
    """Each of the paper's five ends a completion."""
    assert truncate_at_stop(f"    return 1{sequence} x") == Truncated("    return 1", "stop_sequence")


@pytest.mark.parametrize(
    "text", ["", "    if x:\n        print(1)\n    def g(): pass", "return x # note", "class A"]
)
def test_truncate_without_newline_before_the_word_keeps_the_text(text: str) -> None:
    """An indented statement, a comment after code and a first line do not stop."""
    assert truncate_at_stop(text) == Truncated(text, None)


@given(PARTS)
def test_truncate_cuts_at_the_earliest_occurrence(parts: list[str]) -> None:
    """The cut is the least position at which any sequence is found."""
    text = "".join(parts)
    places = [text.find(sequence) for sequence in STOP_SEQUENCES if sequence in text]
    assert truncate_at_stop(text).text == text[: min(places, default=len(text))]


@given(PARTS, st.data())
def test_find_new_stop_over_any_pieces_agrees_with_the_whole(parts: list[str], data: st.DataObject) -> None:
    """Cut into any byte pieces, sequences are found when they complete, where the text has them."""
    text = "".join(parts)
    rest, written, found = text.encode(), bytearray(), None
    while rest and found is None:
        size = data.draw(st.integers(1, 4))
        piece, rest = rest[:size], rest[size:]
        written += piece
        found = find_new_stop(written, len(piece))
    expected = truncate_at_stop(text)
    assert (found is None) == (expected.stop_reason is None)
    assert written[:found].decode() == expected.text
