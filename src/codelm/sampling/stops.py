"""Where a completion ends: the paper's five stop sequences (Codex paper, sec. 3.2).

Each begins with a newline, so an indented `if` or a nested `def` goes on. They are looked for in what the
model wrote, never in the prompt, and the earliest wins. All are ASCII, so looking among bytes finds them
exactly where looking among characters does, even when tokens end in the middle of a character.
"""

import re
from typing import Literal, NamedTuple

STOP_SEQUENCES = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")

StopReason = Literal[
    "stop_sequence",  # the text went on to a stop sequence, where it was cut
    "end_of_text",  # the model ended the document
    "length",  # the token limit or the model's context was reached first
]

_IN_TEXT = re.compile("|".join(map(re.escape, STOP_SEQUENCES)))
_IN_BYTES = re.compile(b"|".join(re.escape(sequence.encode()) for sequence in STOP_SEQUENCES))
# Bytes of a stop sequence that may stand before the newest token.
_OVERLAP = max(map(len, STOP_SEQUENCES)) - 1


class Truncated(NamedTuple):
    """A completion up to its first stop sequence, and whether there was one."""

    text: str
    stop_reason: StopReason | None  # "stop_sequence", or None when the text holds none


def truncate_at_stop(text: str) -> Truncated:
    r"""Cut a completion at the earliest stop sequence, which goes too.

    >>> truncate_at_stop("    return 1\n\ndef g():")
    Truncated(text='    return 1\n', stop_reason='stop_sequence')
    """
    found = _IN_TEXT.search(text)
    return Truncated(text[: found.start()], "stop_sequence") if found else Truncated(text, None)


def find_new_stop(written: bytes | bytearray, n_new: int) -> int | None:
    """Where a stop sequence begins that the last `n_new` bytes completed, or None.

    To be asked after every token: sequences that were complete before are not looked for again.
    """
    found = _IN_BYTES.search(written, max(0, len(written) - n_new - _OVERLAP))
    return found.start() if found else None
