"""The training loop, for every objective (Codex paper, sec. 3.2).

Nothing in it draws a random number and every batch is a function of its step, so a run that was killed and
started again ends with the bytes of one that was not, given the same machine and number of threads (another
number of threads sums in another order). Saving happens between updates, by time, and changes no number.
"""

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch

from codelm.errors import UsageError
from codelm.files import Json
from codelm.model import GPT, save_checkpoint
from codelm.progress import Progress, progress
from codelm.tokenizer import Tokenizer
from codelm.training.config import TrainConfig, learning_rate_at
from codelm.training.history import load_history, save_history
from codelm.training.interrupt import delayed_interrupts
from codelm.training.loss import mean_loss, sum_loss
from codelm.training.memory import memory_kept
from codelm.training.objectives import HeldOut, Objective
from codelm.training.optimizer import make_optimizer
from codelm.training.state import digest_parameters, load_state, save_state

SAVE_EVERY_S = 20.0


class TrainResult(NamedTuple):
    """How a finished run ended."""

    steps: int  # updates, of earlier processes included
    tokens: int  # targets trained on, of earlier processes included
    loss: float  # nats per target, mean over the last row of the history
    validation_loss: float | None  # nats per target after the last update; None without held-out data
    seconds: float  # spent by this process


def train(
    model: GPT,
    objective: Objective,
    config: TrainConfig,
    out: str | Path,
    *,
    tokenizer: Tokenizer,
    validation: HeldOut | None = None,
    save_every_s: float = SAVE_EVERY_S,
) -> TrainResult:
    """Train a model in place and leave a checkpoint in `out`, with `history.jsonl` beside it.

    A run whose state is in `out` goes on where it was; a finished one only writes its checkpoint again.
    kill -9 loses at most `save_every_s` seconds of work and the update it hits, Ctrl-C loses nothing.
    Raises: InputError when the data does not fit the model or tokenizer, or the state in `out` is of a run
    with other settings, data or first weights; UsageError when the loss is no longer a number; OutputError.
    """
    began = time.monotonic()
    objective.check(model.config, tokenizer)
    if validation is not None:
        validation.check(model.config, tokenizer)
    run = _Run(model, objective, config, Path(out), validation)
    shown_progress = progress("training", config.steps, done=run.position.step, unit="steps")
    with memory_kept(), delayed_interrupts() as interrupts, shown_progress as shown:
        saved = time.monotonic()
        while run.position.step < config.steps:
            run.update()
            run.show(shown)
            if interrupts.pending or time.monotonic() - saved >= save_every_s:
                run.save()
                interrupts.deliver()
                saved = time.monotonic()
        save_checkpoint(out, model, tokenizer)
        run.save()
        interrupts.deliver()
    last = run.history[-1]
    return TrainResult(
        run.position.step,
        run.position.tokens,
        last["loss"],
        last["validation_loss"],
        time.monotonic() - began,
    )


class _Run:
    """One run: what it changes with each update, and the files it keeps."""

    def __init__(
        self, model: GPT, objective: Objective, config: TrainConfig, out: Path, validation: HeldOut | None
    ) -> None:
        self.model, self.objective, self.config, self.out = model, objective, config, out
        self.validation = validation
        self.optimizer = make_optimizer(model, config)
        self.header = _header(model, objective, config, validation)
        self.position = load_state(out, self.header, model, self.optimizer)
        position = self.position
        self.history = load_history(out, step=position.step, tokens=position.tokens - position.loss_tokens)
        self.first_tokens, self.began = position.tokens, time.monotonic()

    def update(self) -> None:
        """One optimiser update, and a row of the history where one is due."""
        step = self.position.step
        rate = learning_rate_at(step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, targets = sum_loss(self.model, self.objective.batch(step))
        torch.autograd.backward(loss / targets)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm).item()
        self._check_finite(loss.item(), norm, rate)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._count(loss.item(), targets, rate, norm)

    def save(self) -> None:
        """Write history and state; the history first, for the state relies on it."""
        save_history(self.out, self.history)
        save_state(self.out, self.header, self.position, self.model, self.optimizer)

    def show(self, shown: Progress) -> None:
        """Count one step on the bar."""
        speed = (self.position.tokens - self.first_tokens) / (time.monotonic() - self.began)
        loss = f"loss {self.history[-1]['loss']:.3f}, " if self.history else ""
        shown.advance(note=f"{loss}{speed:,.0f} tokens/s")

    def _count(self, loss: float, targets: int, rate: float, norm: float) -> None:
        position = self.position
        position.step += 1
        position.tokens += targets
        position.loss_sum += loss
        position.loss_tokens += targets
        last = position.step == self.config.steps
        validate = last or position.step % self.config.validate_every == 0
        if not (validate or position.step % self.config.log_every == 0):
            return
        self.history.append(
            {
                "step": position.step,
                "tokens": position.tokens,
                "loss": position.loss_sum / position.loss_tokens,
                "validation_loss": self._validation_loss() if validate else None,
                "learning_rate": rate,
                "grad_norm": norm,
            }
        )
        position.loss_sum, position.loss_tokens = 0.0, 0

    def _validation_loss(self) -> float | None:
        return mean_loss(self.model, self.validation.batches()) if self.validation else None

    def _check_finite(self, loss: float, norm: float, rate: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise UsageError(
                f"step {self.position.step + 1}: the loss is {loss}, its gradient's norm {norm}, "
                f"at learning rate {rate:.3g}; lower the learning rate or lengthen the warm-up"
            )


def _header(model: GPT, objective: Objective, config: TrainConfig, validation: HeldOut | None) -> Json:
    """What a run is: two runs of equal headers give equal results."""
    parts = {
        "model": asdict(model.config),
        "config": asdict(config),
        "training_data": objective.describe(),
        "validation_data": validation.describe() if validation else {},
    }
    flat = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
    return {"first_parameters": digest_parameters(model), **flat}
