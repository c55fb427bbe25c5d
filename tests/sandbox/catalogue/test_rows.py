"""The catalogue as data: complete, and each row says what it must."""

import re

import pytest

from codelm.sandbox import ISOLATIONS, Ended, Limits
from codelm.sandbox.catalogue import catalogue
from codelm.sandbox.catalogue._run import NEEDS

ATTACKS = catalogue().attacks
# Every attack of the survey that this project began from, by its number there; a row adds a letter where one
# number names several programs. Of the forgeries (V) only those that are the sandbox's, not the judge's.
NUMBERS = {
    *(f"R{number}" for number in range(1, 37)),
    *("V4", "V14", "V15", "V16", "V17", "V29"),
    *(f"H{number}" for number in range(1, 22)),
    *(f"N{number}" for number in range(1, 6)),
    *(f"P{number}" for number in range(1, 5)),
    *(f"K{number}" for number in range(1, 10)),
}
PLACES = {*ISOLATIONS, "any", "no_cgroup", "same_user"} - {"auto"}
ROWS = pytest.mark.parametrize("row", [*ATTACKS, *catalogue().honest], ids=lambda row: row.id)


def test_catalogue_has_every_attack() -> None:
    """No number is missing, none is added that is not known."""
    assert {re.fullmatch(r"([A-Z]\d+)[a-z]?", row.id)[1] for row in ATTACKS} == NUMBERS


def test_rows_have_ids_and_titles_of_their_own() -> None:
    """No two are alike."""
    rows = (*ATTACKS, *catalogue().honest)
    assert len({row.id for row in rows}) == len({row.title for row in rows}) == len(rows)


@ROWS
def test_row_names_only_what_there_is(row) -> None:
    """Ends, tiers, needs, helpers and limits are ones that exist, and reasons are given in words."""
    ends = {entry.partition(":")[0] for entry in (*row.expected, *row.planted)}
    assert ends <= {ended.value for ended in Ended} - {"lost"}
    assert row.exceptions.keys() | row.may_retire.keys() <= PLACES
    assert all(len(reason.split()) > 2 for reason in (*row.exceptions.values(), *row.may_retire.values()))
    assert set(row.needs) <= NEEDS.keys()
    assert set(row.uses) <= {*catalogue().helpers, "bait"}
    assert Limits(**row.limits)


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.id)
def test_attack_says_which_layers_it_is_about(row) -> None:
    """At least one."""
    assert row.about


@pytest.mark.parametrize(
    ("seen", "allowed", "matches"),
    [
        ("finished", "finished", True),
        ("finished", "raised", False),
        ("raised:KeyError", "raised", True),
        ("raised:KeyError", "raised:ValueError|KeyError", True),
        ("raised:KeyError", "raised:LookupError", True),
        ("raised:LookupError", "raised:KeyError", False),
        ("raised:MyError", "raised:OSError", False),
        ("signalled:SIGKILL", "signalled:SIGSEGV", False),
        ("exited", "exited:tampered", False),
        ("exited:tampered", "exited", True),
    ],
)
def test_end_matches_what_is_allowed(seen, allowed, matches) -> None:
    """By its kind, and by its detail where one is given; an exception by the built-in types above it, too."""
    from codelm.sandbox.catalogue import Row

    row = Row(id="x", title="x", programs=("",), expected=("memory", allowed))
    assert row.allows(seen) is matches
