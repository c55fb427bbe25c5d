"""From documents to shards: every document once, in order, under the tokenizer's digest."""

from pathlib import Path
from typing import Any

import pytest

from codelm.corpus import build_corpus, read_documents, tokenize_corpus
from codelm.errors import InputError, OutputError
from codelm.shards import TokenShards
from codelm.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer(["def function(x):\n    return x + 1\n" * 3], vocab_size=320)


@pytest.fixture
def corpus(make_tree: Any, packages: dict[str, str], tmp_path: Path) -> Path:
    """A corpus of twenty packages."""
    build_corpus([make_tree(packages)], tmp_path / "corpus", validation_share=0.3)
    return tmp_path / "corpus"


def test_shards_decode_to_the_documents_in_order(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the batch, each document comes back, closed by one end of text."""
    digests = []
    for batch_chars in (1, 300, 10**6):
        monkeypatch.setattr("codelm.corpus.tokenize.BATCH_CHARS", batch_chars)
        done = tokenize_corpus(corpus, TOKENIZER, tmp_path / "tokens")
        assert done.validation is not None
        digests.append((done.train.digest, done.validation.digest))
    assert len(set(digests)) == 1
    for split in ("train", "validation"):
        shards = TokenShards.open(tmp_path / "tokens" / split)
        assert shards.manifest.tokenizer_digest == TOKENIZER.digest
        texts = [TOKENIZER.decode(shards.document(i).tolist()) for i in range(shards.manifest.n_documents)]
        assert texts == [document.text for document in read_documents(corpus, split)]


def test_end_of_text_spelt_in_a_file_does_not_end_its_document(make_tree: Any, tmp_path: Path) -> None:
    """As many end-of-text ids as documents, whatever the files say."""
    root = make_tree({"a.py": "x = '<|endoftext|>'\n" * 5, "b.py": "y = 1\n"})
    build_corpus([root], tmp_path / "corpus", validation_share=0)
    done = tokenize_corpus(tmp_path / "corpus", TOKENIZER, tmp_path / "tokens")
    shards = TokenShards.open(tmp_path / "tokens" / "train")
    tokens = next(shards.sequential(shards.n_tokens - 1))
    assert (tokens == TOKENIZER.end_of_text_id).sum() == done.train.n_documents == 2


def test_corpus_without_validation_gives_train_alone(make_tree: Any, tmp_path: Path) -> None:
    """No validation documents, no folder; one that another corpus left is not passed off as ours."""
    build_corpus([make_tree({"a.py": "x = 1\n"})], tmp_path / "corpus", validation_share=0)
    assert tokenize_corpus(tmp_path / "corpus", TOKENIZER, tmp_path / "tokens").validation is None
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["train"]
    (tmp_path / "tokens" / "validation").mkdir()
    with pytest.raises(OutputError, match="left by another corpus"):
        tokenize_corpus(tmp_path / "corpus", TOKENIZER, tmp_path / "tokens")


def test_documents_of_another_build_are_refused(corpus: Path, tmp_path: Path) -> None:
    """A Parquet file that the report does not describe is named."""
    (corpus / "documents-train.parquet").write_bytes((corpus / "documents-validation.parquet").read_bytes())
    with pytest.raises(InputError, match=r"documents-train\.parquet: not the file that report"):
        tokenize_corpus(corpus, TOKENIZER, tmp_path / "tokens")


def test_interrupted_tokenizing_leaves_nothing_half_done(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while encoding: no folder, no litter."""

    def interrupt(self: object, texts: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("codelm.tokenizer.Tokenizer.encode_batch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tokenize_corpus(corpus, TOKENIZER, tmp_path / "tokens")
    assert not list((tmp_path / "tokens").iterdir())
