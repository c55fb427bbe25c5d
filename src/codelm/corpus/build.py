"""Building a corpus: collect, filter, deduplicate, split, write (Codex paper, sec. 3.1).

Two passes over the files. The first reads and judges them, keeping only digests; the second reads the kept
ones again, in order, and writes them. So memory does not grow with the corpus, and which of several equal
files is kept (the smallest package and path) does not depend on the order of reading.

Not in the paper, so our choice: "unique" means equal text after line ends are made "\\n" and a byte-order
mark is taken off; documents keep the order of package and path.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from codelm.corpus.collect import Candidate, collect, environment_roots
from codelm.corpus.documents import SPLITS, Document, DocumentWriter, documents_file
from codelm.corpus.filters import REASONS, FilterLimits, reject_reason
from codelm.corpus.report import DROPS_FILE, REPORT_FILE, CorpusReport, DropCount, SplitCount
from codelm.corpus.split import Split, split_of
from codelm.errors import InputError, UsageError
from codelm.files import Json, atomic_write, digest_file, write_json, write_jsonl
from codelm.progress import progress

Forbidden = Callable[[str], str | None]


def build_corpus(
    roots: Sequence[Path] | None,
    out: str | Path,
    *,
    limits: FilterLimits | None = None,
    validation_share: float = 0.05,
    seed: int = 0,
    max_bytes: int | None = None,
    forbidden: Forbidden | None = None,
) -> CorpusReport:
    """Build a corpus of Python source and write it to a folder; equal inputs give equal bytes.

    roots: folders of packages, or single projects; None for the running environment's standard library and
    packages. limits: the filters' (the paper's by default). validation_share: expected share of packages held
    out. seed: chooses them, and the order in which a budget is filled. max_bytes: most text to keep (UTF-8
    bytes); files are read in an order drawn from their names until one would go above it. forbidden: gives
    the reason why a text must not be trained on, or None.

    Writes `documents-train.parquet`, `documents-validation.parquet`, `drops.jsonl` (every file looked at and
    left out, with its reason) and, last, `report.json`. codelm itself is never taken.
    Raises: InputError when a root is not a folder or nothing is left to train on; UsageError when no package
    falls to validation; OutputError when the folder cannot be written.
    """
    limits = limits or FilterLimits()
    settings = {**asdict(limits), "validation_share": validation_share, "seed": seed, "max_bytes": max_bytes}
    candidates = collect(environment_roots() if roots is None else roots)
    splits = _assign_splits(candidates, validation_share=validation_share, seed=seed)
    survey = _survey(_drawn_order(candidates, seed), limits, max_bytes, forbidden)
    if not any(splits[kept.candidate.repo] == "train" for kept in survey.keepers()):
        raise InputError(f"nothing to train on: of {len(candidates)} .py files none was kept for training")
    return _write(Path(out), survey, splits, settings, limits)


class _Kept(NamedTuple):
    """A file that passed the filters."""

    candidate: Candidate
    sha: str  # of its text
    n_bytes: int  # of its text, UTF-8


class _Drop(NamedTuple):
    """A file that is left out."""

    candidate: Candidate
    reason: str  # key of REASONS
    detail: str | None = None

    def to_json(self) -> Json:
        """A row of `drops.jsonl`."""
        repo, path = self.candidate.key
        row = {"repo": repo, "path": path, "reason": self.reason, "n_bytes": self.candidate.n_bytes}
        return row if self.detail is None else {**row, "detail": self.detail}


@dataclass
class _Survey:
    """What the first pass found."""

    files_found: int
    files_beyond_budget: int = 0
    by_sha: dict[str, list[_Kept]] = field(default_factory=dict)  # files of equal text
    rejected: list[_Drop] = field(default_factory=list)

    def keepers(self) -> list[_Kept]:
        """One file of each text, in the corpus's order."""
        return sorted((min(equal, key=_key) for equal in self.by_sha.values()), key=_key)

    def drops(self) -> list[_Drop]:
        """Every file left out, in the corpus's order."""
        duplicates = (
            _Drop(kept.candidate, "duplicate", "of " + "/".join(min(equal, key=_key).candidate.key))
            for equal in self.by_sha.values()
            for kept in sorted(equal, key=_key)[1:]
        )
        return sorted([*self.rejected, *duplicates], key=lambda drop: drop.candidate.key)


def _key(kept: _Kept) -> tuple[str, str]:
    return kept.candidate.key


