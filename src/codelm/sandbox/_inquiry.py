"""Tells what an interpreter is made of and where packages lie in it: imported, or run by exec in another.

Stands alone: the standard library of Python 3.11 or later, and `packaging`, which need not be installed where
this runs. argv[1] is the folder of `packaging`, argv[2] the JSON list of names; prints the answer as JSON.
"""

import csv
import importlib.metadata
import importlib.util
import json
import os
import re
import site
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError
from typing import Any


def answer(names: Sequence[str]) -> dict[str, Any]:
    """What `_interpreter.Interpreter` holds, and which of the names (`NAME`, `NAME[EXTRA]`) are not here."""
    wanted, missing = resolve(names)
    found = closure(wanted)
    entries: dict[str, str] = {}  # path -> the name it is imported by
    for distribution in found:
        entries |= {path: name for name, path in top_level(distribution)}
    folders = sys_path_first({os.path.dirname(path) for path in entries})
    return {
        "executable": executable(),
        "version": "{}.{}.{}".format(*sys.version_info),
        "paths": own_paths(),
        "hidden": package_folders(),
        "site_paths": folders,
        "packages": [
            [f"{folders.index(os.path.dirname(path))}/{name}", path] for path, name in sorted(entries.items())
        ],
        "distributions": sorted(f"{distribution.name} {distribution.version}" for distribution in found),
        "missing": missing,
    }


def executable() -> str:
    """The one beneath a virtual environment, links resolved."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def own_paths() -> list[str]:
    """The executable, the standard library and the shared libraries beside it."""
    # `lib` holds what the builds of conda, uv and pyenv load, whatever platlibdir is.
    folders = {os.path.dirname(os.__file__), f"{sys.base_prefix}/lib"}
    folders |= {f"{prefix}/{sys.platlibdir}" for prefix in (sys.base_prefix, sys.base_exec_prefix)}
    return sorted({executable(), *mapped_libpython(), *filter(os.path.isdir, folders)})


def mapped_libpython() -> Iterator[str]:
    """The shared library of this interpreter, wherever the loader found it."""
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if os.path.basename(path).startswith("libpython"):
                yield f"/{path}"


def package_folders() -> list[str]:
    """Where this interpreter, or the one beneath its virtual environment, keeps installed packages."""
    known = {*sys.path, *site.getsitepackages([sys.base_prefix, sys.base_exec_prefix])}
    kept = ("site-packages", "dist-packages")
    return sorted({os.path.realpath(path) for path in known if path.endswith(kept) and os.path.isdir(path)})


def sys_path_first(folders: set[str]) -> list[str]:
    """In the order in which imports look there; those that only an import hook knows come last."""
    order = {os.path.realpath(path): number for number, path in reversed(list(enumerate(sys.path)))}
    return sorted(folders, key=lambda folder: (order.get(folder, len(order)), folder))


def resolve(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The distributions that are meant, also by the name of an import; and the names that are not here."""
    by_import_name: dict[str, Any] | None = None
    wanted, missing = [], []
    for name in names:
        bare, _ = name_and_extras(name)
        if installed(bare):
            wanted.append(name)
            continue
        if by_import_name is None:  # reads what every distribution holds, so only when it must
            by_import_name = dict(importlib.metadata.packages_distributions())
        if bare in by_import_name:
            wanted += by_import_name[bare]
        elif bare not in sys.stdlib_module_names:
            missing.append(bare)
    return wanted, missing


def closure(names: Sequence[str]) -> list[Distribution]:
    """Distributions and all that they need here; of their extras only those that are asked for.

    What a broken environment lacks is lacking inside too.
    """
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    todo = [name_and_extras(name) for name in names]
    while todo:
        name, extras = todo.pop()
        distribution = installed(name)
        if distribution is None:
            continue
        found[distribution.name] = distribution
        for extra in ("", *extras):
            if (distribution.name, extra) not in done:
                done.add((distribution.name, extra))
                todo += needed_by(distribution, extra)
    return list(found.values())


def needed_by(distribution: Distribution, extra: str) -> Iterator[tuple[str, list[str]]]:
    """Names and extras of what it needs in this interpreter, with one of its own extras or with none ("")."""
    for line in distribution.requires or ():
        from packaging.requirements import InvalidRequirement, Requirement

        with suppress(InvalidRequirement):  # of an old package, which pip does not follow either
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                yield needed.name, sorted(needed.extras)


def name_and_extras(text: str) -> tuple[str, list[str]]:
    """The parts of `NAME` or `NAME[EXTRA,EXTRA]`."""
    name, _, extras = text.partition("[")
    return name.strip(), [extra.strip() for extra in extras.rstrip("] ").split(",") if extra.strip()]


def installed(name: str) -> Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except PackageNotFoundError:
        return None


def top_level(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """Names and real paths of the files and folders that a distribution has in its folder of packages.

    An editable one, known by its .pth file, and one without a list of its files (Debian's) are asked for by
    what they are imported as. No .pth file is shown, so none is run.
    """
    folder = os.path.realpath(str(distribution.locate_file("")))
    listed = distribution.read_text("RECORD")
    names = {row[0].partition("/")[0] for row in csv.reader((listed or "").splitlines()) if row}
    pth_files = [name for name in names if name.endswith(".pth")]
    for name in names - {"", "..", "__pycache__", *pth_files}:
        if os.path.exists(f"{folder}/{name}"):
            yield name, f"{folder}/{name}"
    if listed is None:
        described = str(getattr(distribution, "_path", ""))  # its metadata, which has no public name
        yield os.path.basename(described), os.path.realpath(described)
    if listed is None or pth_files:
        for name in import_names(distribution):
            yield from importable(name)
    for pth_file in pth_files:
        yield from modules_of(f"{folder}/{pth_file}")


def import_names(distribution: Distribution) -> list[str]:
    listed = (distribution.read_text("top_level.txt") or "").split()
    return listed or [re.sub(r"[-_.]+", "_", distribution.name)]


def importable(name: str) -> Iterator[tuple[str, str]]:
    """Where the import system finds a top-level module or package, without running it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    places = list(spec.submodule_search_locations or ())
    for place in map(os.path.realpath, places or [spec.origin or ""]):
        if os.path.exists(place):
            yield name if places else os.path.basename(place), place


def modules_of(pth_file: str) -> Iterator[tuple[str, str]]:
    """The modules and packages in the folders that a .pth file adds to the path."""
    with open(pth_file, encoding="utf-8", errors="surrogateescape") as lines:
        folders = [os.path.realpath(line.strip()) for line in lines if os.path.isdir(line.strip())]
    for folder in folders:
        for name in os.listdir(folder):
            stem, dot, suffix = name.partition(".")
            package = not dot and os.path.isfile(f"{folder}/{name}/__init__.py")
            if stem.isidentifier() and (package or suffix == "py" or suffix.endswith("so")):
                yield name, f"{folder}/{name}"


def lend_packaging(folder: str) -> None:
    """Make `import packaging` find the caller's copy, and nothing else of the caller's."""
    spec = importlib.util.spec_from_file_location(
        "packaging", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["packaging"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    lend_packaging(sys.argv[1])
    print("\n" + json.dumps(answer(json.loads(sys.argv[2]))))
