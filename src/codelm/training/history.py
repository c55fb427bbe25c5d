"""`history.jsonl`: the loss curve, one row per so many updates, without a gap or a double after a resume.

A row: step (updates done), tokens (targets trained on), loss (mean over the targets since the row before),
validation_loss (null where none was due), learning_rate and grad_norm (of the last update; before clipping).
"""

from pathlib import Path

from codelm.errors import InputError
from codelm.files import Json, read_jsonl, write_jsonl

HISTORY = "history.jsonl"


def load_history(folder: Path, *, step: int, tokens: int) -> list[Json]:
    """Rows up to a step: later ones were written by a run that was killed before it saved its state.

    tokens: targets trained on up to the last of these rows, 0 without any.
    Raises: InputError when rows that the state counts on are missing.
    """
    if step == 0:
        return []
    rows = [row.value for row in read_jsonl(folder / HISTORY)]
    if not all(isinstance(row.get("step"), int) for row in rows):
        raise InputError(f"{folder / HISTORY}: a row has no step; delete the folder to start over")
    kept = [row for row in rows if row["step"] <= step]
    if (kept[-1].get("tokens") if kept else 0) != tokens:
        raise InputError(
            f"{folder / HISTORY}: rows up to step {step} are missing; delete the folder to start over"
        )
    return kept


def save_history(folder: Path, rows: list[Json]) -> None:
    """Write all rows, atomically. Raises: OutputError."""
    write_jsonl(folder / HISTORY, rows)
