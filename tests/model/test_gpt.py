"""The network: its two paths must agree, and padding and neighbours must not show."""

import pytest
import torch

from codelm.model import GPT, GPTConfig, KVCache

CONFIG = GPTConfig(n_layer=3, n_embd=32, n_head=4, vocab_size=50, n_ctx=24)


@pytest.fixture
def model() -> GPT:
    """A small model with weights large enough that a wrong attention pattern shows in its logits."""
    model = GPT(CONFIG, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)), alpha=0.1
            )
    return model.eval()


def random_tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(CONFIG.vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def test_forward_logits_do_not_depend_on_later_tokens(model: GPT) -> None:
    """Attention is causal: changing the last token changes only the last logits."""
    tokens = random_tokens(2, 10)
    changed = tokens.clone()
    changed[:, -1] = (changed[:, -1] + 1) % CONFIG.vocab_size
    before, after = model(tokens), model(changed)
    close(after[:, :-1], before[:, :-1])
    assert (after[:, -1] - before[:, -1]).abs().max() > 1e-2


def test_forward_beyond_the_context_is_refused(model: GPT) -> None:
    """There are only n_ctx positions."""
    with pytest.raises(ValueError, match="25 tokens exceed the model's context of 24"):
        model(random_tokens(1, 25))


def test_left_padded_rows_equal_the_rows_alone(model: GPT) -> None:
    """Neither what the padding holds nor how much of it there is changes a row's logits."""
    padded = random_tokens(4, 12)
    first = torch.tensor([0, 3, 7, 11])
    logits = model(padded, first_B=first)
    assert logits.isfinite().all()
    for row, start in enumerate(first.tolist()):
        close(logits[row, start:], model(padded[row : row + 1, start:])[0])


def test_left_padding_gets_no_gradient_from_real_tokens(model: GPT) -> None:
    """A loss on real positions leaves the embedding of the padding token alone."""
    padded = torch.tensor([[49, 49, 1, 2, 3]])
    states = model.states(padded, first_B=torch.tensor([2]))
    gradient = torch.autograd.grad(states[:, 2:].square().sum(), model.wte.weight)[0]
    assert gradient[49].abs().max() == 0.0
    assert gradient[1].abs().max() > 0.0


def test_decode_token_by_token_equals_forward(model: GPT) -> None:
    """Cached and uncached logits agree at every position."""
    tokens = random_tokens(3, 20)
    cache = model.new_cache(3, 24)
    steps = [model.decode(tokens[:, i : i + 1], cache, torch.full((3,), i)) for i in range(20)]
    close(torch.cat(steps, dim=1), model(tokens))


def test_decode_rows_of_different_lengths_equals_each_alone(model: GPT) -> None:
    """Each row of one batch reads on from its own length, several tokens at a time."""
    tokens = random_tokens(3, 20)
    lengths = torch.tensor([2, 9, 15])
    cache = model.new_cache(3, 24)
    model.decode(tokens[:, :15], cache, torch.zeros(3, dtype=torch.int64))
    following = torch.stack([tokens[row, n : n + 4] for row, n in enumerate(lengths.tolist())])
    logits = model.decode(following, cache, lengths)
    expected = model(tokens)
    for row, n in enumerate(lengths.tolist()):
        close(logits[row], expected[row, n : n + 4])


def test_decode_in_a_row_used_before_shows_nothing_of_its_past(model: GPT) -> None:
    """A row restarted at length 0 gives the logits of a fresh cache, whatever its slots held."""
    cache = model.new_cache(2, 24)
    model.decode(random_tokens(2, 24, seed=5), cache, torch.tensor([0, 0]))
    tokens = random_tokens(2, 6)
    close(model.decode(tokens, cache, torch.tensor([0, 0])), model(tokens))


def test_copy_row_moves_a_prompt_into_another_batch(model: GPT) -> None:
    """A prompt read by itself and copied into a row goes on as if it had been read there."""
    tokens = random_tokens(1, 12)
    prompt = model.new_cache(1, 8)
    model.decode(tokens[:, :8], prompt, torch.tensor([0]))
    cache = model.new_cache(3, 24)
    model.decode(random_tokens(3, 24, seed=5), cache, torch.tensor([0, 0, 0]))
    cache.copy_row(prompt, 0, 1, 8)
    following = random_tokens(3, 4, seed=6)
    following[1] = tokens[0, 8:]
    logits = model.decode(following, cache, torch.tensor([0, 8, 2]))
    close(logits[1], model(tokens)[0, 8:])


def test_first_slots_of_a_cache_give_equal_logits_and_share_memory(model: GPT) -> None:
    """Attending to fewer slots changes the cost, not the result; what is written stays in the whole cache."""
    tokens = random_tokens(2, 10)
    cache = model.new_cache(2, 24)
    model.decode(tokens[:, :6], cache.first(8), torch.tensor([0, 0]))
    close(model.decode(tokens[:, 6:], cache, torch.tensor([6, 6])), model(tokens)[:, 6:])


def test_decode_past_the_capacity_is_refused(model: GPT) -> None:
    """A token without a slot is an error, not a silent overwrite."""
    cache: KVCache = model.new_cache(1, 4)
    with pytest.raises(IndexError):
        model.decode(random_tokens(1, 1), cache, torch.tensor([4]))


def test_new_cache_beyond_the_context_is_refused(model: GPT) -> None:
    """A slot needs a position."""
    with pytest.raises(ValueError, match="25 slots exceeds the context of 24"):
        model.new_cache(1, 25)


def test_initial_weights_follow_the_table() -> None:
    """Each parameter has the standard deviation the docstring of `initialise` gives it."""
    config = GPTConfig(n_layer=8, n_embd=128, n_head=4, vocab_size=500, n_ctx=200)
    state = GPT(config, seed=3).state_dict()
    assert state["wte.weight"].std().item() == pytest.approx(0.02, rel=0.03)
    assert state["wpe.weight"].std().item() == pytest.approx(0.01, rel=0.03)
    assert state["h.5.attn.c_attn.weight"].std().item() == pytest.approx(0.02, rel=0.03)
    assert state["h.5.mlp.c_fc.weight"].std().item() == pytest.approx(0.02, rel=0.03)
    assert state["h.5.attn.c_proj.weight"].std().item() == pytest.approx(0.005, rel=0.03)
    assert state["h.5.mlp.c_proj.weight"].std().item() == pytest.approx(0.005, rel=0.03)
    assert state["h.5.mlp.c_fc.bias"].abs().max() == 0.0
    assert (state["h.5.ln_2.weight"] == 1.0).all()
    assert (state["ln_f.weight"] == 1.0).all()


def test_initial_weights_depend_on_the_seed_only() -> None:
    """The global random state neither matters nor is touched."""
    torch.manual_seed(1)
    first = GPT(CONFIG, seed=7).wte.weight
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == drawn
    assert torch.equal(GPT(CONFIG, seed=7).wte.weight, first)
    assert not torch.equal(GPT(CONFIG, seed=8).wte.weight, first)