def _survey(
    candidates: Sequence[Candidate],
    limits: FilterLimits,
    max_bytes: int | None,
    forbidden: Forbidden | None,
) -> _Survey:
    """Read and judge files in the order given, until the budget is full."""
    survey = _Survey(files_found=len(candidates))
    n_bytes = 0
    with progress("reading files", len(candidates), unit="files") as shown:
        for position, candidate in enumerate(candidates):
            shown.advance(note=f"{n_bytes / 1e6:,.1f} MB kept")
            text, unreadable = _read(candidate, limits)
            if drop := unreadable or reject_reason(text, limits):
                survey.rejected.append(_Drop(candidate, drop))
                continue
            data = text.encode()
            kept = _Kept(candidate, hashlib.sha256(data).hexdigest(), len(data))
            if kept.sha in survey.by_sha:
                survey.by_sha[kept.sha].append(kept)
            elif forbidden and (detail := forbidden(text)) is not None:
                survey.rejected.append(_Drop(candidate, "forbidden", detail))
            elif max_bytes is not None and n_bytes + kept.n_bytes > max_bytes:
                survey.files_beyond_budget = len(candidates) - position
                break
            else:
                survey.by_sha[kept.sha] = [kept]
                n_bytes += kept.n_bytes
    return survey


class _Reading(NamedTuple):
    """A file's text, or why it has none."""

    text: str
    drop: str | None = None  # key of REASONS


def _read(candidate: Candidate, limits: FilterLimits) -> _Reading:
    """Read one file as text, lines ended by "\\n"."""
    if candidate.drop:
        return _Reading("", candidate.drop)
    if candidate.n_bytes >= limits.max_file_bytes:
        return _Reading("", "too_large")
    try:
        data = candidate.file.read_bytes()
    except OSError:
        return _Reading("", "unreadable")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _Reading("", "not_utf8")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _Reading(text)


def _drawn_order(candidates: Sequence[Candidate], seed: int) -> list[Candidate]:
    """The files in an order drawn from their names: a budget takes an even share of every package."""

    def draw(candidate: Candidate) -> bytes:
        return hashlib.sha256(f"{seed}:{candidate.repo}:{candidate.path}".encode()).digest()

    return sorted(candidates, key=draw)


def _assign_splits(
    candidates: Sequence[Candidate], *, validation_share: float, seed: int
) -> dict[str, Split]:
    """The split of each package. Raises: UsageError when validation is wanted and gets none."""
    repos = {candidate.repo for candidate in candidates}
    splits = {repo: split_of(repo, validation_share=validation_share, seed=seed) for repo in repos}
    if splits and validation_share > 0 and "validation" not in splits.values():
        raise UsageError(
            f"none of {len(repos)} packages falls to validation at a share of {validation_share} with seed "
            f"{seed}; take a larger share, another seed, or a share of 0 for no validation"
        )
    return splits


def _write(
    out: Path, survey: _Survey, splits: dict[str, Split], settings: Json, limits: FilterLimits
) -> CorpusReport:
    keepers, drops = survey.keepers(), survey.drops()
    with ExitStack() as stack:
        writers: dict[Split, DocumentWriter] = {}
        for split in SPLITS:
            stream = stack.enter_context(atomic_write(documents_file(out, split)))
            writers[split] = stack.enter_context(closing(DocumentWriter(stream)))
        for kept, document in _documents(keepers, limits):
            writers[splits[kept.candidate.repo]].write(document)
    write_jsonl(out / DROPS_FILE, (drop.to_json() for drop in drops))
    report = CorpusReport(
        settings=settings,
        files_found=survey.files_found,
        files_beyond_budget=survey.files_beyond_budget,
        splits={split: _count_split(out, split, keepers, splits) for split in SPLITS},
        drops=_count_drops(drops),
    )
    write_json(out / REPORT_FILE, report.to_json())
    return report


def _documents(keepers: Sequence[_Kept], limits: FilterLimits) -> Iterator[tuple[_Kept, Document]]:
    """The second pass. Raises: InputError for a file that changed since the first."""
    with progress("writing documents", len(keepers), unit="files") as shown:
        for kept in keepers:
            candidate = kept.candidate
            text = _read(candidate, limits).text
            if hashlib.sha256(text.encode()).hexdigest() != kept.sha:
                raise InputError(f"{candidate.file}: changed while the corpus was built; run again")
            yield (
                kept,
                Document(
                    path=candidate.path,
                    repo=candidate.repo,
                    license=candidate.license,
                    sha=kept.sha,
                    text=text,
                ),
            )
            shown.advance()


def _count_split(out: Path, split: Split, keepers: Sequence[_Kept], splits: dict[str, Split]) -> SplitCount:
    members = [kept for kept in keepers if splits[kept.candidate.repo] == split]
    return SplitCount(
        documents=len(members),
        n_bytes=sum(kept.n_bytes for kept in members),
        packages=len({kept.candidate.repo for kept in members}),
        sha256=digest_file(documents_file(out, split)),
    )


def _count_drops(drops: Sequence[_Drop]) -> dict[str, DropCount]:
    by_reason: dict[str, list[_Drop]] = {reason: [] for reason in REASONS}
    for drop in drops:
        by_reason[drop.reason].append(drop)
    return {
        reason: DropCount(files=len(found), n_bytes=sum(drop.candidate.n_bytes for drop in found))
        for reason, found in by_reason.items()
        if found
    }
