"""Append-only journals: how long work survives Ctrl-C, kill -9 and a full disk, and resumes.

A journal is a JSON Lines file. Its first line is a header that says what the work is; each later line is one
finished piece of it under a key. A piece is handed to the kernel in one write before the next begins, so a
killed process loses nothing it had reported, and at most the last line is torn (it is dropped on resume).
The work counts as the same only when the header is the same; otherwise resuming would mix two runs.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from codelm.errors import InputError, OutputError
from codelm.files import Json, parse_object

Key = int | str


class Journal:
    """Finished pieces of one piece of work, by key; use as a context manager.

    path: the journal file, made when missing. header: what the work is (inputs' digests, limits, version).
    Raises: InputError when the file belongs to other work; OutputError when it cannot be written.
    """

    def __init__(self, path: str | Path, header: Json) -> None:
        self.path = Path(path)
        self.header = json.loads(json.dumps(header))
        self._done: dict[Key, Json] = {}
        self._file = -1

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error
        try:
            self._resume()
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def __contains__(self, key: Key) -> bool:
        return key in self._done

    def __len__(self) -> int:
        return len(self._done)

    def __getitem__(self, key: Key) -> Json:
        return self._done[key]

    def items(self) -> Iterator[tuple[Key, Json]]:
        """The finished pieces, in the order they were finished."""
        yield from self._done.items()

    def append(self, key: Key, value: Json) -> None:
        """Record one finished piece. Raises: OutputError; the pieces before it stay recorded."""
        self._write({"key": key, "value": value})
        self._done[key] = value

    def remove(self) -> None:
        """Delete the file, once its content lives elsewhere."""
        self.path.unlink(missing_ok=True)

    def _resume(self) -> None:
        with open(os.dup(self._file), "rb") as stream:
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        os.lseek(self._file, len(whole), os.SEEK_SET)
        lines = whole.splitlines()
        if not lines:
            self._write({"journal": 1, **self.header})
            return
        self._check_header(parse_object(lines[0].decode(), f"{self.path}, line 1"))
        for number, line in enumerate(lines[1:], start=2):
            row = parse_object(line.decode(errors="replace"), f"{self.path}, line {number}")
            if "key" not in row or not isinstance(row.get("value"), dict):
                raise InputError(
                    f"{self.path}, line {number}: not a journal row; delete the file to start over"
                )
            self._done[row["key"]] = row["value"]

    def _check_header(self, found: Json) -> None:
        wanted = {"journal": 1, **self.header}
        if found == wanted:
            return
        differing = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
        shown = ", ".join(f"{key} was {found.get(key)!r}, now {wanted.get(key)!r}" for key in differing)
        raise InputError(
            f"{self.path}: left by a run with other settings ({shown}); "
            "run with those settings to resume it, or delete it to start over"
        )

    def _write(self, row: Json) -> None:
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror}); free some space and run again to resume"
            ) from error
