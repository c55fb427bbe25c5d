"""Pure functions on counts: pass@k, the two intervals beside it, comparisons. See docs/statistics.md."""

from codelm.stats.comparison import Comparison, compare
from codelm.stats.intervals import Estimate, Interval, mean_interval, mean_p_value, to_json
from codelm.stats.passing import (
    PassAtK,
    biased_pass_at_k,
    mean_pass_at_k,
    mean_pass_at_k_here,
    pass_at_k,
    score_pass_at_k,
)

__all__ = [
    "Comparison",
    "Estimate",
    "Interval",
    "PassAtK",
    "biased_pass_at_k",
    "compare",
    "mean_interval",
    "mean_p_value",
    "mean_pass_at_k",
    "mean_pass_at_k_here",
    "pass_at_k",
    "score_pass_at_k",
    "to_json",
]
