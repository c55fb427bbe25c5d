"""Problem and sample files: HumanEval unchanged, every packing, and each kind of bad row named."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from codelm.errors import InputError, MissingError, UsageError
from codelm.problems import (
    Problem,
    ProblemSet,
    Sample,
    find_humaneval,
    load_problems,
    read_problems,
    read_samples,
    write_problems,
)

ROW = {"task_id": "t/0", "prompt": "def f():\n", "entry_point": "f", "test": "def check(c): pass"}


def _write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_humaneval_reads_whole_and_unchanged(data_dir: Path) -> None:
    """164 problems, and writing them back gives the released rows."""
    path = data_dir / "humaneval" / "HumanEval.jsonl.gz"
    problems = read_problems(path).problems
    with gzip.open(path, "rt") as stream:
        rows = [json.loads(line) for line in stream]
    assert [problem.to_json() for problem in problems.values()] == rows
    assert len(rows) == 164


def test_problem_set_digest_is_the_same_for_every_packing(data_dir: Path, tmp_path: Path) -> None:
    """Plain, gz and zst files of the same problems have one digest; another order has another."""
    path = data_dir / "humaneval" / "HumanEval.jsonl.gz"
    text = gzip.decompress(path.read_bytes())
    (tmp_path / "a.jsonl").write_bytes(text)
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(text))
    digests = {read_problems(item).digest for item in (path, tmp_path / "a.jsonl", tmp_path / "a.jsonl.zst")}
    assert len(digests) == 1
    backwards = ProblemSet.of("a", reversed(list(read_problems(path).problems.values())))
    assert backwards.digest not in digests


def test_problem_with_more_fields_keeps_them(tmp_path: Path) -> None:
    """Fields we do not know come back when the problem is written again."""
    row = {**ROW, "canonical_solution": "    pass\n", "difficulty": 3}
    problem_set = read_problems(_write(tmp_path / "p.jsonl", row))
    write_problems(tmp_path / "q.jsonl", problem_set)
    assert json.loads((tmp_path / "q.jsonl").read_text()) == row


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, {**ROW, "task_id": "t/0"}], r"p\.jsonl, line 2: task_id 't/0' stands already on line 1"),
        ([{key: ROW[key] for key in ROW if key != "test"}], r"line 1: field 'test' is missing"),
        ([{**ROW, "prompt": None}], r"line 1: field 'prompt' must be a string, found NoneType"),
        ([{**ROW, "prompt": 3}], r"line 1: field 'prompt' must be a string, found int"),
        ([ROW, "{oops"], r"line 2: not valid JSON: '\{oops'"),
        ([], r"p\.jsonl: holds no problem"),
    ],
)
def test_bad_problem_file_is_named_with_its_line(tmp_path: Path, rows: list[object], message: str) -> None:
    """Each way a problem file can be wrong is one clear line."""
    with pytest.raises(InputError, match=message):
        read_problems(_write(tmp_path / "p.jsonl", *rows))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"task_id": "t/0"}, r"line 1: field 'completion' is missing"),
        (
            {"task_id": "t/0", "completion": None},
            r"line 1: field 'completion' must be a string, found NoneType",
        ),
        ({"task_id": 0, "completion": ""}, r"line 1: field 'task_id' must be a string, found int"),
    ],
)
def test_bad_sample_is_named_with_its_line(tmp_path: Path, row: object, message: str) -> None:
    """A sample without its two fields, or with other types in them, is one clear line."""
    with pytest.raises(InputError, match=message):
        list(read_samples(_write(tmp_path / "s.jsonl", row)))


def test_sample_round_trips_with_unknown_fields() -> None:
    """A samples file may carry more than we know."""
    row = {"task_id": "t", "completion": "c", "sample": 3, "mean_logprob": -0.5, "note": "mine"}
    sample = Sample.from_json(row, "here")
    assert sample.sample == 3
    assert sample.to_json() == row


def test_problem_set_of_rejects_a_task_given_twice() -> None:
    """In memory as on disk, a task stands once."""
    problem = Problem.from_json(ROW, "here")
    with pytest.raises(ValueError, match="given twice"):
        ProblemSet.of("x", [problem, problem])


@pytest.mark.parametrize("name", ["starter", "chains"])
def test_bundled_sets_load_by_name(name: str) -> None:
    """Bundled problems need no file."""
    assert len(load_problems(name)) >= 60


def test_unknown_name_lists_the_known_ones() -> None:
    """A mistyped name is told what there is."""
    with pytest.raises(
        UsageError, match="unknown problem set 'humanevil'; known names are humaneval, starter"
    ):
        load_problems("humanevil")


def test_missing_path_is_an_input_error() -> None:
    """What looks like a path is a path."""
    with pytest.raises(InputError, match=r"no/such\.jsonl: cannot be read"):
        load_problems("no/such.jsonl")


def test_humaneval_is_found_under_codelm_data(data_dir: Path) -> None:
    """The data folder comes first."""
    assert find_humaneval() == data_dir / "humaneval" / "HumanEval.jsonl.gz"
    assert load_problems("humaneval").name == "humaneval"


def test_humaneval_absent_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, one line says what to run and where to put the file."""
    monkeypatch.delenv("CODELM_DATA", raising=False)
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingError, match=r"codelm problems fetch humaneval.*cache/HumanEval\.jsonl\.gz"):
        find_humaneval()


def test_humaneval_altered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of that name with other content is never scored as HumanEval."""
    (tmp_path / "HumanEval.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROW).encode()))
    monkeypatch.setenv("CODELM_DATA", str(tmp_path))
    with pytest.raises(InputError, match="not the released HumanEval"):
        find_humaneval()
