"""The cache of verdicts: a hit is what was judged before; whatever decides a verdict makes a miss."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from codelm.evaluation import Judge, Judgement, Verdict, VerdictCache, evaluate_samples
from codelm.evaluation._cache import cache_key, digest_of
from codelm.problems import Problem, ProblemSet
from codelm.sandbox import Limits, Sandbox

SET = ProblemSet.of(
    "toy",
    [
        Problem(
            task_id="t/0",
            prompt="def f(x):\n",
            entry_point="f",
            test="def check(candidate):\n    assert candidate(2) == 4\n",
        )
    ],
)
PROBLEM = SET.problems["t/0"]
PASSED = Judgement(verdict=Verdict.PASSED, result="passed", cpu_s=0.25, flags=("run_alone",))


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Three rows, two programs."""
    path = tmp_path / "samples.jsonl"
    completions = ["    return 2 * x", "    return x", "    return 2 * x"]
    path.write_text("".join(json.dumps({"task_id": "t/0", "completion": c}) + "\n" for c in completions))
    return path


def test_judgement_comes_back_whole(tmp_path: Path) -> None:
    """From the same cache, and from the same file later."""
    key = cache_key(b"judge", b"problem", "completion")
    with VerdictCache(tmp_path / "v") as cache:
        assert cache.get(key) is None
        cache.put(key, PASSED)
        assert cache.get(key) == PASSED
    with VerdictCache(tmp_path / "v") as cache:
        assert cache.get(key) == PASSED


def test_infra_error_is_never_kept(tmp_path: Path) -> None:
    """It says nothing of the program; a final time-out does."""
    with VerdictCache(tmp_path / "v") as cache:
        cache.put(b"1", replace(PASSED, verdict=Verdict.INFRA_ERROR))
        cache.put(b"2", replace(PASSED, verdict=Verdict.TIMEOUT))
        assert cache.get(b"1") is None
        assert cache.get(b"2") is not None


@pytest.mark.parametrize(
    "other",
    [
        {"completion": "c"},
        {"problem": digest_of(replace(PROBLEM, test="other").to_json())},
        {"problem": digest_of(replace(PROBLEM, prompt="other").to_json())},
        {"problem": digest_of(replace(PROBLEM, time_limit_s=1.0).to_json())},
        {"whole": True},
        {"time_s": 1.0},
    ],
    ids=["completion", "tests", "prompt", "limit_of_the_problem", "whole", "limit_of_the_judge"],
)
def test_other_program_is_a_miss(other) -> None:
    """Completion, tests, prompt, limits, what kind of completion it is."""
    given = {"judge": digest_of({}), "problem": digest_of(PROBLEM.to_json()), "completion": "b"}
    assert cache_key(**{**given, **other}) != cache_key(**given)


SETTINGS = {
    "limits": {"limits": Limits(time_s=2.0)},
    "memory": {"limits": Limits(memory_bytes=1 << 28)},
    "seed": {"seed": 1},
    "tier": {"isolation": "full"},
    "interpreter": {"python": "/usr/bin/python3"},
    "packages": {"packages": ()},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_other_setting_is_a_miss(name: str) -> None:
    """Each setting that can change a verdict changes the judge's description, which is part of every key."""
    usual = {"isolation": "process"}
    try:
        other = Judge(**{**usual, **SETTINGS[name]}).describe()
    except Exception as error:
        pytest.skip(f"cannot be had here: {error}")
    if name == "interpreter" and sys.version.startswith(str(other["interpreter"]).split()[1]):
        pytest.skip("the other interpreter is of our very version")
    assert digest_of(other) != digest_of(Judge(**usual).describe())


def test_judges_version_is_part_of_every_key(monkeypatch) -> None:
    """A new release judges anew."""
    before = Judge(isolation="process").describe()
    monkeypatch.setattr("codelm.evaluation._judge.__version__", "9.9")
    assert digest_of(Judge(isolation="process").describe()) != digest_of(before)


def test_second_evaluation_runs_nothing(samples: Path, monkeypatch, tmp_path: Path) -> None:
    """Same rows, clocks included; not even a worker is started. Without the cache every row is run."""
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path / "cache"))
    first = evaluate_samples(samples, SET, workers=1)
    rows = first.results.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(Sandbox, "__enter__", None)
        assert evaluate_samples(samples, SET, workers=1).results.read_text() == rows
    run = []
    judge_one = Judge._work
    monkeypatch.setattr(
        Judge, "_work", lambda judge, *given, **how: run.append(given) or judge_one(judge, *given, **how)
    )
    again = evaluate_samples(samples, SET, workers=1, cache=False)
    assert len(run) == 3, "the rows, and not the self-test, which is known from before"
    judged = [json.loads(line) for line in again.results.read_text().splitlines()]
    assert [row["passed"] for row in judged] == [True, False, True]
    assert judged[0]["wall_s"] != judged[2]["wall_s"]


