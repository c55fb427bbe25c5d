"""Pure functions on counts: pass@k and the intervals beside it."""

from codelm.stats.intervals import Estimate, mean_interval
from codelm.stats.passing import mean_pass_at_k, pass_at_k

__all__ = ["Estimate", "mean_interval", "mean_pass_at_k", "pass_at_k"]
