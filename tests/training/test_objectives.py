"""Batches: which tokens count, where rows begin, and that a step alone decides them."""

from collections import Counter

import numpy as np
import pytest
import torch

from codelm.errors import InputError
from codelm.model import GPT, GPTConfig
from codelm.shards import TokenShards
from codelm.tokenizer import Tokenizer, train_tokenizer
from codelm.training import (
    IGNORED,
    MaskedSolutionHeldOut,
    MaskedSolutionObjective,
    PlainHeldOut,
    PlainObjective,
    mean_loss,
    sum_loss,
)

END = 0


def masked(examples: list[tuple[list[int], list[int]]], **options: int) -> MaskedSolutionObjective:
    settings = {"batch_size": len(examples), "seed": 1, "end_of_text_id": END, "max_length": 32, **options}
    return MaskedSolutionObjective(examples, **settings)


def made_up_examples(count: int) -> list[tuple[list[int], list[int]]]:
    """Each example's prompt begins with an id that no other has."""
    random = np.random.default_rng(0)
    sizes = random.integers(1, 9, (count, 2))
    return [([100 + i] + [1] * int(p), random.integers(2, 90, s).tolist()) for i, (p, s) in enumerate(sizes)]


def test_plain_targets_are_the_next_tokens(shards: TokenShards) -> None:
    """Inputs and targets are the shards' window, one token apart; nothing is padded."""
    objective = PlainObjective(shards, batch_size=3, length=16, seed=5)
    batch = objective.batch(7)
    windows = torch.from_numpy(shards.batch(7, batch_size=3, length=16, seed=5))
    assert torch.equal(batch.tokens_BT, windows[:, :-1])
    assert torch.equal(batch.targets_BT, windows[:, 1:])
    assert batch.first_B is None


def test_plain_held_out_reads_every_window_once(shards: TokenShards) -> None:
    """Without a limit the batches together are the shards in order."""
    held_out = PlainHeldOut(shards, batch_size=4, length=16)
    rows = torch.cat([batch.tokens_BT for batch in held_out.batches()])
    expected = np.stack([window[:-1] for window in shards.sequential(16)])
    assert torch.equal(rows, torch.from_numpy(expected))


def test_plain_held_out_limit_spreads_over_the_shards(shards: TokenShards) -> None:
    """A quarter of the windows is not the first quarter."""
    held_out = PlainHeldOut(shards, batch_size=4, length=16, max_windows=5)
    assert sum(len(batch.tokens_BT) for batch in held_out.batches()) == 5
    assert held_out.starts[-1] > 0.7 * shards.n_tokens


def test_plain_with_another_tokenizers_shards_is_refused(shards: TokenShards, model: GPT) -> None:
    """Ids of one tokenizer mean nothing to another."""
    other = train_tokenizer(["x = 1\n"] * 2, vocab_size=300)
    with pytest.raises(InputError, match="made with another tokenizer"):
        PlainObjective(shards, batch_size=1, length=16, seed=0).check(model.config, other)


def test_plain_windows_beyond_the_context_are_refused(
    shards: TokenShards, model: GPT, tokenizer: Tokenizer
) -> None:
    """Said before training, not in its first update."""
    with pytest.raises(InputError, match="windows of 33 tokens; the model reads 32"):
        PlainObjective(shards, batch_size=1, length=33, seed=0).check(model.config, tokenizer)


def test_masked_rows_line_up_at_the_first_solution_token() -> None:
    """Prompts padded on the left, solutions on the right; loss on solutions and end of text only."""
    batch = masked([([7, 8], [20, 21]), ([9], [22])]).batch(0)
    rows = {tuple(row) for row in batch.tokens_BT.tolist()}
    targets = {tuple(row) for row in batch.targets_BT.tolist()}
    assert rows == {(7, 8, 20, 21), (END, 9, 22, END)}
    assert targets == {(IGNORED, 20, 21, END), (IGNORED, 22, END, IGNORED)}
    assert batch.first_B is not None
    assert sorted(batch.first_B.tolist()) == [0, 1]


def test_masked_longest_prompt_and_longest_solution_share_a_narrow_row() -> None:
    """Rows are no wider than the context even where aligned starts would need more."""
    examples = [([7] * 10, [20]), ([8], [21] * 10)]
    batch = masked(examples, max_length=12).batch(0)
    assert batch.tokens_BT.shape == (2, 12)
    assert (batch.targets_BT != IGNORED).sum().item() == 2 + 11


