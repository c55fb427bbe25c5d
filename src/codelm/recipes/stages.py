"""Stages of a recipe: done once, skipped while nothing they depend on has changed, resumed when cut short.

Each stage owns one folder of the run. Its key is a digest of its options, of the package's version and of the
content of the stages it reads, so a changed option reruns exactly what depends on it. `started.json` holds
the key of the work in the folder: a killed stage finds its own half-done work and goes on, and any other work
is cleared away. `stage.json`, written last, marks the stage done and holds the digest of its files: content,
not time stamps, decides whether a later stage must run again.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from codelm import __version__
from codelm.errors import InputError
from codelm.files import Json, digest_file, digest_json, read_json, write_json

STARTED, DONE = "started.json", "stage.json"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a recipe."""

    name: str  # also its folder, inside the run's
    title: str  # what the person watching reads
    group: str  # what its seconds are added up under
    run: Callable[[Path], None]  # fills the folder it is given; may find its own half-done work there
    options: Json = field(default_factory=dict)  # whatever changes the result, besides the inputs
    inputs: Sequence[str] = ()  # names of the earlier stages whose folders it reads


class StageResult(NamedTuple):
    """How one stage went."""

    name: str
    group: str
    seconds: float  # of computing, over all the runs it took, but for those that ended by kill -9
    skipped: bool  # nothing it depends on had changed


def run_stages(
    stages: Sequence[Stage], run_folder: Path, *, on_start: Callable[[Stage, int], None]
) -> list[StageResult]:
    """Bring every stage of a run up to date, in order.

    on_start(stage, number from 1) is called before a stage computes. Raises: whatever a stage raises; what
    was finished before stays finished.
    """
    digests: dict[str, str] = {}
    results = []
    for number, stage in enumerate(stages, start=1):
        folder = run_folder / stage.name
        key = _key(stage, digests)
        done = _finished(folder, key)
        if done is None:
            on_start(stage, number)
            done = _compute(stage, folder, key)
            results.append(StageResult(stage.name, stage.group, done["seconds"], skipped=False))
        else:
            results.append(StageResult(stage.name, stage.group, done["seconds"], skipped=True))
        digests[stage.name] = done["digest"]
    return results


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of a stage's files, its markers aside."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (STARTED, DONE):
            whole.update(f"{path.relative_to(folder)}\0{digest_file(path)}\n".encode())
    return whole.hexdigest()


def _key(stage: Stage, digests: Mapping[str, str]) -> str:
    inputs = {name: digests[name] for name in stage.inputs}
    return digest_json({"version": __version__, "options": stage.options, "inputs": inputs})


def _finished(folder: Path, key: str) -> Json | None:
    """The stage's marker, when its files are those that it was written for."""
    marker = _marker(folder / DONE)
    if marker.get("key") != key or marker.get("digest") != folder_digest(folder):
        return None
    return marker


def _compute(stage: Stage, folder: Path, key: str) -> Json:
    started = _marker(folder / STARTED)
    if started.get("key") != key:
        if folder.exists():
            shutil.rmtree(folder)
        started = {"key": key, "seconds": 0.0}
        write_json(folder / STARTED, started)
    (folder / DONE).unlink(missing_ok=True)
    _remove_litter(folder)
    began = time.monotonic()
    try:
        stage.run(folder)
    finally:
        started["seconds"] += time.monotonic() - began
        write_json(folder / STARTED, started)
    done = {**started, "name": stage.name, "options": stage.options, "digest": folder_digest(folder)}
    write_json(folder / DONE, done)
    return done


def _remove_litter(folder: Path) -> None:
    """Delete what atomic writes leave when they are killed: they would change the stage's digest."""
    for path in list(folder.rglob(".*.tmp")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _marker(path: Path) -> Json:
    """A marker's content; a missing or damaged one says nothing."""
    try:
        return read_json(path)
    except InputError:
        return {}
