"""Result rows, counted as they go by: what a score is made of."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from codelm.evaluation._confirm import UNCONFIRMED
from codelm.evaluation._verdict import Verdict
from codelm.files import Json

AS_WRITTEN = "as_written"  # in a row: the judgement of the text before it was cut, where cutting changed it
_FENCE = "```"


class Count(NamedTuple):
    """Samples of one task."""

    n: int  # judged, whatever the verdict
    passed: int
    infra_errors: int  # among n; through our fault without a verdict


class Slow(NamedTuple):
    """What one task's samples took."""

    task_id: str
    mean_cpu_s: float
    max_cpu_s: float


class Tally:
    """Counts of the rows that count. Its size grows with the tasks, not with the rows."""

    def __init__(self, excluded: Container[str], *, with_written: bool) -> None:
        """excluded: tasks that do not count. with_written: texts were cut; count them as written too."""
        self._excluded, self._with_written = excluded, with_written
        self.counts: dict[str, Count] = {}
        self.as_written: dict[str, Count] = {}
        self.parts: dict[str, dict[str, Count]] = defaultdict(dict)  # by group of tests, or by comparator
        self.verdicts: Counter[str] = Counter()
        self.unconfirmed: set[str] = set()  # tasks with a pass that stands on judge `inline` alone
        self.fenced = 0  # rows whose text holds a code fence, as chat models write it
        self._cpu_s: dict[str, tuple[float, float]] = {}  # of each task: sum, largest

    def count(self, rows: Iterable[Json]) -> Iterator[Json]:
        """The same rows, counted."""
        for row in rows:
            if row["task_id"] not in self._excluded:
                self._count(row)
            yield row

    def _count(self, row: Json) -> None:
        task_id = row["task_id"]
        self.fenced += _FENCE in (row.get("completion") or row.get("solution") or "")
        _add(self.counts, task_id, row)
        if self._with_written:
            _add(self.as_written, task_id, row.get(AS_WRITTEN, row))
        for name, passed in row.get("tests", {}).items():
            _add(self.parts[name], task_id, {**row, "passed": passed})
        self.verdicts[row["verdict"]] += 1
        if row["passed"] and UNCONFIRMED in row["flags"]:
            self.unconfirmed.add(task_id)
        total, largest = self._cpu_s.get(task_id, (0.0, 0.0))
        self._cpu_s[task_id] = total + row["cpu_s"], max(largest, row["cpu_s"])

    def slowest(self, at_most: int) -> list[Slow]:
        """The tasks whose samples took most CPU time, on average, the slowest first."""
        tasks = (Slow(name, total / self.counts[name].n, top) for name, (total, top) in self._cpu_s.items())
        return sorted(tasks, key=lambda task: -task.mean_cpu_s)[:at_most]


def _add(counts: dict[str, Count], task_id: str, judged: Json) -> None:
    n, passed, infra_errors = counts.get(task_id, Count(0, 0, 0))
    # A first group of tests may have passed before the run of the next was lost.
    infra_errors += judged["verdict"] == Verdict.INFRA_ERROR.value and not judged["passed"]
    counts[task_id] = Count(n + 1, passed + judged["passed"], infra_errors)
