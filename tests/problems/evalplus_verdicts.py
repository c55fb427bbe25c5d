"""A script: what EvalPlus's comparison and ours say of the same outputs, for `test_against_evalplus.py`.

argv: the folder of an unpacked evalplus wheel. Standard input: rows of HumanEval+ or MBPP+. Prints a JSON
list: how many verdicts agree, and the others in words. Everything that is run here is the data set's own.
"""

import contextlib
import copy
import importlib
import io
import json
import sys
import types
from typing import Any

from codelm.problems.readers.evalplus import SLOW_S, problem_of

MAX_INPUTS = 20
# What a wrapped canonical solution gives back; `x` is its output. EvalPlus says which of them are right.
OUTPUTS = {
    "the same": "x",
    "nothing": "None",
    "zero": "0",
    "true": "True",
    "a text": "str(x)",
    "a float": "float(x) if isinstance(x, int) else x",
    "a little more": "x * (1 + 1e-9) if isinstance(x, float) else x",
    "more": "x * (1 + 1e-5) if isinstance(x, float) else x",
    "each a little more": "[i * (1 + 1e-9) if isinstance(i, float) else i for i in x]",
    "another kind of list": "tuple(x) if isinstance(x, list) else list(x) if isinstance(x, tuple) else x",
    "backwards": "x[::-1] if isinstance(x, (list, tuple, str)) else x",
    "something or nothing": "'x' if x else None",
    "changed arguments": "[a.append(None) for a in args if isinstance(a, list)] and None or x",
}
# Imported by evalplus for other things than to compare.
STAND_INS = ("appdirs", "datasets", "psutil", "rich", "rich.progress", "tempdir", "termcolor", "tqdm", "wget")


def main() -> None:
    """Compare all, print what was found."""
    evalplus = _import_evalplus(sys.argv[1])
    agreed, differing = 0, []
    for line in sys.stdin:
        row = _shortened(json.loads(line))
        check = problem_of(row).tests[0].check or ""
        expected = evalplus.expected(row)
        for kind, output in OUTPUTS.items():
            program = _program(row, output)
            ours, theirs = _ours(program, check), evalplus.passes(row, program, expected)
            agreed += ours == theirs
            if ours != theirs:
                differing.append(f"{row['task_id']}, {kind}: EvalPlus says {theirs}")
    print(json.dumps([agreed, differing]))


class _Evalplus:
    """EvalPlus's own functions, without what they do to protect the machine."""

    def __init__(self, comparing: Any, inputs: Any, trusted: Any) -> None:
        self._comparing, self._inputs, self._trusted = comparing, inputs, trusted
        comparing.reliability_guard = lambda **_: None
        comparing.query_maximum_memory_bytes = lambda: None
        comparing.create_tempdir = contextlib.nullcontext

    def expected(self, row: dict[str, Any]) -> list[Any]:
        """The canonical solution's outputs."""
        code, name = row["prompt"] + row["canonical_solution"], row["entry_point"]
        not_none = _dataset(row) == "mbpp" and name in self._comparing.MBPP_OUTPUT_NOT_NONE_TASKS
        outputs: list[Any] = self._trusted.trusted_exec(
            code, self._arguments(row), name, output_not_none=not_none
        )
        return outputs

    def passes(self, row: dict[str, Any], program: str, expected: list[Any]) -> bool:
        """Its verdict."""
        status = types.SimpleNamespace(value=None)
        self._comparing.unsafe_execute(
            _dataset(row),
            row["entry_point"],
            program,
            self._arguments(row),
            expected,
            [60] * len(expected),
            row["atol"],
            True,
            status,
            [False] * len(expected),
            types.SimpleNamespace(value=0),
        )
        return status.value == 0

    def _arguments(self, row: dict[str, Any]) -> list[Any]:
        given = copy.deepcopy(row["base_input"])
        if _dataset(row) != "mbpp":
            return given
        arguments: list[Any] = self._inputs.mbpp_deserialize_inputs(row["task_id"], given)
        return arguments


def _import_evalplus(folder: str) -> _Evalplus:
    for name in STAND_INS:
        module: Any = types.ModuleType(name)
        module.__getattr__ = lambda _: lambda *_args, **_more: "."
        sys.modules[name] = module
    sys.path.insert(0, folder)
    return _Evalplus(
        *map(importlib.import_module, ("evalplus.eval", "evalplus.data.mbpp", "evalplus.gen.util"))
    )


def _ours(program: str, check: str) -> bool:
    namespace: dict[str, Any] = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(program, namespace)
            exec(check, namespace)
    except BaseException:
        return False
    return True


def _program(row: dict[str, Any], output: str) -> str:
    name = row["entry_point"]
    wrapped = f"_right = {name}\ndef {name}(*args):\n    x = _right(*args)\n    return {output}\n"
    return f"{row['prompt']}{row['canonical_solution']}\n{wrapped}"


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its first inputs; without `plus` where those take long."""
    more = [] if row["task_id"] in SLOW_S else list(row["plus_input"])
    return {**row, "base_input": [*row["base_input"], *more][:MAX_INPUTS], "plus_input": []}


def _dataset(row: dict[str, Any]) -> str:
    name: str = row["task_id"].split("/")[0].lower()
    return name


if __name__ == "__main__":
    main()
