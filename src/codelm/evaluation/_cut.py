"""What of a text is judged: an explicit step before the judge."""

from collections.abc import Callable

from codelm.errors import UsageError
from codelm.problems import Problem, Sample, take_fenced, truncate_at_stop

NONE = "none"


def _before_stop(problem: Problem, sample: Sample) -> str:
    if sample.whole or problem.kind != "function":
        raise UsageError(
            f"{problem.task_id}: the paper's stop sequences are for completions of a function; "
            "these are whole programs: leave out --truncate paper"
        )
    return truncate_at_stop(sample.completion).text


_CUTS: dict[str, Callable[[Problem, Sample], str]] = {
    NONE: lambda problem, sample: sample.completion,
    "paper": _before_stop,
    "fenced": lambda problem, sample: take_fenced(problem, sample.completion, whole=sample.whole),
}


def cut_by(name: str) -> Callable[[Problem, Sample], str]:
    """How a sample's text is cut: not (none), at the paper's stop sequences (paper), to its code (fenced).

    Raises: UsageError for another name.
    """
    if name not in _CUTS:
        raise UsageError(f"truncate must be one of {', '.join(_CUTS)}; found {name!r}")
    return _CUTS[name]
