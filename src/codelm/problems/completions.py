"""From what a model wrote to the completion that is judged: explicit steps, each a pure function."""

import ast
import re
import warnings
from typing import Literal, NamedTuple

from codelm.problems.record import Problem

STOP_SEQUENCES = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # Codex paper, sec. 3.2

_STOP = re.compile("|".join(map(re.escape, STOP_SEQUENCES)))
# A fence opens with three or more backticks or tildes and perhaps a language, indented or not, and closes
# with as many of the same alone on a line.
_FENCE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+#-]*)[ \t]*(?:\{[^\n`]*\})?\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)",
    re.M | re.S,
)
_PYTHON = ("", "py", "python", "python3")
_DEFINITIONS = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign),
)
# In other languages: how a definition of the entry point looks, and lines of a prompt that it may rest on.
_HEADS = {
    "js": r"^[ \t]*(?:async\s+)?function\s*\*?\s*{name}\b|"
    r"^[ \t]*(?:const|let|var)\s+{name}\s*=(?!\s*require\b)",
    "cpp": r"^[\w:<>,&* \t]*[>&*\s]{name}\s*\([^;{{}}]*\)[^;{{}}]*\{{",
}
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_PREAMBLE = re.compile(r"^(?:#include\b|using\b).*\n", re.M)
_THOUGHT = "</think>"  # ends what a reasoning model says to itself, drafts included


class Code(NamedTuple):
    """What of a text is to be judged."""

    text: str
    whole: bool  # it is a whole program, which no prompt precedes


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


def take_fenced(problem: Problem, text: str, *, whole: bool = False) -> Code:
    r"""The code of a chat model's answer: of its fenced blocks the last that defines the entry point.

    Python: blocks before it that hold definitions alone, its helpers, go before it; below a prompt it stands
    as a second definition, so that it has the prompt's imports. Other languages: it is a whole program, after
    what the prompt includes and the helpers that it defines, unless the block does. Where no block defines
    the entry point, the last one follows the prompt as it is. What stands before `</think>` does not count.
    Without a fence the text stays.
    whole: what is wanted is a whole program.

    >>> take_fenced(problem, "Here you are:\n```python\n    return 1\n```\nIt returns 1.")
    Code(text='    return 1\n', whole=False)
    """
    blocks = _blocks(text.rpartition(_THOUGHT)[2], problem.language)
    if not blocks:
        return Code(text, whole)
    if problem.language == "python":
        return Code(_python(problem, blocks, whole=whole), whole)
    head = _head(problem.language, re.escape(problem.entry_point))
    defining = [block for block in blocks if problem.entry_point and head.search(block)]
    if whole or problem.kind != "function" or not defining:
        return Code((defining or blocks)[-1], whole)
    return Code(_above(problem, head, defining[-1]) + defining[-1], whole=True)


def _head(language: str, name: str) -> re.Pattern[str]:
    return re.compile(_HEADS[language].format(name=name), re.M)


def _above(problem: Problem, head: re.Pattern[str], block: str) -> str:
    """What of a prompt stands above a function that is given whole: no second definition of anything."""
    prompt = _COMMENT.sub("", problem.prompt)
    found = head.search(prompt)
    above = prompt[: found.start()].lstrip() if found else ""
    if _names(problem.language, above) & _names(problem.language, block):
        return "".join(_PREAMBLE.findall(above))
    return above


def _names(language: str, code: str) -> set[str]:
    """Of the functions that are defined there."""
    found = _head(language, r"(\w+)").finditer(code)
    return {name for match in found for name in match.groups() if name}


def _python(problem: Problem, blocks: list[str], *, whole: bool) -> str:
    name = re.escape(problem.entry_point)
    defines = re.compile(rf"^(?:async )?(?:def|class) {name}\b", re.M)
    chosen = [number for number, block in enumerate(blocks) if name and defines.search(block)]
    if not chosen:
        return blocks[-1]
    helpers = [block for block in blocks[: chosen[-1]] if not defines.search(block) and _defines_only(block)]
    again = "\n".join((*helpers, blocks[chosen[-1]]))
    return again if whole or problem.kind != "function" else f"    pass\n\n{again}"


def _blocks(text: str, language: str) -> list[str]:
    """The code of each fence, without the fence's own indentation; in a Python answer only Python's."""
    return [
        re.sub(rf"^{match['indent']}", "", match["code"], flags=re.M)
        for match in _FENCE.finditer(text)
        if language != "python" or match["language"].lower() in _PYTHON
    ]


def _defines_only(block: str) -> bool:
    """Whether a block is Python that imports, defines and assigns, and does nothing else."""
    try:
        with warnings.catch_warnings():  # about the block's own escapes
            warnings.simplefilter("ignore")
            body = ast.parse(block).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(statement, _DEFINITIONS) for statement in body)
