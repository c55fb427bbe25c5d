"""Verdicts are pure functions of what was seen: one line per case."""

from dataclasses import replace

import pytest

from codelm.evaluation import Judgement, Verdict
from codelm.sandbox import Clock, Ended, Limits, Outcome

LIMITS = Limits(time_s=3.0)


@pytest.mark.parametrize(
    ("seen", "verdict", "result"),
    [
        ({"ended": Ended.FINISHED}, Verdict.PASSED, "passed"),
        ({"ended": Ended.FINISHED, "charged_s": 3.1}, Verdict.TIMEOUT, "timed out"),
        ({"ended": Ended.FINISHED, "charged_s": 2.9}, Verdict.PASSED, "passed"),
        (
            {"ended": Ended.RAISED, "exception": "AssertionError", "message": "", "unit": 1},
            Verdict.WRONG,
            "failed: ",
        ),
        (
            {"ended": Ended.RAISED, "exception": "AssertionError", "message": "mine", "unit": 0},
            Verdict.ERROR,
            "failed: mine",
        ),
        (
            {"ended": Ended.RAISED, "exception": "KeyError", "message": "'k'", "unit": 0},
            Verdict.ERROR,
            "failed: 'k'",
        ),
        ({"ended": Ended.RAISED, "exception": "SystemExit", "message": "0"}, Verdict.ERROR, "failed: 0"),
        ({"ended": Ended.RAISED, "exception": "E", "message": None}, Verdict.ERROR, "timed out"),
        ({"ended": Ended.RAISED, "exception": "MemoryError", "message": ""}, Verdict.MEMORY, "failed: "),
        (
            {"ended": Ended.RAISED, "exception": "SyntaxError", "message": "bad", "compiling": True},
            Verdict.SYNTAX_ERROR,
            "failed: bad",
        ),
        (
            {"ended": Ended.RAISED, "exception": "ValueError", "message": "null bytes", "compiling": True},
            Verdict.SYNTAX_ERROR,
            "failed: null bytes",
        ),
        (
            {"ended": Ended.RAISED, "exception": "SyntaxError", "message": "of eval", "unit": 0},
            Verdict.ERROR,
            "failed: of eval",
        ),
        (
            {
                "ended": Ended.RAISED,
                "exception": "AssertionError",
                "message": "",
                "unit": 1,
                "charged_s": 3.2,
            },
            Verdict.TIMEOUT,
            "timed out",
        ),
        ({"ended": Ended.EXITED, "exit_status": 0}, Verdict.NO_VERDICT, "timed out"),
        ({"ended": Ended.EXITED, "exit_status": 0, "tampered": True}, Verdict.TAMPERED, "timed out"),
        ({"ended": Ended.FINISHED, "tampered": True}, Verdict.TAMPERED, "timed out"),
        ({"ended": Ended.SIGNALLED, "signal": 11}, Verdict.CRASHED, "timed out"),
        ({"ended": Ended.TIMED_OUT, "clock": Clock.CHARGED, "charged_s": 3.46}, Verdict.TIMEOUT, "timed out"),
        ({"ended": Ended.TIMED_OUT, "clock": Clock.WALL}, Verdict.TIMEOUT, "timed out"),
        ({"ended": Ended.MEMORY}, Verdict.MEMORY, "timed out"),
        ({"ended": Ended.OUTPUT}, Verdict.OUTPUT, "timed out"),
        ({"ended": Ended.PROCESSES}, Verdict.CRASHED, "timed out"),
        ({"ended": Ended.LOST, "signal": 9}, Verdict.CRASHED, "timed out"),
        ({"ended": Ended.LOST, "message": "no forks"}, Verdict.INFRA_ERROR, "not judged: no forks"),
    ],
)
def test_outcome_gives_verdict_and_human_evals_words(seen, verdict, result) -> None:
    """Only a proved end in time is a pass; only our own fault is an infra_error."""
    judgement = Judgement.of(Outcome(**seen), LIMITS)
    assert (judgement.verdict, judgement.result) == (verdict, result)
    assert judgement.passed == (verdict is Verdict.PASSED) == (result == "passed")


def test_every_way_to_end_has_a_verdict() -> None:
    """A new way to end cannot be forgotten."""
    verdicts = {ended: Judgement.of(Outcome(ended=ended), LIMITS).verdict for ended in Ended}
    assert [ended for ended, verdict in verdicts.items() if verdict is Verdict.PASSED] == [Ended.FINISHED]


def test_judgement_survives_its_row() -> None:
    """What goes into a journal or result row comes back, flags and parts included."""
    outcome = Outcome(
        ended=Ended.PROCESSES, cpu_s=0.12345678, wall_s=1.0, peak_memory_bytes=7, leftover_processes=2
    )
    judgement = replace(Judgement.of(outcome, LIMITS), parts={"base": True, "plus": False})
    assert judgement.flags == ("leftover_processes", "too_many_processes")
    assert judgement.cpu_s == 0.123457
    row = judgement.to_json()
    assert list(row)[:2] == ["result", "passed"]
    assert Judgement.from_json(row) == judgement
