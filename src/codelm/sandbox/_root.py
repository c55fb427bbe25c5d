"""What of the host programs see: where an interpreter and its packages are shown."""

import os
from collections.abc import Iterable
from glob import glob
from typing import NamedTuple

from codelm.sandbox._interpreter import Interpreter

# Shared libraries of the host, and what they and the standard library read.
HOST_PATHS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
HOST_PACKAGES = "/usr/lib*/python3*/*-packages"  # of the system's Python, whichever one is used
PACKAGES = "/sandbox/packages"  # in a root of ours: links to the packages, for `import_paths`


class RootPlan(NamedTuple):
    """What a root of ours holds. Paths are the host's and shown in the same place, in this order."""

    binds: list[str]  # read-only
    hidden: list[str]  # folders in these, covered by an empty one
    packages: list[str]  # read-only, some of them in the covered folders
    links: list[tuple[str, str]]  # symbolic links: path, target


def root_plan(python: Interpreter, paths: Iterable[str] = ()) -> RootPlan:
    """The root in which an interpreter runs and finds its packages, and no other that is installed in it.

    paths: more of the host that is to be seen, a compiler's folders for one.
    Packages stay where they are, since some find their shared libraries by a relative path.
    """
    wanted = [path for path in (*HOST_PATHS, *python.paths, *paths) if os.path.exists(path)]
    unlinked = [path for path in wanted if not os.path.islink(path)]
    binds = outermost([*unlinked, *map(os.path.realpath, wanted)])
    hidden = outermost(path for path in (*python.hidden, *glob(HOST_PACKAGES)) if is_below(path, binds))
    packages = [path for _, path in python.packages if is_below(path, hidden) or not is_below(path, binds)]
    links = [(path, os.readlink(path)) for path in (*HOST_PATHS, *paths) if os.path.islink(path)]
    links += [(f"{PACKAGES}/{name}", path) for name, path in python.packages]
    return RootPlan(binds, hidden, outermost(packages), links)


def import_paths(python: Interpreter, folder: str = PACKAGES) -> list[str]:
    """What goes onto `sys.path` where the packages are linked below `folder`.

    One entry for each folder they come from: packages of the same name in two of them are found as outside.
    """
    return [f"{folder}/{number}" for number in range(len(python.site_paths))]


def link_packages(python: Interpreter, folder: str) -> None:
    """Link the packages below an existing folder, where there is no root of ours."""
    for path in import_paths(python, folder):
        os.mkdir(path)
    for name, path in python.packages:
        os.symlink(path, f"{folder}/{name}")


def outermost(paths: Iterable[str]) -> list[str]:
    """Those that lie in no other of them."""
    kept: list[str] = []
    for path in sorted(set(paths)):  # a folder comes before what is in it
        if not is_below(path, kept):
            kept.append(path)
    return kept


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of the folders or lies in one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
