"""Stages run once, resume their own work, and rerun exactly when what they depend on changed."""

import json
from pathlib import Path

import pytest

from codelm.recipes.stages import Stage, run_stages


class Recipe:
    """Three stages, a -> b and an independent c, that record which of them computed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[str] = []

    def run(self, **options: int) -> list[str]:
        """Run all stages; the names of those that computed."""
        self.ran = []
        stages = [
            Stage(
                name="a",
                title="A",
                group="A",
                run=self._writes("a", options.get("a", 0)),
                options={"x": options.get("a", 0)},
            ),
            Stage(name="b", title="B", group="B", run=self._writes("b", 0), inputs=["a"]),
            Stage(
                name="c", title="C", group="C", run=self._writes("c", 0), options={"x": options.get("c", 0)}
            ),
        ]
        run_stages(stages, self.folder, on_start=lambda stage, number: self.ran.append(stage.name))
        return self.ran

    def _writes(self, name: str, value: int):
        def write(folder: Path) -> None:
            (folder / "out.txt").write_text(f"{name}{value}")

        return write


def test_stages_unchanged_are_skipped(tmp_path: Path) -> None:
    """A second run computes nothing."""
    recipe = Recipe(tmp_path)
    assert recipe.run() == ["a", "b", "c"]
    assert recipe.run() == []


def test_changed_option_reruns_only_what_depends_on_it(tmp_path: Path) -> None:
    """A changed option of one stage reruns it and its readers, no other."""
    recipe = Recipe(tmp_path)
    recipe.run()
    assert recipe.run(c=1) == ["c"]
    assert recipe.run(c=1, a=1) == ["a", "b"]


def test_stage_with_equal_output_spares_its_readers(tmp_path: Path) -> None:
    """What counts is a stage's content: a rerun that gives the same files leaves its readers alone."""
    recipe = Recipe(tmp_path)
    recipe.run()
    (tmp_path / "a" / "stage.json").unlink()
    assert recipe.run() == ["a"]


def test_touched_file_reruns_nothing_but_edited_file_does(tmp_path: Path) -> None:
    """Time stamps do not matter, content does."""
    recipe = Recipe(tmp_path)
    recipe.run()
    (tmp_path / "a" / "out.txt").touch()
    assert recipe.run() == []
    (tmp_path / "a" / "out.txt").write_text("edited")
    assert recipe.run() == ["a"]


def test_killed_stage_finds_its_own_work_but_not_another_settings(tmp_path: Path) -> None:
    """Half-done work is kept for the same key and cleared for any other."""
    seen: list[list[str]] = []

    def stage(option: int, fails: bool) -> Stage:
        def run(folder: Path) -> None:
            seen.append(sorted(path.name for path in folder.iterdir() if path.suffix == ".part"))
            (folder / "half.part").write_text("half")
            if fails:
                raise KeyboardInterrupt

        return Stage(name="s", title="S", group="S", run=run, options={"x": option})

    for option, fails in ((0, True), (0, True), (1, False)):
        try:
            run_stages([stage(option, fails)], tmp_path, on_start=lambda stage, number: None)
        except KeyboardInterrupt:
            assert fails
    assert seen == [[], ["half.part"], []]


def test_litter_of_a_killed_write_does_not_change_the_end_state(tmp_path: Path) -> None:
    """What a kill -9 leaves of an atomic write is removed before the stage runs again."""
    recipe = Recipe(tmp_path)
    recipe.run()
    clean = (tmp_path / "a" / "stage.json").read_text()
    (tmp_path / "a" / "stage.json").unlink()
    (tmp_path / "a" / ".out.txt.1f2e.tmp").write_text("half")
    (tmp_path / "a" / ".shards.new-1.tmp").mkdir()
    recipe.run()
    assert json.loads((tmp_path / "a" / "stage.json").read_text())["digest"] == json.loads(clean)["digest"]


def test_damaged_marker_counts_as_not_done(tmp_path: Path) -> None:
    """A marker cut short by a crash reruns its stage instead of stopping the recipe."""
    recipe = Recipe(tmp_path)
    recipe.run()
    (tmp_path / "c" / "stage.json").write_text('{"key": "')
    assert recipe.run() == ["c"]


@pytest.mark.parametrize("name", ["a", "c"])
def test_deleted_output_reruns_its_stage(tmp_path: Path, name: str) -> None:
    """A stage whose file is gone is computed again, and its readers are spared when it comes out the same."""
    recipe = Recipe(tmp_path)
    recipe.run()
    (tmp_path / name / "out.txt").unlink()
    assert recipe.run() == [name]
