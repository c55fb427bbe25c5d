"""MBPP (Austin et al. 2021): 974 short Python tasks, and the 427 of them that were checked by hand.

The program is the completion alone; three assertions follow it. Of the 974, the paper prompts with 1 to 10,
tests on 11 to 510, validates on 511 to 600 and fine-tunes on 601 to 974. Its few-shot prompt is, for each
example (it took 2, 3 and 4), the example's prompt, its solution and END, and then the task's prompt.
"""

import re

from codelm.files import Json
from codelm.problems.record import Problem

FULL_FIELDS = frozenset(("task_id", "text", "code", "test_setup_code", "test_list"))
SANITIZED_FIELDS = frozenset(("task_id", "prompt", "code", "test_imports", "test_list"))
END = "\n[DONE]\n\n"  # also the stop sequence
SPLITS = {"prompt": 10, "test": 510, "validation": 600, "train": 974}  # the last task of each
SLOW_S = {123: 15.0}  # the canonical solution needs 5 s


def problem_of(row: Json) -> Problem:
    """The problem of one row of either file."""
    number = int(row["task_id"])
    first = row.get("test_imports") or [row.get("test_setup_code") or ""]
    known = FULL_FIELDS | SANITIZED_FIELDS
    return Problem(
        task_id=f"MBPP/{number}",
        kind="script",
        prompt=_prompt(row),
        entry_point=_entry_point(row),
        canonical_solution=row["code"],
        test="\n".join((*first, *row["test_list"])),
        time_limit_s=SLOW_S.get(number),
        source="MBPP (Austin et al. 2021)",
        license="CC-BY-4.0",
        metadata={"split": split_of(number)} | {key: row[key] for key in row if key not in known},
    )


def split_of(number: int) -> str:
    """The part of the data set that a task is in. Raises: ValueError for a number that it does not have."""
    for split, last in SPLITS.items():
        if number <= last:
            return split
    raise ValueError(f"tasks are numbered 1 to {last}, found {number}")


def _prompt(row: Json) -> str:
    text, tests = row["text"] if "text" in row else row["prompt"], "\n".join(row["test_list"])
    return (
        f"You are an expert Python programmer, and here is your task: {text} "
        f"Your code should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )


def _entry_point(row: Json) -> str:
    """The function of the solution that the first test names."""
    named = set(re.findall(r"\w+", row["test_list"][0]))
    return next((name for name in re.findall(r"^def\s+(\w+)", row["code"], re.M) if name in named), "")
