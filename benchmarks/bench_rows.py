"""What a row costs beside its program: memory and time of `codelm evaluate` on files of many rows.

16,400 distinct programs at most, so that most rows of a larger file are looked up and not run. Each size in a
process of its own: its peak of memory, its rows per second, and the same again with all verdicts cached.

    python benchmarks/bench_rows.py --rows 10000 16400 1000000
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from codelm.problems import Problem, ProblemSet, write_problems

TEXTS = 400  # with 164 tasks, each of them meets each of 100
TEST = "def check(candidate):\n    assert candidate(2) == 4\n"

RUN = """
import resource, sys, time
from codelm.evaluation import evaluate_samples
from codelm.problems import read_problems
began = time.perf_counter()
evaluate_samples(sys.argv[1], read_problems(sys.argv[2]), ks=(1,))
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    rows = parser.parse_args().rows
    print("| rows | first run, rows/s | peak MiB | second run, rows/s | peak MiB |\n|---|---|---|---|---|")
    for count in rows:
        with tempfile.TemporaryDirectory() as folder:
            cells = [measure(Path(folder), count) for _ in range(2)]
        print(f"| {count:,} | " + " | ".join(f"{speed:,.0f} | {peak:.0f}" for speed, peak in cells) + " |")


def measure(folder: Path, count: int) -> tuple[float, float]:
    """Rows per second and the supervisor's peak in MiB; the second time in one folder, from its cache."""
    samples, problems = folder / "samples.jsonl", folder / "problems.jsonl"
    if not samples.exists():
        write_problems(problems, ProblemSet.of("toy", [problem(number) for number in range(164)]))
        with samples.open("w") as out:
            for number in range(count):
                completion = f"    return 2 * x + {number % TEXTS % 3} # {number % TEXTS}\n"
                print(json.dumps({"task_id": f"t/{number % 164}", "completion": completion}), file=out)
    environment = {**os.environ, "CODELM_CACHE": str(folder / "cache")}
    command = [sys.executable, "-c", RUN, str(samples), str(problems)]
    said = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    seconds, peak_kib = map(float, said.split())
    return count / seconds, peak_kib / 1024


def problem(number: int) -> Problem:
    return Problem(
        task_id=f"t/{number}",
        prompt=f"def f{number}(x):\n",
        entry_point=f"f{number}",
        test=TEST,
        canonical_solution="    return 2 * x\n",
    )


if __name__ == "__main__":
    main()
