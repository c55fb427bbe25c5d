"""Two sets of samples, compared: worked examples, swapped sides, undefined cases, power."""

import math
from statistics import variance

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.stats import compare, mean_p_value, score_pass_at_k

COUNTS = st.dictionaries(
    st.sampled_from("abcdefghij"),
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    max_size=10,
)


def test_compare_worked_example() -> None:
    """Four shared problems of five: A better on two, worse on one, tied on one."""
    a = {"1": (2, 2), "2": (2, 2), "3": (2, 0), "4": (2, 1), "only A": (2, 2)}
    b = {"1": (4, 0), "2": (2, 1), "3": (2, 1), "4": (4, 2), "only B": (2, 2)}
    found = compare(a, b, 1)
    assert (found.problems, found.won, found.lost, found.tied) == (4, 2, 1, 1)
    assert (found.a, found.b, found.difference) == (0.625, 0.375, 0.25)
    assert found.over_problems.low < 0.0 < found.over_problems.high
    assert found.p_value > 0.05
    differences = [1.0, 0.5, -0.5, 0.0]
    # (1.960 + 0.842)^2 = 7.849: level 0.95, power 0.8
    assert found.problems_needed == math.ceil(7.8489 * variance(differences) / 0.25**2)


@given(COUNTS, COUNTS, st.integers(1, 4))
def test_compare_of_swapped_files_is_turned_round(
    a: dict[str, tuple[int, int]], b: dict[str, tuple[int, int]], k: int
) -> None:
    """B against A is A against B with the signs changed."""
    one, other = compare(a, b, k), compare(b, a, k)
    assert (one.won, one.lost, one.tied, one.problems) == (other.lost, other.won, other.tied, other.problems)
    for mine, theirs in (
        (one.difference, other.difference),
        (one.over_problems.low, other.over_problems.high),
        (one.on_these_problems.low, other.on_these_problems.high),
    ):
        assert mine == pytest.approx(-theirs, abs=1e-8, nan_ok=True)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-8, nan_ok=True)


@given(COUNTS, COUNTS, st.integers(1, 4))
def test_compare_has_intervals_around_the_difference_and_a_p_value_that_fits(
    a: dict[str, tuple[int, int]], b: dict[str, tuple[int, int]], k: int
) -> None:
    """Never of zero width, within -1 and 1; p < 0.05 exactly when the interval over problems leaves 0 out."""
    found = compare(a, b, k)
    if math.isnan(found.difference):
        assert not found.problems or min(counts[x][0] for counts in (a, b) for x in a.keys() & b.keys()) < k
        return
    assert found.difference == pytest.approx(found.a - found.b, abs=1e-12)
    assert found.won + found.lost + found.tied == found.problems
    for low, high in (found.over_problems, found.on_these_problems):
        assert -1.0 <= low <= found.difference + 1e-9
        assert found.difference - 1e-9 <= high <= 1.0
        assert low < high
    if abs(found.p_value - 0.05) > 1e-6:
        low, high = found.over_problems
        assert (found.p_value < 0.05) == (not low <= 0.0 <= high)


def test_compare_of_a_file_with_itself_finds_nothing() -> None:
    """All tied: no difference, p = 1, intervals around 0 that are not empty, no number of problems."""
    counts = {str(i): (10, i % 11) for i in range(164)}
    found = compare(counts, counts, 1)
    assert (found.difference, found.p_value, found.tied) == (0.0, 1.0, 164)
    assert found.over_problems.low < 0.0 < found.over_problems.high
    assert found.on_these_problems.low < 0.0 < found.on_these_problems.high
    assert math.isnan(found.problems_needed)


@pytest.mark.parametrize(
    ("a", "b", "k"),
    [({}, {}, 1), ({"x": (1, 1)}, {"y": (1, 1)}, 1), ({"x": (10, 1)}, {"x": (5, 5)}, 10)],
)
def test_compare_without_enough_to_compare_is_undefined(a, b, k) -> None:
    """No shared problem, or one with n < k in either file: NaN, and no problem won."""
    found = compare(a, b, k)
    numbers = (
        found.a,
        found.b,
        found.difference,
        *found.over_problems,
        *found.on_these_problems,
        found.p_value,
    )
    assert all(map(math.isnan, numbers))
    assert (found.won, found.lost, found.tied) == (0, 0, 0)


def test_compare_sees_through_difficulty_that_both_share() -> None:
    """A small but steady gain, far inside either score's own interval, is found: the problems cancel out."""
    b = {str(i): (10, 9 * (i % 2)) for i in range(100)}
    a = {name: (n, c + (int(name) % 3 == 0)) for name, (n, c) in b.items()}
    found = compare(a, b, 1)
    alone = score_pass_at_k(list(b.values()), 1)
    assert alone.over_problems.low < found.a < alone.over_problems.high
    assert found.p_value < 1e-6


def test_problems_needed_gives_four_in_five() -> None:
    """As many problems as asked for find the difference, drawn anew, in about 80% of trials."""
    rng = np.random.default_rng(0)
    kinds, shares = np.array([-0.5, 0.0, 0.5, 1.0]), [0.1, 0.6, 0.2, 0.1]
    drawn = rng.choice(kinds, p=shares, size=20_000)
    a = {str(i): (2, round(2 * max(x, 0.0))) for i, x in enumerate(drawn)}
    b = {str(i): (2, round(2 * max(-x, 0.0))) for i, x in enumerate(drawn)}
    needed = int(compare(a, b, 1).problems_needed)
    found = [
        mean_p_value(list((rng.choice(kinds, p=shares, size=needed) + 1) / 2), 0.5) < 0.05 for _ in range(500)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.07)
