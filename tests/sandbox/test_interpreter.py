"""Which Python programs run in, and what is shown of it: asked of real interpreters and made-up packages."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support import absent

from codelm.errors import UsageError
from codelm.sandbox import Command, Program, Sandbox, _interpreter, probe
from codelm.sandbox._interpreter import interpreter, unreadable
from codelm.sandbox._root import import_paths, is_below, link_packages, outermost, root_plan

VERSIONS = ("3.11", "3.12", "3.13")
Install = Callable[..., None]


class Environment:
    """A virtual environment without pip, and packages put into it by hand."""

    def __init__(self, folder: Path, base: str = sys.executable) -> None:
        subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
        self.python = str(folder / "bin" / "python")
        (self.site,) = folder.glob("lib/python*/site-packages")

    def install(
        self,
        name: str,
        files: dict[str, str],
        *,
        requires: Sequence[str] = (),
        record: Sequence[str] | None = (),
        top_level: str | None = None,
    ) -> None:
        """Write files and a dist-info folder. record: more names listed in it; None leaves the list out."""
        info = f"{name.replace('-', '_')}-1.0.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
        files = {
            **files,
            f"{info}/METADATA": "\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires)]),
            **({f"{info}/top_level.txt": top_level} if top_level else {}),
        }
        if record is not None:
            files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, *record])
        for path, text in files.items():
            (self.site / path).parent.mkdir(parents=True, exist_ok=True)
            (self.site / path).write_text(text)

    def shown(self, *names: str) -> set[str]:
        """Names of what is linked, less the folders of metadata."""
        found = interpreter(self.python, names).packages
        return {name for name, _ in found if not name.endswith(("dist-info", "egg-info"))}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An empty one."""
    return Environment(tmp_path / "venv")


