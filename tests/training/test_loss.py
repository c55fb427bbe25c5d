"""The loss: our fused gradient against torch's own chain."""

import pytest
import torch
import torch.nn.functional as F

from codelm.model import GPT
from codelm.training import IGNORED, Batch, mean_loss, sum_loss


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_loss_and_gradients_equal_cross_entropys(model: GPT, scale: float) -> None:
    """Also for logits so far apart that most probabilities, the target's among them, underflow."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(model.config.vocab_size, (4, 17), generator=generator)
    batch = Batch(tokens[:, :-1], tokens[:, 1:], None)
    with torch.no_grad():
        model.ln_f.weight.mul_(scale)
    parameters = list(model.parameters())
    ours, count = sum_loss(model, batch)
    logits = model(batch.tokens_BT).flatten(0, 1)
    theirs = F.cross_entropy(logits, batch.targets_BT.flatten(), reduction="sum")
    assert count == 64
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    for mine, expected in zip(
        torch.autograd.grad(ours / 7, parameters), torch.autograd.grad(theirs / 7, parameters), strict=True
    ):
        torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item() + 1e-12)


@pytest.mark.parametrize("first", [torch.tensor([0]), None])
def test_loss_counts_only_targets_that_are_not_ignored(model: GPT, first: torch.Tensor | None) -> None:
    """Changing an ignored target's input token after the last counted one changes nothing."""
    tokens = torch.tensor([[5, 6, 7, 8]])
    targets = torch.tensor([[IGNORED, 7, IGNORED, IGNORED]])
    changed = torch.tensor([[5, 6, 7, 9]])
    loss, count = sum_loss(model, Batch(tokens, targets, first))
    assert count == 1
    assert loss.item() == pytest.approx(sum_loss(model, Batch(changed, targets, first))[0].item(), abs=1e-6)
    expected = -model(tokens[:, :2]).log_softmax(-1)[0, 1, 7].item()
    assert loss.item() == pytest.approx(expected, abs=1e-5)


def test_mean_loss_of_nothing_is_undefined(model: GPT) -> None:
    """No targets, no loss: not zero."""
    assert mean_loss(model, []) != mean_loss(model, [])
