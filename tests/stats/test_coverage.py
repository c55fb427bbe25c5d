"""The intervals hold the truth as often as they say: a few cells of benchmarks/coverage.py."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SETS = 1000  # seeded; the standard error of a coverage of 95% is 0.7%
LOW, HIGH = 0.92, 0.98


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """benchmarks/coverage.py."""
    sys.path.insert(0, str(BENCHMARKS))  # it imports its neighbours
    try:
        spec = importlib.util.spec_from_file_location("benchmark_coverage", BENCHMARKS / "coverage.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look themselves up there
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "problems", "n", "k"),
    [("hard", 13, 10, 1), ("two kinds", 13, 200, 1), ("uneven", 60, 20, 10), ("mild", 164, 10, 10)],
)
def test_interval_over_problems_holds_95_percent(benchmark, kind, problems, n, k) -> None:
    """Mild and strongly skewed difficulty, few and many problems and samples."""
    held = benchmark.over_problems(_cell(benchmark, kind, problems, n, k), SETS)
    assert LOW <= held["codelm"].coverage <= HIGH


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "problems"), [("hard", 13), ("two kinds", 13)])
def test_percentile_bootstrap_falls_short_in_the_same_cells(benchmark, kind, problems) -> None:
    """The control: these cells tell a method that knows skew from one that does not."""
    held = benchmark.over_problems(
        _cell(benchmark, kind, problems, 10, 1), SETS, ("percentile bootstrap", "BCa bootstrap")
    )
    assert held["percentile bootstrap"].coverage < 0.89
    assert held["BCa bootstrap"].coverage < 0.89
    assert LOW <= held["codelm"].coverage <= HIGH


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "problems", "n", "k"),
    [("hard", 13, 10, 1), ("mild", 13, 20, 10), ("two kinds", 60, 10, 1), ("uneven", 164, 200, 10)],
)
def test_interval_on_these_problems_holds_95_percent(benchmark, kind, problems, n, k) -> None:
    """Of the mean over the very problems drawn, sampled anew."""
    assert LOW <= benchmark.on_these_problems(_cell(benchmark, kind, problems, n, k), SETS).coverage <= HIGH


@pytest.mark.slow
@pytest.mark.parametrize("same_problems", [True, False])
def test_p_value_raises_an_alarm_in_5_percent_of_equal_models(benchmark, same_problems) -> None:
    """Two draws of one model, and two models that are as strong on different problems."""
    for kind in ("mild", "as a 7B"):
        cell = _cell(benchmark, kind, 164, 10, 1)
        alarms = benchmark.false_alarms(cell, 10, SETS, same_problems=same_problems)
        assert 1 - HIGH <= alarms["codelm"] <= 1 - LOW


def _cell(benchmark: ModuleType, kind: str, problems: int, n: int, k: int):
    (found,) = (one for one in benchmark.KINDS if one.name.startswith(kind))
    return benchmark.Cell(found, problems, n, k)
