"""From what a model wrote to the completion that is judged: explicit steps, each a pure function."""

import re
from typing import Literal, NamedTuple

from codelm.problems.record import Problem

STOP_SEQUENCES = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # Codex paper, sec. 3.2

_STOP = re.compile("|".join(map(re.escape, STOP_SEQUENCES)))
# A fence opens with three or more backticks or tildes and a language; it closes with as many of the same.
_FENCE = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)(?:^ {0,3}(?P=fence)|\Z)", re.M | re.S
)


class Truncated(NamedTuple):
    """A completion up to its first stop sequence, and whether there was one."""

    text: str
    stop_reason: Literal["stop_sequence"] | None  # None when the text holds none


def truncate_at_stop(text: str) -> Truncated:
    r"""Cut a completion at the earliest of the paper's five stop sequences, which goes too (sec. 3.2).

    Each begins with a newline, so an indented `if` or a nested `def` goes on.

    >>> truncate_at_stop("    return 1\n\ndef g():")
    Truncated(text='    return 1\n', stop_reason='stop_sequence')
    """
    found = _STOP.search(text)
    return Truncated(text[: found.start()], "stop_sequence") if found else Truncated(text, None)


def take_fenced(problem: Problem, text: str, *, whole: bool = False) -> str:
    r"""The code of a chat model's answer: the first fenced block that defines the entry point, or the first.

    A block that defines it again stands below the prompt, whose imports and helpers it then has; any other
    follows the prompt as it is. Without a fence the text stays. whole: what is wanted is a whole program.

    >>> take_fenced(problem, "Here you are:\n```python\n    return 1\n```\nIt returns 1.")
    '    return 1\n'
    """
    blocks = [match["code"] for match in _FENCE.finditer(text)]
    if not blocks:
        return text
    name = re.escape(problem.entry_point)
    defines = re.compile(rf"^(?:async )?(?:def|class) {name}\b", re.M)
    again = next((block for block in blocks if name and defines.search(block)), None)
    if again is None:
        return blocks[0]
    return again if whole or problem.kind != "function" else f"    pass\n\n{again}"
