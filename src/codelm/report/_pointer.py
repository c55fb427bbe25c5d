"""Finding a number in a file of the run: a relative path and a JSON pointer (RFC 6901)."""

from pathlib import Path, PurePosixPath
from typing import Any

from codelm.errors import InputError


def inside(run: Path, file: str) -> Path:
    """The file of the run at this relative path. Raises: InputError when the path leads out of the run."""
    pure = PurePosixPath(file)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise InputError(f"{file!r} is no file of the run; a path is relative to {run} and stays inside it")
    return run.joinpath(*pure.parts)


def resolve(value: Any, pointer: str, where: str) -> Any:
    """The part of a JSON value at a pointer; "" is the whole. Raises: InputError, opened by `where`."""
    if pointer and not pointer.startswith("/"):
        raise InputError(f"{where}: {pointer!r} is no JSON pointer; it starts with a slash")
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) and key.isdecimal() else value[key]
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(f"{where}: has nothing at {pointer!r}; run its stage again") from error
    return value


def token(key: str) -> str:
    """An object's key as a part of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")
