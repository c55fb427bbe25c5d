"""The program of a completion: its text, its limits, and real solutions of each benchmark run as such."""

from pathlib import Path

import pytest

from codelm.evaluation import Judge, Judgement, Verdict, certify
from codelm.evaluation._program import HOLD, assemble, limits_of, wrong_completion
from codelm.problems import Problem, Test, load_problems
from codelm.sandbox import Limits

FUNCTION = Problem(
    task_id="t/0",
    prompt='import math\n\ndef f(x):\n    """Halve."""\n',
    entry_point="f",
    test="def check(candidate):\n    assert candidate(2) == 1\n",
)
SCRIPT = Problem(task_id="t/1", kind="script", prompt="Halve.", entry_point="f", test="assert f(2) == 1")
GROUPED = Problem(
    task_id="t/2",
    prompt=FUNCTION.prompt,
    entry_point="f",
    tests=(Test(group="base", check="assert f(2) == 1"), Test(group="plus", check="assert f(3) == 1.5")),
)
BODY, WHOLE = "    return x // 2\n", "def f(x):\n    return x // 2\n"


@pytest.fixture(autouse=True)
def _data(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODELM_DATA", str(data_dir))


def _judge(problem: Problem, completion: str) -> Judgement:
    with Judge(limits=Limits(time_s=1.0), workers=1) as judge:
        return judge.judge(problem, completion)


def test_function_program_is_human_evals_end_to_end() -> None:
    """prompt + completion + newline + test + newline + call, cut where nothing can swallow the tests.

    The call is made through `hold`, which looks at what it rests on.
    """
    for problem in load_problems("humaneval").problems.values():
        body = problem.canonical_solution or ""
        expected = f"{problem.prompt}{body}\n{problem.test}\ncheck({problem.entry_point})"
        units = assemble(problem, body, seed=0).units
        assert "".join(units).replace(f"{HOLD}(check, ", "check(") == expected


def test_script_program_is_the_completion_and_the_tests() -> None:
    """The prompt of a script is no part of it."""
    assert assemble(SCRIPT, WHOLE, seed=0).units == (WHOLE + "\n", "assert f(2) == 1\n")


def test_whole_program_has_no_prompt_before_it() -> None:
    """EvalPlus's `solution` brings its own."""
    assert assemble(FUNCTION, WHOLE, seed=0, whole=True).units[0] == WHOLE + "\n"


@pytest.mark.parametrize(
    ("group", "tests"),
    [("base", ("f(2) == 1",)), ("plus", ("f(3) == 1.5",)), (None, ("f(2) == 1", "f(3) == 1.5"))],
)
def test_group_of_tests_is_a_program_of_its_own(group: str | None, tests: tuple[str, ...]) -> None:
    """All of them in order where none is named; structured tests call the function themselves."""
    units = assemble(GROUPED, BODY, seed=0, group=group).units
    assert units == (f"{FUNCTION.prompt}{BODY}\n", *(f"assert {test}\n" for test in tests))


def test_group_that_a_problem_does_not_have_is_an_error() -> None:
    """A program without tests would pass."""
    with pytest.raises(ValueError, match="t/2 has no tests of group 'private'"):
        assemble(GROUPED, BODY, seed=0, group="private")


def test_problem_that_is_no_python_program_is_an_error() -> None:
    """Those have plans."""
    reads = Problem(
        task_id="t/3",
        kind="stdio",
        prompt="",
        tests=(Test(group="public", stdin="", expected_stdout=""),),
    )
    with pytest.raises(ValueError, match="t/3 is not judged by one Python program"):
        assemble(reads, "", seed=0)


def test_limits_of_a_problem_go_before_those_of_the_run() -> None:
    """Where it has none the run's hold, and nothing is said."""
    run = Limits(time_s=2.0, processes=7)
    slow = Problem(task_id="t", prompt="", entry_point="f", time_limit_s=9.0)
    large = Problem(task_id="t", prompt="", entry_point="f", memory_limit_bytes=1 << 31)
    assert limits_of(FUNCTION, run) is None
    assert limits_of(slow, run) == Limits(time_s=9.0, processes=7)
    assert limits_of(large, run) == Limits(time_s=2.0, processes=7, memory_bytes=1 << 31)
    assert assemble(slow, "", seed=0, limits=run).limits == Limits(time_s=9.0, processes=7)


def test_import_that_a_program_does_not_name_is_left_out() -> None:
    """numpy would cost each program thirty times the rest; a star may bind anything."""
    imports = ("import numpy", "import numpy as np", "import math", "from typing import *")
    problem = Problem(task_id="t", prompt="", entry_point="f", test="assert math.pi", imports=imports)
    needed = "import math\nfrom typing import *\n"
    assert assemble(problem, "numpy_like = 1", seed=0).units[0] == needed + "numpy_like = 1\n"
    assert assemble(problem, "np.array", seed=0).units[0].startswith("import numpy as np\nimport math\n")


@pytest.mark.parametrize(
    ("problem", "wrong"),
    [
        (FUNCTION, "    return None\n"),
        (SCRIPT, "def f(*args, **kwargs):\n    return None\n"),
        (
            Problem(task_id="t", prompt='"""Halve."""\n', entry_point="f"),
            "def f(*args, **kwargs):\n    return None\n",
        ),
        (Problem(task_id="t", prompt="int f(){", entry_point="f", language="cpp"), "    return {};\n}\n"),
        (Problem(task_id="t", prompt="", kind="script", test="assert 1"), ""),
    ],
)
def test_wrong_completion_returns_nothing(problem: Problem, wrong: str) -> None:
    """A body where the prompt begins the function, else the function."""
    assert wrong_completion(problem) == wrong


def test_numpy_can_be_imported_by_a_guarded_program() -> None:
    """Its import puts two variables into the environment, by a function that the guard takes away."""
    pytest.importorskip("numpy")
    body = "    import numpy\n    return int(numpy.array([x])[0] // 2)\n"
    assert _judge(FUNCTION, body).verdict is Verdict.PASSED


def test_evalplus_test_hides_no_name_of_the_program() -> None:
    """`check`, `json` and `copy` are names that programs use, too."""
    problem = load_problems("mbpp+").problems["Mbpp/3"]
    helper = "import math\njson = 1\ndef check(n):\n    return n % 2 == 0 and n != 2\n"
    solution = f"{problem.canonical_solution}\n{helper}right = is_not_prime\n"
    solution += "def is_not_prime(n):\n    return bool(right(n) or (check(n) and json))\n"
    assert _judge(problem, solution).verdict is Verdict.PASSED
    assert _judge(problem, solution.replace("n != 2", "True")).verdict is Verdict.WRONG


def test_evalplus_float_within_tolerance_passes_in_the_sandbox() -> None:
    """The comparison needs numpy there."""
    pytest.importorskip("numpy")
    problem = load_problems("humaneval+").problems["HumanEval/2"]
    assert _judge(problem, "    return number % 1.0 + 1e-8\n").verdict is Verdict.PASSED
    assert _judge(problem, "    return number % 1.0 + 1e-5\n").verdict is Verdict.WRONG


# Few of each, and those that go their own way; `test_every_canonical_solution_is_certified` has all.
SOME = {
    "mbpp": (1, 123, 367, 927),
    "mbpp-sanitized": (2, 82),
    "humaneval-x-python": (0, 32, 162),
    "humaneval+": (0, 32, 38, 160),
    "mbpp+": (2, 3, 124, 252, 278, 434, 558, 580, 581, 722, 793),
}


@pytest.mark.parametrize("name", SOME)
def test_some_canonical_solutions_are_certified(name: str) -> None:
    """They pass and what returns nothing fails, under the default limits."""
    chosen = [p for p in load_problems(name).problems.values() if int(p.task_id.split("/")[1]) in SOME[name]]
    _certify(chosen)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SOME)
def test_every_canonical_solution_is_certified(name: str) -> None:
    """All 2,107 of them: no exception is needed, but for the limits that some problems have of their own."""
    _certify(list(load_problems(name).problems.values()))


def _certify(problems: list[Problem]) -> None:
    with Judge(workers=2) as judge:
        certificate = certify(judge, problems, on_tried=lambda: None)
    assert (certificate.failing, certificate.uncertified) == ({}, ())
    assert len(certificate.certified) == len(problems)


def test_evalplus_is_not_fooled_by_what_broadcasts_to_nothing() -> None:
    """Nor by an argument that was emptied."""
    pytest.importorskip("numpy")
    problems = load_problems("humaneval+").problems
    empty = "    import numpy as np\n    return [[np.zeros((0, 1))] for _ in numbers]\n"
    assert not _judge(problems["HumanEval/21"], empty).passed
    assert not _judge(problems["HumanEval/32"], "    xs[:] = []\n    return 0.0\n").passed
