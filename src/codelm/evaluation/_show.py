"""Looking at one sample: run once more, with what it prints and the traceback of what it raises."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from codelm.errors import UsageError
from codelm.evaluation._cut import cut_by
from codelm.evaluation._judge import Judge, JudgeOptions
from codelm.evaluation._program import assemble, runs_in_worker
from codelm.evaluation._verdict import Judgement
from codelm.problems import ProblemSet, Sample, sample_rows
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
    if not runs_in_worker(problem_set.problems[task_id]):
        raise UsageError(f"{task_id}: is judged by what it prints, in several runs; those are not shown yet")
    line, sample = _find(samples, task_id, number)
    with Judge(problem_set, **options) as judge:
        problem = problem_set.problems[task_id]
        text = cut_by(truncate)(problem, sample)
        judgement = judge.judge(problem, text, whole=sample.whole)
        program = assemble(problem, text, seed=judge.seed, whole=sample.whole, limits=judge.limits)
        outcome = judge.watch(_traced(program))
    return Shown(line=line, program="".join(program.units), judgement=judgement, outcome=outcome)


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
