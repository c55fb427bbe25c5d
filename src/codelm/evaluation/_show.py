"""Looking at one sample: run once more, with what it prints and the traceback of what it raises."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

from codelm.errors import UsageError
from codelm.evaluation._cut import cut_by
from codelm.evaluation._judge import Judge, JudgeOptions
from codelm.evaluation._plan import build_verdict, plan, run_verdict
from codelm.evaluation._program import assemble, program_text, runs_in_worker
from codelm.evaluation._verdict import Judgement, Verdict
from codelm.problems import Problem, ProblemSet, Sample, sample_rows
from codelm.sandbox import Outcome, Program

# Runs the units as the judge does, and prints the traceback that the judge has no use for.
_TRACED = """
import linecache, traceback
codes, scope = [], {{"__builtins__": __builtins__}}
try:
    for number, source in enumerate({units!r}):
        name = "<string>" if number == 0 else f"<unit {{number}}>"
        linecache.cache[name] = len(source), None, source.splitlines(True), name
        codes.append(compile(source, name, "exec", dont_inherit=True))
    for code in codes:
        exec(code, scope)
except BaseException as error:
    traceback.print_exception(error.with_traceback(error.__traceback__ and error.__traceback__.tb_next))
    raise
"""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One sample and what it does."""

    line: int  # of the samples file
    program: str
    judgement: Judgement
    outcome: Outcome  # of the run that was watched: `stdout`, `stderr`
    stdin: str = ""  # of that run, where it reads
    expected: str | None = None  # what it must print, where that decides


def show_sample(
    samples: str | Path,
    problem_set: ProblemSet,
    which: str,
    *,
    truncate: str = "none",
    **options: Unpack[JudgeOptions],
) -> Shown:
    """Judge one sample, then run it once more and keep what it prints. truncate: as of `evaluate_samples`.

    which: TASK or TASK:SAMPLE, the number of the sample among those of its task, from 0; 0 when not given.
    Raises: UsageError when there is no such sample; InputError for a file that cannot be used.
    """
    task_id, number = _parse(which, problem_set)
    line, sample = _find(samples, task_id, number)
    with Judge(problem_set, **options) as judge:
        problem = problem_set.problems[task_id]
        text, whole = cut_by(truncate)(problem, sample)
        judgement = judge.judge(problem, text, whole=whole)
        if not runs_in_worker(problem):
            return _show_plan(judge, problem, text, line, judgement, whole=whole)
        program = assemble(problem, text, seed=judge.seed, whole=whole, limits=judge.limits)
        outcome = judge.watch(_traced(program))
    return Shown(line=line, program="".join(program.units), judgement=judgement, outcome=outcome)


def _show_plan(
    judge: Judge, problem: Problem, text: str, line: int, judgement: Judgement, *, whole: bool
) -> Shown:
    """The building where that fails, else the first run that does not go well, else the last."""
    steps = plan(problem, text, proof=b"(the judge's number)", whole=whole, limits=judge.limits)
    program = program_text(problem, text, whole=whole)
    if problem.kind == "function":
        program += f"\n{problem.test}"
    seen = partial(Shown, line=line, program=program, judgement=judgement)
    with judge.session() as session:
        if steps.build is not None:
            built = session.run(steps.build)
            if build_verdict(built, judge.limits) is not None:
                return seen(outcome=built)
        for run in steps.runs:
            outcome = session.run(run.job)
            if run_verdict(run, outcome, steps.comparator) is not Verdict.PASSED:
                break
    return seen(outcome=outcome, stdin=run.job.stdin.decode(), expected=run.expected)


def _traced(program: Program) -> Program:
    return replace(program, units=(_TRACED.format(units=program.units),), script=True)


def _parse(which: str, problem_set: ProblemSet) -> tuple[str, int]:
    if which in problem_set.problems:
        return which, 0
    task_id, _, number = which.rpartition(":")
    if task_id not in problem_set.problems or not number.isdecimal():
        example = next(iter(problem_set.problems), "TASK")
        raise UsageError(
            f"{problem_set.name} has no task {which!r}; write TASK or TASK:SAMPLE, as {example}:0"
        )
    return task_id, int(number)


def _find(samples: str | Path, task_id: str, number: int) -> tuple[int, Sample]:
    count = 0
    for line, sample in _of_task(samples, task_id):
        if count == number:
            return line, sample
        count += 1
    raise UsageError(f"{samples}: holds {count} samples of {task_id}, numbered from 0; found {number}")


def _of_task(samples: str | Path, task_id: str) -> Iterator[tuple[int, Sample]]:
    for line, value in sample_rows(samples):
        if value.get("task_id") == task_id:
            yield line, Sample.from_json(value, f"{samples}, line {line}")
