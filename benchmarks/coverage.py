"""Do the intervals of codelm.stats hold what they say? Simulation over a grid; prints Markdown.

Each cell draws sets of problems of one kind of difficulty, n samples for each problem, and counts how often
the 95% interval of mean pass@k holds the truth: the mean over all problems of the kind (over problems), the
mean over the very problems drawn (on these problems). Then how often p < 0.05 between two equal models.

    nice python benchmarks/coverage.py              # minutes on one core
    nice python benchmarks/coverage.py --sets 2000  # what docs/statistics.md shows; an hour
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

import contenders
from codelm.stats import biased_pass_at_k, compare, mean_interval, mean_pass_at_k_here, pass_at_k
from contenders import Array, Bounds

LOW, HIGH = 0.93, 0.97  # what counts as holding 95%


@dataclass(frozen=True)
class Kind:
    """A kind of problem: the distribution of pass rates, a mixture of Betas and of uniform pieces."""

    name: str
    parts: tuple[tuple[float, str, float, float], ...]  # share; "beta" with a, b or "between" with low, high

    def rates(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """Pass rates, sets by problems."""
        which = rng.choice(len(self.parts), size=shape, p=[part[0] for part in self.parts])
        drawn = [
            rng.beta(a, b, shape) if family == "beta" else rng.uniform(a, b, shape)
            for _, family, a, b in self.parts
        ]
        return np.choose(which, drawn)

    def truth(self, k: int) -> float:
        """Mean pass@k over all problems of the kind, exact."""
        return 1.0 - math.fsum(share * _mean_failure(family, a, b, k) for share, family, a, b in self.parts)


def _mean_failure(family: str, a: float, b: float, k: int) -> float:
    """Mean of (1 - p)^k."""
    if family == "beta":
        return math.exp(math.lgamma(b + k) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + k))
    if a == b:
        return (1.0 - a) ** k
    return ((1.0 - a) ** (k + 1) - (1.0 - b) ** (k + 1)) / ((k + 1) * (b - a))


# How many of HumanEval's 164 problems a 7B model solved 0, 1, ... 10 times in 10 samples.
SEEN = (93, 8, 2, 3, 2, 4, 3, 1, 5, 11, 32)
KINDS = (
    Kind("mild: Beta(2, 2)", ((1.0, "beta", 2.0, 2.0),)),
    Kind("uneven: Beta(0.2, 0.8)", ((1.0, "beta", 0.2, 0.8),)),
    Kind("hard: Beta(0.1, 1.9)", ((1.0, "beta", 0.1, 1.9),)),
    Kind(
        "two kinds: 93% in 0-0.02, 7% in 0.5-1", ((0.93, "between", 0.0, 0.02), (0.07, "between", 0.5, 1.0))
    ),
    Kind(
        "as a 7B model on HumanEval", tuple((x / 164, "between", c / 10, c / 10) for c, x in enumerate(SEEN))
    ),
    Kind("alike: Beta(20, 20)", ((1.0, "beta", 20.0, 20.0),)),
)
PROBLEMS = (13, 60, 164)
SAMPLES = ((1, 1), (10, 1), (10, 10), (20, 1), (20, 10), (20, 20), (200, 1), (200, 10), (200, 200))  # n, k


class Cell(NamedTuple):
    """One place of the grid."""

    kind: Kind
    problems: int
    n: int
    k: int


class Held(NamedTuple):
    """How often an interval held the truth, and its mean width."""

    coverage: float
    width: float


def grid() -> list[Cell]:
    """Every cell."""
    return [Cell(kind, m, n, k) for kind in KINDS for m in PROBLEMS for n, k in SAMPLES]


def over_problems(cell: Cell, sets: int, methods: Sequence[str] = ()) -> dict[str, Held]:
    """Coverage of the mean over all problems of the kind, by ours and by the contenders named."""
    rng = np.random.default_rng([sets, cell.problems, cell.n, cell.k])
    passes = rng.binomial(cell.n, cell.kind.rates(rng, (sets, cell.problems)))
    values = _estimates(cell)[passes]
    truth = np.full(sets, cell.kind.truth(cell.k))
    intervals = {"codelm": _ours, **{name: contenders.INTERVALS[name] for name in methods}}
    return {name: _held(interval(values), truth) for name, interval in intervals.items()}


def on_these_problems(cell: Cell, sets: int) -> Held:
    """Coverage of the mean over the very problems drawn; a new set of problems each time."""
    rng = np.random.default_rng([sets, cell.problems, cell.n, cell.k])
    rates = cell.kind.rates(rng, (sets, cell.problems))
    passes = rng.binomial(cell.n, rates)
    found = [_here(cell.n, cell.k, tuple(sorted(row))) for row in passes.tolist()]
    truth = (1.0 - (1.0 - rates) ** cell.k).mean(axis=1)
    return _held((np.array([low for low, _ in found]), np.array([high for _, high in found])), truth)


def false_alarms(cell: Cell, n_b: int, sets: int, *, same_problems: bool) -> dict[str, float]:
    """How often p < 0.05 between n samples of A and n_b of B when neither is better.

    same_problems: B is A, drawn again; else B is as strong over all problems of the kind, but on other ones.
    """
    rng = np.random.default_rng([sets, cell.problems, cell.n, n_b, cell.k])
    rates = cell.kind.rates(rng, (sets, cell.problems))
    of_a = rng.binomial(cell.n, rates)
    of_b = rng.binomial(n_b, rates if same_problems else cell.kind.rates(rng, (sets, cell.problems)))
    differences = _estimates(cell)[of_a] - _estimates(cell._replace(n=n_b))[of_b]
    ours = [
        compare(_named(a, cell.n), _named(b, n_b), cell.k).p_value
        for a, b in zip(of_a.tolist(), of_b.tolist(), strict=True)
    ]
    return {
        "codelm": float(np.mean(np.array(ours) < 0.05)),
        "sign flips": float(np.mean([contenders.sign_flips(row) < 0.05 for row in differences])),
        "paired t": float(np.mean([contenders.paired_t(row) < 0.05 for row in differences])),
    }


def _estimates(cell: Cell) -> Array:
    """pass@k by number of passes."""
    return np.array([pass_at_k(cell.n, c, cell.k) for c in range(cell.n + 1)])


def _ours(values: Array) -> Bounds:
    found = [_over(tuple(sorted(row))) for row in values.tolist()]
    return np.array([low for low, _ in found]), np.array([high for _, high in found])


@lru_cache(maxsize=10_000)
def _over(values: tuple[float, ...]) -> tuple[float, float]:
    return mean_interval(values).interval


@lru_cache(maxsize=10_000)
def _here(n: int, k: int, passes: tuple[int, ...]) -> tuple[float, float]:
    return mean_pass_at_k_here([(n, c) for c in passes], k).interval


def _named(passes: list[int], n: int) -> dict[str, tuple[int, int]]:
    return {str(i): (n, c) for i, c in enumerate(passes)}


def _held(bounds: Bounds, truth: Array) -> Held:
    low, high = np.clip(bounds, 0.0, 1.0)
    return Held(float(np.mean((low <= truth + 1e-9) & (truth <= high + 1e-9))), float(np.mean(high - low)))


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals, by simulation.")
    parser.add_argument("--sets", type=int, default=300, help="sets of problems per cell")
    parser.add_argument("--table", choices=TABLES, nargs="+", default=TABLES, help="which to print")
    options = parser.parse_args()
    for name in options.table:
        TABLES[name](options.sets)


def print_over(sets: int) -> None:
    """The interval over problems, ours and others, then ours by cell."""
    over = {cell: over_problems(cell, sets, tuple(contenders.INTERVALS)) for cell in grid()}
    print_methods(over)
    print_grid("Over problems", {cell: found["codelm"] for cell, found in over.items()})


def print_here(sets: int) -> None:
    """The interval on these problems, by cell."""
    print_grid("On these problems", {cell: on_these_problems(cell, sets) for cell in grid()})


def print_methods(over: dict[Cell, dict[str, Held]]) -> None:
    """One row per method: how many cells it holds, how far it falls short, how wide it is against ours."""
    print(f"\n## Over problems: every method, {len(over)} cells\n")
    print("| method | 93-97% | below | above | lowest | median width / codelm's |\n|---|---|---|---|---|---|")
    for name in next(iter(over.values())):
        found = np.array([held[name].coverage for held in over.values()])
        ratio = np.median([held[name].width / held["codelm"].width for held in over.values()])
        counts = (int(np.sum(test)) for test in ((found >= LOW) & (found <= HIGH), found < LOW, found > HIGH))
        print(f"| {name} | {' | '.join(map(str, counts))} | {found.min():.1%} | {ratio:.2f} |")


def print_grid(title: str, found: dict[Cell, Held]) -> None:
    """Coverage and mean width of every cell; bold where it misses 93-97%."""
    held = sum(LOW <= one.coverage <= HIGH for one in found.values())
    print(f"\n## {title}: {held} of {len(found)} cells within 93-97%\n")
    print(
        "| kind | n | k | " + " | ".join(f"{m} problems" for m in PROBLEMS) + " |\n|---|---|---|---|---|---|"
    )
    for kind in KINDS:
        for n, k in SAMPLES:
            cells = (_cell(found[Cell(kind, m, n, k)]) for m in PROBLEMS)
            print(f"| {kind.name} | {n} | {k} | {' | '.join(cells)} |")


def _cell(held: Held) -> str:
    shown = f"{held.coverage:.1%}"
    return f"{shown if LOW <= held.coverage <= HIGH else f'**{shown}**'} ({held.width:.3f})"


def print_alarms(sets: int) -> None:
    """How often p < 0.05 where there is no difference."""
    print("\n## Comparison: how often p < 0.05 without a difference\n")
    print("| B is | kind | problems | n of A, B | k | codelm | sign flips | paired t |\n" + "|---" * 8 + "|")
    for same, name in ((True, "A again"), (False, "as strong elsewhere")):
        for kind, m, (n_a, n_b, k) in alarm_cells():
            rates = false_alarms(Cell(kind, m, n_a, k), n_b, sets, same_problems=same)
            shown = " | ".join(f"{rate:.1%}" for rate in rates.values())
            print(f"| {name} | {kind.name} | {m} | {n_a}, {n_b} | {k} | {shown} |")


def alarm_cells() -> Iterator[tuple[Kind, int, tuple[int, int, int]]]:
    """Kinds, problems, and (n of A, n of B, k)."""
    for kind in KINDS[:1] + KINDS[2:5]:
        for m in PROBLEMS:
            for samples in ((1, 1, 1), (10, 10, 1), (10, 10, 10), (20, 20, 10), (200, 20, 10)):
                yield kind, m, samples


def print_bias(_sets: int) -> None:
    """Mean of the biased and of the unbiased estimate (Appendix A, figure 13), exact."""
    print("\n## 1 - (1 - c/n)^k on average\n")
    print(
        "| k | p | truth | n = k | n = 2k | n = 5k | n = 10k | n = 50k | unbiased, any n |\n"
        + "|---" * 9
        + "|"
    )
    for k, p in ((10, 0.01), (10, 0.1), (100, 0.002), (100, 0.01), (100, 0.03)):
        biased = (f"{_mean_estimate(biased_pass_at_k, times * k, k, p):.4f}" for times in (1, 2, 5, 10, 50))
        unbiased = _mean_estimate(pass_at_k, 2 * k, k, p)
        print(f"| {k} | {p} | {1 - (1 - p) ** k:.4f} | {' | '.join(biased)} | {unbiased:.4f} |")


def _mean_estimate(of: Callable[[int, int, int], float], n: int, k: int, p: float) -> float:
    """Over all numbers of passes, each with its binomial chance."""
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(c + 1)
        - math.lgamma(n - c + 1)
        + c * math.log(p)
        + (n - c) * math.log1p(-p)
        for c in range(n + 1)
    )
    return math.fsum(math.exp(log) * of(n, c, k) for c, log in enumerate(logs))


TABLES = {"over": print_over, "here": print_here, "alarms": print_alarms, "bias": print_bias}

if __name__ == "__main__":
    main()
