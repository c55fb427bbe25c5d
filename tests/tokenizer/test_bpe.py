"""The tokenizer against the libraries that read its file, and against what it promises about text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codelm.errors import InputError
from codelm.tokenizer import END_OF_TEXT, Tokenizer, train_tokenizer

SMALL = train_tokenizer(["def f(x):\n    return x + 1\n" * 3], vocab_size=300)
TEXTS = [
    "",
    "def f():\n        return 1\n",
    "\t\r\n",
    "naïve 你好 \U0001f40d",
    "a" * 300,
    " " * 60,
    "\x00\x7f",
]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_decode_after_encode_is_identity(text: str) -> None:
    """Any text without lone surrogates comes back as it was."""
    assert SMALL.decode(SMALL.encode(text)) == text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([END_OF_TEXT, "<|", "endoftext", "|>", " ", "\n", "x"])).map("".join))
def test_text_that_spells_end_of_text_never_yields_its_id(text: str) -> None:
    """Untrusted text cannot end a document, however it is put together, and still round-trips."""
    ids = SMALL.encode(text)
    assert SMALL.end_of_text_id not in ids
    assert SMALL.decode(ids) == text


def test_file_that_asks_to_cut_or_to_pad_is_read_without(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A truncation left in the file would lose text; a padding would add end-of-text ids."""
    import tokenizers

    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    library = tokenizers.Tokenizer.from_file(str(path))
    library.enable_truncation(2)
    library.enable_padding(length=64, pad_token=END_OF_TEXT)
    library.save(str(path))
    text = "def f(x):\n    return x\n"
    assert Tokenizer.load(path).encode(text) == tokenizer.encode(text)


@pytest.mark.parametrize("text", TEXTS)
def test_saved_file_gives_equal_ids_in_tokenizers_and_transformers(
    text: str, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """The saved file means the same to the two libraries that others will load it with."""
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    ids = tokenizer.encode(text)
    assert tokenizers.Tokenizer.from_file(str(path)).encode(text).ids == ids
    assert PreTrainedTokenizerFast(tokenizer_file=str(path)).encode(text) == ids
    assert Tokenizer.load(path).encode(text) == ids


def test_loaded_tokenizer_has_the_digest_and_bytes_of_the_saved_one(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Saving, loading and saving again changes nothing."""
    tokenizer.save(tmp_path / "a.json")
    again = Tokenizer.load(tmp_path / "a.json")
    again.save(tmp_path / "b.json")
    assert again.digest == tokenizer.digest
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_digest_ignores_formatting_and_sees_a_changed_merge(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The digest stands for the ids that come out, not for the bytes of the file."""
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    spec = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert Tokenizer.load(path).digest == tokenizer.digest
    spec["model"]["merges"].reverse()
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert Tokenizer.load(path).digest != tokenizer.digest


def test_batch_encoding_equals_encoding_one_by_one(tokenizer: Tokenizer) -> None:
    """A batch is only a faster way to the same ids."""
    assert tokenizer.encode_batch(TEXTS) == [tokenizer.encode(text) for text in TEXTS]
    assert tokenizer.encode_batch([]) == []


def test_every_byte_has_the_id_one_above_it(tokenizer: Tokenizer) -> None:
    """The layout of ids: the end of text is 0, byte b is b + 1."""
    assert tokenizer.end_of_text_id == 0
    assert [tokenizer.decode_bytes([byte + 1]) for byte in range(256)] == [bytes([b]) for b in range(256)]


def test_decode_replaces_half_a_character_and_drops_end_of_text(tokenizer: Tokenizer) -> None:
    """A sample may stop inside a character, or at the end of text."""
    first_byte_of_two = "é".encode()[0]
    assert tokenizer.decode([tokenizer.end_of_text_id, first_byte_of_two + 1]) == "\ufffd"


@pytest.mark.parametrize("ids", [[-1], [1000], [5, 10**6]])
def test_decode_refuses_ids_outside_the_vocabulary(ids: list[int], tokenizer: Tokenizer) -> None:
    """An id that stands for nothing is a bug of the caller."""
    with pytest.raises(ValueError, match=r"ids must be in \[0, 1000\)"):
        tokenizer.decode(ids)


def test_lone_surrogate_is_refused_with_its_place(tokenizer: Tokenizer) -> None:
    """Half a UTF-16 pair has no bytes, so it has no ids."""
    with pytest.raises(InputError, match=r"lone surrogate U\+D800 at character 2"):
        tokenizer.encode_batch(["fine", "ab\ud800"])


def _without_a_byte(spec: dict[str, Any]) -> None:
    vocabulary, merges = spec["model"]["vocab"], spec["model"]["merges"]
    merges.clear()
    spec["model"]["vocab"] = {token: index for token, index in vocabulary.items() if index < 256}


def _with_prefix_space(spec: dict[str, Any]) -> None:
    spec["pre_tokenizer"]["add_prefix_space"] = True


def _with_second_special(spec: dict[str, Any]) -> None:
    spec["added_tokens"].append({**spec["added_tokens"][0], "content": "    ", "id": 1000})


def _without_special(spec: dict[str, Any]) -> None:
    spec["added_tokens"] = []


def _with_a_hole(spec: dict[str, Any]) -> None:
    spec["model"]["vocab"][spec["model"]["merges"][-1][0] + "!!"] = 5000


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without_a_byte, "1 of the 256 bytes have no token"),
        (_with_prefix_space, "not a byte-level BPE with GPT-2's pre-tokenizer"),
        (_with_second_special, "the only added token may be"),
        (_without_special, "the only added token may be"),
        (_with_a_hole, "each once"),
        (dict.clear, "not a usable tokenizer.json"),
        (lambda spec: spec["model"].update(vocab=[1]), "not a usable tokenizer.json"),
    ],
)
def test_load_refuses_a_tokenizer_that_breaks_a_promise(
    damage: Any, message: str, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """What would lose text, or hide special tokens in it, is refused with the file's name."""
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    spec = json.loads(path.read_text(encoding="utf-8"))
    damage(spec)
    path.write_text(json.dumps(spec), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        Tokenizer.load(path)
    assert str(path) in str(caught.value)


def test_load_of_a_truncated_file_names_it(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Half a file is not a tokenizer."""
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"tokenizer\.json: not valid JSON"):
        Tokenizer.load(path)
