"""How a model is trained: optimiser and schedule (Codex paper, sec. 3.2).

| what                       | the paper                          | here                                  |
|----------------------------|------------------------------------|---------------------------------------|
| optimiser                  | Adam, 0.9, 0.95, 1e-8, decay 0.1   | the same, decoupled decay (AdamW)     |
| decay on                   | not stated                         | matrices and embeddings, nothing else |
| warm-up                    | 175 steps, linear                  | the same                              |
| after it                   | cosine decay, end not stated       | cosine to 10% of the peak, as GPT-3   |
| learning rate              | that of the GPT of the same size   | `gpt_learning_rate`                   |
| gradient clipping, dropout | not stated                         | norm 1.0, as GPT-3; none              |
"""

import math
from dataclasses import dataclass

PAPER_WARMUP_STEPS = 175

# GPT-3 paper, table 2.1: parameters outside the embeddings (12 L D^2, in millions) of the sizes Codex uses.
_GPT3_LEARNING_RATES = {85: 6.0e-4, 302: 3.0e-4, 679: 2.5e-4, 2517: 1.6e-4, 12583: 1.0e-4}


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Optimiser, schedule and what is written down. Raises: ValueError for a number out of its range."""

    steps: int  # updates in all
    learning_rate: float  # at the peak, right after the warm-up
    warmup_steps: int = PAPER_WARMUP_STEPS  # updates of linear rise; at most `steps`
    final_share: float = 0.1  # learning rate of the last update, as a share of the peak
    beta1: float = 0.9  # decay of Adam's mean of gradients
    beta2: float = 0.95  # decay of Adam's mean of squared gradients
    epsilon: float = 1e-8  # added to Adam's denominator
    weight_decay: float = 0.1  # decoupled; on matrices and embeddings, not on biases and LayerNorms
    max_grad_norm: float = 1.0  # the gradient of all parameters together is scaled down to this 2-norm
    log_every: int = 10  # updates per row of history.jsonl
    validate_every: int = 100  # updates between two validation losses; there is always one at the end

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 <= self.warmup_steps <= self.steps:
            raise ValueError(
                f"steps must be >= 1 and warmup_steps in [0, steps], got {self.steps} and {self.warmup_steps}"
            )
        if not (self.learning_rate > 0 and self.epsilon > 0 and self.max_grad_norm > 0):
            raise ValueError(f"learning_rate, epsilon and max_grad_norm must be positive, got {self}")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and 0 <= self.final_share <= 1):
            raise ValueError(f"beta1 and beta2 must be in [0, 1), final_share in [0, 1], got {self}")
        if self.weight_decay < 0 or self.log_every < 1 or self.validate_every < 1:
            raise ValueError(f"weight_decay must be >= 0, log_every and validate_every >= 1, got {self}")


def learning_rate_at(step: int, config: TrainConfig) -> float:
    """Learning rate of an update, counted from 0: a linear rise, then half a cosine down."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - 1 - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.learning_rate * (config.final_share + (1 - config.final_share) * cosine)


def gpt_learning_rate(n_params: int) -> float:
    """Peak learning rate of the GPT of a size, n_params counted outside the embeddings.

    GPT-3's own where it has such a model; below, where neither paper states one, the fit of Kaplan et al.
    2020 (arXiv:2001.08361, eq. D.1): 0.003239 - 0.0001395 ln N.
    """
    for millions, rate in _GPT3_LEARNING_RATES.items():
        if math.isclose(n_params / 1e6, millions, rel_tol=0.01):
            return rate
    return max(0.003239 - 0.0001395 * math.log(n_params), 1.0e-4)
