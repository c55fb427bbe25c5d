"""The tokenizer: text to ids and back, without loss.

Text is untrusted: a corpus file or a model's output that spells "<|endoftext|>" is encoded as those thirteen
characters, never as the end-of-text id. That id is only ever placed by us, between documents. Other programs
that load the saved `tokenizer.json` get equal ids, but cut at that spelling unless told not to (transformers:
`split_special_tokens=True`).
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from codelm.errors import InputError, MissingError
from codelm.files import Json, atomic_write, read_json
from codelm.tokenizer.spec import END_OF_TEXT, Merge, check_spec, digest_of, merges_of, unspell, vocabulary_of

if TYPE_CHECKING:
    import tokenizers


class Tokenizer:
    """A byte-level BPE with GPT-2's splitting rule; `Tokenizer.load` or `train_tokenizer` make one."""

    def __init__(self, spec: Json, where: str = "tokenizer") -> None:
        """spec: content of a `tokenizer.json`; `where` opens error messages. Raises: InputError."""
        self._library = _build(spec, where)
        self._spec: Json = json.loads(self._library.to_str())  # as the library reads it: defaults filled in
        check_spec(self._spec, where)
        self._bytes = _token_bytes(self._spec, where)
        self.end_of_text_id = vocabulary_of(self._spec)[END_OF_TEXT]

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a `tokenizer.json`. Raises: InputError when it is damaged, or not a byte-level BPE."""
        return cls(read_json(path), str(path))

    def save(self, path: str | Path) -> None:
        """Write a `tokenizer.json` for this project, `tokenizers` and transformers. Raises: OutputError."""
        text = json.dumps(self._spec, indent=1, ensure_ascii=False)
        with atomic_write(path) as stream:
            stream.write(text.encode() + b"\n")

    @property
    def vocab_size(self) -> int:
        """Number of ids, the end of text included; ids are 0 to vocab_size - 1."""
        return len(self._bytes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of vocabulary and merges: two tokenizers of equal digest give equal ids."""
        return digest_of(self._spec)

    @property
    def tokens(self) -> list[str]:
        """Vocabulary entries by id, spelt in GPT-2's alphabet (a space is "\u0120")."""
        vocabulary = vocabulary_of(self._spec)
        return sorted(vocabulary, key=vocabulary.__getitem__)

    @property
    def merges(self) -> list[Merge]:
        """Pairs of vocabulary entries that are joined while encoding, by priority."""
        return merges_of(self._spec)

    def encode(self, text: str) -> list[int]:
        """Ids of a text; never the end-of-text id.

        Raises: InputError for a lone surrogate (half of a UTF-16 pair), which has no UTF-8 form.
        """
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, several texts at a time on all cores. Raises: as `encode`."""
        try:
            encodings = self._library.encode_batch_fast(texts, add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            for text in texts:
                check_encodable(text)
            raise
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; bytes that are not UTF-8 become U+FFFD, an end of text becomes nothing.

        Raises: ValueError for an id outside the vocabulary.
        """
        return self.decode_bytes(ids).decode(errors="replace")

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """Bytes of ids: a prefix of ids may end inside a character. Raises: as `decode`."""
        if len(ids) and not 0 <= min(ids) <= max(ids) < self.vocab_size:
            raise ValueError(f"ids must be in [0, {self.vocab_size}), found {min(ids)} to {max(ids)}")
        return b"".join([self._bytes[index] for index in ids])


def _build(spec: Json, where: str) -> "tokenizers.Tokenizer":
    try:
        built: tokenizers.Tokenizer = library().Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # the library raises a bare Exception for whatever it cannot read
        raise InputError(f"{where}: not a usable tokenizer.json ({error})") from error
    built.encode_special_tokens = True  # spelt-out special tokens stay text: texts are untrusted
    built.no_truncation()  # the file may ask for either; one loses text, the other adds end-of-text ids
    built.no_padding()
    return built


def library() -> Any:
    """The `tokenizers` library, loaded when first needed. Raises: MissingError."""
    try:
        import tokenizers
    except ImportError as error:
        raise MissingError("tokenizers is not installed; run: pip install 'codelm[train]'") from error
    return tokenizers


def _token_bytes(spec: Json, where: str) -> list[bytes]:
    """What each id stands for; nothing for the end of text."""
    vocabulary = vocabulary_of(spec)
    table = [b""] * len(vocabulary)
    for token, index in vocabulary.items():
        if token != END_OF_TEXT:
            try:
                table[index] = unspell(token)
            except KeyError as error:
                raise InputError(f"{where}: token {token!r} is not spelt in GPT-2's byte alphabet") from error
    return table


def check_encodable(text: str) -> None:
    """Refuse a text that has no UTF-8 form. Raises: InputError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"text cannot be encoded: lone surrogate U+{ord(text[error.start]):04X} at character "
            f"{error.start}; remove it or replace it by U+FFFD"
        ) from error
