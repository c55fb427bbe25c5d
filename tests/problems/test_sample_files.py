"""Samples that are whole programs: EvalPlus's `solution` rows and its folders."""

import json
from pathlib import Path

import pytest

from codelm.errors import InputError
from codelm.problems import Sample, read_samples, sample_rows


def test_sample_that_is_a_whole_program_round_trips() -> None:
    """EvalPlus calls it `solution`."""
    row = {"task_id": "t", "solution": "def f(): pass\n", "sample": 0, "_identifier": "x"}
    sample = Sample.from_json(row, "here")
    assert (sample.whole, sample.completion) == (True, "def f(): pass\n")
    assert sample.to_json() == row


def test_folder_of_samples_is_read_as_evalplus_writes_it(tmp_path: Path) -> None:
    """TASK/NUMBER.py, in the order of the numbers; other files are not samples."""
    for name in ("HumanEval_1/10.py", "HumanEval_1/9.py", "HumanEval_0/0.py", "HumanEval_0/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    found = [row.sample for row in read_samples(tmp_path)]
    assert [(sample.task_id, sample.sample, sample.whole) for sample in found] == [
        ("HumanEval/0", 0, True),
        ("HumanEval/1", 9, True),
        ("HumanEval/1", 10, True),
    ]
    assert found[1].completion == "# HumanEval_1/9.py\n"


def test_folder_without_samples_is_one_line(tmp_path: Path) -> None:
    """An empty one, or one of something else."""
    with pytest.raises(InputError, match=r"holds no TASK/NUMBER\.py"):
        list(sample_rows(tmp_path))


def test_sample_of_a_folder_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The file itself, not the folder."""
    (tmp_path / "t_0").mkdir()
    (tmp_path / "t_0" / "0.py").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"t_0/0\.py: not UTF-8 text"):
        list(sample_rows(tmp_path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"task_id": "t", "completion": ""}, {"task_id": "t", "solution": ""}],
            r"s\.jsonl, line 2: holds a 'solution', the rows before it a 'completion'; .* split it in two",
        ),
        ([{"task_id": "t", "completion": "", "solution": ""}], r"line 1: has both 'completion'"),
    ],
)
def test_completions_and_whole_programs_do_not_mix(tmp_path: Path, rows: list[object], message: str) -> None:
    """One line says where, and what to do."""
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=message):
        list(sample_rows(tmp_path / "s.jsonl"))