@pytest.fixture(params=VERSIONS)
def other_python(request: pytest.FixtureRequest) -> str:
    """An interpreter of each version that this machine has."""
    version = request.param
    beside = Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python3")  # as pyenv keeps them
    known = (f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", *map(str, beside))
    path = next(filter(os.path.exists, known), None)
    return path or absent(f"no Python {version} on this machine")


def outside(python: str, source: str, *, path: Sequence[str] = ()) -> str:
    """What a program prints in an interpreter that sees only these folders beside its standard library."""
    command = [python, "-I", "-S", "-c", f"import sys; sys.path[:0] = {list(path)!r}\n{source}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_running_interpreter_finds_numpy_by_links(tmp_path) -> None:
    """The default: the interpreter beneath our environment, and numpy of the same version, by links alone."""
    import numpy

    found = interpreter()
    link_packages(found, str(tmp_path))
    source = "import numpy, numpy.linalg\nprint(numpy.__version__, numpy.__file__)"
    version, file = outside(found.executable, source, path=import_paths(found, str(tmp_path))).split()
    assert version == numpy.__version__
    assert file.startswith(str(tmp_path))
    assert f"numpy {version}" in found.distributions
    assert os.path.samefile(found.executable, getattr(sys, "_base_executable", sys.executable))


def test_other_interpreter_is_described_by_itself(other_python) -> None:
    """Its version and executable are what it says of itself elsewhere."""
    found = interpreter(other_python, [])
    source = "import os, platform, sys; print(platform.python_version(), os.path.realpath(sys.executable))"
    assert [found.version, found.executable] == outside(other_python, source).split()
    assert found.packages == ()


def test_root_shows_all_that_an_interpreter_loads(other_python) -> None:
    """Every file that many imports of the standard library read or map lies in what is shown, not hidden."""
    plan = root_plan(interpreter(other_python, []))
    source = (
        "import asyncio, ctypes, curses, decimal, hashlib, json, lzma, sqlite3, ssl, unittest, zoneinfo\n"
        "files = {getattr(m, '__file__', None) or '/lib' for m in list(sys.modules.values())}\n"
        "maps = open('/proc/self/maps').read().splitlines()\n"
        "print(json.dumps([*files, *{'/' + line.partition('/')[2] for line in maps if '/' in line}]))"
    )
    used = [os.path.realpath(path) for path in json.loads(outside(other_python, source))]
    used = [path for path in used if path != "/usr/lib/locale" and os.path.exists(path)]
    assert [path for path in used if not is_below(path, plan.binds)] == []
    assert [path for path in used if is_below(path, plan.hidden)] == []


def test_root_covers_all_packages_but_those_named() -> None:
    """Folders of packages inside what is shown are covered, and the named packages shown above them."""
    found = interpreter(packages=["numpy"])
    plan = root_plan(found)
    for folder in found.hidden:
        assert is_below(folder, plan.hidden) or not is_below(folder, plan.binds), folder
    assert {path for _, path in found.packages} <= set(plan.packages)
    assert [path for name, path in plan.links if name == "/sandbox/packages/0/numpy"] == [
        path for name, path in found.packages if name == "0/numpy"
    ]


def test_outermost_keeps_only_folders_that_lie_in_no_other() -> None:
    """A name that only begins like another is not inside it."""
    assert outermost(["/a/b", "/a", "/ab", "/c/d/e", "/c/d"]) == ["/a", "/ab", "/c/d"]
    assert not is_below("/ab", ["/a"])


def test_files_of_a_package_are_its_imports_libraries_and_metadata(environment) -> None:
    """Scripts, .pth files and byte-code beside the packages are not."""
    files = {"pkg/__init__.py": "", "pkg.libs/liba.so": "", "single.py": "", "pkg-hooks.pth": "import os"}
    environment.install("pkg", files, record=["../../../bin/run", "__pycache__/single.cpython-311.pyc"])
    names = {name for name, _ in interpreter(environment.python, ["pkg"]).packages}
    assert names == {"0/pkg", "0/pkg.libs", "0/single.py", "0/pkg-1.0.dist-info"}


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("app", {"app", "always", "here", "deep"}),
        ("App[big]", {"app", "always", "here", "deep", "large"}),
        ("deep", {"deep", "always"}),
        ("large", {"large"}),
    ],
)
def test_packages_come_with_all_that_they_need(environment, named, shown) -> None:
    """Markers are judged by the interpreter itself, circles end, extras are followed when asked for."""
    needed = [
        "always",
        "here>=0.1; python_version >= '3.11'",
        "elsewhere; sys_platform == 'win32'",
        "large; extra == 'big'",
        "not-installed",
    ]
    environment.install("app", {"app.py": ""}, requires=needed)
    environment.install("always", {"always.py": ""}, requires=["deep (>=0)"])
    environment.install("deep", {"deep.py": ""}, requires=["always"])
    for name in ("here", "elsewhere", "large", "unrelated"):
        environment.install(name, {f"{name}.py": ""})
    assert environment.shown(named) == {f"0/{name}.py" for name in shown}


def test_package_may_be_named_by_its_import(environment) -> None:
    """As `sklearn` for scikit-learn; a module of the standard library is there already."""
    environment.install("long-name", {"shortname/__init__.py": ""}, top_level="shortname")
    assert environment.shown("shortname", "json") == environment.shown("Long.Name") == {"0/shortname"}


def test_editable_package_is_shown_where_its_source_lies(environment, tmp_path) -> None:
    """By the folder in its .pth file; other things beside the package stay unseen."""
    source = tmp_path / "checkout" / "src"
    (source / "mylib").mkdir(parents=True)
    (source / "mylib" / "__init__.py").write_text("value = 7")
    (source / ".git").mkdir()
    (source / "secrets").mkdir()
    environment.install("my-lib", {"_editable_my_lib.pth": f"{source}\n"})
    found = interpreter(environment.python, ["my-lib"])
    assert str(source / "mylib") in {path for _, path in found.packages}
    assert not any("secrets" in path or ".git" in path for _, path in found.packages)
    links = tmp_path / "links"
    links.mkdir()
    link_packages(found, str(links))
    shown = outside(
        found.executable, "import mylib; print(mylib.value)", path=import_paths(found, str(links))
    )
    assert shown == "7"


