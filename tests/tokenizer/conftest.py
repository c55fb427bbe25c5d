"""A small trained tokenizer, shared by the tests of this room."""

import sysconfig
from pathlib import Path

import pytest

from codelm.tokenizer import Tokenizer, train_tokenizer

TRAINING_FILES = ("ast", "argparse", "dataclasses", "functools", "heapq", "inspect", "textwrap", "typing")


def stdlib_text(name: str) -> str:
    """Source of a module of the standard library."""
    return Path(sysconfig.get_path("stdlib"), f"{name}.py").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Trained on a few modules of the standard library."""
    return train_tokenizer(map(stdlib_text, TRAINING_FILES), vocab_size=1000)
