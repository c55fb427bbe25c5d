"""`codelm problems`: list, show, check and fetch problem sets."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from codelm.problems import Problem

app = typer.Typer(no_args_is_help=True)

NameOrPath = Annotated[str, typer.Argument(help="A name (`codelm problems list`), or a problem file.")]


@app.command("list")
def list_sets() -> None:
    """Name every problem set, its size, and whether it is on this machine."""
    from codelm.errors import CodelmError
    from codelm.problems import PROBLEM_SETS, load_problems

    for name, text in PROBLEM_SETS.items():
        try:
            state = f"{len(load_problems(name))} problems"
        except CodelmError as error:
            state = f"absent: {error}"
        print(f"{name:18} {text} ({state})")


@app.command()
def show(
    problem_set: NameOrPath,
    task_id: Annotated[
        str | None, typer.Argument(help="One task; all task ids are listed without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Show the tasks of a set, or one problem whole.

    Example: codelm problems show chains chains/1/3
    """
    from codelm.errors import UsageError
    from codelm.problems import load_problems

    problems = load_problems(problem_set).problems
    if task_id is None:
        print("\n".join(problems))
        return
    if task_id not in problems:
        raise UsageError(
            f"{problem_set} has no task {task_id!r}; `codelm problems show {problem_set}` lists them"
        )
    problem = problems[task_id]
    if as_json:
        print(json.dumps(problem.to_json()))
        return
    print("\n".join((problem.prompt + (problem.canonical_solution or ""), *_shown_tests(problem))))


@app.command()
def check(
    problem_set: NameOrPath,
    timeout: Annotated[
        float, typer.Option(help="Seconds for each program, where the problem has no limit of its own.")
    ] = 3.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Programs at a time.", show_default="one per processor")
    ] = None,
) -> None:
    """Judge each problem's canonical solution, which must pass, and one that returns nothing, which must not.

    Names the problems where that is not so, and those that have no canonical solution.

    Example: codelm problems check mbpp+
    """
    from codelm.cli.evaluate import parse_timeout
    from codelm.errors import InputError
    from codelm.evaluation import Judge, certify
    from codelm.problems import load_problems
    from codelm.progress import progress

    found = load_problems(problem_set)
    every = list(found.problems.values())
    tried = sum(problem.canonical_solution is not None for problem in every)
    with (
        Judge(found, judge="inline", limits=parse_timeout(timeout), workers=workers) as judge,
        progress("checking", 2 * tried, unit="solutions") as bar,
    ):
        certificate = certify(judge, every, on_tried=bar.advance)
    for task_id, words in certificate.failing.items():
        print(f"{task_id}: {words}")
    for task_id in certificate.uncertified:
        print(f"{task_id}: has no canonical solution")
    print(f"{len(certificate.certified)} of {len(every)} problems are certified")
    if certificate.failing:
        raise InputError(f"{problem_set}: {len(certificate.failing)} problems fail their self-test here")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="humaneval")]) -> None:
    """Bring a public data set to the cache, with its digest checked.

    Example: codelm problems fetch humaneval
    """
    from codelm.errors import UsageError
    from codelm.problems import fetch_humaneval

    if name != "humaneval":
        raise UsageError(
            f"unknown data set {name!r}; can be fetched: humaneval (starter and chains are bundled)"
        )
    print(fetch_humaneval())


@app.command()
def chains(
    length: Annotated[int, typer.Option(min=1, max=7, help="Blocks per chain.")],
    count: Annotated[int, typer.Option(min=1, help="How many chains.")],
    out: Annotated[str, typer.Option(help="Problem file to write (.jsonl).")],
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
) -> None:
    """Draw chains of one length from the paper's thirteen string blocks, and say what share was kept.

    Example: codelm problems chains --length 3 --count 200 --out chains-3.jsonl
    """
    from codelm.errors import UsageError
    from codelm.problems import ProblemSet, draw_chains, write_problems

    try:
        draw = draw_chains(length, count, seed=seed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    write_problems(out, ProblemSet.of(f"chains-{length}", draw.problems))
    print(f"{out}: kept {len(draw.problems)} of {draw.tried} chains tried ({draw.kept_share:.0%})")


def _shown_tests(problem: "Problem") -> list[str]:
    """The tests as one reads them: their code, or what goes in and what must come out."""
    if not problem.tests:
        return [problem.test]
    return [
        f"# {test.group}\n{test.check}"
        if test.check is not None
        else f"--- {test.group}: input\n{test.stdin}\n--- expected output\n{test.expected_stdout}"
        for test in problem.tests
    ]
