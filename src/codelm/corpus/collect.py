"""Finding Python files in folders, each with its package, and those that cannot be used, with the reason."""

import os
import stat
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import codelm
from codelm.corpus.packages import package_finder
from codelm.errors import InputError

# Not walked, wherever they are: caches, environments inside environments, hidden folders (see _walk).
SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "dist-packages", "node_modules"})
OWN_NAME = "codelm"


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
    is walked twice under one root, so loops end. Raises: InputError for a root that is not a folder.
    """
    candidates = [candidate for root in _unique(roots) for candidate in _collect_root(root)]
    return sorted(candidates, key=lambda candidate: candidate.key)


def _collect_root(root: Path) -> Iterator[Candidate]:
    if not root.is_dir():
        raise InputError(f"{root}: not a folder; name a folder of Python packages")
    find_package = package_finder(root)
    for found in _walk(root, "", _Walk(seen=set())):
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


@dataclass(frozen=True)
class _Walk:
    seen: set[tuple[int, int]]  # device and inode of the folders walked so far
    drop: str | None = None  # reason that holds for everything further down


def _walk(folder: Path, relative: str, walk: _Walk) -> Iterator[_Found]:
    """Files below a folder, in order of name."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield _Found(relative, folder, drop=walk.drop or "unreadable")
        return
    if (status.st_dev, status.st_ino) in walk.seen:
        yield _Found(relative, folder, drop="folder_seen")
        return
    walk.seen.add((status.st_dev, status.st_ino))
    if _is_own(folder, {entry.name for entry in entries}):
        walk = _Walk(walk.seen, drop="codelm_itself")
    for entry in entries:
        path = f"{relative}/{entry.name}" if relative else entry.name
        if _is_folder(entry):
            if entry.name not in SKIPPED_FOLDERS and not entry.name.startswith("."):
                yield from _walk(folder / entry.name, path, walk)
        elif entry.name.endswith(".py"):
            yield _examine(folder / entry.name, path, walk)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def _examine(file: Path, path: str, walk: _Walk) -> _Found:
    try:
        status = file.stat()
    except OSError:
        return _Found(path, file, drop=walk.drop or "unreadable")
    readable = stat.S_ISREG(status.st_mode)  # opening a named pipe would wait for ever
    return _Found(path, file, status.st_size, walk.drop or (None if readable else "unreadable"))


def _is_own(folder: Path, names: set[str]) -> bool:
    """Whether a folder is codelm: the running package, another copy of it, or a checkout of the project."""
    if "__init__.py" in names:
        return folder.name == OWN_NAME or folder.resolve() == Path(codelm.__file__).parent
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
