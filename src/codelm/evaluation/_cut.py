"""What of a text is judged: an explicit step before the judge."""

from collections.abc import Callable

from codelm.errors import UsageError
from codelm.problems import Problem, Sample, take_fenced, truncate_at_stop

NONE = "none"
_CUTS: dict[str, Callable[[Problem, Sample], str]] = {
    NONE: lambda problem, sample: sample.completion,
    "paper": lambda problem, sample: (
        sample.completion if sample.whole else truncate_at_stop(sample.completion).text
    ),
    "fenced": lambda problem, sample: take_fenced(problem, sample.completion, whole=sample.whole),
}


def cut_by(name: str) -> Callable[[Problem, Sample], str]:
    """How a sample's text is cut: not (none), at the paper's stop sequences (paper), to its code (fenced).

    Raises: UsageError for another name.
    """
    if name not in _CUTS:
        raise UsageError(f"truncate must be one of {', '.join(_CUTS)}; found {name!r}")
    return _CUTS[name]
