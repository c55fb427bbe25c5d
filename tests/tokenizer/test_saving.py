"""The saving by runs of spaces, on texts small enough to count by hand."""

import math

import pytest

from codelm.tokenizer import MIN_VOCAB_SIZE, Tokenizer, train_tokenizer, whitespace_saving
from codelm.tokenizer.saving import without_space_runs

BYTES_AND_RUNS = train_tokenizer(["x"], vocab_size=MIN_VOCAB_SIZE)


@pytest.mark.parametrize(
    ("text", "with_runs", "without"),
    [
        ("x", 1, 1),
        ("        x", 3, 9),  # 7 spaces, then " " and "x": the splitting rule leaves a space to the word
        ("\n    x", 4, 6),
        ("    ", 1, 4),
        (" " * 60, 4, 60),  # 16, 16, 24, 4: pairs join by rank, as in Codex
    ],
)
def test_counts_of_a_tokenizer_that_knows_only_bytes_and_runs(
    text: str, with_runs: int, without: int
) -> None:
    """With bytes and runs alone the two counts can be counted by hand."""
    saving = whitespace_saving(BYTES_AND_RUNS, [text])
    assert saving == (with_runs, without, 1 - with_runs / without)


def test_no_text_saves_an_undefined_share() -> None:
    """Nothing divided by nothing is neither 0 nor 1."""
    assert math.isnan(whitespace_saving(BYTES_AND_RUNS, []).share_saved)


def test_tokenizer_without_runs_differs_only_where_two_spaces_meet(tokenizer: Tokenizer) -> None:
    """Text without two spaces in a row has the same pieces in both."""
    plain = without_space_runs(tokenizer)
    text = "def parse(self, name):\n\treturn self._name\n\n\n"
    assert [plain.decode_bytes([i]) for i in plain.encode(text)] == [
        tokenizer.decode_bytes([i]) for i in tokenizer.encode(text)
    ]
    assert not any("  " in plain.decode([index]) for index in range(plain.vocab_size))
