"""Carries out plans as a judge will: the session, the proof, and the first run that does not go well."""

import secrets

from codelm.evaluation import Verdict
from codelm.evaluation._plan import Plan, build_verdict, plan, run_verdict
from codelm.problems import Problem
from codelm.sandbox import Sandbox


def judge_by_plan(sandbox: Sandbox, problem: Problem, completion: str) -> Verdict:
    """The verdict on a completion of a problem that has a plan."""
    return carry_out(sandbox, plan(problem, completion, proof=secrets.token_hex(16).encode()))


def carry_out(sandbox: Sandbox, todo: Plan) -> Verdict:
    """Build, run, and stop at the first thing that is not right."""
    with sandbox.session() as session:
        if todo.build is not None:
            assert todo.build.limits is not None
            if verdict := build_verdict(session.run(todo.build), todo.build.limits):
                return verdict
        for run in todo.runs:
            verdict = run_verdict(run, session.run(run.job), todo.comparator)
            if verdict is not Verdict.PASSED:
                return verdict
    return Verdict.PASSED
