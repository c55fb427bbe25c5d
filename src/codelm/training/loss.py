"""The loss: mean negative log-likelihood per token that counts, in nats."""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from codelm.model import GPT
from codelm.training.objectives import IGNORED, Batch


def sum_loss(model: GPT, batch: Batch) -> tuple[Tensor, int]:
    """Summed loss of a batch, with its gradient graph, and the number of targets it sums over.

    Logits are computed only where there is a target: with a vocabulary of thousands they are the most costly
    part of a small model.
    """
    states = model.states(batch.tokens_BT, first_B=batch.first_B).flatten(0, 1)
    targets = batch.targets_BT.flatten()
    counted = targets != IGNORED
    if not counted.all():
        states, targets = states[counted], targets[counted]
    loss: Tensor = _OutputLoss.apply(states, model.wte.weight, targets)  # type: ignore[no-untyped-call]
    return loss, len(targets)


@torch.no_grad()
def mean_loss(model: GPT, batches: Iterable[Batch]) -> float:
    """Loss over all targets of some batches together; NaN without any."""
    total, count = 0.0, 0
    for batch in batches:
        loss, targets = sum_loss(model, batch)
        total, count = total + loss.item(), count + targets
    return total / count if count else float("nan")


class _OutputLoss(torch.autograd.Function):
    """Summed cross-entropy of `states @ weight.T`, (N, D) and (V, D), against N targets.

    The probabilities are all that its gradient needs, so one array of N x V is kept and changed in place;
    torch's own chain keeps the log-probabilities, fills a second array and writes a third.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        logits = F.linear(states, weight)
        chosen = logits.gather(1, targets.unsqueeze(1)).squeeze(1)
        peak = logits.amax(1)
        probs = logits.softmax(1)
        ctx.save_for_backward(states, weight, targets, probs)
        # log(sum(exp)) by way of the likeliest token, whose probability cannot underflow.
        total: Tensor = (peak - probs.amax(1).log() - chosen).sum()
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        states, weight, targets, probs = ctx.saved_tensors
        probs[torch.arange(len(targets)), targets] -= 1.0
        return gradients[0] * (probs @ weight), gradients[0] * (probs.t() @ states), None
