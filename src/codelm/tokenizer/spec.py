"""The `tokenizer.json` of a byte-level BPE in Hugging Face's format: written, checked, digested.

A vocabulary spells bytes in GPT-2's alphabet: printable Latin-1 characters stand for themselves, the other 68
bytes for the characters from U+0100 on, so that a space is "\u0120" and a newline "\u010a".
"""

from collections.abc import Sequence
from functools import cache

from codelm.errors import InputError
from codelm.files import Json, digest_json

END_OF_TEXT = "<|endoftext|>"

Merge = tuple[str, str]


@cache
def byte_alphabet() -> tuple[str, ...]:
    """The character that stands for each byte, by byte value."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


@cache
def _byte_of() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(byte_alphabet())}


def spell(data: bytes) -> str:
    """Bytes in the alphabet of the vocabulary."""
    return "".join(byte_alphabet()[byte] for byte in data)


def unspell(token: str) -> bytes:
    """The bytes that a vocabulary entry stands for. Raises: KeyError for a character outside the alphabet."""
    return bytes(_byte_of()[character] for character in token)


def make_spec(vocabulary: Sequence[str], merges: Sequence[Merge]) -> Json:
    """The `tokenizer.json` of a vocabulary (ids by position) and its merges (by priority).

    `vocabulary` holds END_OF_TEXT; it is declared as a special token.
    """
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    special = {
        "id": vocabulary.index(END_OF_TEXT),
        "content": END_OF_TEXT,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(vocabulary)},
            "merges": [list(merge) for merge in merges],
        },
    }


def check_spec(spec: Json, where: str) -> None:
    """Refuse a tokenizer that does not keep our promises: lossless bytes, no hidden special tokens.

    spec: as the `tokenizers` library writes it, so its structure is sound. Raises: InputError.
    """
    if spec["model"]["type"] != "BPE" or not _splits_as_gpt2(spec):
        raise InputError(
            f"{where}: not a byte-level BPE with GPT-2's pre-tokenizer (ByteLevel, no prefix space, "
            "no normalizer); train one with `codelm tokenizer train`"
        )
    added = [token["content"] for token in spec["added_tokens"]]
    if added != [END_OF_TEXT]:
        raise InputError(f"{where}: the only added token may be {END_OF_TEXT!r}, found {added!r}")
    ids = sorted(vocabulary_of(spec).values())
    if ids != list(range(len(ids))):
        raise InputError(f"{where}: the ids of its {len(ids)} tokens are not 0 to {len(ids) - 1}, each once")
    if missing := set(byte_alphabet()) - spec["model"]["vocab"].keys():
        raise InputError(f"{where}: {len(missing)} of the 256 bytes have no token, so some text has no ids")


def _splits_as_gpt2(spec: Json) -> bool:
    splitter, model = spec["pre_tokenizer"] or {}, spec["model"]
    return (
        splitter.get("type") == "ByteLevel"
        and splitter["use_regex"]
        and not splitter["add_prefix_space"]
        and spec["normalizer"] is None
        and not model["ignore_merges"]
        and not model["dropout"]
        and not model["continuing_subword_prefix"]
        and not model["end_of_word_suffix"]
    )


def vocabulary_of(spec: Json) -> dict[str, int]:
    """Every token of a checked spec and its id, the end of text included."""
    return {**spec["model"]["vocab"], END_OF_TEXT: spec["added_tokens"][0]["id"]}


def merges_of(spec: Json) -> list[Merge]:
    """The merges of a checked spec, by priority."""
    return [(left, right) for left, right in spec["model"]["merges"]]


def digest_of(spec: Json) -> str:
    """SHA-256 of what decides the ids: vocabulary and merges, whatever the file's formatting."""
    return digest_json({"vocabulary": vocabulary_of(spec), "merges": merges_of(spec)})
