"""Collecting files: packages, licences, links, and never codelm itself."""

import errno
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import codelm
from codelm.corpus.collect import collect, environment_roots
from codelm.errors import InputError

METADATA = "Metadata-Version: 2.1\nName: Two_Parts\nVersion: 1\nLicense-Expression: MIT\n"
RECORD = "part_one/a.py,,\npart_two.py,,\nshared/two/b.py,,\n../../bin/tool.py,,\n"


def found(root: Path) -> dict[str, tuple[str, str | None]]:
    """Package and drop reason by path."""
    return {item.path: (item.repo, item.drop) for item in collect([root])}


def test_distribution_owns_the_files_of_its_record(make_tree: Any) -> None:
    """Top-level names of one distribution are one package; a shared namespace is divided by file."""
    root = make_tree(
        {
            "two_parts-1.dist-info/METADATA": METADATA,
            "two_parts-1.dist-info/RECORD": RECORD,
            "part_one/a.py": "",
            "part_one/made_later.py": "",
            "part_two.py": "",
            "shared/two/b.py": "",
            "alone/c.py": "",
            "single.py": "",
        }
    )
    assert {path: repo for path, (repo, _) in found(root).items()} == {
        "part_one/a.py": "two-parts",
        "part_one/made_later.py": "two-parts",
        "part_two.py": "two-parts",
        "shared/two/b.py": "two-parts",
        "alone/c.py": "alone",
        "single.py": "single",
    }
    licenses = {item.path: item.license for item in collect([root])}
    assert licenses["part_two.py"] == "MIT"
    assert licenses["alone/c.py"] is None


