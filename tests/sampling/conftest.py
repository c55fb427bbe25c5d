"""A small random model with a real tokenizer, shared by the tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from codelm.model import GPT, GPTConfig, save_checkpoint
from codelm.problems import Problem, ProblemSet
from codelm.tokenizer import Tokenizer, train_tokenizer

TEXT = 'def f(x):\n    """Añade 你好."""\n    if x:\n        return x + 1\n\nclass C:\n    pass\n'


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_tokenizer([TEXT] * 3, vocab_size=300)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for one another would make these tests slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model(tokenizer: Tokenizer) -> GPT:
    """Untrained, but its distributions are uneven, as a trained model's are, and completions often end.

    Coordinate 0 of the last state is a constant, which only the tokens that end completions look at.
    """
    config = GPTConfig(n_layer=2, n_embd=32, n_head=4, vocab_size=tokenizer.vocab_size, n_ctx=160)
    model = GPT(config, seed=1).eval()
    endings = [tokenizer.end_of_text_id, *(tokenizer.encode(text)[0] for text in ("\n", "#", "def", "if"))]
    with torch.no_grad():
        model.wte.weight *= 8
        model.wpe.weight *= 300
        model.wte.weight[:, 0] = 0.0
        model.wte.weight[endings, 0] = torch.tensor([0.5, 0.75, 0.7, 0.6, 0.6])
        model.ln_f.weight[0] = 0.0
        model.ln_f.bias[0] = 4.0
    return model


@pytest.fixture(scope="session")
def checkpoint(model: GPT, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, model, tokenizer)
    return folder


@pytest.fixture(scope="session")
def problems() -> ProblemSet:
    """Prompts of unequal lengths, so that they need caches of unequal shapes; one is empty."""
    prompts = ["", "d", "def f(x):\n", TEXT, "def g():\n    return [1, 2, 3]\n" * 2]
    return ProblemSet.of(
        "five",
        [Problem(task_id=f"t/{i}", prompt=p, entry_point="f", test="") for i, p in enumerate(prompts)],
    )
