"""Options of a reproduction are named, typed, and refused in one line when wrong."""

import pytest

from codelm.errors import UsageError
from codelm.recipes import scale_named
from codelm.recipes.plan import draws, plan
from codelm.recipes.scale import departures


def test_with_options_sets_each_type() -> None:
    """Whole numbers, numbers and lists are read as what they are."""
    scale = scale_named("laptop").with_options(["seed=7", "top_p=0.9", "sizes=0.4M,1.6M", "temperatures=0.5"])
    assert (scale.seed, scale.top_p, scale.sizes, scale.temperatures) == (7, 0.9, ("0.4M", "1.6M"), (0.5,))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("sed=1", r"unknown option 'sed' in --set 'sed=1'; known are seed, corpus_bytes"),
        ("seed=one", r"--set 'seed=one': invalid literal"),
        ("seed", r"--set 'seed': invalid literal"),
        ("samples=0", r"samples must be 1 to"),
        ("seed=-1", r"seed must be 0 to"),
        ("codex_tokens=100", r"codex_tokens must fill a step"),
        ("chains_per_length=200", r"chains_per_length must be 1 to 120"),
        ("temperatures=nan", r"temperatures must be 0 to 100"),
        ("temperatures=0.2,0.2", r"temperatures must be one value or several different ones"),
        ("chain_lengths=8", r"chain_lengths must be 1 to 7"),
        ("sizes=13B", r"model size '13B' is unknown; choose one of"),
        ("top_p=0", r"top_p must be 1e-09 to 1"),
    ],
)
def test_with_options_refuses_what_is_wrong(assignment: str, message: str) -> None:
    """A mistyped name, type or range is told at once, before anything runs."""
    with pytest.raises(UsageError, match=message):
        scale_named("laptop").with_options([assignment])


def test_unknown_scale_lists_the_known() -> None:
    """A recipe nobody wrote is named with those there are."""
    with pytest.raises(UsageError, match="unknown scale 'moon'; known are laptop"):
        scale_named("moon")


def test_laptop_draws_at_most_15000_samples() -> None:
    """The promise of the demo, counted from the plan and the sizes of the problem sets."""
    scale = scale_named("laptop")
    chains = 13 + (scale.chain_lengths - 1) * scale.chains_per_length
    counts = {"chains": chains, "starter": 83}
    assert sum(draw.n * counts[draw.problem_set] for draw in draws(scale)) <= 15_000


def test_plan_stages_read_only_earlier_stages(tmp_path) -> None:
    """The list runs top to bottom, and no name stands twice."""
    seen: set[str] = set()
    for stage in plan(scale_named("laptop"), tmp_path):
        assert set(stage.inputs) <= seen
        assert stage.name not in seen
        seen.add(stage.name)


@pytest.mark.parametrize(
    ("option", "untouched", "rerun"),
    [
        ("timeout_s=2.0", ("corpus", "codex-s-0.4M"), ("verdicts-codex-0.4M-chains-T0.2",)),
        ("vocab_size=512", ("corpus", "family"), ("tokenizer",)),
        ("codex_s_batch=4", ("codex-0.4M",), ("codex-s-0.4M",)),
        ("family_problems=100", ("corpus", "codex-0.4M"), ("family",)),
    ],
)
def test_changed_option_changes_only_its_stages(
    tmp_path, option: str, untouched: tuple, rerun: tuple
) -> None:
    """A stage's own options hold exactly what it uses."""
    before = {stage.name: stage.options for stage in plan(scale_named("laptop"), tmp_path)}
    after = {
        stage.name: stage.options for stage in plan(scale_named("laptop").with_options([option]), tmp_path)
    }
    for name in untouched:
        assert before[name] == after[name]
    for name in rerun:
        assert before[name] != after[name]


def test_departures_name_what_the_scale_says() -> None:
    """The report's list follows the options."""
    scale = scale_named("laptop").with_options(["vocab_size=1234"])
    assert any("1,234" in departure.here for departure in departures(scale))
