"""Loss curves and the size table that ends them."""

import json
import math
from pathlib import Path

import pytest

from codelm.errors import InputError
from codelm.experiments import LossCurve, LossPoint, loss_table, read_history, scaling_table


def write_history(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_history_is_read_with_unmeasured_validation_as_nan(tmp_path: Path) -> None:
    """Most steps measure no validation loss; that is undefined, not 0."""
    path = write_history(
        tmp_path / "history.jsonl",
        [
            {
                "step": 1,
                "tokens": 64,
                "loss": 5.5,
                "validation_loss": None,
                "learning_rate": 1e-3,
                "extra": 1,
            },
            {"step": 2, "tokens": 128, "loss": 5.0, "validation_loss": 5.2, "learning_rate": 2e-3},
        ],
    )
    first, second = read_history(path)
    assert math.isnan(first.validation_loss)
    assert second == LossPoint(2, 128, 5.0, 5.2, 2e-3)


def test_history_with_a_missing_field_names_file_and_line(tmp_path: Path) -> None:
    """A file that is no history is named, not skipped."""
    path = write_history(tmp_path / "history.jsonl", [{"step": 1, "loss": 5.5, "learning_rate": 1e-3}])
    with pytest.raises(InputError, match=r"history.jsonl, line 1: field 'tokens' must be a number"):
        read_history(path)


def test_loss_table_has_a_row_per_point() -> None:
    """Models in the given order, points as recorded."""
    curve = LossCurve(model="0.8M", points=(LossPoint(1, 64, 5.5, math.nan, 1e-3),))
    assert loss_table([curve]).rows[0][:4] == ("0.8M", 1, 64, 5.5)


def test_scaling_table_takes_the_last_measured_loss_and_sorts_by_size() -> None:
    """The end of a run may fall between two measurements."""
    big = LossCurve(
        model="big", points=(LossPoint(1, 64, 5.0, 4.9, 1e-3), LossPoint(2, 128, 4.0, math.nan, 1e-3))
    )
    small = LossCurve(model="small", points=())
    rows = scaling_table([big, small], parameters={"big": 2_000, "small": 1_000}).rows
    assert [row.model for row in rows] == ["small", "big"]
    assert math.isnan(rows[0].validation_loss)
    assert rows[1][2:] == (128, 4.9)
