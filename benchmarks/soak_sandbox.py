"""Hostile and honest programs in random order through one sandbox: nothing leaks, every honest one passes.

    python benchmarks/soak_sandbox.py [--programs 10000] [--isolation full] [--seed 0] [--kills]

The programs are those of the attack catalogue which hold in the tier. What is on the host is compared before
and after: processes, descriptors, mounts, IPC objects, control groups, files, memory. With --kills, workers
and their keepers are killed by SIGKILL at random meanwhile, and each program's end is compared with a quiet
run's; one whose worker died is run again alone, as it is when samples are judged, and only programs that can
end in one way are run. Ends with 1 where anything is wrong.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from codelm.progress import progress
from codelm.sandbox import Ended, Limits, Outcome, Program, Sandbox
from codelm.sandbox._process_tree import descendants
from codelm.sandbox.catalogue import Row, catalogue
from codelm.sandbox.catalogue._bait import Bait
from codelm.sandbox.catalogue._invariants import HOST_MEMORY, Watched, broken, snapshot
from codelm.sandbox.catalogue._run import ATTACK_LIMITS, HONEST, HONEST_LIMITS, NEEDS, describe

WORKERS = 2
KILL_EACH_S = (0.05, 0.5)  # between two kills, at random


class Task(NamedTuple):
    """One program, and the row that it is of."""

    row: Row
    program: Program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--isolation", default="full")
    parser.add_argument("--python", help="the interpreter of the programs; default: the running one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", action="store_true", help="kill workers and keepers meanwhile")
    options = parser.parse_args()
    with (
        Bait() as bait,
        Sandbox(
            ATTACK_LIMITS, workers=WORKERS, isolation=options.isolation, python=options.python
        ) as sandbox,
    ):
        tasks = choose(sandbox, bait, options.programs, options.seed, determined=options.kills)
        run_all(sandbox, tasks[: 10 * WORKERS])  # all that is imported and made once, is by now
        watched = Watched(sandbox=sandbox, bait=bait)
        before, began = snapshot(watched), time.monotonic()
        wrong = compare_under_kills(sandbox, tasks) if options.kills else check(sandbox, tasks)
        took_s = time.monotonic() - began
        for slot in sandbox._pool.slots:  # a worker that was killed last is not replaced before it is needed
            slot.run(HONEST)
        leaks = broken(before, watched, may_retire=True)
        leaks.pop(HOST_MEMORY, None)  # over minutes that is mostly others'
        print(
            f"{sandbox.tier}: {len(tasks)} programs, seed {options.seed}, {len(tasks) / took_s:.1f} a second"
        )
    for line in wrong:
        print(f"wrong: {line}")
    for invariant, changes in leaks.items():
        print(f"left: {invariant.name}: {', '.join(changes)}")
    print(f"{len(wrong)} wrong, {len(leaks)} kinds of things left")
    return 1 if wrong or leaks else 0


def choose(sandbox: Sandbox, bait: Bait, count: int, seed: int, *, determined: bool) -> list[Task]:
    """Programs in random order, as many hostile as honest ones; determined: those that can end in one way."""
    has = {need: run_probe(sandbox, source) for need, source in NEEDS.items()}
    helpers = {**catalogue().helpers, "bait": bait.as_source()}
    exceptional = {"any", "no_cgroup", "same_user", sandbox.tier}

    def tasks(rows: Sequence[Row], limits: Limits) -> list[Task]:
        return [
            Task(row, program_of(row, helpers, limits))
            for row in rows
            if len(row.programs) == 1
            and all(has[need] for need in row.needs)
            and exceptional.isdisjoint(row.exceptions)
            and not (determined and len(row.expected) > 1)
        ]

    kinds = tasks(catalogue().attacks, ATTACK_LIMITS), tasks(catalogue().honest, HONEST_LIMITS)
    chance = random.Random(seed)
    return [chance.choice(kinds[chance.randrange(2)]) for _ in range(count)]


def run_probe(sandbox: Sandbox, source: str) -> bool:
    """Whether a program finishes."""
    return sandbox.run(Program(units=(source,), limits=HONEST_LIMITS)).proof


def program_of(row: Row, helpers: Mapping[str, str], limits: Limits) -> Program:
    """The only program of a row."""
    units = (*(helpers[name] for name in row.uses), row.programs[0])
    return Program(units=units, limits=replace(limits, **row.limits))


def check(sandbox: Sandbox, tasks: Sequence[Task]) -> list[str]:
    """Run them all; what did not end as its row allows."""
    outcomes = run_all(sandbox, tasks)
    counts = Counter(outcome.ended.value for outcome in outcomes)
    print(", ".join(f"{count} {how}" for how, count in counts.most_common()))
    return [
        f"{task.row.id}: {describe(outcome)}"
        for task, outcome in zip(tasks, outcomes, strict=True)
        if not task.row.allows(describe(outcome))
    ]


def compare_under_kills(sandbox: Sandbox, tasks: Sequence[Task]) -> list[str]:
    """Run them quietly, then while workers are killed; what ended differently."""
    quiet = run_all(sandbox, tasks)
    with killing(sandbox) as kills:
        killed = run_all(sandbox, tasks)
    lost = [number for number, outcome in enumerate(killed) if outcome.ended is Ended.LOST]
    for number in lost:
        killed[number] = sandbox.run_alone(tasks[number].program)
    print(f"killed {kills['workers']} workers, {kills['keepers']} keepers; {len(lost)} programs run again")
    return [
        f"{task.row.id}: {describe(before)} in a quiet run, {describe(after)} under kills"
        for task, before, after in zip(tasks, quiet, killed, strict=True)
        if describe(before) != describe(after)
    ]


def run_all(sandbox: Sandbox, tasks: Sequence[Task]) -> list[Outcome]:
    """The outcome of each, in order; what came too close to its time is run again alone."""
    outcomes: dict[int, Outcome] = {}
    with progress("programs", len(tasks)) as shown:
        for number, outcome in sandbox.run_many((number, task.program) for number, task in enumerate(tasks)):
            outcomes[number] = outcome
            shown.advance()
    for number, outcome in outcomes.items():
        if not outcome.settled and outcome.ended is not Ended.LOST:
            outcomes[number] = sandbox.run_alone(tasks[number].program)
    return [outcomes[number] for number in range(len(tasks))]


@contextlib.contextmanager
def killing(sandbox: Sandbox) -> Iterator[Counter[str]]:
    """Kill workers and keepers at random while the block runs; how many of each."""
    kills: Counter[str] = Counter()
    ended = threading.Event()
    chance = random.Random(1)

    def kill_on() -> None:
        while not ended.wait(chance.uniform(*KILL_EACH_S)):
            housing = chance.choice(sandbox._pool.slots)._housing
            if housing is None:
                continue
            what, pid = chance.choice((("workers", housing.pid), ("keepers", housing.process.pid)))
            if pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    kills[what] += 1

    thread = threading.Thread(target=kill_on)
    thread.start()
    try:
        yield kills
    finally:
        ended.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