def test_cache_that_is_no_database_is_done_without(
    samples: Path, monkeypatch, tmp_path: Path, capsys
) -> None:
    """One line on stderr, and the verdicts all the same; the file is left as it is."""
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path))
    (tmp_path / "verdicts.sqlite").write_text("someone's notes " * 100)
    assert evaluate_samples(samples, SET, workers=1).verdicts == {"passed": 2, "wrong": 1}
    assert "no cache of verdicts" in capsys.readouterr().err
    assert (tmp_path / "verdicts.sqlite").read_text() == "someone's notes " * 100


def test_damaged_row_of_the_cache_is_judged_again(samples: Path, monkeypatch, tmp_path: Path, capsys) -> None:
    """Whatever someone wrote there."""
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path / "cache"))
    evaluate_samples(samples, SET, workers=1)
    with sqlite3.connect(tmp_path / "cache" / "verdicts.sqlite") as database:
        database.execute('UPDATE verdicts SET judgement = \'{"verdict": "great"}\'')
    database.close()
    assert evaluate_samples(samples, SET, workers=1).verdicts == {"passed": 2, "wrong": 1}
    assert "unusable" in capsys.readouterr().err


def test_two_processes_share_one_cache(tmp_path: Path) -> None:
    """Neither fails, whatever the other writes meanwhile; both find all in the end."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom codelm.evaluation import *\n"
        "with VerdictCache(Path(sys.argv[1])) as cache:\n"
        "    for n in range(3000):\n"
        "        cache.put(b'%d %d' % (int(sys.argv[2]), n),\n"
        "                  Judgement(verdict=Verdict.PASSED, result='passed'))\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "v"]
    both = [subprocess.Popen([*command, str(n)], stderr=subprocess.PIPE) for n in range(2)]
    assert [process.communicate()[1] for process in both] == [b"", b""]
    with VerdictCache(tmp_path / "v") as cache:
        assert all(cache.get(b"%d %d" % (one, n)) for one in range(2) for n in range(0, 3000, 100))


def test_open_cache_does_not_keep_others_from_writing(tmp_path: Path, capsys) -> None:
    """However long the first one stays without a put."""
    with VerdictCache(tmp_path / "v") as one, VerdictCache(tmp_path / "v") as other:
        one.put(b"1", PASSED)
        other.put(b"2", PASSED)
        assert one.get(b"2") == PASSED
    assert capsys.readouterr().err == ""


def test_verdict_that_cannot_be_written_now_is_passed_by(tmp_path: Path, capsys, monkeypatch) -> None:
    """Another process holds the file; later ones are kept again."""
    monkeypatch.setattr("codelm.evaluation._cache.BUSY_S", 0.05)
    with VerdictCache(tmp_path / "v") as cache:
        with contextlib.closing(sqlite3.connect(tmp_path / "v", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            cache.put(b"1", PASSED)
            holder.execute("ROLLBACK")
        cache.put(b"2", PASSED)
        assert (cache.get(b"1"), cache.get(b"2")) == (None, PASSED)
    assert capsys.readouterr().err == ""
