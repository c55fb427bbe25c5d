"""HumanEval+ and MBPP+ (Liu et al. 2023): HumanEval and MBPP with many more inputs.

A row holds inputs, no outputs: those come from the canonical solution, run beside the candidate. A completion
passes `base` by the inputs of the original problem, and the benchmark when it passes `plus` too. What counts
as equal is EvalPlus's: `check_as_evalplus`. The row's contract, its assertions on inputs, served to make the
inputs and judges nothing; it stays in the metadata.
"""

import inspect
import json
from functools import cache
from typing import Any

from codelm.files import Json
from codelm.problems.readers._evalplus_check import check_as_evalplus
from codelm.problems.record import Problem, Test

FIELDS = frozenset(
    ("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol")
)

GROUPS = {"base": "base_input", "plus": "plus_input"}

# Where an answer that differs from the canonical one may be right: by set and entry point, as evalplus 0.3.1
# has them in eval/_special_oracle.py.
ORACLES = {
    "HumanEval": {"find_zero": "root"},
    "Mbpp": {
        **dict.fromkeys(("similar_elements", "find_char_long", "common_in_nested_lists"), "same elements"),
        **dict.fromkeys(("extract_singly", "larg_nnum", "intersection_array"), "same elements"),
        **dict.fromkeys(("find_dissimilar", "Diff"), "same elements"),
        **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), "something or nothing"),
        "are_equivalent": "anything",
        "sum_div": "or zero",
        "digit_distance_nums": "or digit by digit",
        "surface_Area": "or by slant height",
    },
}

# EvalPlus allows a completion four times what the canonical solution takes, at most 60 s for a group. Here
# both run in one program. Those that take more than 0.8 s together (measured, one core) get four times that
# or more, at most 120 s; the others have what the run allows.
_SLOW = {
    "HumanEval": {15.0: (36, 59, 83, 94, 130), 30.0: (15, 139)},
    "Mbpp": {15.0: (84, 300, 389, 583, 589, 630), 30.0: (123, 255, 271, 392, 592, 603), 120.0: (599,)},
}
SLOW_S = {
    f"{name}/{number}": seconds
    for name, by_seconds in _SLOW.items()
    for seconds, numbers in by_seconds.items()
    for number in numbers
}
LARGE_BYTES = {"Mbpp/255": 4 << 30}  # it takes 2.2 GB; EvalPlus allows 4 GiB

# JSON has no tuples, sets or complex numbers: what a row of these tasks becomes before it is passed on.
_ARGUMENTS = {
    "[tuple(a) for a in row]": (
        *(2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424),
        *(429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
    ),
    "[[tuple(b) for b in a] for a in row]": (
        *(63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780),
    ),
    "[[tuple(b) for b in row[0]], row[1]]": (75, 413, 444, 753),
    "[row[0], tuple(row[1])]": (106, 750),
    "[[set(b) if isinstance(b, list) and b else {} for b in row[0]]]": (115,),
    "[float(row[0]), complex(row[1])]": (124,),
    "[tuple(row[0]), row[1]]": (250, 405, 446, 617, 720, 763, 808),
    "[complex(row[0])]": (252,),
    "[tuple(tuple(b) for b in a) for a in row]": (259, 401, 445),
    "[tuple(tuple(b) if isinstance(b, list) else b for b in row[0])]": (278,),
    "[tuple(row[0]), row[1], row[2]]": (307,),
    "[{key: tuple(value) for key, value in row[0].items()}, *row[1:]]": (722,),
    "(tuples := lambda a: tuple(map(tuples, a)) if isinstance(a, list) else a)(row)": (580, 615, 791),
}
ARGUMENTS = {f"Mbpp/{number}": text for text, numbers in _ARGUMENTS.items() for number in numbers}


def problem_of(row: Json) -> Problem:
    """The problem of one row."""
    return Problem(
        task_id=row["task_id"],
        prompt=row["prompt"],
        entry_point=row["entry_point"],
        canonical_solution=row["canonical_solution"],
        tests=tuple(Test(group=group, check=_check(row, row[name])) for group, name in GROUPS.items()),
        time_limit_s=SLOW_S.get(row["task_id"]),
        memory_limit_bytes=LARGE_BYTES.get(row["task_id"]),
        source="EvalPlus (Liu et al. 2023)",
        license="Apache-2.0",
        metadata={"atol": row["atol"], "contract": row.get("contract", "")},
    )


def _check(row: Json, inputs: Any) -> str:
    task_id, name = row["task_id"], row["entry_point"]
    oracle = ORACLES.get(task_id.split("/")[0], {}).get(name, "the canonical output")
    call = f"""{check_as_evalplus.__name__}(
    {name},
    name={name!r},
    reference={row["prompt"] + row["canonical_solution"]!r},
    inputs={json.dumps(inputs)!r},
    arguments=lambda row: {ARGUMENTS.get(task_id, "row")},
    oracle={oracle!r},
    atol={row["atol"]!r},
)"""
    return f"{_check_text()}\n\n{call}\n"


@cache
def _check_text() -> str:
    return inspect.getsource(check_as_evalplus)