def test_masked_loss_equals_that_of_each_example_alone(model: GPT) -> None:
    """Padding, alignment and neighbours do not show: the reference reads one unpadded row at a time."""
    examples = made_up_examples(9)
    loss, count = sum_loss(model, masked(examples, max_length=18).batch(0))
    expected = 0.0
    for prompt, solution in examples:
        ids = torch.tensor([[*prompt, *solution, END]])
        log_probs = model(ids[:, :-1]).log_softmax(-1)[0]
        tail = range(len(prompt) - 1, ids.shape[1] - 1)
        expected -= sum(log_probs[place, ids[0, place + 1]].item() for place in tail)
    assert count == sum(len(solution) + 1 for _, solution in examples)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_masked_epoch_holds_every_example_once() -> None:
    """The batches of an epoch partition the examples; the next epoch has another order."""
    objective = masked(made_up_examples(24), batch_size=4)
    assert objective.steps_per_epoch == 6

    def seen(steps: range) -> list[int]:
        rows = torch.cat([first_tokens(objective, step) for step in steps])
        return rows.tolist()

    first, second = seen(range(6)), seen(range(6, 12))
    assert sorted(first) == sorted(second) == list(range(100, 124))
    assert first != second


def first_tokens(objective: MaskedSolutionObjective, step: int) -> torch.Tensor:
    batch = objective.batch(step)
    assert batch.first_B is not None
    return batch.tokens_BT.gather(1, batch.first_B.unsqueeze(1)).squeeze(1)


def test_masked_incomplete_batch_rotates_over_epochs() -> None:
    """Of 10 examples in fours, two wait in each epoch, but not always the same two."""
    objective = masked(made_up_examples(10), batch_size=4)
    counts = Counter(token for step in range(2 * 20) for token in first_tokens(objective, step).tolist())
    assert len(counts) == 10
    assert max(counts.values()) < 20


def test_masked_batch_is_a_function_of_the_step_alone() -> None:
    """Asking for steps out of order, from another object, gives the same batches."""
    examples = made_up_examples(40)
    one, other = masked(examples, batch_size=4), masked(examples, batch_size=4)
    expected = [one.batch(step).tokens_BT for step in range(25)]
    for step in (24, 3, 11, 0):
        assert torch.equal(other.batch(step).tokens_BT, expected[step])


def test_masked_batches_group_examples_of_like_length() -> None:
    """Sorting inside pools leaves less padding than the shuffle alone would."""
    examples = [([1] * int(n), [2]) for n in np.random.default_rng(0).integers(1, 30, 256)]
    objective = masked(examples, batch_size=8)
    cells = sum(objective.batch(step).tokens_BT.numel() for step in range(32))
    real = sum(len(prompt) + len(solution) for prompt, solution in examples)
    assert real / cells > 0.85


def test_masked_too_long_examples_are_left_out_and_counted() -> None:
    """Nothing is cut: an example fits whole or not at all. The end of text itself is never read."""
    objective = masked([([1] * 16, [2] * 16), ([1] * 16, [2] * 17)])
    assert objective.n_too_long == 1
    assert objective.batch(0).tokens_BT.shape == (1, 32)


def test_masked_without_any_fitting_example_is_refused() -> None:
    """All examples too long is an error, not an empty run."""
    with pytest.raises(InputError, match="none of the 1 examples fits 4 tokens"):
        masked([([1, 1, 1], [2, 2])], max_length=4)


def test_masked_example_without_a_prompt_is_a_mistake() -> None:
    """The first solution token needs something before it."""
    with pytest.raises(ValueError, match="a prompt of at least one token"):
        masked([([], [2])])


def test_masked_examples_of_another_vocabulary_are_refused(tokenizer: Tokenizer) -> None:
    """An id beyond the vocabulary is said before training."""
    config = GPTConfig(n_layer=1, n_embd=8, n_head=1, vocab_size=tokenizer.vocab_size, n_ctx=32)
    with pytest.raises(InputError, match="another tokenizer"):
        masked([([1], [5000])]).check(config, tokenizer)


def test_held_out_loss_weighs_targets_equally(model: GPT) -> None:
    """The mean is over targets, so it does not depend on how they fall into batches."""
    examples = made_up_examples(11)
    options = {"end_of_text_id": END, "max_length": 32}
    losses = [
        mean_loss(model, MaskedSolutionHeldOut(examples, batch_size=size, **options).batches())
        for size in (1, 4, 11)
    ]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)
