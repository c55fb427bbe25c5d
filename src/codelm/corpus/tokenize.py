"""From documents to token shards, a batch at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codelm.corpus.documents import SPLITS, Document, documents_file, read_documents
from codelm.corpus.report import CorpusReport
from codelm.corpus.split import Split
from codelm.errors import InputError, OutputError
from codelm.files import digest_file
from codelm.progress import Progress, progress
from codelm.shards import Manifest, write_shards
from codelm.tokenizer import Tokenizer

BATCH_CHARS = 1_000_000  # text encoded at a time: enough to keep the cores busy, little memory


class TokenizedCorpus(NamedTuple):
    """The manifests of the shard folders."""

    train: Manifest
    validation: Manifest | None  # None when the corpus holds no validation documents


def tokenize_corpus(corpus: str | Path, tokenizer: Tokenizer, out: str | Path) -> TokenizedCorpus:
    """Tokenize a corpus folder into the shard folders `out/train` and `out/validation`.

    Each folder appears whole or not at all. Raises: InputError when the corpus is damaged or not the one of
    its report; OutputError when the shards cannot be written.
    """
    report = CorpusReport.read(corpus)
    manifests = {split: _tokenize_split(corpus, split, report, tokenizer, out) for split in SPLITS}
    if manifests["train"] is None:
        raise InputError(f"{corpus}: holds no training documents; build the corpus anew")
    return TokenizedCorpus(manifests["train"], manifests["validation"])


def _tokenize_split(
    corpus: str | Path, split: Split, report: CorpusReport, tokenizer: Tokenizer, out: str | Path
) -> Manifest | None:
    source, target, count = documents_file(corpus, split), Path(out) / split, report.splits[split]
    if digest_file(source) != count.sha256:
        raise InputError(f"{source}: not the file that report.json describes; build the corpus anew")
    if not count.documents:
        if target.exists():
            raise OutputError(f"{target}: left by another corpus, this one holds none; delete it")
        return None
    with progress(f"tokenizing {split}", count.documents, unit="documents") as shown:
        return write_shards(
            target,
            _encode(read_documents(corpus, split), tokenizer, shown),
            tokenizer_digest=tokenizer.digest,
            vocab_size=tokenizer.vocab_size,
            end_of_text_id=tokenizer.end_of_text_id,
        )


def _encode(documents: Iterator[Document], tokenizer: Tokenizer, shown: Progress) -> Iterator[list[int]]:
    for texts in _batches(documents):
        yield from tokenizer.encode_batch(texts)
        shown.advance(len(texts))


def _batches(documents: Iterator[Document]) -> Iterator[list[str]]:
    """Texts of at least BATCH_CHARS together, but for the last."""
    texts: list[str] = []
    n_chars = 0
    for document in documents:
        texts.append(document.text)
        n_chars += len(document.text)
        if n_chars >= BATCH_CHARS:
            yield texts
            texts, n_chars = [], 0
    if texts:
        yield texts
