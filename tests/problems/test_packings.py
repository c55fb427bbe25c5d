"""Problem files in other packings than JSON Lines, and sets by name."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from codelm.errors import InputError, MissingError
from codelm.problems import load_problems, read_problems, write_problems

# It stands in the header of every result; a change of it would part old results from new ones.
HUMANEVAL_DIGEST = "62eeaa082ca375405caa318234d2eadb3536c69ab5a5cbf7a70138aac686645c"
ROW = {"task_id": "t/0", "prompt": "def f():\n", "entry_point": "f", "test": "def check(c): pass"}


def test_humaneval_is_written_back_byte_for_byte(data_dir: Path, tmp_path: Path) -> None:
    """An unchanged file is a valid problem file, and stays what it is."""
    path = data_dir / "humaneval" / "HumanEval.jsonl.gz"
    problem_set = read_problems(path)
    write_problems(tmp_path / "again.jsonl", problem_set)
    assert (tmp_path / "again.jsonl").read_bytes() == gzip.decompress(path.read_bytes())
    assert problem_set.digest == HUMANEVAL_DIGEST


def test_humaneval_parquet_of_its_hub_copy_is_the_same_set(data_dir: Path, tmp_path: Path) -> None:
    """There the columns come in another order."""
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names = ("task_id", "prompt", "canonical_solution", "test", "entry_point")
    with gzip.open(data_dir / "humaneval" / "HumanEval.jsonl.gz", "rt") as stream:
        rows = [json.loads(line) for line in stream]
    table = arrow.table({name: [row[name] for row in rows] for name in names})
    path = tmp_path / "test-00000-of-00001.parquet"
    parquet.write_table(table, path, row_group_size=50)
    assert load_problems(path).digest == HUMANEVAL_DIGEST


def test_parquet_that_is_none_and_parquet_without_pyarrow_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named, and what to install."""
    path = tmp_path / "p.parquet"
    path.write_text(json.dumps(ROW))
    with pytest.raises(InputError, match=r"p\.parquet: cannot be read as Parquet"):
        read_problems(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingError, match=r"needs pyarrow: pip install 'codelm\[corpus\]'"):
        read_problems(path)


def test_json_list_is_a_problem_file(tmp_path: Path) -> None:
    """One list in a file, or one object per line: the same set."""
    rows = [ROW, {**ROW, "task_id": "t/1"}]
    (tmp_path / "list.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "lines.json").write_text("\n".join(map(json.dumps, rows)))
    assert read_problems(tmp_path / "list.json").digest == read_problems(tmp_path / "lines.json").digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps([ROW, 3]), r"bad\.json, item 2: expected a JSON object, found int"),
        (json.dumps([ROW, ROW]), r"bad\.json, item 2: task_id 't/0' stands already on item 1"),
        ("[{", r"bad\.json: not valid JSON"),
        ("[]", r"bad\.json: holds no problem"),
    ],
)
def test_bad_json_list_is_named_with_its_item(tmp_path: Path, text: str, message: str) -> None:
    """Counted from one."""
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_problems(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(("mbpp", 974), ("mbpp-test", 500), ("mbpp-sanitized", 427), ("mbpp+", 378), ("humaneval+", 164)),
        *(("humaneval-x-python", 164), ("humaneval-x-js", 164), ("humaneval-x-cpp", 164)),
    ],
)
def test_public_sets_are_found_by_name(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    """Under the data folder, with the released content."""
    monkeypatch.setenv("CODELM_DATA", str(data_dir))
    found = load_problems(name)
    assert (found.name, len(found)) == (name, size)


def test_public_set_that_is_absent_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where to put it."""
    monkeypatch.delenv("CODELM_DATA", raising=False)
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path))
    with pytest.raises(MissingError, match=r"get it from github\.com/google-research.*mbpp\.jsonl$"):
        load_problems("mbpp")


@pytest.mark.parametrize(
    ("file", "name"), [("mbpp.jsonl", "mbpp-test"), ("MbppPlus-v0.2.0.jsonl.gz", "mbpp+")]
)
def test_other_content_never_goes_by_the_name_of_a_public_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, name: str
) -> None:
    """A file of that name with something else in it, or damaged, is refused."""
    (tmp_path / file).write_text(json.dumps(ROW))
    monkeypatch.delenv("CODELM_DATA", raising=False)
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"not the released mbpp|damaged or cut short"):
        load_problems(name)
