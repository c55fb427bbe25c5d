"""The `Problem` record: one task for a model, with the tests that decide whether a completion is right."""

from dataclasses import dataclass, field
from typing import Any, Self

from codelm.errors import InputError
from codelm.files import Json

REQUIRED_FIELDS = ("task_id", "prompt", "entry_point", "test")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One function problem in HumanEval's layout (Codex paper, sec. 2.2).

    prompt + completion is the program; `test` defines `check(candidate)`, called with the entry point.
    """

    task_id: str
    prompt: str  # header (imports, helpers) + signature + docstring, up to where the body starts
    entry_point: str  # name of the function that the tests call
    test: str
    canonical_solution: str | None = None  # body only; None when the data set has none
    metadata: Json = field(default_factory=dict)  # fields of the file that have no place above

    @classmethod
    def from_json(cls, value: Json, where: str) -> Self:
        """Build a problem from one row of a file; `where` opens the error message. Raises: InputError."""
        for name in REQUIRED_FIELDS:
            if name not in value:
                allowed = ", ".join(REQUIRED_FIELDS)
                raise InputError(f"{where}: field {name!r} is missing; a problem needs {allowed}")
        known = (*REQUIRED_FIELDS, "canonical_solution")
        texts: dict[str, Any] = {name: value[name] for name in REQUIRED_FIELDS}
        if value.get("canonical_solution") is not None:
            texts["canonical_solution"] = value["canonical_solution"]
        for name, text in texts.items():
            if not isinstance(text, str):
                raise InputError(f"{where}: field {name!r} must be a string, found {type(text).__name__}")
        return cls(**texts, metadata={key: item for key, item in value.items() if key not in known})

    def to_json(self) -> Json:
        """The row that `from_json` reads back."""
        row: Json = {name: getattr(self, name) for name in REQUIRED_FIELDS}
        if self.canonical_solution is not None:
            row["canonical_solution"] = self.canonical_solution
        return {**row, **self.metadata}
