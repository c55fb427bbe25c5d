"""Reading and writing files: JSON Lines (plain, gz, zst), atomic writes, digests.

Every reader names the file and the line it stumbles over. Every writer goes through `atomic_write`, so a
killed process or a full disk leaves either the old file or the new one, never half of one.
"""

import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from codelm.errors import InputError, OutputError

Json = dict[str, Any]


class Row(NamedTuple):
    """One line of a JSON Lines file: its number (from 1) and its object."""

    line: int
    value: Json


@contextmanager
def open_text(path: str | Path) -> Iterator[IO[str]]:
    """Open a UTF-8 file for reading, local or remote (fsspec), decompressed by its suffix (.gz, .zst).

    Raises: InputError when it cannot be opened; errors while reading are the caller's.
    """
    import fsspec

    packing = None if str(path).endswith(".zst") else "infer"
    try:
        opened = fsspec.open(str(path), "rb", compression=packing).open()
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{path}: cannot be read ({_reason(error)})") from error
    with opened as stream:
        unpacked = io.BufferedReader(_Zstd(stream)) if packing is None else stream
        yield io.TextIOWrapper(unpacked, encoding="utf-8-sig")  # editors of Windows put a mark first


def read_jsonl(path: str | Path) -> Iterator[Row]:
    """Yield each non-blank line of a JSON Lines file as an object with its line number.

    Raises: InputError for a missing, truncated or non-UTF-8 file, and for a line that is not a JSON object.
    """
    line = 0
    with open_text(path) as stream:
        try:
            for line, text in enumerate(stream, start=1):
                if not text.isspace():
                    yield Row(line, parse_object(text, f"{path}, line {line}"))
        except _damage() as error:
            where = f"after line {line}" if line else "at its start"
            raise InputError(
                f"{path}, {where}: damaged or cut short ({_reason(error)}); fetch it again, or save as UTF-8"
            ) from error


def parse_object(text: str, where: str) -> Json:
    """Parse one JSON object; `where` opens the error message.

    Raises: InputError when the text is not JSON, or is JSON but not an object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        shown = text.strip()
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise InputError(f"{where}: not valid JSON: {shown!r} ({_reason(error)})") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value


def read_json(path: str | Path) -> Json:
    """Read a file that holds one JSON object. Raises: InputError."""
    with open_text(path) as stream:
        try:
            text = stream.read()
        except _damage() as error:
            raise InputError(f"{path}: damaged or cut short ({_reason(error)})") from error
    return parse_object(text, str(path))


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Write a local file that appears whole, by rename, when the block ends without an error.

    Missing parent folders are made. Raises: OutputError on a full disk or missing permission; the temporary
    file is removed and whatever stood at `path` stays.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({_reason(error)}); nothing there was changed"
        ) from error
    finally:
        with suppress(OSError):  # the folder may not even exist; the first error is the one to tell
            temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: object) -> None:
    """Write one JSON value, indented, atomically. NaN becomes null: JSON has no NaN. Raises: OutputError."""
    text = json.dumps(_without_nan(value), indent=2, allow_nan=False)
    with atomic_write(path) as stream:
        stream.write(text.encode() + b"\n")


def write_jsonl(path: str | Path, rows: Iterable[Json]) -> None:
    """Write objects as JSON Lines, atomically; a row's own NaN or Infinity stays, as Python's json writes it.

    Raises: OutputError.
    """
    with atomic_write(path) as stream:
        for row in rows:
            stream.write(json.dumps(row).encode() + b"\n")


def digest_file(path: str | Path) -> str:
    """SHA-256 of a local file's bytes, in hex. Raises: InputError."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_reason(error)})") from error


def digest_json(value: object) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces), in hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def cache_dir() -> Path:
    """Where what can be fetched or made again is kept: CODELM_CACHE, else the user's cache folder."""
    if folder := os.environ.get("CODELM_CACHE"):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "codelm"


class _Zstd(io.RawIOBase):
    """Reads Zstandard frames; unlike the library's stream reader, it notices a frame cut short."""

    def __init__(self, packed: IO[bytes]) -> None:
        import zstandard

        self._packed = packed
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new_frame()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._frame.unused_data if self._frame.eof else b""
            chunk = chunk or self._packed.read(1 << 20)
            if not chunk:
                if self._frame.eof:
                    return 0
                raise EOFError("the compressed stream ends too early")
            if self._frame.eof:
                self._frame = self._new_frame()
            self._ready = self._frame.decompress(chunk)
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def _without_nan(value: object) -> object:
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - only NaN differs from itself
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def _damage() -> tuple[type[Exception], ...]:
    """What a reader raises half way through a file that is cut short or not what its suffix says."""
    import zlib

    import zstandard

    return (EOFError, UnicodeDecodeError, OSError, zlib.error, zstandard.ZstdError)


def _reason(error: BaseException) -> str:
    """The shortest text that still says why: an OSError's strerror, else the first line of the message."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    return str(error).split("\n", 1)[0] or type(error).__name__