def test_editable_package_found_by_an_import_hook_is_shown(environment, tmp_path) -> None:
    """As setuptools installs them: the .pth file starts a finder that maps a name to a folder."""
    source = tmp_path / "checkout" / "mapped"
    source.mkdir(parents=True)
    (source / "__init__.py").touch()
    finder = (
        "import importlib.util, sys\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'mapped':\n"
        f"            return importlib.util.spec_from_file_location(name, {str(source / '__init__.py')!r})\n"
        "sys.meta_path.append(Finder)\n"
    )
    files = {"__editable___hooked_finder.py": finder, "hooked.pth": "import __editable___hooked_finder"}
    environment.install("hooked", files, top_level="mapped")
    assert str(source) in {path for _, path in interpreter(environment.python, ["hooked"]).packages}


def test_package_without_a_list_of_files_is_found_by_its_import(environment) -> None:
    """As Debian's packages are: no RECORD. Its metadata comes along."""
    environment.install("bare", {"bare/__init__.py": ""}, record=None)
    names = {name for name, _ in interpreter(environment.python, ["bare"]).packages}
    assert names == {"0/bare", "0/bare-1.0.dist-info"}


def test_packages_of_one_name_in_two_folders_are_joined_as_outside(environment, tmp_path) -> None:
    """Two parts of a namespace package, one of them in a folder that a .pth file adds."""
    environment.install("part-a", {"space/a.py": ""})
    second = Environment(tmp_path / "second")
    second.install("part-b", {"space/b.py": ""})
    (environment.site / "more.pth").write_text(f"{second.site}\n")
    found = interpreter(environment.python, ["part-a", "part-b"])
    links = tmp_path / "links"
    links.mkdir()
    link_packages(found, str(links))
    outside(found.executable, "import space.a, space.b", path=import_paths(found, str(links)))
    assert found.site_paths == (str(environment.site), str(second.site))


def test_package_that_is_not_installed_is_refused_with_the_command(environment) -> None:
    """Named packages must be there; numpy by default need not."""
    with pytest.raises(
        UsageError, match=rf"not installed: absentpkg; run `{environment.python} -m pip install absentpkg`$"
    ):
        interpreter(environment.python, ["absentpkg"])
    assert interpreter(environment.python).packages == ()


@pytest.mark.parametrize(
    "name", ["", "num py", "numpy>=1", "numpy @ file:///x", "numpy; python_version>'3'", "-e ."]
)
def test_name_that_names_no_package_is_refused(name) -> None:
    """A version, an address or a condition is not a name."""
    with pytest.raises(UsageError, match=r"is not the name of a package; write NAME or NAME\[EXTRA\]"):
        interpreter(packages=[name])


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("no-such-python", "'no-such-python' is not on PATH"),
        ("/no/such/python", "'/no/such/python' does not exist"),
        ("/etc", "'/etc' is a folder"),
        ("/etc/passwd", "'/etc/passwd' may not be executed"),
        ("/bin/true", "is not a Python interpreter: it says 'nothing'"),
    ],
)
def test_python_that_is_none_is_refused_in_one_line(python, message) -> None:
    """What was found, and what to give instead."""
    with pytest.raises(UsageError) as caught:
        interpreter(python)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo this-is pypy 3.11.9", "is pypy 3.11.9; programs run in CPython only"),
        ("echo this-is cpython 3.10.1", "is Python 3.10.1; programs run in 3.11 or later"),
        ("echo this-is cpython 3.11.1; echo oh dear", "cannot describe itself: oh dear"),
        ("echo command not found >&2; exit 127", "it says 'command not found'"),
        ("exec yes", "is not a Python interpreter: it says 'y'"),
    ],
)
def test_python_that_cannot_be_used_is_refused_in_one_line(tmp_path, script, message) -> None:
    """Another implementation, too old, broken, or a program that talks without end."""
    python = executable(tmp_path / "python", script)
    with pytest.raises(UsageError, match=message):
        interpreter(python)


