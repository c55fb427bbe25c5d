"""From folders of Python source to token shards: collect, filter, deduplicate, split, tokenize (sec. 3.1)."""

from codelm.corpus.build import build_corpus
from codelm.corpus.collect import environment_roots, files_digest
from codelm.corpus.documents import SPLITS, Document, read_documents
from codelm.corpus.filters import REASONS, FilterLimits, reject_reason
from codelm.corpus.report import CorpusReport, DropCount, PackageCount, SplitCount, count_packages
from codelm.corpus.split import split_of
from codelm.corpus.tokenize import TokenizedCorpus, tokenize_corpus

__all__ = [
    "REASONS",
    "SPLITS",
    "CorpusReport",
    "Document",
    "DropCount",
    "FilterLimits",
    "PackageCount",
    "SplitCount",
    "TokenizedCorpus",
    "build_corpus",
    "count_packages",
    "environment_roots",
    "files_digest",
    "read_documents",
    "reject_reason",
    "split_of",
    "tokenize_corpus",
]
