"""What a scored samples file came to."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codelm.evaluation._certificate import Certificate
from codelm.evaluation._tally import Count, Slow
from codelm.evaluation._verdict import Verdict
from codelm.files import Json
from codelm.stats import PassAtK, to_json


class Scores(NamedTuple):
    """pass@k of the texts that were judged, and of what else is told apart."""

    pass_at_k: dict[int, PassAtK]  # mean over the tasks; NaN where one has n < k
    as_written: dict[int, PassAtK]  # of the texts as they were written; empty for truncate `none`
    parts: dict[str, dict[int, PassAtK]]  # by group of tests (base, plus) or comparator, where there are any

    def to_json(self) -> Json:
        """What there is of them."""
        return {
            "pass_at_k": _to_json(self.pass_at_k),
            **({"as_written": _to_json(self.as_written)} if self.as_written else {}),
            **({"parts": {part: _to_json(of) for part, of in self.parts.items()}} if self.parts else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The score of a samples file, and where its rows are."""

    results: Path  # one row per sample, in input order
    header: Path  # what the rows rest on: limits, versions, digests, counts
    problem_set: str
    problems: int  # in the problem set
    untested: int  # rows of its file that are left out, since they have no tests
    attempted: int  # problems that have samples
    over: str  # which of the two the score is over, as of `evaluate_samples`
    own_limits: int  # attempted problems that have a time limit of their own, which goes before the judge's
    settings: Json  # of the judge: its name, tier, limits and more, as in the header
    counts: dict[str, Count]  # of each task that has samples and counts
    verdicts: dict[str, int]  # samples per verdict
    certificate: Certificate
    scores: Scores
    at_best: Scores  # the same if every infra_error were a pass
    truncate: str  # what of each text was judged, as of `evaluate_samples`
    unconfirmed: tuple[str, ...]  # tasks with passes that judge `confirm` could not see apart from the tests
    fenced: int  # samples whose text holds a code fence
    repeated: int  # samples that repeat the number of an earlier one of the same task and settings
    of_others: int  # samples that say they were drawn for problems of another digest
    replaced: tuple[str, ...]  # in what the results that stood there before were of other settings
    slowest: list[Slow]  # tasks, by the mean CPU time of their samples
    lost_as_written: int  # texts as they were written that have no verdict through our fault

    @property
    def pass_at_k(self) -> dict[int, PassAtK]:
        """The score."""
        return self.scores.pass_at_k

    @property
    def infra_errors(self) -> int:
        """Samples without a verdict through our fault; with any, the score lies between two bounds."""
        return max(self.verdicts.get(Verdict.INFRA_ERROR.value, 0), self.lost_as_written)

    @property
    def samples(self) -> int:
        """How many were judged and count."""
        return sum(count.n for count in self.counts.values())

    @property
    def fewest(self) -> tuple[str, int]:
        """The task with the fewest samples, and how many: no k above it has a pass@k."""
        return min(((task_id, count.n) for task_id, count in self.counts.items()), key=lambda pair: pair[1])

    def to_json(self) -> Json:
        """The score as one JSON object; what is undefined is null."""
        return {
            "problem_set": self.problem_set,
            "problems": self.problems,
            "problems_with_samples": self.attempted,
            "problems_with_own_limits": self.own_limits,
            "problems_without_tests": self.untested,
            "over": self.over,
            "samples": self.samples,
            "samples_repeated": self.repeated,
            "samples_of_other_problems": self.of_others,
            **self.settings,
            "truncate": self.truncate,
            **self.scores.to_json(),
            **({"at_best": self.at_best.to_json()} if self.infra_errors else {}),
            "verdicts": self.verdicts,
            "unconfirmed": list(self.unconfirmed),
            "slowest": [task._asdict() for task in self.slowest],
            "certificate": self.certificate.to_json(),
            "results": str(self.results),
            "header": str(self.header),
        }


def _to_json(scores: dict[int, PassAtK]) -> Json:
    return {str(k): to_json(score) for k, score in scores.items()}
