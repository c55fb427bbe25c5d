"""Judge `confirm`: what passes beside its tests counts as passed only when it passes apart from them too."""

from dataclasses import replace

from codelm.evaluation._trial import SplitOutcome
from codelm.evaluation._verdict import Judgement, Verdict

UNCONFIRMED = "unconfirmed"  # the problem cannot be judged apart from its tests: the pass is inline's alone
CHANGED_ARGUMENTS = "changed_arguments"  # a pass that may rest on what the tests read after the call

# What says nothing of the values that were returned: limits, and our own faults.
_OF_THE_RUN = (Verdict.TIMEOUT, Verdict.MEMORY, Verdict.OUTPUT, Verdict.INFRA_ERROR)


def confirm(beside: Judgement, apart: SplitOutcome) -> Judgement:
    """The judgement of a completion that passed beside its tests and was judged again apart from them.

    A pass that is not confirmed is `tampered`, with what judge `split` saw; unless that ran into a limit or
    broke: then that is the verdict. Where the problem cannot be judged apart the pass stays, flagged.
    """
    if not beside.passed:
        raise ValueError("only a pass is confirmed")
    if apart.verdict is Verdict.PASSED:
        return _flagged(beside, CHANGED_ARGUMENTS) if apart.changed_arguments else beside
    if apart.needs_inprocess is not None:
        return _flagged(beside, UNCONFIRMED)
    of_the_run = apart.verdict in _OF_THE_RUN
    seen = apart.result.removeprefix("failed: ")
    return replace(
        _flagged(beside, f"split_{apart.verdict.value}"),
        verdict=apart.verdict if of_the_run else Verdict.TAMPERED,
        result=apart.result
        if of_the_run
        else f"failed: passes beside its tests, not apart from them: {seen}",
        exception=apart.exception,
    )


def _flagged(judgement: Judgement, flag: str) -> Judgement:
    return replace(judgement, flags=(*judgement.flags, flag))
