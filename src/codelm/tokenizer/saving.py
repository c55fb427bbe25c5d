"""How many tokens the runs of spaces save (the paper: about 30% on code, sec. 3.2)."""

from collections.abc import Iterable
from typing import NamedTuple

from codelm.tokenizer.bpe import Tokenizer
from codelm.tokenizer.spec import make_spec, spell


class WhitespaceSaving(NamedTuple):
    """Token counts of one text with and without tokens for runs of spaces."""

    tokens_with: int
    tokens_without: int
    share_saved: float  # 1 - with / without; NaN for no text


def whitespace_saving(tokenizer: Tokenizer, texts: Iterable[str]) -> WhitespaceSaving:
    """Count the tokens of texts (held out from training) with and without runs of spaces.

    "Without" is the same tokenizer less every token that holds two spaces in a row. Its vocabulary is smaller
    by those tokens and is not refilled, as GPT-3's is next to Codex's.
    """
    plain = without_space_runs(tokenizer)
    tokens_with = tokens_without = 0
    for text in texts:
        tokens_with += len(tokenizer.encode(text))
        tokens_without += len(plain.encode(text))
    share = 1 - tokens_with / tokens_without if tokens_without else float("nan")
    return WhitespaceSaving(tokens_with, tokens_without, share)


def without_space_runs(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer less every token that holds two spaces in a row; ids are renumbered in order."""
    two_spaces = spell(b"  ")
    merges = [merge for merge in tokenizer.merges if two_spaces not in "".join(merge)]
    return Tokenizer(make_spec([token for token in tokenizer.tokens if two_spaces not in token], merges))
