"""What went into a corpus and what was left out, as numbers; `report.json` of a corpus folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

from codelm.corpus.documents import SPLITS, read_documents
from codelm.corpus.split import Split
from codelm.errors import InputError
from codelm.files import Json, read_json

REPORT_FILE = "report.json"
DROPS_FILE = "drops.jsonl"
FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class SplitCount:
    """What a split holds."""

    documents: int
    n_bytes: int  # of text, UTF-8
    packages: int
    sha256: str  # of the split's Parquet file


@dataclass(frozen=True, kw_only=True)
class DropCount:
    """Files that left for one reason."""

    files: int
    n_bytes: int  # on disk


@dataclass(frozen=True, kw_only=True)
class CorpusReport:
    """Settings and counts of one corpus; equal inputs give an equal report."""

    settings: Json  # limits, validation share, seed, byte budget
    files_found: int  # .py files under the roots, and folders there that were not walked (see REASONS)
    files_beyond_budget: int  # neither kept nor dropped: the byte budget was full
    splits: Mapping[Split, SplitCount]
    drops: Mapping[str, DropCount]  # by reason, in the order of REASONS

    @classmethod
    def read(cls, corpus: str | Path) -> Self:
        """Read the report of a corpus folder. Raises: InputError."""
        path = Path(corpus) / REPORT_FILE
        value = read_json(path)
        if (version := value.pop("version", None)) != FORMAT_VERSION:
            raise InputError(
                f"{path}: format version {version!r}, this release reads {FORMAT_VERSION}; build it anew"
            )
        try:
            splits, drops = value.pop("splits"), value.pop("drops")
            return cls(
                splits={split: SplitCount(**splits[split]) for split in SPLITS},
                drops={reason: DropCount(**row) for reason, row in drops.items()},
                **value,
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"{path}: not a corpus report ({error}); build the corpus anew") from error

    def to_json(self) -> Json:
        """The content of `report.json`."""
        return {"version": FORMAT_VERSION, **asdict(self)}

    @property
    def files_dropped(self) -> int:
        """Files that were looked at and left out."""
        return sum(count.files for count in self.drops.values())


class PackageCount(NamedTuple):
    """What one package gave to the corpus."""

    repo: str
    license: str | None
    split: Split
    documents: int
    n_bytes: int  # of text, UTF-8


def count_packages(corpus: str | Path) -> list[PackageCount]:
    """The packages of a corpus, largest first. Raises: InputError."""
    counts: dict[str, PackageCount] = {}
    for split in SPLITS:
        for document in read_documents(corpus, split):
            before = counts.get(document.repo)
            documents, n_bytes = (before.documents, before.n_bytes) if before else (0, 0)
            counts[document.repo] = PackageCount(
                document.repo, document.license, split, documents + 1, n_bytes + len(document.text.encode())
            )
    return sorted(counts.values(), key=lambda count: (-count.n_bytes, count.repo))
