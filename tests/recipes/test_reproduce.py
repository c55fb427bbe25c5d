"""The whole loop at a tiny scale: it runs, its report is true, and a killed run loses nothing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codelm.experiments import read_table
from codelm.recipes.stages import folder_digest
from codelm.report import check_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TINY = {
    "corpus_bytes": 1_500_000,
    "vocab_size": 1024,
    "sizes": "0.1M,0.4M",
    "context": 320,  # the starter set's longest prompt, in this small vocabulary
    "codex_tokens": 80_000,
    "codex_batch": 4,
    "family_problems": 320,
    "codex_s_batch": 16,
    "chain_lengths": 2,
    "chains_per_length": 3,
    "samples": 2,
    "samples_last": 4,
    "max_new_tokens": 24,
}


def _start(run: Path, **changes: object) -> subprocess.Popen[str]:
    options = [f"--set={name}={value}" for name, value in {**TINY, **changes}.items()]
    command = [sys.executable, "-m", "codelm.cli", "reproduce", "--run", str(run), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _reproduce(run: Path, **changes: object) -> tuple[str, str]:
    """Run to the end; what it wrote to stdout and to stderr."""
    process = _start(run, **changes)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out, err


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing stopped."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    out, _ = _reproduce(run)
    assert "Pass rate" in out or "pass" in out
    return run


def _end_state(run: Path) -> dict[str, object]:
    """Every stage's content; of verdicts, the rows without their clocks."""
    state: dict[str, object] = {}
    for marker in sorted(run.glob("*/stage.json")):
        folder = marker.parent
        if folder.name.startswith("verdicts-"):
            rows = (folder / "samples.jsonl_results.jsonl").read_text().splitlines()
            state[folder.name] = [
                (row["task_id"], row["completion"], row["verdict"]) for row in map(json.loads, rows)
            ]
        else:
            state[folder.name] = folder_digest(folder)
    return state


def test_every_number_of_the_report_is_that_of_its_file(undisturbed: Path) -> None:
    """Parsed back from the page and compared one by one."""
    checked = check_report(undisturbed)
    assert checked.differences == ()
    assert checked.numbers > 100


def test_pass_rates_of_the_table_are_those_of_the_verdicts(undisturbed: Path) -> None:
    """pass@1 of each row, counted again from the results files."""
    table = read_table(undisturbed / "tables" / "pass.json")
    names = [column.name for column in table.columns]
    for cells in table.rows:
        row = dict(zip(names, cells, strict=True))
        folder = f"verdicts-{row['model']}-{row['problems of']}-T{row['temperature']:g}"
        rows = map(
            json.loads, (undisturbed / folder / "samples.jsonl_results.jsonl").read_text().splitlines()
        )
        by_task: dict[str, list[bool]] = {}
        for result in rows:
            by_task.setdefault(result["task_id"], []).append(result["passed"])
        rates = [sum(passed) / len(passed) for passed in by_task.values()]
        assert row["pass@1"].value == pytest.approx(sum(rates) / len(rates), abs=1e-12)


def test_second_run_is_skipped_whole_and_a_changed_option_reruns_its_readers(undisturbed: Path) -> None:
    """Nothing is computed twice; another time limit judges again but trains and samples nothing."""
    _, err = _reproduce(undisturbed)
    assert "[" not in err
    _, err = _reproduce(undisturbed, timeout_s=2.5)
    announced = [line.split("] ")[1].split()[0] for line in err.splitlines() if line.startswith("[")]
    assert set(announced) == {"judging"}
    _reproduce(undisturbed)


def test_killed_run_ends_in_the_undisturbed_state(undisturbed: Path, tmp_path: Path) -> None:
    """kill -9 and Ctrl-C at random moments, run again each time: the same models, samples and verdicts."""
    rng = random.Random(0)
    run = tmp_path / "run"
    for number in range(6):
        process = _start(run)
        time.sleep(rng.uniform(4, 20))
        os.kill(process.pid, signal.SIGKILL if number % 2 else signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert process.returncode in (-signal.SIGKILL, 130, 0), err
    _reproduce(run)
    assert _end_state(run) == _end_state(undisturbed)


def test_training_data_holds_no_evaluated_problem(undisturbed: Path) -> None:
    """The proof that the run itself writes down, and the corpus looked through once more."""
    from codelm.corpus import read_documents
    from codelm.curation import Evaluated
    from codelm.problems import read_problems

    assert (
        json.loads((undisturbed / "family" / "separation.json").read_text())["like_an_evaluated_problem"] == 0
    )
    problems = [read_problems(undisturbed / "problems" / f"{name}.jsonl") for name in ("starter", "chains")]
    evaluated = Evaluated(problem for problem_set in problems for problem in problem_set.problems.values())
    found = [evaluated.in_text(document.text) for document in read_documents(undisturbed / "corpus", "train")]
    assert set(found) == {None}
