"""Imports run down the floors only, and scoring samples loads nothing heavy."""

import subprocess
import sys

import grimp
import pytest

# docs/architecture.md, "The house": a room imports only from lower floors, by the lower room's public names.
FLOORS = (
    {"errors", "files", "journal", "progress", "stats"},
    {"problems", "sandbox", "tokenizer", "shards"},
    {"model"},
    {"evaluation", "corpus", "training", "sampling"},
    {"curation", "ranking"},
    {"experiments"},
    {"report", "human_eval"},
    {"recipes"},
    {"cli"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# Within floor 0 the rooms are single files; these few build on one another.
GROUND_FLOOR = {"files": {"errors"}, "journal": {"errors", "files"}}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Who imports whom, inside the package."""
    return grimp.build_graph("codelm", cache_dir=None)


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_stands_on_a_floor(graph: grimp.ImportGraph) -> None:
    """No folder or file of the package is outside the house."""
    assert {_room(module) for module in graph.modules} - {""} <= FLOOR_OF.keys()


def test_imports_run_downwards_only(graph: grimp.ImportGraph) -> None:
    """No room imports from its own floor or a higher one."""
    upward = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _room(importer) != _room(imported)
        and _room(imported)
        and not _allowed(_room(importer), _room(imported))
    ]
    assert upward == []


# human-eval's own module names, which a user's script imports; and a room within a room, which costs nothing
# where it is not asked for.
PUBLIC_FILES = {f"codelm.human_eval.{name}" for name in ("data", "evaluation", "execution")}
PUBLIC_FILES |= {"codelm.sandbox.catalogue"}


def test_rooms_are_entered_by_their_public_names(graph: grimp.ImportGraph) -> None:
    """A room that is a folder is imported as a whole, never by one of its files."""
    private = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if _room(importer) != _room(imported) and imported.count(".") > 1 and imported not in PUBLIC_FILES
    ]
    assert private == []


def _allowed(importer: str, imported: str) -> bool:
    if importer in GROUND_FLOOR:
        return imported in GROUND_FLOOR[importer]
    return FLOOR_OF[imported] < FLOOR_OF[importer]


@pytest.mark.parametrize(
    "room",
    ["", ".problems", ".stats", ".evaluation", ".human_eval.evaluation", ".cli", ".sampling", ".model"],
)
def test_import_loads_nothing_heavy(room: str) -> None:
    """Scoring samples, and asking for help, need neither torch nor the libraries of the other extras."""
    heavy = "torch transformers tokenizers pyarrow matplotlib jinja2 safetensors"
    script = f"import sys, codelm{room}; print(*(set({heavy!r}.split()) & set(sys.modules)))"
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == []
