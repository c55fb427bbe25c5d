"""Append-only journals: how long work survives Ctrl-C, kill -9 and a full disk, and resumes.

A journal is a JSON Lines file. Its first line is a header that says what the work is; each later line is one
finished piece of it under a key. A piece is handed to the kernel in one write before the next begins, so a
killed process loses nothing it had reported, and at most the last line is torn (it is dropped on resume).
The work counts as the same only when the header is the same; otherwise resuming would mix two runs.

The pieces stay on disk: in memory is only where each begins, eight bytes for a whole number as its key.
"""

import fcntl
import json
import os
import reprlib
import stat
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeGuard

from codelm.errors import InputError, OutputError
from codelm.files import Json, parse_object

Key = int | str
_START = b'{"journal":1'  # of every journal
_PIECE_BYTES = 4096
_MAX_ROWS = 1 << 28
_SHOWN = 5  # differences, in a message
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make an encoder for each row


class Journal:
    """Finished pieces of one piece of work, by key; use as a context manager.

    path: the journal file, made when missing. header: what the work is (inputs' digests, limits, version).
    Raises: InputError when the file belongs to other work or is none of ours, which leaves it as it was;
    OutputError when it cannot be written or another process is writing it.
    """

    def __init__(self, path: str | Path, header: Json) -> None:
        self.path = Path(path)
        self.header = json.loads(json.dumps(header))
        self._places = _Places()
        self._file = -1
        self._end = 0

    @staticmethod
    def header_of(path: str | Path) -> Json | None:
        """The header of a journal that was left there; None where there is none that can be read."""
        try:
            with open(path, "rb") as stream:
                found: Json = json.loads(stream.readline())
                return found if found.pop("journal", None) == 1 else None
        except (OSError, ValueError, AttributeError):
            return None

    def check(self) -> None:
        """See, without touching anything, that what was left there is of this work. Raises: InputError."""
        found = self.header_of(self.path)
        if found is not None:
            self._check_header({"journal": 1, **found})

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
        return self._places.get(key) is not None

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Key) -> Json:
        place = self._places.get(key)
        if place is None:
            raise KeyError(key)
        value: Json = json.loads(self._line_at(place))["value"]
        return value

    def items(self) -> Iterator[tuple[Key, Json]]:
        """The finished pieces, in the order they were finished; one done twice, where it was done last."""
        for place, line in self._lines():
            row = json.loads(line)
            if "key" in row and self._places.get(row["key"]) == place:
                yield row["key"], row["value"]

    def append(self, key: Key, value: Json) -> None:
        """Record one finished piece. Raises: OutputError; the pieces before it stay recorded."""
        place = self._end
        self._write({"key": key, "value": value})
        self._places.put(key, place)

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
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise InputError(f"{self.path}: not a file; move it away or name another output")
        number = 0
        for number, (place, line) in enumerate(self._lines(), start=1):
            row = self._parse(line, number)
            if number == 1:
                self._check_header(row)
            elif isinstance(row.get("key"), int | str) and isinstance(row.get("value"), dict):
                self._places.put(row["key"], place)
            else:
                raise InputError(f"{self.path}, line {number}: not a journal row; delete the file")
        if number == 0 and not _START.startswith(os.pread(self._file, len(_START), 0)):
            raise InputError(f"{self.path}: not a journal; move it away or name another output")
        os.ftruncate(self._file, self._end)  # only now that the file is known to be ours
        os.lseek(self._file, self._end, os.SEEK_SET)
        if number == 0:
            self._write({"journal": 1, **self.header})

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Each whole line and where it begins; `_end` is set to where the last of them ends."""
        place = 0
        with open(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC), "rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    yield place, line
                    place += len(line)
        self._end = max(self._end, place)

    def _line_at(self, place: int) -> bytes:
        parts = []
        while True:
            piece, end, _ = os.pread(self._file, _PIECE_BYTES, place).partition(b"\n")
            parts.append(piece)
            place += len(piece)
            if end or not piece:
                return b"".join(parts)

    def _parse(self, line: bytes, number: int) -> Json:
        try:
            return parse_object(line.decode(errors="replace"), f"{self.path}, line {number}")
        except InputError as error:
            raise InputError(f"{error}; delete the file to start over") from error

    def _check_header(self, found: Json) -> None:
        if "journal" not in found:
            raise InputError(f"{self.path}: not a journal; move it away or name another output")
        wanted = {"journal": 1, **self.header}
        if found == wanted:
            return
        differing = list(differences(found, wanted))
        more = f", and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        shown = ", ".join(differing[:_SHOWN]) + more
        raise InputError(
            f"{self.path}: left by a run with other settings ({shown}); "
            "run with those settings, and on that input, to resume it, or delete it to start over"
        )

    def _write(self, row: Json) -> None:
        line = _ENCODE(row).encode() + b"\n"
        self._end += len(line)
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror}); free some space and run again to resume"
            ) from error


class _Places:
    """Where in a file the line of each key begins."""

    def __init__(self) -> None:
        self._of_numbers = array("q")  # by key; -1 where there is none
        self._of_others: dict[Key, int] = {}
        self._numbers = 0

    def __len__(self) -> int:
        return self._numbers + len(self._of_others)

    def get(self, key: Key) -> int | None:
        if not self._is_small(key):
            return self._of_others.get(key)
        place = self._of_numbers[key] if key < len(self._of_numbers) else -1
        return None if place < 0 else place

    def put(self, key: Key, place: int) -> None:
        if not self._is_small(key):
            self._of_others[key] = place
            return
        missing = key + 1 - len(self._of_numbers)
        if missing > 0:
            self._of_numbers.extend(array("q", [-1]) * max(missing, len(self._of_numbers) // 4))
        self._numbers += self._of_numbers[key] < 0
        self._of_numbers[key] = place

    @staticmethod
    def _is_small(key: Key) -> TypeGuard[int]:
        """Whether a key is the number of a row, not a number that happens to be a name."""
        return isinstance(key, int) and 0 <= key < _MAX_ROWS


def differences(found: Json, wanted: Json, within: str = "") -> Iterator[str]:
    """What differs between two headers, down to the single setting: `limits.time_s was 3.0, now 1.0`."""
    for key in sorted(found.keys() | wanted.keys()):
        old, new, name = found.get(key), wanted.get(key), f"{within}{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differences(old, new, f"{name}.")
        elif old != new:
            yield f"{name} was {reprlib.repr(old)}, now {reprlib.repr(new)}"
