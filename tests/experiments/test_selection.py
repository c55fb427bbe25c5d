"""Selection rules against brute force over all subsets."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.errors import InputError
from codelm.experiments import Judged, JudgedSet, best_of_k, selection_table
from codelm.stats import pass_at_k

SCORED = st.lists(st.tuples(st.sampled_from([-3.0, -2.0, -1.0, 0.0]), st.booleans()), min_size=1, max_size=8)


def brute_force(scored: list[tuple[float, bool]], k: int) -> float:
    """Pass rate of a fair pick among the best-scored of each subset of k, over all subsets."""
    rates = []
    for subset in itertools.combinations(scored, k):
        best = max(score for score, _ in subset)
        tied = [passed for score, passed in subset if score == best]
        rates.append(sum(tied) / len(tied))
    return math.fsum(rates) / len(rates)


def judged(task: str, sample: int, passed: bool, logprob: float, n_tokens: int = 10) -> Judged:
    return Judged(
        task_id=task,
        sample=sample,
        passed=passed,
        mean_logprob=logprob,
        sum_logprob=logprob * n_tokens,
        n_tokens=n_tokens,
    )


@given(SCORED, st.data())
def test_best_of_k_with_ties_equals_brute_force(
    scored: list[tuple[float, bool]], data: st.DataObject
) -> None:
    """The closed form is the average over every subset of k, ties split evenly."""
    k = data.draw(st.integers(1, len(scored)))
    assert best_of_k(scored, k) == pytest.approx(brute_force(scored, k), abs=1e-12)


@given(SCORED)
def test_best_of_one_is_pass_at_1(scored: list[tuple[float, bool]]) -> None:
    """With one sample there is nothing to rank."""
    passes = sum(passed for _, passed in scored)
    assert best_of_k(scored, 1) == pytest.approx(passes / len(scored))


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
def test_best_of_k_ranked_by_the_verdict_itself_is_pass_at_k(passes: list[bool], data: st.DataObject) -> None:
    """A score that knows the verdict is the oracle."""
    k = data.draw(st.integers(1, len(passes)))
    scored = [(float(passed), passed) for passed in passes]
    assert best_of_k(scored, k) == pytest.approx(pass_at_k(len(passes), sum(passes), k))


def test_best_of_k_of_fewer_than_k_is_undefined() -> None:
    """Neither 0 nor 1 would be honest."""
    assert math.isnan(best_of_k([(0.0, True)], k=2))


def test_best_of_k_of_zero_is_refused() -> None:
    """One cannot pick from nothing."""
    with pytest.raises(ValueError, match=r"needs k >= 1, got k=0"):
        best_of_k([(0.0, True)], k=0)


def test_best_of_k_of_a_hundred_passing_samples_is_one() -> None:
    """Rounding never leaves [0, 1], where the interval would refuse it."""
    scored = [(-0.01 * rank, True) for rank in range(100)]
    assert all(best_of_k(scored, k) == pytest.approx(1.0, abs=1e-12) for k in range(1, 101))
    assert all(best_of_k(scored, k) <= 1.0 for k in range(1, 101))


def test_selection_table_runs_to_the_smallest_sample_count() -> None:
    """k goes no further than every problem allows, and each rule is its mean over problems."""
    samples = [judged("a", i, i == 0, -0.1 * (i + 1)) for i in range(4)]
    samples += [judged("b", i, i == 2, -0.1 * (i + 1)) for i in range(3)]
    table = selection_table([JudgedSet(model="m", problem_set="p", temperature=0.8, samples=tuple(samples))])
    assert [row.k for row in table.rows] == [1, 2, 3]
    last = table.rows[-1]
    a = brute_force([(-0.1, True), (-0.2, False), (-0.3, False), (-0.4, False)], 3)
    assert last.mean_logprob.value == pytest.approx((a + 0.0) / 2)
    assert last.oracle.value == pytest.approx((pass_at_k(4, 1, 3) + 1.0) / 2)
    assert last.random.value == pytest.approx((1 / 4 + 1 / 3) / 2)


def test_selection_by_sum_prefers_the_short_sample() -> None:
    """The mean and the sum disagree when a short sample is unlikely per token."""
    long = judged("a", 0, True, -0.1, n_tokens=100)
    short = judged("a", 1, False, -0.5, n_tokens=2)
    table = selection_table([JudgedSet(model="m", problem_set="p", temperature=0.8, samples=(long, short))])
    assert (table.rows[1].mean_logprob.value, table.rows[1].sum_logprob.value) == (1.0, 0.0)


def test_selection_of_an_empty_completion_ranks_it_last_by_mean_and_first_by_sum() -> None:
    """No tokens: no mean to rank by, and the highest possible sum."""
    empty = Judged(task_id="a", sample=0, passed=False, n_tokens=0)
    full = judged("a", 1, True, -2.0)
    table = selection_table([JudgedSet(model="m", problem_set="p", temperature=0.8, samples=(empty, full))])
    assert (table.rows[1].mean_logprob.value, table.rows[1].sum_logprob.value) == (1.0, 0.0)


def test_selection_without_log_probabilities_names_the_sample() -> None:
    """Samples from elsewhere cannot be ranked, and the message says which."""
    plain = Judged(task_id="HumanEval/3", sample=5, passed=True)
    with pytest.raises(InputError, match=r"^HumanEval/3, sample 5: it has no log-probabilities"):
        selection_table([JudgedSet(model="m", problem_set="p", temperature=0.8, samples=(plain,))])


def test_selection_of_nothing_is_an_empty_table() -> None:
    """No sets, or a set without samples, give no rows."""
    empty = JudgedSet(model="m", problem_set="p", temperature=0.8, samples=())
    assert selection_table([]).rows == selection_table([empty]).rows == ()
