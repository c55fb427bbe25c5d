"""APPS (Hendrycks et al. 2021): a folder for each problem, or rows of its hub copy.

A problem with `fn_name` has a function, or a method of a class Solution, called; the others read and print.
Each test has 4 s, as in the original (`eval/testing_util.py`), and `prompt` is the original's. There, a
program with input and output became the body of a function. Here it runs as it is: a `return` at its top,
which some of the data set's solutions have, is an error, and `global` works.
"""

import inspect
import json
from functools import cache
from typing import Any

from codelm.files import Json
from codelm.problems.readers._apps_check import check_as_apps
from codelm.problems.record import Problem, Test

FIELDS = frozenset(("problem_id", "question", "input_output", "solutions", "starter_code"))
TEST_S = 4.0

# What the original puts before every program.
IMPORTS = (
    *("import sys", "import time", "import itertools"),
    "from itertools import accumulate, product, permutations, combinations",
    "import collections",
    "from collections import Counter, OrderedDict, deque, defaultdict, ChainMap",
    "from functools import lru_cache",
    "import math",
    "from math import sqrt, sin, cos, tan, ceil, fabs, floor, gcd, exp, log, log2",
    "import fractions",
    "from typing import List, Tuple",
    "import numpy as np",
    *("import random", "import heapq", "from heapq import *"),
)


def problem_of(row: Json) -> Problem | None:
    """The problem of one row; None for one of the data set's that have no tests."""
    if not row["input_output"]:
        return None
    tests, solutions = json.loads(row["input_output"]), json.loads(row["solutions"] or "[]")
    cases = list(zip(tests["inputs"], tests["outputs"], strict=True))
    name = tests.get("fn_name")
    call = "Call-Based" if name else "Standard Input"
    starter = f"\n{row['starter_code']}" if row["starter_code"] else ""
    return Problem(
        task_id=f"APPS/{row['problem_id']}",
        kind="script" if name else "stdio",
        prompt=f"\nQUESTION:\n{row['question']}{starter}\nUse {call} format\nANSWER:\n",
        entry_point=name or "",
        canonical_solution=solutions[0] if solutions else None,
        tests=(_calls(name, cases),) if name else tuple(_case(*case) for case in cases),
        comparator="apps",
        time_limit_s=TEST_S * len(cases) if name else TEST_S,
        imports=IMPORTS,
        source="APPS (Hendrycks et al. 2021)",
        license="MIT",
        metadata={key: row[key] for key in row if key not in FIELDS},
    )


def _case(given: Any, wanted: Any) -> Test:
    """A test of a program; where the data set has a list, its items are lines."""
    texts = ("\n".join(text) if isinstance(text, list) else text for text in (given, wanted))
    return Test(group="private", **dict(zip(("stdin", "expected_stdout"), texts, strict=True)))


def _calls(name: str, cases: list[tuple[Any, Any]]) -> Test:
    # Asked for by its use: tests in a process of their own have no name of the program among theirs.
    find = f"try:\n    _found = Solution().{name}\nexcept NameError:\n    _found = {name}\n"
    call = f"{check_as_apps.__name__}(_found, {json.dumps(cases)!r})"
    return Test(group="private", check=f"{_check_text()}\n\n{find}{call}\n")


@cache
def _check_text() -> str:
    return inspect.getsource(check_as_apps)
