"""The bundled set `starter`: short hand-written problems for models too small for HumanEval.

Each topic module holds functions, easiest first, and beside each function NAME its suite `check_NAME`. The
modules are data: `starter_problems` reads their text and never runs them.
"""

from codelm.problems.starter._load import starter_problems

__all__ = ["starter_problems"]
