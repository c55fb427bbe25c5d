"""The self-test before scoring: here, under these limits, right solutions pass and wrong ones fail.

A broken set-up otherwise scores a silent zero, and broken tests a silent one.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from codelm.evaluation._judge import Job, Judge
from codelm.evaluation._program import wrong_completion
from codelm.evaluation._verdict import Judgement
from codelm.files import Json
from codelm.problems import Problem

# A limit of a problem's own: far above what its reference needs, in steps, so that it is the same each time.
AUTO_FACTOR, AUTO_FLOOR_S = 20.0, 0.5


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What the self-test saw of each problem."""

    certified: tuple[str, ...]  # the canonical solution passes, a wrong one fails
    uncertified: tuple[str, ...]  # there is no canonical solution to try
    failing: dict[
        str, str
    ]  # the canonical solution does not pass, or a wrong one does: what was seen instead
    cpu_s: dict[str, float] = field(repr=False)  # of each canonical solution that passes

    def to_json(self) -> Json:
        """For the header of a result."""
        return {
            "certified": len(self.certified),
            "uncertified": list(self.uncertified),
            "failing": self.failing,
        }


def certify(judge: Judge, problems: Sequence[Problem], *, on_tried: Callable[[], None]) -> Certificate:
    """Try each problem's canonical solution and a wrong one. on_tried: called for each that has run."""
    tried = [problem for problem in problems if problem.canonical_solution is not None]
    seen: dict[int, Judgement] = {}
    for key, judgement in judge.judge_many(_jobs(tried)) if tried else ():
        seen[key] = judgement
        on_tried()
    failing = {}
    for number, problem in enumerate(tried):
        right, wrong = seen[2 * number], seen[2 * number + 1]
        if not right.passed:
            failing[problem.task_id] = f"the canonical solution: {_words(right)}"
        elif wrong.passed:
            failing[problem.task_id] = "`return None` passes"
    return Certificate(
        certified=tuple(problem.task_id for problem in tried if problem.task_id not in failing),
        uncertified=tuple(p.task_id for p in problems if p.canonical_solution is None),
        failing=failing,
        cpu_s={p.task_id: seen[2 * n].cpu_s for n, p in enumerate(tried) if p.task_id not in failing},
    )


def auto_limits(certificate: Certificate, *, at_most_s: float) -> dict[str, float]:
    """Time limits of problems from what their canonical solutions need, in seconds.

    Twenty times its CPU time, half a second at least, rounded up to the next 0.5 s times a power of two, and
    never above `at_most_s`, which is also the limit of a problem whose solution was not seen to pass.
    """
    limits = {}
    for task_id, cpu_s in certificate.cpu_s.items():
        doublings = math.ceil(math.log2(max(1.0, AUTO_FACTOR * cpu_s / AUTO_FLOOR_S)))
        limits[task_id] = min(at_most_s, AUTO_FLOOR_S * 2**doublings)
    return limits


def _jobs(problems: Iterable[Problem]) -> Iterator[Job]:
    for number, problem in enumerate(problems):
        assert problem.canonical_solution is not None
        yield Job(2 * number, problem, problem.canonical_solution)
        yield Job(2 * number + 1, problem, wrong_completion(problem))


def _words(judgement: Judgement) -> str:
    return f"{judgement.verdict.value} ({judgement.result[:200]})"
