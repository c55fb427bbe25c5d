"""Codex's and GPT-3's vocabularies against tiktoken's definition of encoding, written out."""

import base64
import math
import sysconfig
from pathlib import Path

import pytest
from tokenizers.pre_tokenizers import ByteLevel

from codelm.errors import InputError
from codelm.tokenizer import load_ranks
from codelm.tokenizer.spec import unspell


def reference(text: str, ranks: dict[bytes, int]) -> list[int]:
    """Ids by definition: in each chunk, the neighbours whose sum has the lowest rank are joined first."""
    chunks = ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    return [ranks[part] for chunk, _ in chunks for part in _join(unspell(chunk), ranks)]


def _join(chunk: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    parts = [chunk[i : i + 1] for i in range(len(chunk))]
    while len(parts) > 1:
        sums = [ranks.get(parts[i] + parts[i + 1], math.inf) for i in range(len(parts) - 1)]
        at = sums.index(min(sums))
        if sums[at] == math.inf:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


@pytest.mark.parametrize(("name", "vocab_size"), [("r50k_base", 50_257), ("p50k_base", 50_281)])
def test_ids_equal_tiktokens_definition(name: str, vocab_size: int, data_dir: Path) -> None:
    """Source of the standard library and runs of spaces: the same ids, with the published end of text."""
    path = data_dir / "tokenizer" / f"{name}.tiktoken"
    tokenizer = load_ranks(path)
    rows = (line.split() for line in path.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in rows}
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:12]
    texts = [source.read_text(encoding="utf-8")[:10_000] for source in sources]
    texts += ["x" + " " * length + "x" for length in range(60)] + ["naïve 你好 \t\n\n  "]
    assert tokenizer.encode_batch(texts) == [reference(text, ranks) for text in texts]
    assert (tokenizer.vocab_size, tokenizer.end_of_text_id) == (vocab_size, 50_256)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"IQ== 0\nnot base64 1\n", "line 2: expected a token in base64 and its rank"),
        (b"IQ== zero\n", "line 1: expected a token in base64 and its rank"),
        (b"IQ== 0\n", "255 of the 256 bytes have no token"),
        (b"IQ== 0\nIg== 7\n", "the ranks of its 2 tokens leave 2 ids free"),
        (b"", "256 of the 256 bytes have no token"),
    ],
)
def test_file_that_is_no_vocabulary_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """The message names the file and the line, or what is missing."""
    path = tmp_path / "x.tiktoken"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"x\.tiktoken.*{message}"):
        load_ranks(path)


def test_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(InputError, match=r"x\.tiktoken: cannot be read"):
        load_ranks(tmp_path / "x.tiktoken")
