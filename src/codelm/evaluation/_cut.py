"""What of a text is judged: an explicit step before the judge."""

from collections.abc import Callable

from codelm.errors import UsageError
from codelm.problems import Code, Problem, Sample, take_fenced, truncate_at_stop

NONE, PAPER, FENCED = CUTS = "none", "paper", "fenced"


def cut_by(name: str) -> Callable[[Problem, Sample], Code]:
    """How a sample's text is cut: not (none), at the paper's stop sequences (paper), to its code (fenced).

    Raises: UsageError for another name; when called, for a sample that is not to be cut so.
    """
    if name not in CUTS:
        raise UsageError(f"truncate must be one of {', '.join(CUTS)}; found {name!r}")

    def cut(problem: Problem, sample: Sample) -> Code:
        check_cut(name, problem, sample)
        if name == FENCED:
            return take_fenced(problem, sample.completion, whole=sample.whole)
        text = truncate_at_stop(sample.completion).text if name == PAPER else sample.completion
        return Code(text, sample.whole)

    return cut


def check_cut(name: str, problem: Problem, sample: Sample) -> None:
    """Raises: UsageError for a sample that is not to be cut so."""
    if name == PAPER and (sample.whole or problem.kind != "function" or problem.language != "python"):
        raise UsageError(
            f"{problem.task_id}: the paper's stop sequences are for completions of a Python function; "
            "leave out --truncate paper"
        )
