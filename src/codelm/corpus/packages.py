"""Which package a file belongs to, and under what licence it is published.

A package is the unit of the train/validation split. In a folder of installed packages it is the distribution
that installed the file (by its RECORD), so that setuptools and pkg_resources are one package while two
distributions under one namespace are two. Else it is the first part of the path. The standard library counts
as one package per top-level module. A root that is itself one project is one package.
"""

import importlib.metadata
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PROJECT_MARKERS = ("__init__.py", "pyproject.toml", "setup.py", ".git")
INSTALLED_FOLDERS = ("site-packages", "dist-packages")  # some wheels litter them with a setup.py
MAX_LICENSE_CHARS = 80  # longer License fields hold the licence's text, not its name


class Package(NamedTuple):
    """A package's name and licence."""

    repo: str
    license: str | None  # as its metadata says; None when it says nothing


def package_finder(root: Path) -> Callable[[str], Package]:
    """A function from a file's path relative to `root` to the package it belongs to."""
    if root.resolve() == Path(sysconfig.get_path("stdlib")).resolve():
        return lambda path: Package(f"python/{_top_level(path)}", "PSF-2.0")
    if root.name not in INSTALLED_FOLDERS and any((root / marker).exists() for marker in PROJECT_MARKERS):
        return lambda path: Package(root.resolve().name, None)
    return _installed_finder(root)


def _installed_finder(root: Path) -> Callable[[str], Package]:
    by_path: dict[str, Package] = {}
    by_top_level: dict[str, Package] = {}
    for package, paths in sorted(_installed(root), key=lambda item: item[0].repo):
        for path in paths:
            by_path.setdefault(path, package)
            by_top_level.setdefault(_top_level(path), package)
    return lambda path: (
        by_path.get(path) or by_top_level.get(_top_level(path)) or Package(_top_level(path), None)
    )


def _installed(root: Path) -> Iterator[tuple[Package, list[str]]]:
    """The distributions installed in `root`, each with its Python files; damaged ones are left out."""
    for distribution in importlib.metadata.distributions(path=[str(root)]):
        try:
            if "Name" in distribution.metadata:
                repo = distribution.name.lower().replace("_", "-")
                yield Package(repo, _license_of(distribution)), _python_files(distribution)
        except (OSError, ValueError):  # unreadable, or not text
            continue


def _python_files(distribution: importlib.metadata.Distribution) -> list[str]:
    """Paths relative to the root, as its RECORD lists them; scripts outside the root are left out."""
    files = distribution.files or []
    return [path.as_posix() for path in files if path.suffix == ".py" and ".." not in path.parts]


def _license_of(distribution: importlib.metadata.Distribution) -> str | None:
    metadata = distribution.metadata
    for field in ("License-Expression", "License"):
        text = metadata[field].strip() if field in metadata else ""
        if text and text.upper() != "UNKNOWN" and "\n" not in text and len(text) <= MAX_LICENSE_CHARS:
            return text
    for classifier in metadata.get_all("Classifier") or ():
        if classifier.startswith("License ::"):
            return str(classifier.rpartition(" :: ")[2])
    return None


def _top_level(path: str) -> str:
    return PurePosixPath(path).parts[0].removesuffix(".py")
