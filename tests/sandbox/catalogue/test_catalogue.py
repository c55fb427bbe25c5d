"""Every row of the catalogue against every tier that this host has."""

import os

import pytest

from codelm.sandbox import ISOLATIONS, Limits, Program, Sandbox
from codelm.sandbox.catalogue import Verdict, catalogue

ROWS = (*catalogue().attacks, *catalogue().honest)


def _cases() -> list[object]:
    """Each row and tier, named by how the row is to end; tier full in each run, the others as slow ones."""
    return [
        pytest.param(
            tier,
            row,
            id=f"{tier}-{row.id}-{'-or-'.join(row.expected)}",
            marks=[] if tier == "full" else [pytest.mark.slow],
        )
        for tier in ISOLATIONS
        if tier != "auto"
        for row in ROWS
    ]


@pytest.mark.parametrize(("tier", "row"), _cases())
def test_row_ends_as_expected_and_leaves_the_host_as_it_was(attacker, tier, row) -> None:
    """Or the row says why it does not in this tier."""
    result = attacker(tier).attack(row)
    if result.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(result.reason)
    assert result.verdict is not Verdict.BROKEN, (result.seen, result.broken)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user is kept from much without any wall")
def test_attacks_get_through_where_there_are_no_walls(attacker) -> None:
    """The programs are real: in tier process, as root, nearly all of those that walls keep out succeed."""
    rows = [row for row in catalogue().attacks if row.exceptions.keys() & {"process"}]
    results = [attacker("process").attack(row) for row in rows]
    held = [result.row.id for result in results if result.verdict is not Verdict.EXCEPTION]
    assert len(held) < len(rows) / 10, held


PAIRS = [row for row in catalogue().attacks if len(row.programs) == 2]


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row.id)
def test_second_of_a_pair_would_find_what_the_first_plants(row) -> None:
    """In one program, where there is nothing between the two, it does: it is not blind."""
    helpers = (catalogue().helpers[name] for name in row.uses)
    with Sandbox(Limits(time_s=10.0), workers=1, isolation="process") as sandbox:
        outcome = sandbox.run(Program(units=(*helpers, *row.programs)))
    if row.id == "H6d":
        assert outcome.exception == "OSError"  # queues need memory that RLIMIT_MSGQUEUE does not grant
        return
    if row.id == "H21f" and outcome.exception == "OSError":
        pytest.skip("this file system has no flags")
    assert outcome.proof, outcome
