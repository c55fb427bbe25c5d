"""HumanEval-X (Zheng et al. 2023): HumanEval's problems in Python, JavaScript and C++.

What its harness puts before every program (`codegeex/benchmark/utils.py`, IMPORT_HELPER) is the problem's
`imports`. It also cuts a Python completion at its first line that is not indented: that is for whoever cuts
completions, not done here.
"""

import re

from codelm.files import Json
from codelm.problems.record import Problem

FIELDS = frozenset(("task_id", "prompt", "canonical_solution", "test", "declaration", "example_test"))

LANGUAGES = {"Python": "python", "JavaScript": "js", "CPP": "cpp"}  # by the first part of the task_id
IMPORTS = {
    "python": (
        *("import math", "import re", "import sys", "import copy", "import datetime", "import itertools"),
        *("import collections", "import heapq", "import statistics", "import functools", "import hashlib"),
        *("import numpy", "import numpy as np", "import string", "from typing import *"),
        "from collections import *",
    ),
    "js": (),
    "cpp": (
        *("#include<stdlib.h>", "#include<algorithm>", "#include<math.h>", "#include<stdio.h>"),
        *("#include<vector>", "#include<string>", "#include<climits>", "#include<cstring>"),
        "#include<iostream>",
    ),
}
# The name of the function that the tests call: in Python's call of `check`, else in the last function's head.
_ENTRY_POINT = {
    "python": re.compile(r"^check\((\w+)\)", re.M),
    "js": re.compile(r"^const (\w+) = ", re.M),
    "cpp": re.compile(r"^\w[^\n(]*\s(\w+)\s*\([^()]*\)\s*\{", re.M),
}


def problem_of(row: Json) -> Problem:
    """The problem of one row. Raises: ValueError for a language that is not read."""
    name = row["task_id"].split("/")[0]
    if name not in LANGUAGES:
        raise ValueError(f"language {name!r} is not judged, {', '.join(LANGUAGES)} are")
    language, test = LANGUAGES[name], row["test"]
    found = list(_ENTRY_POINT[language].finditer(test if language == "python" else row["declaration"]))
    if not found:
        raise ValueError("no function is found that its tests call")
    return Problem(
        task_id=row["task_id"],
        prompt=row["prompt"],
        entry_point=found[-1][1],
        canonical_solution=row["canonical_solution"],
        test=test[: found[-1].start()] if language == "python" else test,  # we call `check` ourselves
        language=language,
        imports=IMPORTS[language],
        source="HumanEval-X (Zheng et al. 2023)",
        license="Apache-2.0",
        metadata={"example_test": row["example_test"]},
    )
