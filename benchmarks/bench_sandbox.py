"""Measure the sandbox: what a program costs in each tier over a bare fork, and where that goes.

The programs are HumanEval's canonical solutions with their tests. All contenders are warm at once and run in
turn (A B C A B C ...); medians of the rounds. Prints Markdown for RESULTS.md. Needs HumanEval (CODELM_DATA or
`codelm problems fetch humaneval`).

    python benchmarks/bench_sandbox.py --rounds 15 --python /usr/bin/python3
"""

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from codelm.evaluation._program import GUARD, assemble
from codelm.problems import load_problems
from codelm.sandbox import Program, Sandbox, _housing, probe, usable_cpus
from codelm.sandbox._interpreter import interpreter

LEAN = ("-P", "-s", "-S", "-B")
Make = Callable[..., Sandbox]
TRIVIAL = Program(units=("x = 1\n",))


class Cost(NamedTuple):
    """Milliseconds per program. In tier gvisor what runs inside has a CPU clock of its own: not known."""

    wall: float  # times the processors used
    programs: float  # CPU of the programs' processes
    workers: float  # CPU of the workers, or of what forks
    supervisor: float  # CPU of this process

    @property
    def cpu(self) -> float:
        return self.programs + self.workers + self.supervisor


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="What the sandbox costs.")
    parser.add_argument("--rounds", type=int, default=15, help="times each contender runs all programs")
    parser.add_argument("--tiers", nargs="+", default=["full", "gvisor", "landlock", "process"])
    parser.add_argument("--python", default=sys.executable, help="the interpreter, of the floor too")
    options = parser.parse_args()
    python = interpreter(options.python)
    reasons = {tier: probe(tier, python) for tier in options.tiers}
    tiers = [tier for tier in options.tiers if reasons[tier] is None]
    problems = load_problems("humaneval").problems.values()
    programs = [assemble(problem, str(problem.canonical_solution), seed=0) for problem in problems]
    make = partial(Sandbox, python=options.python, prelude=GUARD)
    with floor(python.executable, programs, usable_cpus()) as run_floor:
        print_overhead(make, run_floor, programs, tiers, options.rounds)
    print_latency(make, programs[0], tiers)
    print_start(make, tiers)
    print_steps(make, programs, options.rounds)
    for tier in reasons.keys() - tiers:
        print(f"\nNot measured: {reasons[tier]}")
    print(f"\n{os.cpu_count()} processors; load average at the end {os.getloadavg()[0]:.1f}")


def print_overhead(
    make: Make, run_floor: Callable[[], Cost], programs: list[Program], tiers: list[str], rounds: int
) -> None:
    """Each tier beside the floor, all processors busy."""
    workers = usable_cpus()
    with contextlib.ExitStack() as ends:
        boxes = {tier: ends.enter_context(make(isolation=tier, workers=workers)) for tier in tiers}
        contenders = {"floor": run_floor}
        contenders |= {tier: in_sandbox(box, programs) for tier, box in boxes.items()}
        costs = in_turn(contenders, rounds)
        forks = {tier: box.forks for tier, box in boxes.items()}
    print(f"| {workers} at a time | programs/s | ms x cores | over floor | CPU ms | over floor | forks |")
    print("|---|---|---|---|---|---|---|")
    for name, seen in costs.items():
        wall, cpu = (median(getattr(cost, field) for cost in seen) for field in ("wall", "cpu"))
        # Round by round, since a noisy neighbour of one round is there for both.
        over = [
            median(getattr(a, field) / getattr(b, field) for a, b in zip(seen, costs["floor"], strict=True))
            for field in ("wall", "cpu")
        ]
        count = f"{forks[name]} for {len(programs) * (rounds + 1)}" if name in forks else ""
        rate = workers / wall * 1e3
        numbers = (f"{rate:.0f}", *map(shown, (wall, over[0], cpu, over[1])))
        print(f"| {name} | {' | '.join(numbers)} | {count} |")
    print("\n| CPU ms per program | programs | what forks | supervisor |\n|---|---|---|---|")
    for name, seen in costs.items():
        parts = (median(getattr(cost, field) for cost in seen) for field in Cost._fields[1:])
        print(f"| {name} | {' | '.join(map(shown, parts))} |")


def shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def in_turn(contenders: dict[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Each contender's costs, round by round; a first round, to get warm, is not counted."""
    seen: dict[str, list[Cost]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            cost = run()
            if number:
                seen[name].append(cost)
    return seen


@contextlib.contextmanager
def floor(python: str, programs: list[Program], workers: int) -> Iterator[Callable[[], Cost]]:
    """As many forking processes as workers; in turn each gets each share of the programs."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream, contextlib.ExitStack() as ends:
        json.dump({"prelude": GUARD, "programs": [program.units for program in programs]}, stream)
        stream.flush()
        script = [str(Path(__file__).with_name("floor.py")), str(_housing.WORKER), stream.name]
        pipe = subprocess.PIPE
        command = [python, *LEAN, *script]
        forkers = [
            ends.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
            for _ in range(workers)
        ]
        rotation = 0

        def run() -> Cost:
            nonlocal rotation
            rotation += 1
            for place, forker in enumerate(forkers):
                numbers = list(range((place + rotation) % workers, len(programs), workers))
                assert forker.stdin is not None
                print(json.dumps(numbers), file=forker.stdin, flush=True)
            # Seconds of each added up: one that is done earlier does not count as working.
            took = [json.loads(str(forker.stdout and forker.stdout.readline())) for forker in forkers]
            wall, own, forks = (sum(column) / len(programs) * 1e3 for column in zip(*took, strict=True))
            return Cost(wall, forks, own, 0.0)

        yield run


def in_sandbox(box: Sandbox, programs: list[Program]) -> Callable[[], Cost]:
    """Run all programs in a warm sandbox; all must pass."""
    workers = [slot._housing.pid for slot in box._pool.slots if slot._housing]
    known = 1.0 if box.tier != "gvisor" else math.nan

    def run() -> Cost:
        before, own, began = sum(map(cpu_s, workers)), time.process_time(), time.perf_counter()
        in_programs_s = 0.0
        for _, outcome in box.run_many(enumerate(programs)):
            assert outcome.proof, outcome
            in_programs_s += outcome.cpu_s
        wall_s, own_s = time.perf_counter() - began, time.process_time() - own
        in_workers_s = sum(map(cpu_s, workers)) - before
        seconds = (wall_s * box.workers, in_programs_s * known, in_workers_s * known, own_s)
        return Cost(*(value / len(programs) * 1e3 for value in seconds))

    return run


def print_latency(make: Make, program: Program, tiers: list[str], count: int = 500) -> None:
    """One program at a time through a warm sandbox of one worker."""
    with contextlib.ExitStack() as ends:
        boxes = {tier: ends.enter_context(make(isolation=tier, workers=1)) for tier in tiers}
        took: dict[tuple[str, Program], list[float]] = {}
        for _ in range(count):
            for tier, box in boxes.items():
                for each in (TRIVIAL, program):
                    began = time.perf_counter()
                    assert box.run(each).proof
                    took.setdefault((tier, each), []).append((time.perf_counter() - began) * 1e3)
    print(f"\n| ms for one program, {count} times | `x = 1`, p50 | p99 | HumanEval/0, p50 | p99 |")
    print("|---|---|---|---|---|")
    for tier in tiers:
        cells = [
            f"{median(took[tier, p]):.2f} | {quantiles(took[tier, p], n=100)[98]:.2f}"
            for p in (TRIVIAL, program)
        ]
        print(f"| {tier} | {' | '.join(cells)} |")


def print_start(make: Make, tiers: list[str], rounds: int = 7) -> None:
    """From the call to the first program's outcome, and to the end of the last process."""
    took: dict[str, list[float]] = {tier: [] for tier in tiers}
    ended: dict[str, list[float]] = {tier: [] for tier in tiers}
    for _ in range(rounds):
        for tier in tiers:
            began = time.perf_counter()
            with make(isolation=tier) as box:
                assert box.run(TRIVIAL).proof
                took[tier].append((time.perf_counter() - began) * 1e3)
                began = time.perf_counter()
            ended[tier].append((time.perf_counter() - began) * 1e3)
    print(f"\n| {usable_cpus()} workers | start to first outcome, ms | close, ms |\n|---|---|---|")
    for tier in tiers:
        print(f"| {tier} | {median(took[tier]):.0f} | {median(ended[tier]):.0f} |")


# A worker that ends each program after one of its steps: the difference of two is what a step costs. Its
# report says page faults instead of memory.
STEPS = {
    "fork, exit": ("take", 0),
    "take descriptors": ("take", 1),
    "read the job": ("read_job", 1),
    "limits, session, folder": ("confine", 1),
    "compile": ("compile", 3),
    "run": ("exec", 3),
    "answer": ("answer", 1),
}
STOP = """
def stop_after(name, calls):
    real = globals().get(name) or REAL_BUILTINS[name]
    def counted(*arguments, **named):
        nonlocal calls
        if calls == 0:
            posix._exit(0)
        result = real(*arguments, **named)
        calls -= 1
        if calls == 0:
            posix._exit(0)
        return result
    globals()[name] = counted

real_child = child
def child(*arguments):
    stop_after({name!r}, {calls})
    real_child(*arguments)

main()
"""


def print_steps(make: Make, programs: Sequence[Program], rounds: int) -> None:
    """Where the time of a program's process goes, tier full."""
    source = _housing.WORKER.read_text()
    source = source.replace("usage.ru_maxrss * 1024", "usage.ru_minflt")
    body, main_call, _ = source.rpartition('if __name__ == "__main__":')
    assert main_call
    assert "ru_minflt" in body
    seen: dict[str, list[tuple[float, int]]] = {step: [] for step in STEPS}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        boxes = {}
        for step, (function, calls) in STEPS.items():
            copy = Path(name) / f"{function}-{calls}.py"
            copy.write_text(body + STOP.format(name=function, calls=calls))
            _housing.WORKER = copy
            boxes[step] = ends.enter_context(make(isolation="full", workers=1))
        for program in [*programs] * max(1, rounds // 5):
            for step, box in boxes.items():
                outcome = box.run(program)
                seen[step].append((outcome.cpu_s * 1e3, outcome.peak_memory_bytes))
    print("\n| tier full, a program's process | CPU ms, median | page faults, median |\n|---|---|---|")
    before = (0.0, 0.0)
    for step, costs in seen.items():
        now = median(cpu for cpu, _ in costs), median(faults for _, faults in costs)
        print(f"| {step} | {now[0] - before[0]:.2f} | {now[1] - before[1]:.0f} |")
        before = now


def cpu_s(pid: int) -> float:
    """Seconds that a process of one thread has been on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    main()
