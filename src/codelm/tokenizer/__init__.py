"""Byte-level BPE for code, with tokens for runs of spaces: train, save, load, encode, decode (sec. 3.2)."""

from codelm.tokenizer.bpe import Tokenizer
from codelm.tokenizer.ranks import load_ranks
from codelm.tokenizer.saving import WhitespaceSaving, whitespace_saving
from codelm.tokenizer.spec import END_OF_TEXT
from codelm.tokenizer.train import MIN_VOCAB_SIZE, train_tokenizer

__all__ = [
    "END_OF_TEXT",
    "MIN_VOCAB_SIZE",
    "Tokenizer",
    "WhitespaceSaving",
    "load_ranks",
    "train_tokenizer",
    "whitespace_saving",
]
