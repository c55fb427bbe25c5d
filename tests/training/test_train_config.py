"""The schedule, against the papers' words."""

import pytest

from codelm.model import SIZES
from codelm.training import PAPER_WARMUP_STEPS, TrainConfig, gpt_learning_rate, learning_rate_at

CONFIG = TrainConfig(steps=1000, learning_rate=1e-3, warmup_steps=100)


def test_defaults_are_the_papers() -> None:
    """175 steps of warm-up, betas 0.9 and 0.95, epsilon 1e-8, weight decay 0.1."""
    config = TrainConfig(steps=1000, learning_rate=1e-3)
    assert config.warmup_steps == PAPER_WARMUP_STEPS == 175
    assert (config.beta1, config.beta2, config.epsilon, config.weight_decay) == (0.9, 0.95, 1e-8, 0.1)


def test_warmup_is_linear_and_ends_at_the_peak() -> None:
    """The first update already has a learning rate; the hundredth has the peak."""
    assert learning_rate_at(0, CONFIG) == pytest.approx(1e-5)
    assert learning_rate_at(49, CONFIG) == pytest.approx(5e-4)
    assert learning_rate_at(99, CONFIG) == pytest.approx(1e-3)


def test_cosine_falls_from_the_peak_to_a_tenth() -> None:
    """Half way down lies the mean of both ends; the last update has a tenth of the peak."""
    rates = [learning_rate_at(step, CONFIG) for step in range(100, 1000)]
    assert rates[0] == pytest.approx(1e-3)
    assert (rates[449] + rates[450]) / 2 == pytest.approx(5.5e-4)
    assert rates[-1] == pytest.approx(1e-4)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("config", [{"steps": 1, "warmup_steps": 0}, {"steps": 1, "warmup_steps": 1}])
def test_schedule_of_one_step_is_the_peak(config: dict[str, int]) -> None:
    """The shortest run divides by nothing."""
    assert learning_rate_at(0, TrainConfig(learning_rate=1e-3, **config)) == 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0, "warmup_steps": 0},
        {"warmup_steps": 1001},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"beta2": 1.0},
        {"final_share": 1.1},
        {"weight_decay": -0.1},
        {"max_grad_norm": 0.0},
        {"log_every": 0},
    ],
)
def test_number_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    """A configuration that cannot train fails when it is made."""
    with pytest.raises(ValueError, match="must be"):
        TrainConfig(**{"steps": 1000, "learning_rate": 1e-3, **wrong})


def test_learning_rates_of_the_papers_sizes_are_gpt3s() -> None:
    """Table 2.1 of the GPT-3 paper, for the five sizes it has."""
    expected = {"85M": 6.0e-4, "300M": 3.0e-4, "679M": 2.5e-4, "2.5B": 1.6e-4, "12B": 1.0e-4}
    found = {name: gpt_learning_rate(12 * SIZES[name].n_layer * SIZES[name].n_embd ** 2) for name in expected}
    assert found == expected


def test_learning_rate_rises_towards_smaller_models() -> None:
    """The fit used below GPT-3's smallest model joins on to it from above."""
    rates = [gpt_learning_rate(12 * shape.n_layer * shape.n_embd**2) for shape in SIZES.values()]
    assert rates == sorted(rates, reverse=True)
    assert 1e-3 < rates[0] < 2e-3
