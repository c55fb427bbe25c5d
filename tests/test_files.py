"""Files are read with their lines named and written whole or not at all."""

import gzip
import json
import math
from pathlib import Path

import pytest
import zstandard

from codelm.errors import InputError, OutputError
from codelm.files import atomic_write, digest_json, read_json, read_jsonl, write_json, write_jsonl

ROWS = [{"a": 1}, {"b": "ü"}]
TEXT = '{"a": 1}\n\n{"b": "ü"}\n'


@pytest.mark.parametrize(
    ("suffix", "packed"),
    [
        ("jsonl", TEXT.encode()),
        ("jsonl.gz", gzip.compress(TEXT.encode())),
        ("jsonl.zst", zstandard.compress(TEXT.encode())),
    ],
)
def test_read_jsonl_reads_every_packing_and_counts_blank_lines(
    tmp_path: Path, suffix: str, packed: bytes
) -> None:
    """Plain, gz and zst files give the same rows, with their line numbers in the file."""
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(packed)
    assert [(row.line, row.value) for row in read_jsonl(path)] == [(1, ROWS[0]), (3, ROWS[1])]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_read_jsonl_truncated_archive_is_named(tmp_path: Path, suffix: str) -> None:
    """A compressed file cut short is reported as such, with the last line that was whole."""
    text = "".join(
        json.dumps({"n": number, "x": "y" * (number % 97)}) + "\n" for number in range(20000)
    ).encode()
    packed = gzip.compress(text) if suffix.endswith("gz") else zstandard.compress(text)
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"rows\.jsonl.*after line \d+: damaged or cut short"):
        list(read_jsonl(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\nnot json\n', r"line 2: not valid JSON: 'not json'"),
        (b'{"a": 1}\n[1]\n', r"line 2: expected a JSON object, found list"),
        (b'{"a": \xff}\n', r"damaged or cut short"),
        (b"[" * 100_000, r"line 1: not valid JSON"),
    ],
)
def test_read_jsonl_bad_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """What is not a JSON object is reported with file and line."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_jsonl(path))


def test_read_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    """A path that is not there, or is a folder, is named."""
    with pytest.raises(InputError, match=r"absent\.jsonl: cannot be read \(No such file"):
        list(read_jsonl(tmp_path / "absent.jsonl"))
    with pytest.raises(InputError, match="Is a directory"):
        list(read_jsonl(tmp_path))


def test_atomic_write_failing_block_leaves_the_old_file(tmp_path: Path) -> None:
    """An error half way through keeps what was there and leaves no temporary file behind."""
    path = tmp_path / "out.txt"
    path.write_text("old")

    def write_half() -> None:
        with atomic_write(path) as stream:
            stream.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert [item.name for item in tmp_path.iterdir()] == ["out.txt"]
    assert path.read_text() == "old"


def test_atomic_write_unwritable_folder_is_an_output_error(tmp_path: Path) -> None:
    """A parent that is a file cannot be written below, and is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/out\.txt: cannot be written"):
        write_jsonl(tmp_path / "file" / "out.txt", [])


def test_write_json_writes_nan_as_null(tmp_path: Path) -> None:
    """JSON has no NaN; an undefined number is null, at any depth."""
    write_json(tmp_path / "x.json", {"a": [math.nan, 1.5], "b": (math.nan,)})
    assert read_json(tmp_path / "x.json") == {"a": [None, 1.5], "b": [None]}


def test_write_json_keeps_any_text(tmp_path: Path) -> None:
    """A model may write a lone surrogate; the file keeps it."""
    write_json(tmp_path / "x.json", {"completion": "\ud800 ü"})
    assert read_json(tmp_path / "x.json") == {"completion": "\ud800 ü"}


def test_digest_json_depends_on_content_not_on_key_order() -> None:
    """Equal values have equal digests, and different ones different digests."""
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    assert digest_json({"a": 1}) != digest_json({"a": 1.5})
