"""The mutation helper: if it made no mutants, or hung on one, the starter set's proof would be empty."""

import pytest

from problems.mutants import mutants, passes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return a < b", {"return a <= b", "return a >= b", "return None"}),
        ("return a and not b", {"return a or not b", "return a and b", "return None"}),
        ("return x[1:]", {"return x[2:]", "return x[0:]", "return x[:]", "return x[1:-1]", "return None"}),
        ("return -n", {"return n", "return None"}),
        (
            "return s.strip() + ''",
            {"return s.strip() - ''", "return s + ''", "return s.strip() + 'x'", "return None"},
        ),
        ("n += 1", {"n -= 1", "n += 2", "n += 0", "pass"}),
        ("return min(a, b)", {"return max(a, b)", "return None"}),
        ("return a if t else b", {"return a", "return b", "return a if not t else b", "return None"}),
        (
            "return [i for i in a if t]",
            {"return [i for i in a]", "return [i for i in a if not t]", "return None"},
        ),
    ],
)
def test_mutants_of_a_line_are_all_one_operator_changes(body: str, expected: set[str]) -> None:
    """Each operator, constant, bound and condition is changed alone, and the rest stays."""
    assert {mutant.body.strip() for mutant in mutants(f"    {body}\n")} == expected


def test_mutants_of_a_branch_lose_its_else_and_its_sense() -> None:
    """An if statement loses its else part, and has its condition turned round."""
    changed = {mutant.body for mutant in mutants("    if t:\n        f(a, b)\n    else:\n        g(a, b)\n")}
    assert "    if t:\n        f(a, b)\n" in changed
    assert "    if not t:\n        f(a, b)\n    else:\n        g(a, b)\n" in changed


def test_mutants_name_the_place_of_each_change() -> None:
    """Two like constants on one line give two mutants that can be told apart."""
    changes = [mutant.change for mutant in mutants("    x = 0\n    return x, 0, 0\n")]
    assert changes.count("1:8 0 -> 1") == changes.count("2:14 0 -> 1") == changes.count("2:17 0 -> 1") == 1


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("assert 1 + 1 == 2", True),
        ("assert 1 + 1 == 3", False),
        ("raise SystemExit", False),
        ("while True:\n    pass\n", False),
        ("while True:\n    try:\n        1 / 0\n    except Exception:\n        pass\n", False),
        ("n = 1\nwhile True: n = n * n + 1", False),
    ],
)
def test_passes_says_whether_a_program_ends_well(program: str, expected: bool) -> None:
    """Failing, leaving early, looping for ever and growing without end are not passes."""
    assert passes(program) is expected
