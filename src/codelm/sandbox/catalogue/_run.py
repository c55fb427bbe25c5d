"""Runs the catalogue against a sandbox of this host, and says of each row whether it held."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from types import TracebackType
from typing import Any, Self

from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Ended, Outcome, Program
from codelm.sandbox._sandbox import Sandbox
from codelm.sandbox._walls import PROCESS
from codelm.sandbox.catalogue._bait import Bait
from codelm.sandbox.catalogue._invariants import (
    Invariant,
    Watched,
    broken,
    has_cgroups,
    has_own_users,
    snapshot,
)
from codelm.sandbox.catalogue._rows import ANY, NO_CGROUP, SAME_USER, Row, catalogue

MiB = 1 << 20
ATTACK_LIMITS = Limits(time_s=0.5, memory_bytes=200 * MiB, processes=16, output_bytes=1 * MiB)
HONEST_LIMITS = Limits(time_s=10.0)
GRACE_S = 10.0  # past the wall guard, for killing and cleaning; a supervisor held up for longer hangs

# After each row this must pass, where the row ran.
HONEST = Program(
    units=("import os\nassert os.listdir() == [] and sum(range(10)) == 45\n",), limits=HONEST_LIMITS
)

# What a row may need, and a program that finishes where it is there.
NEEDS = {
    "ctypes": "import ctypes",
    "fork": "import os\nif os.fork() == 0: os._exit(0)\nos.wait()",
    "numpy": "import numpy",
    "shell": "import os\nassert os.system('true') == 0",
    "sqlite3": "import sqlite3",
    "x86_64": "import os\nassert os.uname().machine == 'x86_64'",
}


class Verdict(Enum):
    """What became of a row."""

    HELD = "held"
    BROKEN = "BROKEN"
    EXCEPTION = "exception"  # it got through, and the row says why it does in this tier
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """One row, as it went."""

    row: Row
    tier: str
    verdict: Verdict
    seen: str = ""  # how the judged program ended: `how` or `how:detail`, as rows expect it
    reason: str = ""  # of an exception, or why the row means nothing here
    broken: tuple[str, ...] = ()  # the invariants that do not hold, with what has changed

    def to_json(self) -> dict[str, Any]:
        """The result as plain values, the row by its id and title."""
        return {
            "id": self.row.id,
            "title": self.row.title,
            "tier": self.tier,
            "expected": list(self.row.expected),
            "seen": self.seen,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "broken": list(self.broken),
        }


def run_catalogue(
    isolation: str = "auto",
    *,
    rows: Iterable[Row] | None = None,
    python: str | None = None,
    on_row: Callable[[RowResult], None] | None = None,
) -> list[RowResult]:
    """Attack a sandbox of this tier on this host with each row. A minute or two.

    rows: default all attacks and honest neighbours. python: the interpreter of the programs, a path or a name
    on PATH; default: the running one. on_row: called with each result as it is there.
    Raises: UsageError, MissingError where the tier cannot be had; InfraError when no worker comes up.
    """
    chosen = [*catalogue().attacks, *catalogue().honest] if rows is None else list(rows)
    results = []
    with Attacker(isolation, python=python) as attacker:
        for row in chosen:
            results.append(attacker.attack(row))
            if on_row is not None:
                on_row(results[-1])
    return results


class Attacker:
    """A sandbox of one worker, with bait beside it, for one row after another; use as a context manager."""

    def __init__(
        self, isolation: str = "auto", *, python: str | None = None, without: Iterable[str] = ()
    ) -> None:
        """without: walls that are left out, to see what they hold."""
        self.isolation, self.python, self.without = isolation, python, tuple(without)

    def __enter__(self) -> Self:
        self._begin()
        self._has = cache(self._find)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.close()

    @property
    def tier(self) -> str:
        """The tier that is attacked."""
        return self._watched.sandbox.tier

    def attack(self, row: Row) -> RowResult:
        """Run one row and look at what it did to the host. After one that does not hold all is made anew."""
        result = RowResult(row=row, tier=self.tier, verdict=Verdict.NOT_APPLICABLE)
        for need in row.needs:
            if not self._has(need):
                return replace(result, reason=f"no {need} here")
        trial = self._try(row)
        if trial.may_be_of_others:
            trial = self._try(row)
        if trial.held:
            return replace(result, verdict=Verdict.HELD, seen=trial.seen)
        reason = self._reason(row.exceptions)
        self._end.close()
        self._begin()
        # An exception is for how a program ends; what it does to the host only tier process cannot help.
        spared = reason and (self.tier == PROCESS or not trial.broken)
        verdict = Verdict.EXCEPTION if spared else Verdict.BROKEN
        return replace(result, verdict=verdict, seen=trial.seen, reason=reason, broken=trial.broken)

    def _reason(self, reasons: Mapping[str, str]) -> str:
        """The one that is given for where we are; empty when there is none."""
        here = {ANY, self.tier}
        if not has_cgroups(self._watched):
            here.add(NO_CGROUP)
        if not has_own_users(self._watched):
            here.add(SAME_USER)
        return next((reason for where, reason in reasons.items() if where in here), "")

    def _try(self, row: Row) -> "_Trial":
        trial = _Trial(row)
        before = snapshot(self._watched)
        for _ in range(row.times):
            for number, source in enumerate(row.programs, 1):
                self._run(trial, source, judged=number == len(row.programs))
        honest = self._watched.sandbox.run(HONEST)
        if not honest.proof:
            trial.complaints.append(f"next honest program: {describe(honest)}")
        trial.changes = broken(before, self._watched, may_retire=bool(self._reason(row.may_retire)))
        return trial

    def _run(self, trial: "_Trial", source: str, *, judged: bool) -> None:
        row = trial.row
        limits = replace(HONEST_LIMITS if row in catalogue().honest else ATTACK_LIMITS, **row.limits)
        units = (*(self._helpers[name] for name in row.uses), source)
        began = time.monotonic()
        outcome = self._watched.sandbox.run(Program(units=units, limits=limits))
        took_s, seen = time.monotonic() - began, describe(outcome)
        if judged and (not trial.seen or row.allows(trial.seen)):
            trial.seen = seen
        elif not judged and not row.allows_planting(seen):
            trial.complaints.append(f"planting: {seen}")
        if took_s > limits.wall_guard_s + GRACE_S:
            trial.complaints.append(f"supervisor: held up for {took_s:.0f} s")
        if len(outcome.message or "") > limits.message_chars:
            trial.complaints.append(f"supervisor: a message of {len(outcome.message or '')} characters")

    def _begin(self) -> None:
        with contextlib.ExitStack() as end:
            bait = end.enter_context(Bait())
            sandbox = end.enter_context(
                Sandbox(
                    ATTACK_LIMITS,
                    workers=1,
                    isolation=self.isolation,
                    python=self.python,
                    _without=self.without,
                )
            )
            sandbox.run(HONEST)
            self._end = end.pop_all()
        self._watched = Watched(sandbox=sandbox, bait=bait)
        self._helpers = {**catalogue().helpers, "bait": bait.as_source()}

    def _find(self, need: str) -> bool:
        program = Program(units=(NEEDS[need],), limits=HONEST_LIMITS)
        return self._watched.sandbox.run(program).proof


@dataclass
class _Trial:
    """What was seen of one row."""

    row: Row
    seen: str = ""  # how the judged program ended: the first time that it ended wrongly, or the last
    complaints: list[str] = field(default_factory=list)
    changes: dict[Invariant, list[str]] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return self.row.allows(self.seen) and not self.complaints and not self.changes

    @property
    def may_be_of_others(self) -> bool:
        """Whether nothing is wrong but what others on the host can have done, too."""
        only_changes = self.row.allows(self.seen) and not self.complaints
        return only_changes and bool(self.changes) and all(one.shared for one in self.changes)

    @property
    def broken(self) -> tuple[str, ...]:
        """All complaints, in words."""
        found = (f"{one.name}: {', '.join(changes)}" for one, changes in self.changes.items())
        return (*self.complaints, *found)


def describe(outcome: Outcome) -> str:
    """How a program ended, as rows expect it: `how`, or `how:detail`."""
    detail = ""
    if outcome.ended is Ended.RAISED:
        detail = outcome.exception or "?"
    elif outcome.ended is Ended.SIGNALLED and outcome.signal is not None:
        detail = signal.Signals(outcome.signal).name if outcome.signal in set(signal.Signals) else "?"
    elif outcome.tampered:
        detail = "tampered"
    return f"{outcome.ended.value}:{detail}" if detail else outcome.ended.value
