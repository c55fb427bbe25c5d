"""The loss: mean negative log-likelihood per token that counts, in nats."""

from collections.abc import Iterable

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
    if batch.first_B is not None:
        counted = targets != IGNORED
        states, targets = states[counted], targets[counted]
    return F.cross_entropy(model.unembed(states), targets, reduction="sum"), len(targets)


@torch.no_grad()
def mean_loss(model: GPT, batches: Iterable[Batch]) -> float:
    """Loss over all targets of some batches together; NaN without any."""
    total, count = 0.0, 0
    for batch in batches:
        loss, targets = sum_loss(model, batch)
        total, count = total + loss.item(), count + targets
    return total / count if count else float("nan")