def test_python_that_does_not_answer_is_killed_with_what_it_started(tmp_path, monkeypatch) -> None:
    """The time limit holds, and nothing of it is left."""
    monkeypatch.setattr(_interpreter, "ANSWER_S", 0.3)
    pid_file = tmp_path / "pid"
    python = executable(tmp_path / "python", f"sleep 60 & echo $! > {pid_file}; wait")
    with pytest.raises(UsageError, match=r"did not answer in 0.3 s"):
        interpreter(python)
    state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    deadline = time.monotonic() + 10  # a busy machine takes a while to end what was killed
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_file_that_the_kernel_cannot_run_is_refused(tmp_path) -> None:
    """Executable by its mode, but nothing that runs."""
    (tmp_path / "python").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match="does not run: Exec format error"):
        interpreter(str(tmp_path / "python"))


def test_really_old_python_is_refused_with_its_version() -> None:
    """Also one that cannot even compile our question."""
    for path in sorted(Path(sys.base_prefix).parent.glob("[23].*/bin/python")):
        version = path.parts[-3]
        if tuple(map(int, version.split(".")[:2])) < (3, 11):
            with pytest.raises(UsageError, match=rf"is Python {version}; programs run in 3\.11 or later"):
                interpreter(str(path))
            return
    absent("no Python older than 3.11 beside ours")


def test_folder_that_keeps_others_from_a_python_is_named_with_what_mends_it(environment, tmp_path) -> None:
    """A package that only its owner can read is in the way everywhere, a closed folder only in place."""
    environment.install("pkg", {"pkg/__init__.py": ""})
    found = interpreter(environment.python, ["pkg"])
    assert unreadable(found, in_place=False) is None
    tmp_path.chmod(0o700)
    reason = unreadable(found, in_place=True)
    assert reason is not None
    assert re.search(r"cannot read .* \(mode 0700\): run `chmod o\+rX .*--python /usr/bin/python3", reason)
    (environment.site / "pkg").chmod(0o700)
    assert f"cannot read {environment.site}/pkg (mode 0700)" in (unreadable(found, in_place=False) or "")


@pytest.mark.parametrize("tier", ["full", "landlock", "process"])
def test_program_runs_in_the_python_that_is_asked_for(other_python, tier) -> None:
    """Whichever ours is; what is not named of its packages is not there."""
    found = interpreter(other_python, [])
    if reason := probe(tier, found):
        pytest.skip(reason)
    source = "import importlib.util, platform\nfound = importlib.util.find_spec('pip')\n"
    source += "raise ValueError(platform.python_version(), found)"
    with Sandbox(workers=1, isolation=tier, python=other_python, packages=[]) as sandbox:
        assert sandbox.run(Program(units=(source,))).message == f"('{found.version}', None)"


@pytest.mark.parametrize("tier", ["full", "landlock", "process"])
def test_program_finds_named_packages_and_what_they_need(tier) -> None:
    """Read-only, and no other of the same folder."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)  # in tier landlock programs walk there as a user of their own
        environment = Environment(
            Path(name) / "venv", "/usr/bin/python3" if tier == "landlock" else sys.executable
        )
        environment.install("wanted", {"wanted/__init__.py": "import needed"}, requires=["needed"])
        environment.install("needed", {"needed.py": ""})
        environment.install("other", {"other.py": ""})
        if reason := probe(tier, interpreter(environment.python, ["wanted"])):
            pytest.skip(reason)
        with Sandbox(workers=1, isolation=tier, python=environment.python, packages=["wanted"]) as sandbox:
            of_its_own = sandbox.run(Command(argv=(sandbox.python.executable, "-c", "import wanted, needed")))
            seen = [
                sandbox.run(Program(units=(source,))).exception
                for source in (
                    "import wanted, needed",
                    "import other",
                    f"open({str(environment.site / 'other.py')!r})",
                    "import wanted; open(wanted.__file__, 'w')",
                )
            ]
    assert of_its_own.exit_status == 0, of_its_own.stderr
    unseen = {"full": "FileNotFoundError", "landlock": "PermissionError", "process": None}[tier]
    read_only = {"full": "OSError", "landlock": "PermissionError", "process": None}[tier]
    assert seen == [None, "ModuleNotFoundError", unseen, read_only]


def executable(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)
