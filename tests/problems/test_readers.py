"""Each benchmark's real rows become problems; what they are checked against is written out here by hand."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from codelm.errors import InputError
from codelm.problems import PROBLEM_SETS, Problem, load_problems, read_problems, sets_with_task
from codelm.problems.readers._apps_check import check_as_apps


@pytest.fixture(autouse=True)
def _data(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODELM_DATA", str(data_dir))


def _problem(name: str, task_id: str) -> Problem:
    return load_problems(name).problems[task_id]


def test_mbpp_is_split_as_its_paper_splits_it() -> None:
    """Ten to prompt with, 500 to test on, 90 to validate, 374 to fine-tune on."""
    problems = load_problems("mbpp").problems.values()
    splits = Counter(problem.metadata["split"] for problem in problems)
    assert splits == {"prompt": 10, "test": 500, "validation": 90, "train": 374}
    numbers = [int(task_id.split("/")[1]) for task_id in load_problems("mbpp-test").problems]
    assert numbers == list(range(11, 511))


@pytest.mark.parametrize("name", PROBLEM_SETS)
def test_set_is_found_by_the_id_of_any_of_its_tasks(name: str) -> None:
    """For the message about samples that were drawn for another set."""
    assert all(name in sets_with_task(task_id) for task_id in load_problems(name).problems)


def test_mbpp_problem_is_a_script_with_its_assertions_after_it() -> None:
    """The prompt is the one of MBPP's README; a set-up goes before the assertions."""
    problem = _problem("mbpp", "MBPP/3")
    assert (problem.kind, problem.entry_point) == ("script", "is_not_prime")
    assert problem.prompt == (
        "You are an expert Python programmer, and here is your task: Write a python function to identify "
        "non-prime numbers. Your code should pass these tests:\n\nassert is_not_prime(2) == False\n"
        "assert is_not_prime(10) == True\nassert is_not_prime(35) == True\n[BEGIN]\n"
    )
    with_set_up = _problem("mbpp", "MBPP/367").test
    assert with_set_up.startswith("root = Node(1)")
    assert with_set_up.endswith("assert is_tree_balanced(root2) == False ")


def test_mbpp_entry_point_is_the_function_that_the_tests_call() -> None:
    """Found for every one of the 974, helpers before or after it notwithstanding."""
    for problem in load_problems("mbpp").problems.values():
        assert f"def {problem.entry_point}" in (problem.canonical_solution or "")
        assert problem.entry_point in problem.test


def test_sanitized_mbpp_imports_stand_before_the_assertions() -> None:
    """A tolerance needs math."""
    problem = _problem("mbpp-sanitized", "MBPP/82")
    assert problem.test.splitlines()[:2] == [
        "import math",
        "assert math.isclose(volume_sphere(10), 4188.790204786391, rel_tol=0.001)",
    ]


@pytest.mark.parametrize(
    ("language", "task_id", "entry_point"),
    [
        ("python", "Python/38", "decode_cyclic"),
        ("js", "JavaScript/0", "hasCloseElements"),
        ("cpp", "CPP/10", "make_palindrome"),
        ("cpp", "CPP/38", "decode_cyclic"),
    ],
)
def test_humaneval_x_entry_point_is_the_function_to_be_written(
    language: str, task_id: str, entry_point: str
) -> None:
    """Not a helper before it."""
    assert _problem(f"humaneval-x-{language}", task_id).entry_point == entry_point


def test_humaneval_x_python_test_no_longer_calls_itself() -> None:
    """Whoever judges calls `check`, as for HumanEval."""
    problem = _problem("humaneval-x-python", "Python/0")
    assert problem.test.rstrip().endswith("== False")
    assert "import numpy as np" in problem.imports


def test_humaneval_x_language_that_is_not_judged_is_refused(data_dir: Path) -> None:
    """One line names it and those that are."""
    with pytest.raises(InputError, match=r"line 1: .*language 'Go' is not judged, Python, JavaScript, CPP"):
        read_problems(data_dir / "humaneval-x" / "humaneval_go.jsonl.gz")


def test_apps_row_without_tests_is_left_out_and_counted(data_dir: Path, tmp_path: Path) -> None:
    """The data set has such rows; one of them must not make the rest unusable."""
    row = {"problem_id": 1, "question": "?", "solutions": "", "starter_code": "", "input_output": ""}
    tested = {**row, "problem_id": 2, "input_output": '{"inputs": ["1"], "outputs": ["1"]}'}
    file = tmp_path / "apps.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in (row, tested)))
    found = read_problems(file)
    assert (list(found.problems), found.untested) == (["APPS/2"], 1)
    file.write_text(json.dumps(row))
    with pytest.raises(InputError, match="none of its 1 rows has tests"):
        read_problems(file)


