"""Two result files: what is read, what is compared, what is warned of and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from codelm.errors import InputError
from codelm.evaluation import compare_results, read_results

HEADER: dict[str, Any] = {
    "judge": "inline",
    "tier": "full",
    "limits": {"time_s": 3.0, "memory_bytes": 1},
    "packages": ["numpy 2.4.6"],
    "dataset": "humaneval",
    "dataset_digest": "a" * 64,
}


def write(folder: Path, name: str, passes: dict[str, str], header: dict[str, Any] | None = HEADER) -> Path:
    """A result file; passes: a 1 or 0 for each sample of a task, `?` for an infra_error."""
    path = folder / f"{name}.jsonl_results.jsonl"
    rows = [
        {"task_id": task_id, "passed": one == "1", "verdict": "infra_error" if one == "?" else "passed"}
        for task_id, samples in passes.items()
        for one in samples
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if header is not None:
        (folder / f"{name}.jsonl_results.meta.json").write_text(json.dumps(header))
    return path


def test_compare_results_counts_rows_by_task(tmp_path: Path) -> None:
    """Rows in any order; pass@k per problem, then the mean."""
    a = write(tmp_path, "a", {"t/0": "110", "t/1": "01"})
    b = write(tmp_path, "b", {"t/1": "000", "t/0": "10"})
    compared = compare_results(a, b, ks=(1, 2))
    assert compared.a.counts == {"t/0": (3, 2), "t/1": (2, 1)}
    assert compared.of_k[1].difference == pytest.approx((2 / 3 + 1 / 2) / 2 - 1 / 4)
    assert (compared.of_k[1].won, compared.of_k[1].lost, compared.of_k[2].tied) == (2, 0, 1)
    assert compared.warnings == ()
    assert compared.fewest == ("t/1", 2)


def test_compare_results_of_human_eval_files_warns_that_headers_are_missing(tmp_path: Path) -> None:
    """The original writes none; its rows are enough to compare."""
    rows = '{"task_id": "t/0", "completion": "", "result": "passed", "passed": true}\n'
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl_results.jsonl").write_text(rows)
    compared = compare_results(tmp_path / "a.jsonl_results.jsonl", tmp_path / "b.jsonl_results.jsonl")
    assert compared.of_k[1].difference == 0.0
    assert [warning[:20] for warning in compared.warnings] == ["A: no header beside ", "B: no header beside "]


def test_compare_results_with_other_problems_compares_the_shared_ones_and_says_so(tmp_path: Path) -> None:
    """The score is over the problems of both; how many those are is a warning."""
    a = write(tmp_path, "a", {"t/0": "1", "t/1": "1", "t/2": "1"})
    b = write(tmp_path, "b", {"t/2": "0", "t/3": "1"})
    compared = compare_results(a, b)
    assert (compared.of_k[1].problems, compared.of_k[1].difference) == (1, 1.0)
    assert compared.warnings == ("the problems differ: A has 3, B 2; compared on the 1 that both have",)


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"judge": "confirm"}, "judged differently: judge is inline for A, confirm for B"),
        ({"tier": "process"}, "judged differently: tier is full for A, process for B"),
        ({"tier": None}, "judged differently: tier is full for A, not said for B"),
        ({"packages": []}, "judged differently: packages is numpy 2.4.6 for A, none for B"),
    ],
)
def test_compare_results_judged_otherwise_warns_with_the_difference(tmp_path: Path, change, warning) -> None:
    """What decides verdicts is compared setting by setting."""
    a, b = write(tmp_path, "a", {"t/0": "1"}), write(tmp_path, "b", {"t/0": "0"}, {**HEADER, **change})
    (found,) = compare_results(a, b).warnings
    assert warning in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limits": {"time_s": 5.0, "memory_bytes": 1}}, "the time limit of t/0 is 3.0 s for A, 5.0 s for B"),
        ({"limits": {"time_s": 3.0, "memory_bytes": 2}}, "limits.memory_bytes is 1 for A, 2 for B"),
        ({"time_limits": {"t/0": 0.5, "t/9": 1.0}}, "the time limit of t/0 is 3.0 s for A, 0.5 s for B"),
    ],
)
def test_compare_results_under_other_limits_is_refused_unless_asked_for(
    tmp_path: Path, change, words
) -> None:
    """With the difference; then it is a warning."""
    a, b = write(tmp_path, "a", {"t/0": "1"}), write(tmp_path, "b", {"t/0": "0"}, {**HEADER, **change})
    with pytest.raises(InputError, match=f"under different limits: {words}.*--anyway"):
        compare_results(a, b)
    assert len(compare_results(a, b, anyway=True).warnings) == 1


@pytest.mark.parametrize("others", [{"t/9": 0.5}, {"t/0": 3.0}])
def test_results_with_the_same_limits_on_the_problems_compared_are_compared(tmp_path: Path, others) -> None:
    """Limits were found for others, or are what the other file has."""
    a = write(tmp_path, "a", {"t/0": "1"})
    b = write(tmp_path, "b", {"t/0": "0"}, {**HEADER, "time_limits": others})
    assert compare_results(a, b).of_k[1].difference == 1.0


def test_results_with_limits_measured_twice_are_compared(tmp_path: Path) -> None:
    """Two runs may differ by a step; that is said."""
    a, b = (
        write(tmp_path, name, {"t/0": "1"}, {**HEADER, "time_limits": {"t/0": time_s}})
        for name, time_s in (("a", 0.5), ("b", 1.0))
    )
    (warning,) = compare_results(a, b).warnings
    assert "time limits are found for each of 1 tasks" in warning


def test_compare_results_of_other_dataset_versions_is_refused(tmp_path: Path) -> None:
    """The same names do not make the same problems."""
    a = write(tmp_path, "a", {"t/0": "1"})
    b = write(tmp_path, "b", {"t/0": "1"}, {**HEADER, "dataset_digest": "b" * 64})
    with pytest.raises(
        InputError, match="different problems: humaneval aaaaaaaaaaaa against humaneval bbbbbb"
    ):
        compare_results(a, b)


def test_compare_results_without_a_shared_problem_is_refused(tmp_path: Path) -> None:
    """There is nothing to compare; an example of each is named."""
    a, b = write(tmp_path, "a", {"t/0": "1"}), write(tmp_path, "b", {"u/0": "1"})
    with pytest.raises(InputError, match="share no problem: 't/0' in one, 'u/0' in the other"):
        compare_results(a, b)


def test_read_results_leaves_out_problems_that_fail_their_self_test(tmp_path: Path) -> None:
    """They are in the file, but not in the score that it was written with."""
    header = {**HEADER, "certificate": {"failing": {"t/1": "timed out"}}}
    assert read_results(write(tmp_path, "a", {"t/0": "1", "t/1": "0"}, header)).counts == {"t/0": (1, 1)}


def test_compare_results_with_lost_verdicts_warns(tmp_path: Path) -> None:
    """Samples that we failed to judge count as not passed, and that is said."""
    a, b = write(tmp_path, "a", {"t/0": "1?"}), write(tmp_path, "b", {"t/0": "1"})
    (warning,) = compare_results(a, b).warnings
    assert warning.startswith("A: 1 samples have no verdict")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no result"),
        ('{"task_id": "t/0", "passed": true}\n{"task_id": "t/0"}\n', "line 2: field 'passed' is missing"),
        ('{"passed": true}\n', "line 1: field 'task_id' is missing"),
        ('{"task_id": "t/0", "passed": "yes"}\n', "line 1: field 'passed' must be of type bool, found str"),
        ('{"task_id": 0, "passed": true}\n', "line 1: field 'task_id' must be of type str, found int"),
        ("[]\n", "line 1: expected a JSON object"),
        ("passed\n", "line 1: not valid JSON"),
    ],
)
def test_read_results_of_a_bad_file_names_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    """One line that says where and what."""
    path = tmp_path / "bad_results.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad_results\.jsonl") as caught:
        read_results(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_results_with_a_damaged_header_names_it(tmp_path: Path) -> None:
    """A header that cannot be read is not a header that is absent."""
    path = write(tmp_path, "a", {"t/0": "1"})
    (tmp_path / "a.jsonl_results.meta.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.jsonl_results\.meta\.json: not valid JSON"):
        read_results(path)
