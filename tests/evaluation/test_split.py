"""Judge `split`, through the real sandbox: verdicts, clocks, what is kept and what is not."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support import absent

from codelm.evaluation._confirm import decided_apart
from codelm.evaluation._peer import Peer
from codelm.evaluation._program import assemble
from codelm.evaluation._split import SplitJudge
from codelm.evaluation._trial import SplitOutcome
from codelm.evaluation._verdict import Verdict
from codelm.evaluation._wire import WireError
from codelm.problems import Problem, read_problems
from codelm.sandbox import CancelledError, Limits, probe

TWICE = Problem(
    task_id="t/0",
    prompt='def twice(x):\n    """Double."""\n',
    entry_point="twice",
    test="def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-1) == -2, 'minus'\n",
    canonical_solution="    return 2 * x\n",
)


def problem(test: str, *, prompt: str = "def f(*a, **k):\n", canonical: str = "    return a\n") -> Problem:
    """A problem whose tests are these lines of `check`."""
    body = "".join(f"    {line}\n" for line in test.splitlines())
    return Problem(
        task_id="t/1",
        prompt=prompt,
        entry_point="f",
        test=f"def check(candidate):\n{body}",
        canonical_solution=canonical,
    )


@pytest.fixture(scope="module", params=["process", "full"])
def judge(request) -> Iterator[SplitJudge]:
    """One for the tests of this file: what one leaves behind, the next would find."""
    if (reason := probe(request.param)) is not None:
        absent(reason)
    limits = Limits(time_s=0.5, memory_bytes=200 << 20, output_bytes=10**6)
    with SplitJudge(limits, workers=1, isolation=request.param) as judge:
        yield judge


COMPLETIONS = {
    "    return 2 * x\n": (Verdict.PASSED, "passed"),
    "    return x + 2\n": (Verdict.WRONG, "failed: minus"),
    "    return None\n": (Verdict.WRONG, "failed: "),
    "    return y\n": (Verdict.ERROR, "failed: name 'y' is not defined"),
    "    assert False, 'mine'\n": (Verdict.ERROR, "failed: mine"),
    "    return (\n": (Verdict.SYNTAX_ERROR, "failed: '(' was never closed (<string>, line 3)"),
    "    pass\n1 / 0\n": (Verdict.ERROR, "failed: division by zero"),
    "    pass\ndel twice\n": (Verdict.ERROR, "failed: name 'twice' is not defined"),
    "    import sys; sys.exit(0)\n": (Verdict.ERROR, "failed: 0"),
    "    pass\nraise SystemExit(0)\n": (Verdict.ERROR, "failed: 0"),
    "    import os; os._exit(0)\n": (Verdict.NO_VERDICT, "timed out"),
    "    import ctypes; ctypes.string_at(0)\n": (Verdict.CRASHED, "timed out"),
    "    return bytearray(10**12)\n": (Verdict.MEMORY, "failed: "),
    "    while True: pass\n": (Verdict.TIMEOUT, "timed out"),
    "    pass\nwhile True: pass\n": (Verdict.TIMEOUT, "timed out"),
    "    while True: print('x' * 10**5)\n": (Verdict.OUTPUT, "timed out"),
    "    return object()\n": (
        Verdict.WRONG,
        "failed: an object of the candidate's own type object equals nothing",
    ),
    "    return input()\n": (Verdict.ERROR, "failed: "),
    "    return twice\n": (Verdict.WRONG, "failed: "),
    "    global n; n = x; return 2 * n\n": (Verdict.PASSED, "passed"),
    "    return 2 * x\nimport builtins\nbuiltins.len = None\n": (Verdict.PASSED, "passed"),
}


def test_judge_that_was_never_entered_can_be_closed() -> None:
    """There is nothing to wait for."""
    SplitJudge(workers=1, isolation="process").close()


@pytest.mark.parametrize("completion", COMPLETIONS)
def test_each_kind_of_completion_gets_its_verdict(judge, completion) -> None:
    """From a right one to one that does not let go; the place is ready for the next."""
    outcome = judge.judge(TWICE, completion)
    assert (outcome.verdict, outcome.result) == COMPLETIONS[completion]
    assert outcome.needs_inprocess is None
    assert judge.judge(TWICE, "    return 2 * x\n").verdict is Verdict.PASSED


def test_outcome_tells_what_the_candidate_used(judge) -> None:
    """Its clocks, its memory, and how often it was called."""
    work = (
        "    import time\n    end = time.process_time() + 0.05\n    while time.process_time() < end: pass\n"
    )
    outcome = judge.judge(TWICE, f"{work}    return 2 * x\n")
    assert (outcome.verdict, outcome.calls) == (Verdict.PASSED, 2)
    assert min(outcome.cpu_s, outcome.wall_s, outcome.charged_s) >= 0.1
    assert outcome.peak_memory_bytes > 1 << 20


def test_time_limit_is_over_all_calls_of_a_candidate(judge) -> None:
    """Six calls of a fifth of the limit are too much; the tests' own time is not its own."""
    six = problem("for n in range(6): candidate(n)")
    assert judge.judge(six, "    import time; time.sleep(0.1)\n").verdict is Verdict.TIMEOUT
    slow_tests = problem("import time\nfor n in range(6):\n    time.sleep(0.1); candidate(n)")
    assert judge.judge(slow_tests, "    pass\n").verdict is Verdict.PASSED


