"""Sizes: the names must be what the parameters count."""

import pytest

from codelm.errors import UsageError
from codelm.model import SIZES, GPTConfig, gpt_config


@pytest.mark.parametrize("name", SIZES)
def test_size_name_is_its_parameters_outside_the_embeddings(name: str) -> None:
    """12 L D^2, to 5%: the paper writes 12M for 12.58M and 300M for 301.99M."""
    unit = {"M": 1e6, "B": 1e9}[name[-1]]
    shape = SIZES[name]
    counted = 12 * shape.n_layer * shape.n_embd**2 / unit
    assert counted == pytest.approx(float(name[:-1]), rel=0.05)


@pytest.mark.parametrize("name", ["0.1M", "0.8M", "12M"])
def test_parameter_counts_equal_the_networks_own(name: str) -> None:
    """The formulas agree with a count over the parameters themselves."""
    import torch

    from codelm.model import GPT

    config = gpt_config(name, vocab_size=300, n_ctx=64)
    with torch.device("meta"):
        model = GPT(config, seed=None)
    counts = {key: value.numel() for key, value in model.named_parameters()}
    assert config.n_params == sum(counts.values())
    embeddings = counts["wte.weight"] + counts["wpe.weight"]
    assert config.n_params_non_embedding == sum(counts.values()) - embeddings


def test_unknown_size_is_refused_with_the_known_ones() -> None:
    """A typo gets the list of names."""
    with pytest.raises(UsageError, match=r"'13M' is unknown; choose one of 0\.1M, .*, 2\.5B, 12B"):
        gpt_config("13M", vocab_size=300, n_ctx=64)


def test_config_whose_heads_do_not_divide_the_width_is_refused() -> None:
    """The paper's printed width of the largest model, 5140, with its 40 heads, is such a case."""
    with pytest.raises(ValueError, match="n_embd=5140, n_head=40"):
        GPTConfig(n_layer=40, n_embd=5140, n_head=40, vocab_size=300, n_ctx=64)


def test_config_with_a_zero_is_refused() -> None:
    """A model without layers is a mistake."""
    with pytest.raises(ValueError, match="at least 1"):
        GPTConfig(n_layer=0, n_embd=8, n_head=2, vocab_size=300, n_ctx=64)
