"""A tiny corpus, its shards and its tokenizer, for every test of training."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from codelm.model import GPT, GPTConfig
from codelm.shards import TokenShards, write_shards
from codelm.tokenizer import Tokenizer, train_tokenizer

TEXTS = [f"def add_{i}(x):\n    return x + {i}\n" for i in range(60)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small lose time to a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, vocab_size=320)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> TokenShards:
    folder = tmp_path_factory.mktemp("data") / "shards"
    write_shards(
        folder,
        tokenizer.encode_batch(TEXTS),
        tokenizer_digest=tokenizer.digest,
        vocab_size=tokenizer.vocab_size,
        end_of_text_id=tokenizer.end_of_text_id,
    )
    return TokenShards.open(folder)


@pytest.fixture
def model(tokenizer: Tokenizer) -> GPT:
    config = GPTConfig(n_layer=2, n_embd=32, n_head=2, vocab_size=tokenizer.vocab_size, n_ctx=32)
    return GPT(config, seed=0)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"