@pytest.mark.parametrize(
    ("fields", "license_name"),
    [
        ("License: BSD\n", "BSD"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT License"),
        ("License: " + "long text " * 20 + "\n", None),
        ("", None),
    ],
)
def test_license_is_read_where_stated(fields: str, license_name: str | None, make_tree: Any) -> None:
    """Three generations of metadata; a licence's whole text is not its name."""
    root = make_tree(
        {"p-1.dist-info/METADATA": f"Name: p\n{fields}", "p-1.dist-info/RECORD": "p.py,,\n", "p.py": ""}
    )
    assert [item.license for item in collect([root])] == [license_name]


def test_damaged_metadata_does_not_stop_the_walk(make_tree: Any) -> None:
    """A distribution without a name or with a broken RECORD leaves its files to the path rule."""
    root = make_tree({"x-1.dist-info/METADATA": b"\xff\xfe", "x-1.dist-info/RECORD": b"\xff", "x/a.py": ""})
    assert found(root) == {"x/a.py": ("x", None)}


def test_standard_library_counts_as_a_package_per_module() -> None:
    """asyncio and json may fall into different splits; both carry Python's licence."""
    items = {item.path: item for item in collect([Path(sysconfig.get_path("stdlib"))])}
    assert items["asyncio/tasks.py"].repo == "python/asyncio"
    assert items["ast.py"].repo == "python/ast"
    assert items["ast.py"].license == "PSF-2.0"
    assert not any("site-packages" in path for path in items)


@pytest.mark.parametrize("marker", ["pyproject.toml", "__init__.py"])
def test_root_that_is_one_project_is_one_package(marker: str, make_tree: Any) -> None:
    """A project's src and tests never end up in different splits."""
    root = make_tree({marker: "", "src/a.py": "", "tests/b.py": ""})
    assert {repo for repo, _ in found(root).values()} == {"root"}


def test_codelm_is_never_taken(make_tree: Any) -> None:
    """The running package, copies of it and checkouts of the project are dropped with their reason."""
    own = Path(codelm.__file__).parent
    assert {item.drop for item in collect([own])} == {"codelm_itself"}
    root = make_tree(
        {
            "vendored/codelm/__init__.py": "",
            "vendored/codelm/problems/starter.py": "",
            "checkout/pyproject.toml": '[project]\nname = "codelm"\n',
            "checkout/tests/test_x.py": "",
            "other/codelm/notes.py": "",  # a folder of that name that is no package
        }
    )
    (root / "renamed").symlink_to(own)
    drops = {path: drop for path, (_, drop) in found(root).items()}
    assert drops.pop("other/codelm/notes.py") is None
    assert set(drops.values()) == {"codelm_itself"}
    assert "renamed/errors.py" in drops


def test_environment_holds_no_file_of_codelm_that_is_not_dropped() -> None:
    """On the running environment itself: nothing under codelm's folder is a candidate."""
    own = Path(codelm.__file__).resolve().parent
    kept = [item.file.resolve() for item in collect(environment_roots()) if item.drop is None]
    assert kept
    assert not [file for file in kept if file.is_relative_to(own)]


def test_folder_is_walked_under_its_own_name_not_a_links(make_tree: Any) -> None:
    """A link that sorts before its target does not take the target's files."""
    root = make_tree({"z/deep/a.py": ""})
    (root / "a").symlink_to(root / "z" / "deep")
    assert found(root) == {"z/deep/a.py": ("z", None), "a": ("a", "folder_seen")}


def test_tree_deeper_than_pythons_stack_is_walked(tmp_path: Path) -> None:
    """Eleven hundred folders inside one another."""
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("a.py", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    try:
        assert list(found(tmp_path)) == ["/".join(["d"] * 1100 + ["a.py"])]
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # too deep for pytest's own clearing up


def test_stray_setup_file_does_not_make_site_packages_one_package(tmp_path: Path) -> None:
    """Some wheels install a setup.py or an __init__.py beside everyone's packages."""
    root = tmp_path / "site-packages"
    for name in ("setup.py", "p/a.py", "q/b.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert {repo for repo, _ in found(root).values()} == {"setup", "p", "q"}


def test_links_loops_and_pipes_are_reasons_not_crashes(make_tree: Any) -> None:
    """A loop ends, a dead link and a named pipe are counted, and nothing waits for ever."""
    root = make_tree({"p/a.py": "x = 1\n"})
    (root / "p" / "loop").symlink_to(root / "p")
    (root / "p" / "dead.py").symlink_to(root / "nowhere.py")
    (root / "p" / "self.py").symlink_to(root / "p" / "self.py")
    os.mkfifo(root / "p" / "pipe.py")
    (root / "p" / "linked.py").symlink_to(root / "p" / "a.py")
    (root / "p" / "folder.py").mkdir()
    assert {path: drop for path, (_, drop) in found(root).items()} == {
        "p/a.py": None,
        "p/dead.py": "unreadable",
        "p/linked.py": None,
        "p/loop": "folder_seen",
        "p/pipe.py": "unreadable",
        "p/self.py": "unreadable",
    }


def test_unreadable_folder_is_a_reason(make_tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without permission is counted once."""
    root = make_tree({"p/a.py": "", "q/b.py": ""})
    scandir = os.scandir

    def guarded(folder: Path) -> Any:
        if folder.name == "p":
            raise PermissionError
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    assert found(root) == {"p": ("p", "unreadable"), "q/b.py": ("q", None)}


def test_unreadable_root_is_refused(make_tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root without permission holds nothing: the message names it."""
    root = make_tree({"p/a.py": ""})

    def guarded(folder: Path) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(InputError, match=r"root: cannot be read \(Permission denied\)"):
        collect([root])


def test_hidden_folders_and_environments_are_not_walked(make_tree: Any) -> None:
    """Caches, repositories' internals and nested environments hold no source of the package."""
    root = make_tree(
        {"p/.tox/a.py": "", "p/__pycache__/b.py": "", "p/lib/site-packages/c.py": "", "p/d.py": ""}
    )
    assert list(found(root)) == ["p/d.py"]


def test_file_name_that_is_not_utf8_becomes_printable(make_tree: Any) -> None:
    """Such a name can be written to JSON and Parquet."""
    root = make_tree({"p/a.py": ""})
    with open(os.fsencode(root) + b"/p/\xff.py", "wb"):
        pass
    assert sorted(found(root)) == ["p/a.py", "p/\ufffd.py"]


def test_root_given_twice_is_walked_once(make_tree: Any) -> None:
    """The same folder under two names does not double the corpus."""
    root = make_tree({"p/a.py": ""})
    assert len(collect([root, root / "p" / ".."])) == 1


def test_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(InputError, match=r"missing: not a folder"):
        collect([tmp_path / "missing"])
