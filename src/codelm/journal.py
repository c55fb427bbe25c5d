"""Append-only journals: how long work survives Ctrl-C, kill -9 and a full disk, and resumes.

A journal is a JSON Lines file. Its first line is a header that says what the work is; each later line is one
finished piece of it under a key. A piece is handed to the kernel in one write before the next begins, so a
killed process loses nothing it had reported, and at most the last line is torn (it is dropped on resume).
The work counts as the same only when the header is the same; otherwise resuming would mix two runs.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from codelm.errors import InputError, OutputError
from codelm.files import Json, parse_object

Key = int | str
_START = b'{"journal":1'  # of every journal


class Journal:
    """Finished pieces of one piece of work, by key; use as a context manager.

    path: the journal file, made when missing. header: what the work is (inputs' digests, limits, version).
    Raises: InputError when the file belongs to other work or is none of ours, which leaves it as it was;
    OutputError when it cannot be written or another process is writing it.
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
            self._lock()
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

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{self.path}: another process is writing it; wait for it to end") from error
        except OSError:
            pass  # a file system without locks: then two runs at once are the user's to avoid

    def _resume(self) -> None:
        with open(os.dup(self._file), "rb") as stream:
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if lines:
            self._check_header(self._parse(lines[0], 1))
        elif not _START.startswith(data[: len(_START)]):
            raise InputError(f"{self.path}: not a journal; move it away or name another output")
        for number, line in enumerate(lines[1:], start=2):
            row = self._parse(line, number)
            if not isinstance(row.get("key"), int | str) or not isinstance(row.get("value"), dict):
                raise InputError(f"{self.path}, line {number}: not a journal row; delete the file")
            self._done[row["key"]] = row["value"]
        os.ftruncate(self._file, len(whole))  # only now that the file is known to be ours
        os.lseek(self._file, len(whole), os.SEEK_SET)
        if not lines:
            self._write({"journal": 1, **self.header})

    def _parse(self, line: bytes, number: int) -> Json:
        return parse_object(line.decode(errors="replace"), f"{self.path}, line {number}")

    def _check_header(self, found: Json) -> None:
        if "journal" not in found:
            raise InputError(f"{self.path}: not a journal; move it away or name another output")
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
