"""The `Problem` record: one task for a model, with the tests that decide whether a completion is right."""

from dataclasses import dataclass, field, fields
from typing import Self

from codelm.errors import InputError
from codelm.files import Json

KINDS = ("function", "script", "stdio")
GROUPS = ("public", "private", "base", "plus")
COMPARATORS = ("exact", "apps")


@dataclass(frozen=True, kw_only=True)
class Test:
    """One structured test: a check, or what a program reads and must print."""

    __test__ = False  # nor is it one of pytest's

    group: str  # public: shown to the model; private; base, plus: EvalPlus's, plus comes on top of base
    check: str | None = None  # as `Problem.test`
    stdin: str | None = None
    expected_stdout: str | None = None

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(f"a test's group is one of {', '.join(GROUPS)}, found {self.group!r}")
        given = [text is not None for text in (self.check, self.stdin, self.expected_stdout)]
        if given not in ([True, False, False], [False, True, True]):
            raise ValueError("a test has either a check or both stdin and expected_stdout")

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Build a test from its object in a problem's row. Raises: ValueError."""
        if not isinstance(value, dict):
            raise ValueError(f"a test is an object, found {type(value).__name__}")
        for name, text in value.items():
            if name not in _TEST_FIELDS or not isinstance(text, str):
                raise ValueError(f"a test has {', '.join(_TEST_FIELDS)}, all strings; found {name!r}")
        return cls(**{"group": "", **value})

    def to_json(self) -> Json:
        """The object that `from_json` reads back."""
        return {name: text for name in _TEST_FIELDS if (text := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem. HumanEval's (Codex paper, sec. 2.2) is of the default kind and has the first five fields.

    function    prompt + completion is the program; a test defines `check(candidate)`, called with the
                entry point. In a language other than Python a test is what follows the program's text.
    script      the completion is the whole program; a test is statements run after it
    stdio       the completion is the whole program; it reads standard input and prints
    """

    task_id: str
    prompt: str  # of a function: header (imports, helpers), signature, docstring, up to where the body starts
    entry_point: str = ""  # name of the function that the tests call
    canonical_solution: str | None = None  # what to put in a completion's place; None: the data set has none
    test: str = ""  # of a problem without `tests`
    kind: str = "function"
    language: str = "python"  # of the program
    tests: tuple[Test, ...] = ()
    comparator: str = "exact"  # of what a stdio program prints with what is expected
    time_limit_s: float | None = None  # None: what the run allows; so the next
    memory_limit_bytes: int | None = None  # resident
    imports: tuple[str, ...] = ()  # lines that stand before the program, each where what it imports is named
    source: str = ""  # whose the problem is
    license: str = ""
    metadata: Json = field(default_factory=dict)  # fields of the file that have no place above

    def __post_init__(self) -> None:
        _check_is_one_of("kind", self.kind, KINDS)
        _check_is_one_of("comparator", self.comparator, COMPARATORS)
        for name, (low, high) in _LIMITS.items():
            limit = getattr(self, name)
            if limit is not None and not (isinstance(limit, int | float) and low <= limit <= high):
                raise ValueError(f"field {name!r} must be a number from {low} to {high}, found {limit!r}")
        if self.kind != "function" and not (self.test or self.tests):  # whatever ran would be right
            raise ValueError(f"a problem of kind {self.kind!r} needs a test")
        if hidden := _FIELD_SET & self.metadata.keys():
            raise ValueError(f"metadata has no field {min(hidden)!r}: the record has one")
        for test in self.tests:
            if (test.check is None) != (self.kind == "stdio"):
                raise ValueError(f"a problem of kind {self.kind!r} has no test that {_does(test)}")

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of its tests, in their order; none where it has only `test`."""
        return tuple(dict.fromkeys(test.group for test in self.tests))

    @classmethod
    def from_json(cls, value: Json, where: str) -> Self:
        """Build a problem from one row of a file; `where` opens the error message. Raises: InputError."""
        for name in required_fields(value):
            if name not in value:
                allowed = ", ".join(required_fields(value))
                raise InputError(f"{where}: field {name!r} is missing; a problem needs {allowed}")
        # A field that is null is absent, but for those that a problem cannot do without.
        known = {name: value[name] for name in _FIELDS if value.get(name) is not None}
        known |= {name: value[name] for name in required_fields(value)}
        for name, item in known.items():
            if name in _TEXTS and not isinstance(item, str):
                raise InputError(f"{where}: field {name!r} must be a string, found {type(item).__name__}")
            if name in _LISTS and not isinstance(item, list):
                raise InputError(f"{where}: field {name!r} must be a list, found {type(item).__name__}")
        metadata = {name: item for name, item in value.items() if name not in _FIELDS}
        try:
            if "tests" in known:
                known["tests"] = tuple(map(Test.from_json, known["tests"]))
            if "imports" in known:
                known["imports"] = tuple(map(str, known["imports"]))
            return cls(**known, metadata=metadata)
        except ValueError as error:
            raise InputError(f"{where}: {error}") from error

    def to_json(self) -> Json:
        """The row that `from_json` reads back, HumanEval's fields first and in its order."""
        values = {name: getattr(self, name) for name in _FIELDS}
        needed = required_fields(values)
        row = {name: item for name, item in values.items() if name in needed or item != _DEFAULTS[name]}
        if "tests" in row:
            row["tests"] = [test.to_json() for test in self.tests]
        if "imports" in row:
            row["imports"] = list(self.imports)
        return {**row, **self.metadata}


def required_fields(row: Json) -> tuple[str, ...]:
    """What a row of its kind cannot do without."""
    by_kind: dict[str, tuple[str, ...]] = {"script": ("test",), "stdio": ("tests",)}
    needed = by_kind.get(str(row.get("kind")), ("entry_point", "test"))
    if row.get("tests"):
        needed = tuple(name for name in needed if name != "test")
    return ("task_id", "prompt", *needed)


def _check_is_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"field {name!r} must be one of {', '.join(allowed)}, found {value!r}")


def _does(test: Test) -> str:
    return "checks a function" if test.check is not None else "reads standard input"


_TEST_FIELDS = tuple(item.name for item in fields(Test))
_FIELDS = tuple(item.name for item in fields(Problem) if item.name != "metadata")
_FIELD_SET = frozenset(_FIELDS)
_DEFAULTS: Json = {item.name: item.default for item in fields(Problem)}
_LIMITS = {"time_limit_s": (0.01, 86_400), "memory_limit_bytes": (1 << 20, 1 << 50)}  # that can be enforced
_LISTS = ("tests", "imports")
_TEXTS = tuple(name for name in _FIELDS if name not in (*_LIMITS, *_LISTS))
