"""A draft ends at the right token for the right reason, and counts the right tokens."""

import numpy as np
import pytest

from codelm.sampling.draft import Completion, Draft, Request

END = 0


def write(*pieces: bytes, max_tokens: int = 99, raw_end: bool = False) -> Completion | None:
    """Push one token per piece, token i costing 2^-i nats, until the draft ends; empty is the end of text."""
    request = Request(task_id="t", sample=0, prompt=(7, 8), max_tokens=max_tokens)
    draft = Draft(request, np.zeros(max_tokens))
    table = [b"", *pieces]
    for token, piece in enumerate(pieces, start=1):
        reason = draft.push(token, -(2.0**-token), piece=piece, ends=piece == b"")
        if reason is not None:
            return draft.finish(reason, table)
    return None


def test_stop_spanning_three_tokens_is_found_with_the_last() -> None:
    """`\\n`, `pr`, `int(` together stop, and none of them counts."""
    ended = write(b" return 1", b"\n", b"pr", b"int(", b"never")
    assert ended is not None
    assert (ended.text, ended.raw, ended.stop_reason) == (" return 1", " return 1\nprint(", "stop_sequence")
    assert ended.tokens == (1, 2, 3, 4)
    assert ended.logprobs == (-0.5,)


def test_token_across_the_cut_counts_whole() -> None:
    """A token that ends the completion and begins the stop sequence gave text, so it counts."""
    ended = write(b" x", b")\n\n", b"def g")
    assert ended is not None
    assert (ended.text, ended.n_tokens, ended.sum_logprob) == (" x)\n", 2, -0.75)
    assert ended.mean_logprob == -0.375


def test_end_of_text_ends_and_does_not_count() -> None:
    """The end-of-text token gives no text and no log-probability."""
    ended = write(b" x", b"")
    assert ended is not None
    assert (ended.text, ended.stop_reason, ended.logprobs, ended.tokens) == (
        " x",
        "end_of_text",
        (-0.5,),
        (1, 2),
    )


@pytest.mark.parametrize("piece", [b"", b"\nclass"])
def test_completion_that_ends_at_once_is_empty_and_has_no_mean(piece: bytes) -> None:
    """Nothing written: zero tokens, sum zero, mean undefined."""
    ended = write(piece)
    assert ended is not None
    assert (ended.text, ended.n_tokens, ended.sum_logprob, ended.mean_logprob) == ("", 0, 0.0, None)


def test_token_limit_ends_with_length_unless_a_stop_completes() -> None:
    """A stop sequence completed by the last allowed token is still a stop."""
    assert getattr(write(b"a", b"b", b"c", max_tokens=2), "stop_reason", None) == "length"
    assert getattr(write(b"a", b"\n", b"if", max_tokens=3), "stop_reason", None) == "stop_sequence"
    assert write(b"a", b"b", max_tokens=3) is None


def test_character_cut_between_tokens_is_whole_in_the_text() -> None:
    """Bytes are joined before they are decoded; an unfinished character at the end is U+FFFD."""
    snake = "\U0001f40d".encode()
    ended = write(snake[:1], snake[1:3], snake[3:], b"\n#")
    assert ended is not None
    assert (ended.text, ended.n_tokens) == ("\U0001f40d", 3)
    ended = write(b"x", snake[:2], max_tokens=2)
    assert ended is not None
    assert ended.text == "x\ufffd"
