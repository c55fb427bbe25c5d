"""Finding Python files in folders, each with its package, and those that cannot be used, with the reason."""

import os
import stat
import sysconfig
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codelm.corpus.packages import INSTALLED_FOLDERS, package_finder
from codelm.errors import InputError
from codelm.files import digest_json

# Not walked, wherever they are: caches, environments inside environments, hidden folders (see _walk).
SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", *INSTALLED_FOLDERS})
OWN_NAME = "codelm"
OWN_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A file that may enter the corpus."""

    repo: str  # package it belongs to
    path: str  # relative to its root, with forward slashes; never a path of the machine
    license: str | None
    file: Path  # where to read it
    n_bytes: int  # size on disk
    drop: str | None = None  # reason why it cannot enter, known without reading it (key of REASONS)

    @property
    def key(self) -> tuple[str, str]:
        """Place in the corpus; the smallest key of equal files is kept."""
        return self.repo, self.path


@dataclass(frozen=True)
class _Found:
    """A file (or a folder that was not entered) seen on a walk."""

    path: str
    file: Path
    n_bytes: int = 0
    drop: str | None = None


def environment_roots() -> list[Path]:
    """Folders of the running environment: its standard library and its installed packages."""
    folders = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    return [folder for folder in _unique(folders) if folder.is_dir()]


def collect(roots: Sequence[Path]) -> list[Candidate]:
    """Every `.py` file under the roots, sorted by package and path.

    roots: folders of packages (such as site-packages), or single projects. Links are followed, but no folder
    is walked twice under one root, so loops end. Raises: InputError for a root that is not a folder, or
    that cannot be read.
    """
    candidates = [candidate for root in _unique(roots) for candidate in _collect_root(root)]
    return sorted(candidates, key=lambda candidate: candidate.key)


def files_digest(roots: Sequence[Path] | None) -> str:
    """SHA-256 over package, path and size of every file that a corpus of these roots would look at.

    roots: as of `build_corpus`. Another installed package, or another version of one, gives another digest.
    Raises: as `collect`.
    """
    candidates = collect(environment_roots() if roots is None else roots)
    return digest_json([[item.repo, item.path, item.n_bytes] for item in candidates if item.repo != OWN_NAME])


def _collect_root(root: Path) -> Iterator[Candidate]:
    if not root.is_dir():
        raise InputError(f"{root}: not a folder; name a folder of Python packages")
    find_package = package_finder(root)
    for found in _walk(root):
        package = find_package(found.path)
        drop = "codelm_itself" if package.repo == OWN_NAME else found.drop
        yield Candidate(
            repo=_printable(package.repo),
            path=_printable(found.path),
            license=package.license,
            file=found.file,
            n_bytes=found.n_bytes,
            drop=drop,
        )


class _Folder(NamedTuple):
    """A folder to walk."""

    folder: Path
    path: str  # relative to the root
    drop: str | None  # reason that holds for everything below


def _walk(root: Path) -> Iterator[_Found]:
    """Files below a folder; a stack, for a tree may be deeper than Python's own."""
    pending = deque([_Folder(root, "", None)])
    seen: set[tuple[int, int]] = set()  # device and inode of the folders walked so far
    while pending:
        folder, path, drop = pending.pop()
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            if folder == root:
                raise InputError(f"{root}: cannot be read ({error.strerror}); name another folder") from error
            yield _Found(path, folder, drop=drop or "unreadable")
            continue
        if (status.st_dev, status.st_ino) in seen:
            yield _Found(path, folder, drop="folder_seen")
            continue
        seen.add((status.st_dev, status.st_ino))
        if _is_own(folder, {entry.name for entry in entries}):
            drop = "codelm_itself"
        for entry in entries:
            below = _Folder(folder / entry.name, f"{path}/{entry.name}" if path else entry.name, drop)
            if _is_folder(entry):
                if entry.name not in SKIPPED_FOLDERS and not entry.name.startswith("."):
                    # Links wait at the bottom of the stack, so that a folder is met under its own name first.
                    (pending.appendleft if entry.is_symlink() else pending.append)(below)
            elif entry.name.endswith(".py"):
                yield _examine(below)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _examine(found: _Folder) -> _Found:
    file, path, drop = found
    try:
        status = file.stat()
    except OSError:
        return _Found(path, file, drop=drop or "unreadable")
    readable = stat.S_ISREG(status.st_mode)  # opening a named pipe would wait for ever
    return _Found(path, file, status.st_size, drop or (None if readable else "unreadable"))


def _is_own(folder: Path, names: set[str]) -> bool:
    """Whether a folder is codelm: the running package, another copy of it, or a checkout of the project."""
    if "__init__.py" in names:
        return folder.name == OWN_NAME or folder.resolve() == OWN_FOLDER
    if "pyproject.toml" not in names:
        return False
    try:
        project = (folder / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f'name = "{OWN_NAME}"' in project.splitlines()


def _unique(folders: Sequence[Path]) -> list[Path]:
    """The folders in order, each real folder once."""
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]


def _printable(path: str) -> str:
    """A path as text; bytes of a name that are not UTF-8 become U+FFFD."""
    return os.fsencode(path).decode(errors="replace")
