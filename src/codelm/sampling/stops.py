"""Where a completion ends, while it is drawn: the paper's five stop sequences (Codex paper, sec. 3.2).

They are looked for in what the model wrote, never in the prompt, and the earliest wins. All are ASCII, so
looking among bytes finds them exactly where looking among characters does, even when tokens end in the middle
of a character.
"""

import re
from typing import Literal

from codelm.problems import STOP_SEQUENCES

StopReason = Literal[
    "stop_sequence",  # the text went on to a stop sequence, where it was cut
    "end_of_text",  # the model ended the document
    "length",  # the token limit or the model's context was reached first
]

_IN_BYTES = re.compile(b"|".join(re.escape(sequence.encode()) for sequence in STOP_SEQUENCES))
# Bytes of a stop sequence that may stand before the newest token.
_OVERLAP = max(map(len, STOP_SEQUENCES)) - 1


def find_new_stop(written: bytes | bytearray, n_new: int) -> int | None:
    """Where a stop sequence begins that the last `n_new` bytes completed, or None.

    To be asked after every token: sequences that were complete before are not looked for again.
    """
    found = _IN_BYTES.search(written, max(0, len(written) - n_new - _OVERLAP))
    return found.start() if found else None