def test_apps_folder_is_read_in_its_original_layout(data_dir: Path) -> None:
    """Three problems that read and print, one that calls a method, one a function; the original's prompt."""
    problems = read_problems(data_dir / "apps").problems
    kinds = {task_id: problem.kind for task_id, problem in problems.items()}
    assert kinds == {
        **dict.fromkeys(("APPS/train/0001", "APPS/train/0111", "APPS/train/2287"), "stdio"),
        **dict.fromkeys(("APPS/train/2404", "APPS/train/4184"), "script"),
    }
    first = problems["APPS/train/0001"]
    assert (first.tests[0].stdin, first.tests[0].expected_stdout) == (
        "3\n2 2 3\n4 3 7\n10 1 9\n",
        "1\n6\n-1\n",
    )
    assert (first.comparator, first.time_limit_s) == ("apps", 4.0)
    assert first.prompt.startswith("\nQUESTION:\nMikhail walks on a Cartesian plane.")
    assert first.prompt.endswith("\nUse Standard Input format\nANSWER:\n")
    method = problems["APPS/train/2404"].prompt
    assert method.endswith("k: int) -> int:\n        \nUse Call-Based format\nANSWER:\n")


def test_apps_row_of_the_hub_copy_is_the_same_problem(data_dir: Path, tmp_path: Path) -> None:
    """There the files are JSON in strings."""
    folder = data_dir / "apps" / "train" / "4184"
    row = {
        "problem_id": 4184,
        "question": (folder / "question.txt").read_text(),
        "solutions": (folder / "solutions.json").read_text(),
        "input_output": (folder / "input_output.json").read_text(),
        "starter_code": (folder / "starter_code.py").read_text(),
        **json.loads((folder / "metadata.json").read_text()),
    }
    (tmp_path / "apps.jsonl").write_text(json.dumps(row))
    [found] = read_problems(tmp_path / "apps.jsonl").problems.values()
    [same] = read_problems(folder).problems.values()
    assert found.to_json() == {**same.to_json(), "task_id": "APPS/4184"}


@pytest.mark.parametrize(
    ("got", "wanted", "passes"),
    [
        (5, 5, True),
        (5, [5], True),
        ((1, 2), [1, 2], True),
        ([(1, 2)], [[[1, 2]]], True),
        ({1: "a"}, {"1": "a"}, True),
        ([{1: "a"}], [{"1": "a"}], True),
        ({"x": 1}, {"x": 1}, True),
        (None, [], False),
        ([], [5], False),
        (6, [5], False),
    ],
)
def test_apps_takes_for_equal_what_its_harness_does(got: object, wanted: object, passes: bool) -> None:
    """An answer may stand in a list of one, lists stand for tuples, and JSON made strings of keys."""
    cases = json.dumps([[[0], wanted]])
    if passes:
        check_as_apps(lambda _: got, cases)
    else:
        with pytest.raises(AssertionError):
            check_as_apps(lambda _: got, cases)


def test_code_contests_tests_are_what_goes_in_and_comes_out(data_dir: Path) -> None:
    """Twenty problems, 2,233 tests, no solutions."""
    problems = read_problems(data_dir / "code_contests" / "code_contests_20.jsonl.gz").problems
    assert (len(problems), sum(len(problem.tests) for problem in problems.values())) == (20, 2233)
    first = problems["CodeContests/0"]
    assert (first.kind, first.tests[0].expected_stdout) == ("stdio", "0\n1\n2\n")
    assert first.metadata == {"origin": "CODECHEF", "difficulty": "MEDIUM", "name": "a3"}


def test_read_problems_of_every_format_round_trip(data_dir: Path) -> None:
    """Whatever they came from, our own file form holds all of them."""
    files = ("mbpp/sanitized-mbpp.json", "evalplus/MbppPlus-v0.2.0.jsonl.gz", "apps")
    for file in (*files, "humaneval-x/humaneval_cpp.jsonl.gz", "code_contests/code_contests_20.jsonl.gz"):
        for problem in read_problems(data_dir / file).problems.values():
            assert Problem.from_json(problem.to_json(), "here") == problem


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("mbpp/mbpp.jsonl.gz", {"test_list": [1]}, "has MBPP's fields but not its content"),
        ("mbpp/mbpp.jsonl.gz", {"task_id": 975}, "has MBPP's fields but not its content"),
        ("evalplus/MbppPlus-v0.2.0.jsonl.gz", {"task_id": 2}, "has EvalPlus's fields but not its content"),
        ("code_contests/code_contests_20.jsonl.gz", {"test": "["}, "has CodeContests's fields but not"),
        ("humaneval-x/humaneval_cpp.jsonl.gz", {"declaration": ""}, "no function is found"),
    ],
)
def test_broken_row_is_one_line(
    data_dir: Path, tmp_path: Path, file: str, change: dict[str, object], message: str
) -> None:
    """Never a traceback."""
    with gzip.open(data_dir / file, "rt") as stream:
        row = json.loads(next(stream))
    (tmp_path / "p.jsonl").write_text(json.dumps({**row, **change}))
    with pytest.raises(InputError, match=rf"p\.jsonl, line 1: .*{message}"):
        read_problems(tmp_path / "p.jsonl")


def test_two_formats_in_one_file_are_refused(data_dir: Path, tmp_path: Path) -> None:
    """The line where the other one begins is named."""
    files = ("mbpp/mbpp.jsonl.gz", "humaneval-x/humaneval_js.jsonl.gz")
    lines = [gzip.decompress((data_dir / file).read_bytes()).splitlines()[0] for file in files]
    (tmp_path / "p.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(InputError, match=r"line 2: is not in the format of the rows before it"):
        read_problems(tmp_path / "p.jsonl")
