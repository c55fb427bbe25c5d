"""The rows of a problem file or folder, whatever its packing, each with the words that say where it stood."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from codelm.errors import InputError, MissingError
from codelm.files import Json, open_text, read_jsonl

PARQUET_ROWS = 256  # read at a time


class Placed(NamedTuple):
    """One row, and where it stood."""

    where: str
    value: Json


def problem_rows(path: str | Path) -> Iterator[Placed]:
    """The rows of JSON Lines (plain, gz, zst), of a JSON list, of Parquet, or of an APPS folder.

    Raises: InputError, with file and line, for what is none of them; MissingError where pyarrow is wanted.
    """
    if Path(path).is_dir():
        return _apps_rows(Path(path))
    if str(path).endswith(".parquet"):
        return _parquet_rows(path)
    if _holds_list(path):
        return _list_rows(path)
    return (Placed(f"{path}, line {line}", value) for line, value in read_jsonl(path))


def _holds_list(path: str | Path) -> bool:
    if ".json" not in Path(path).suffixes:
        return False
    with open_text(path) as stream:
        return _read(stream, path, 1).startswith("[")


def _list_rows(path: str | Path) -> Iterator[Placed]:
    with open_text(path) as stream:
        text = _read(stream, path, -1)
    for number, value in enumerate(_parse(text, str(path)), start=1):
        where = f"{path}, item {number}"
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected a JSON object, found {type(value).__name__}")
        yield Placed(where, value)


def _parquet_rows(path: str | Path) -> Iterator[Placed]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingError(f"{path}: reading Parquet needs pyarrow: pip install 'codelm[corpus]'") from error
    try:
        number = 0
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=PARQUET_ROWS):
                for value in batch.to_pylist():
                    number += 1
                    yield Placed(f"{path}, row {number}", value)
    except (OSError, arrow.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from error


def _apps_rows(root: Path) -> Iterator[Placed]:
    """The problems of APPS in its original layout, one folder each, as rows of its hub copy."""
    folders = sorted(file.parent for file in root.rglob("question.txt"))
    if not folders:
        raise InputError(f"{root}: is a folder without problems of APPS (question.txt, input_output.json)")
    for folder in folders:
        text = {name: _text_of(folder / name) for name in ("question.txt", "input_output.json")}
        optional = {
            name: _text_of(folder / name) if (folder / name).exists() else ""
            for name in ("starter_code.py", "solutions.json", "metadata.json")
        }
        about: Any = _parse(optional["metadata.json"] or "{}", f"{folder}/metadata.json")
        value = {
            "problem_id": f"{folder.parent.name}/{folder.name}",
            "question": text["question.txt"],
            "input_output": text["input_output.json"],
            "starter_code": optional["starter_code.py"],
            "solutions": optional["solutions.json"],
            **(about if isinstance(about, dict) else {}),
        }
        yield Placed(str(folder), value)


def _text_of(file: Path) -> str:
    with open_text(file) as stream:
        return _read(stream, file, -1)


def _read(stream: IO[str], path: str | Path, size: int) -> str:
    try:
        return stream.read(size)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: damaged, or not UTF-8 text") from error


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON ({error})") from error
