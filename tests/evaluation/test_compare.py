"""Whether an output is the expected one, by each comparator."""

import pytest

from codelm.evaluation._compare import is_exact, is_like_apps


@pytest.mark.parametrize(
    ("printed", "expected", "exact", "apps"),
    [
        ("1\n2\n", "1\n2\n", True, True),
        ("1\n2", "1\n2\n\n", True, True),
        ("1  \r\n2", "1\n2\n", True, True),
        ("", "", True, True),
        ("", "1", False, False),
        ("  1\n 2", "1\n2", False, True),
        ("1\n\n2", "1\n2", False, True),
        ("1.0", "1", False, True),
        ("0.333333\n", "0.33333333\n", False, True),
        ("1.1", "1.2", False, False),
        ("nan", "nan", True, True),
        ("inf", "Infinity", False, True),
        ("1 2 3", "3 2 1", False, True),  # a line is the set of its words
        ("1 1 2", "2 1", False, True),
        ("1\n2\n2", "2\n1", False, True),  # an output is the set of its lines
        ("1 2.0004", "2 1", False, True),  # of rounded numbers, at last
        ("1 2.0006", "2 1", False, False),
        ("Yes 0.5", "0.50 Yes", False, False),  # but not beside a word
        ("YES", "yes", False, False),
        ("1\n2", "1 2", False, False),
        ("9" * 400, "8" * 400, False, True),  # both are infinite as floats
    ],
)
def test_output_is_right_by_each_comparator(printed: str, expected: str, *, exact: bool, apps: bool) -> None:
    """`apps` accepts much that `exact` does not: that is its harness's doing, and why both are reported."""
    assert is_exact(printed, expected) == exact
    assert is_like_apps(printed, expected) == apps