def test_tests_that_do_not_end_are_stopped(judge) -> None:
    """A time-out, and the next program of tests runs in a fresh process."""
    assert judge.judge(problem("while True: pass"), "    pass\n").verdict is Verdict.TIMEOUT
    assert judge.judge(TWICE, "    return 2 * x\n").verdict is Verdict.PASSED


def test_limits_of_one_problem_hold_instead_of_the_judges_own(judge) -> None:
    """Longer than the judge's, and shorter."""
    sleep = "    import time; time.sleep({})\n    return 2 * x\n"
    longer = judge.judge(TWICE, sleep.format(0.4), limits=replace(judge.limits, time_s=5.0))
    shorter = judge.judge(TWICE, sleep.format(0.2), limits=replace(judge.limits, time_s=0.1))
    assert (longer.verdict, shorter.verdict) == (Verdict.PASSED, Verdict.TIMEOUT)


def test_what_ends_close_to_the_limit_must_be_judged_alone(judge) -> None:
    """Not settled, then counted."""
    program = assemble(TWICE, "    import time; time.sleep(0.25)\n    return 2 * x\n", seed=0)
    assert not judge.work(TWICE, program).run().settled
    assert judge.work(TWICE, program, alone=True).run().verdict in (Verdict.PASSED, Verdict.TIMEOUT)


PASSES = {
    "state is kept between calls": (
        "assert [candidate(), candidate(), candidate()] == [1, 2, 3]",
        "    seen.append(1)\n    return len(seen)\nseen = []\n",
    ),
    "arguments change in place": (
        "x = [2, 1]\nassert candidate(x) is None\nassert x == [1, 2]",
        "    a[0].sort()\n",
    ),
    "what is returned is the argument": ("x = [1]\nassert candidate(x) is x", "    return a[0]\n"),
    "exceptions are caught by type": (
        "try:\n    candidate()\n    assert False\nexcept KeyError as error:\n    assert error.args == ('k',)",
        "    raise KeyError('k')\n",
    ),
    "callables cross": (
        "assert candidate(lambda x: x + 1)(2) == 6",
        "    return lambda x: a[0](x) * 2\n",
    ),
    "generators cross": (
        "assert list(zip(candidate(), 'ab')) == [(0, 'a'), (1, 'b')]\nassert candidate(iter([3])) == 3",
        "    import itertools\n    return next(a[0]) if a else itertools.count()\n",
    ),
    "keywords cross": ("assert candidate(1, b=[2]) == ((1,), {'b': [2]})", "    return a, k\n"),
    "numpy crosses": (
        "import numpy as np\nassert (candidate(np.arange(3)) == np.array([0, 2, 4])).all()",
        "    return a[0] * 2\n",
    ),
    "numpy numbers are numbers": ("assert candidate() == 5", "    import numpy\n    return numpy.int64(5)\n"),
    "numbers have no limit of digits": (
        "assert candidate(10 ** 5000) == 10 ** 5001",
        "    return a[0] * 10\n",
    ),
    "sets arrive": ("assert candidate({1, 2}) == {2, 3}", "    return {x + 1 for x in a[0]}\n"),
    "collections are what they were": (
        "assert candidate('aab').most_common(1) == [('a', 2)]",
        "    import collections\n    return collections.Counter(a[0])\n",
    ),
    "the candidate runs in its main thread": (
        "assert candidate(len)",
        "    import threading\n    return threading.current_thread() is threading.main_thread()\n",
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_values_cross_as_if_in_one_process(judge, name) -> None:
    """Each passes beside its tests as well."""
    test, completion = PASSES[name]
    outcome = judge.judge(problem(test), completion)
    assert outcome.verdict is Verdict.PASSED, outcome


def test_helpers_of_the_prompt_are_the_prompts_own(judge) -> None:
    """Tests call them where no candidate can have changed them; what a prompt lacks does not matter."""
    prompt = "import math\n\ndef helper(x):\n    return math.floor(x)\n\ndef f(x):\n"
    task = problem("assert candidate(1.5) == helper(1.5)\nassert helper(1.5) == 1", prompt=prompt)
    assert judge.judge(task, "    return helper(x)\n").verdict is Verdict.PASSED
    lying = "    return 7\ndef helper(x):\n    return 7\n"
    assert judge.judge(task, lying).verdict is Verdict.WRONG


def test_names_that_only_the_candidate_defines_can_be_called(judge) -> None:
    """By tests that are statements about more than one function."""
    task = problem("assert other(candidate(1)) == 2")
    assert judge.judge(task, "    return a[0]\ndef other(x):\n    return x + 1\n").verdict is Verdict.PASSED
    assert judge.judge(task, "    return a[0]\n").result == "failed: name 'other' is not defined"


def test_tests_see_nothing_of_the_candidates_but_what_they_call(judge) -> None:
    """No builtin, no module that it changed."""
    task = problem("import math\nassert abs(candidate()) < 1 and math.isclose(candidate(), 0)")
    lying = "    return 5\nabs = lambda x: 0\nimport builtins, math\nbuiltins.abs = abs\nmath.isclose = max\n"
    assert judge.judge(task, lying).verdict is Verdict.WRONG


FORESEEN = {
    "the same again": ("    return a[0] + 1\n", "passed"),
    "fails at once": ("    return 0\n", "failed: first"),
    "fails later": ("    return a[0] + 1 if a[0] < 3 else 0\n", "failed: second"),
    "other calls follow": ("    return {1: 2, 2: 5, 5: 6, 3: 4}[a[0]]\n", "failed: first"),
    "loops in a call that is not made": ("    while a[0] == 3: pass\n    return 0\n", "failed: first"),
    "dies in a call that is not made": ("    import os\n    if a[0] == 3: os._exit(0)\n", "failed: first"),
    "loops in a call that is made": ("    while a[0] == 3: pass\n    return a[0] + 1\n", "timed out"),
    "dies in a call that is made": (
        "    import os\n    return os._exit(0) if a[0] == 3 else a[0] + 1\n",
        "timed out",
    ),
    "raises": ("    return 2 if a[0] == 1 else 1 / 0\n", "failed: division by zero"),
    "does not load": ("    return (\n", "failed: '(' was never closed (<string>, line 2)"),
}


@pytest.mark.parametrize("name", FORESEEN)
def test_calls_that_are_foreseen_change_no_verdict(judge, name) -> None:
    """Once tests have passed, their calls are made before they run: as good as making them one by one."""
    test = "assert candidate(candidate(1)) == 3, 'first'\nassert candidate(3) == 4, 'second'"
    completion, result = FORESEEN[name]
    with SplitJudge(judge.limits, workers=1, isolation="process") as fresh:
        assert fresh.judge(problem(test), completion).result == result
    assert judge.judge(problem(test), "    return a[0] + 1\n").result == "passed"
    assert judge.judge(problem(test), completion).result == result


def test_calls_that_are_foreseen_come_one_by_one(judge) -> None:
    """No candidate has seen a call before it has answered the last."""
    task = problem("assert candidate(1) == 2\nassert candidate(2) == 3")
    for _ in range(3):
        assert judge.judge(task, "    return a[0] + 1\n").calls == 2
    look = "    import select\n    return a[0] + 1 + len(select.select([3], [], [], 0.05)[0])\n"
    assert judge.judge(task, look).result == "passed"


def test_call_that_ends_the_candidate_is_not_made_twice(judge) -> None:
    """Where the tests come as far as it, its end is their end: a time-out costs one limit, not two."""
    task = problem("assert candidate(1) == 2\nassert candidate(2) == 3", canonical="    return a[0] + 1\n")
    assert judge.judge(task, "    return a[0] + 1\n").result == "passed"
    assert judge.needs_inprocess(task) is None  # found out once, in forks of its own
    forks = judge._candidates.forks
    outcome = judge.judge(task, "    while a[0] == 2: pass\n    return a[0] + 1\n")
    assert (outcome.verdict, outcome.calls) == (Verdict.TIMEOUT, 1)
    assert judge._candidates.forks == forks + 1


def test_stop_iteration_of_a_call_does_not_end_the_tests_loop(judge) -> None:
    """`all(map(...))` over no result is true."""
    task = problem("assert all(map(lambda x: candidate(x) == x, [1, 2]))")
    outcome = judge.judge(task, "    raise StopIteration\n")
    assert (outcome.verdict, outcome.result) == (Verdict.ERROR, "failed: a call raised StopIteration")


def test_failure_of_ours_in_a_trial_does_not_reach_the_next(judge, monkeypatch) -> None:
    """The box of the tests was in the middle of a conversation."""
    task = problem("assert candidate(1) == 2")
    with monkeypatch.context() as patch:
        patch.setattr("codelm.evaluation._split_boxes.CandidateBox.call", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            judge.judge(task, "    return a[0] + 1\n")
    for _ in range(2):
        assert judge.judge(task, "    return a[0] + 1\n").result == "passed"


def test_number_of_few_bits_equals_only_what_it_is(judge) -> None:
    """numpy rounds Python's number to the other's width before it compares."""
    pytest.importorskip("numpy")
    task = problem("assert candidate() == 2049 or candidate() == 125411328000")
    for text in (
        *("np.float16(2048)", "np.float16('inf')", "np.float32(2048)"),
        *("np.array(np.inf, 'f2')", "np.full(3, np.inf, 'f2')[0]", "np.array(2048, 'f2')"),
    ):
        completion = f"    import numpy as np\n    return {text}\n"
        assert judge.judge(task, completion).verdict is Verdict.WRONG
    assert (
        judge.judge(
            problem("assert candidate() == 0.5"), "    import numpy as np\n    return np.float16(0.5)"
        ).result
        == "passed"
    )


@pytest.mark.parametrize(
    ("test", "text"),
    [
        ("assert sum(candidate()) == 5", "np.array([200, 58, 3], 'u1')"),
        ("assert abs(candidate() - 0) < 1e-6", "np.int64(-2**63)"),
        ("assert abs(candidate() - 0) < 1e-6", "np.int8(-128)"),
        ("assert sorted(candidate()) == [10**5, 2 * 10**5]", "np.full(2, np.inf, 'f2')"),
    ],
)
def test_numbers_of_numpy_do_not_wrap_around_or_round(judge, test: str, text: str) -> None:
    """In their own width each of these passes."""
    pytest.importorskip("numpy")
    completion = f"    import numpy as np\n    return {text}\n"
    assert judge.judge(problem(test), completion).verdict is Verdict.WRONG


IN_SMALL_STEPS = """
    import time
    while True:
        {}
        yield 1
"""


@pytest.mark.parametrize("step", ["time.sleep(0.002)", "for _ in range(10**4): pass"])
def test_time_is_up_though_each_step_was_short(judge, step: str) -> None:
    """Of an iterator without an end; what it costs is bounded by the limit, not by the number of steps."""
    outcome = judge.judge(
        problem("assert list(candidate()) == [1]"), IN_SMALL_STEPS.format(step), limits=Limits(time_s=0.2)
    )
    assert outcome.verdict is Verdict.TIMEOUT
    assert outcome.cpu_s < 1.0


def test_candidate_that_talks_nonsense_is_heard_once(judge) -> None:
    """Else it could go on for as long as the tests listen."""
    completion = """
    import sys
    frame = sys._getframe()
    while "converse" not in frame.f_locals:
        frame = frame.f_back
    for _ in range(10**6):
        frame.f_locals["converse"](b"C")
"""
    outcome = judge.judge(problem("assert candidate() == 1"), completion)
    assert outcome.verdict is Verdict.TAMPERED
    assert outcome.cpu_s < 1.0


def test_exception_whose_text_needs_its_making_crosses(judge) -> None:
    """subprocess' own, for one."""
    task = problem("candidate()")
    completion = "    import subprocess\n    raise subprocess.CalledProcessError(1, 'x')\n"
    outcome = judge.judge(task, completion)
    assert (outcome.verdict, outcome.exception) == (Verdict.ERROR, "CalledProcessError")


def test_name_of_a_type_is_cut_where_it_is_read(judge) -> None:
    """Whoever sends it."""
    completion = "    raise type('A' * 10**6, (Exception,), {})('no')\n"
    outcome = judge.judge(problem("candidate()"), completion)
    assert outcome.exception is not None
    assert len(outcome.exception) <= 200


def test_what_one_candidate_handed_over_is_gone_with_its_tests(judge) -> None:
    """The process of the tests is shared with the next."""
    peer = Peer(lambda _: b"")
    for number in range(10_000):
        peer.imported("callable", number)
    with pytest.raises(WireError, match="more than 10000"):
        peer.imported("callable", 10_000)
    peer.forget()
    peer.imported("callable", 1)


def test_memory_that_other_tests_left_is_not_held_against_the_next(judge) -> None:
    """It is judged again, in a process of tests that has run no others."""
    hoard = problem("import sys\nsys.hoard = b'x' * (500 << 20)\nassert candidate(1) == 1")
    need = problem("import time\nmine = b'x' * (300 << 20)\ntime.sleep(0.3)\nassert candidate(1) == 1")
    for task in (hoard, need):
        assert judge.judge(task, "    return 1\n").verdict is Verdict.PASSED


def test_nothing_of_one_program_of_tests_is_left_for_the_next(judge) -> None:
    """A fresh namespace, random numbers from the task's seed."""
    first = problem("global left\nleft = 1\nimport random\nassert candidate(random.random()) == 1")
    assert judge.judge(first, "    return a[0]\n").verdict is Verdict.WRONG
    second = problem("assert 'left' not in globals()\nassert candidate(1) == 1")
    assert judge.judge(second, "    return 1\n").verdict is Verdict.PASSED
    chance = problem("import random\nassert candidate(random.random()) < 0.5")
    verdicts = [
        judge.judge(chance, "    return a[0]\n", seed=seed).verdict for seed in (*range(8), *range(8))
    ]
    assert verdicts[:8] == verdicts[8:]
    assert set(verdicts) == {Verdict.PASSED, Verdict.WRONG}


def test_malformed_answer_is_tampering_even_where_tests_swallow_it(judge) -> None:
    """Bytes that no honest candidate writes, with a genuine frame around them."""
    task = problem("try:\n    candidate()\nexcept BaseException:\n    pass")
    completion = (
        "    pass\nimport sys\n"
        "class Peer:\n    def __init__(self, *a, **k): pass\n    def answer(self, message): return b'R!'\n"
        "sys.modules['codelm.evaluation._inside'].Peer = Peer\n"
    )
    assert judge.judge(task, "    raise ValueError\n").verdict is Verdict.PASSED
    assert judge.judge(task, completion).verdict is Verdict.TAMPERED


def test_end_of_the_tests_cannot_come_from_the_candidate(judge) -> None:
    """What it says is passed on as its own, whatever it looks like."""
    completion = (
        "    pass\nimport sys\n"
        "class Peer:\n    def __init__(self, *a, **k): pass\n"
        '    def answer(self, message): return b\'E{"passed": true, "malformed": null}\'\n'
        "sys.modules['codelm.evaluation._inside'].Peer = Peer\n"
    )
    assert judge.judge(TWICE, completion).verdict is Verdict.TAMPERED


def test_problem_whose_own_solution_cannot_cross_needs_one_process(judge) -> None:
    """Said of every completion that fails there, of none that passes; the canonical one tells."""
    own = "    class Own:\n        def __eq__(self, other): return other == 3\n    return Own()\n"
    task = problem("assert candidate() == 3", canonical=own)
    reason = "failed: an object of the candidate's own type Own equals nothing"
    assert judge.needs_inprocess(task) == reason
    assert judge.judge(task, "    return 4\n").needs_inprocess == reason
    assert judge.judge(task, own).needs_inprocess == reason
    assert judge.judge(task, "    return 3\n").needs_inprocess is None
    broken = problem("assert candidate() == 1", canonical="    return 2\n")
    assert judge.needs_inprocess(broken) is None
    assert judge.needs_inprocess(replace(task, canonical_solution=None)) is None


TOO_MUCH_APART = {
    "calls": (
        "for n in range(100_000):\n    assert candidate(n) == n",
        "    return a[0]\n",
        Limits(time_s=0.15),
        Verdict.TIMEOUT,
    ),
    "memory": (
        "x = [n / 3 for n in range(1_700_000)]\nassert candidate(x) is x",
        "    return a[0]\n",
        Limits(time_s=5.0, memory_bytes=90 << 20),
        Verdict.MEMORY,
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH_APART)
def test_problem_whose_own_solution_meets_a_limit_apart_only_needs_one_process(judge, name) -> None:
    """The limit is then the judge's doing, and no completion is held to it."""
    test, canonical, limits, verdict = TOO_MUCH_APART[name]
    task = problem(test, canonical=canonical)
    program = assemble(task, canonical, seed=0, limits=limits)
    assert judge._candidates.run(replace(program, limits=limits)).proof
    outcome = judge.judge(task, canonical + "# the same\n", limits=limits)
    assert (outcome.verdict, outcome.needs_inprocess) == (verdict, outcome.result)
    assert decided_apart(outcome) is None


def test_problem_whose_own_solution_meets_the_limit_anyway_is_judged_apart(judge) -> None:
    """Its completions are late by their own doing, and so are those of one whose solution is not."""
    for canonical in ("    while True: pass\n", "    return 1\n"):
        task = problem("assert candidate() == 1", canonical=canonical)
        outcome = judge.judge(task, "    while 1: pass\n", limits=replace(judge.limits, time_s=0.1))
        assert (outcome.verdict, outcome.needs_inprocess) == (Verdict.TIMEOUT, None)
        decided = decided_apart(outcome)
        assert decided is not None
        assert decided.verdict is Verdict.TIMEOUT


def test_own_solution_has_the_limits_of_the_completion(judge) -> None:
    """Those that were found for the problem, where the judge's are too short for it."""
    slow = "    import time; time.sleep(0.7)\n    return Own()\nclass Own:\n    __eq__ = lambda *_: True\n"
    task = problem("assert candidate() == 3", canonical=slow)
    outcome = judge.judge(task, "    return 4\n", limits=replace(judge.limits, time_s=5.0))
    assert outcome.needs_inprocess is not None


def test_many_threads_judge_at_once() -> None:
    """Each gets the outcome of its own completion."""
    with SplitJudge(workers=2, isolation="process") as judge, ThreadPoolExecutor(8) as threads:
        completions = [f"    return 2 * x + {n % 2}  # {n}\n" for n in range(40)]
        outcomes = list(threads.map(lambda completion: judge.judge(TWICE, completion), completions))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASSED, Verdict.WRONG] * 20


def test_cancelled_work_has_no_outcome_and_the_next_one_does() -> None:
    """In the middle of a call, and of the tests' own work; before it began."""
    sleepers = [(TWICE, "    import time; time.sleep(60)\n"), (problem("while True: pass"), "    pass\n")]
    with SplitJudge(Limits(time_s=60), workers=1, isolation="process") as judge:
        for task, completion in sleepers:
            work = judge.work(task, assemble(task, completion, seed=0))
            outcomes: list[SplitOutcome | BaseException] = []
            thread = threading.Thread(target=lambda work=work, to=outcomes: to.append(_run(work)))
            thread.start()
            time.sleep(0.5)
            while thread.is_alive():
                work.cancel()
                thread.join(0.01)
            assert [type(outcome) for outcome in outcomes] == [CancelledError]
            assert isinstance(_run(work), CancelledError)
            assert judge.judge(TWICE, "    return 2 * x\n").verdict is Verdict.PASSED


def _run(work) -> SplitOutcome | BaseException:
    try:
        outcome: SplitOutcome = work.run()
        return outcome
    except BaseException as error:
        return error


@pytest.mark.parametrize("isolation", ["full", "landlock", "gvisor"])
def test_each_tier_judges_apart(isolation) -> None:
    """A pass, a failure, a time-out."""
    if (reason := probe(isolation)) is not None:
        pytest.skip(reason)
    with SplitJudge(Limits(time_s=1.0), workers=1, isolation=isolation) as judge:
        verdicts = [
            judge.judge(TWICE, completion).verdict
            for completion in ("    return 2 * x\n", "    return x\n", "    while True: pass\n")
        ]
    assert verdicts == [Verdict.PASSED, Verdict.WRONG, Verdict.TIMEOUT]


def test_canonical_solutions_pass_and_none_does_not(data_dir) -> None:
    """HumanEval, both controls; no problem of it needs one process."""
    problems = read_problems(data_dir / "humaneval" / "HumanEval.jsonl.gz").problems.values()
    with SplitJudge(workers=2) as judge, ThreadPoolExecutor(2) as threads:
        right = threads.map(lambda task: judge.judge(task, task.canonical_solution or ""), problems)
        assert [outcome.result for outcome in right] == ["passed"] * 164
        wrong = list(threads.map(lambda task: judge.judge(task, "    return None\n"), problems))
    assert not any(outcome.verdict is Verdict.PASSED or outcome.needs_inprocess for outcome in wrong)


def test_judge_closes_while_one_waits_to_be_alone() -> None:
    """The running one is killed, the other is told; a second time there is nothing left to do."""
    problem = Problem(task_id="t/0", prompt="def f():\n", entry_point="f", test="def check(f): f()\n")
    program = assemble(problem, "    import time; time.sleep(60)\n", seed=0, limits=Limits(time_s=100.0))
    told: list[str] = []

    def run_alone() -> None:
        try:
            judge.work(problem, program, alone=True).run()
        except ValueError as error:
            told.append(str(error))

    judge = SplitJudge(Limits(time_s=100.0), workers=2, isolation="process")
    threads = [threading.Thread(target=judge.work(problem, program).run), threading.Thread(target=run_alone)]
    with judge:
        threads[0].start()
        while not judge._candidates.forks:
            time.sleep(0.005)
        threads[1].start()
        while not judge._free.empty():
            time.sleep(0.005)
        judge.close()
        for thread in threads:
            thread.join()
    assert len(told) == 1
