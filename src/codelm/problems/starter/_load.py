"""Turns the topic modules into problems by their text alone: nothing in them is imported or run.

A problem's pieces are cut out of the file as written, so what the linters and the type checker see is what
the model sees.
"""

import ast
from collections.abc import Iterator
from importlib.resources import files

from codelm.problems.record import Problem

# Modules of this package, in the order of the set.
TOPICS = ("text", "words", "integers", "measures", "sequences", "mappings", "times", "grids", "games")
CHECK_PREFIX = "check_"


def starter_problems() -> list[Problem]:
    """The problems of the starter set, in a fixed order: topic by topic, easiest first within a topic."""
    return [problem for topic in TOPICS for problem in problems_of(_source(topic), topic)]


def problems_of(source: str, topic: str) -> list[Problem]:
    """The problems in one topic module's text, in its order.

    Raises: ValueError for a function without a docstring or without its check, and for a check of nothing.
    """
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = [name for name in functions if not name.startswith(CHECK_PREFIX)]
    if unpaired := sorted(functions.keys() ^ {*names, *(CHECK_PREFIX + name for name in names)}):
        raise ValueError(f"topic {topic!r}: {', '.join(unpaired)}: check without function, or missing check")
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = source.splitlines(keepends=True)
    return [
        _problem(functions[name], functions[CHECK_PREFIX + name], imports, lines, topic) for name in names
    ]


def _problem(
    function: ast.FunctionDef,
    check: ast.FunctionDef,
    imports: list[ast.Import | ast.ImportFrom],
    lines: list[str],
    topic: str,
) -> Problem:
    if ast.get_docstring(function) is None:
        raise ValueError(f"topic {topic!r}: {function.name} has no docstring")
    docstring_end, end = function.body[0].end_lineno, function.end_lineno
    # The suite loses its annotation (and with it the import of Callable): it must run under any prompt.
    suite = "".join(lines[check.body[0].lineno - 1 : check.end_lineno])
    return Problem(
        task_id=f"starter/{function.name}",
        prompt=_header(imports, [function]) + "".join(lines[function.lineno - 1 : docstring_end]),
        entry_point=function.name,
        canonical_solution="".join(lines[docstring_end:end]),
        test=_header(imports, check.body) + "def check(candidate):\n" + suite,
        metadata={"topic": topic},
    )


def _header(imports: list[ast.Import | ast.ImportFrom], code: list[ast.FunctionDef] | list[ast.stmt]) -> str:
    """The import lines that this code needs, with the two blank lines that follow them; else nothing."""
    used = {node.id for root in code for node in ast.walk(root) if isinstance(node, ast.Name)}
    needed = list(_narrowed(imports, used))
    return "\n".join(needed) + "\n\n\n" if needed else ""


def _narrowed(imports: list[ast.Import | ast.ImportFrom], used: set[str]) -> Iterator[str]:
    """Each import statement that binds a used name, without the names that are not used."""
    for node in imports:
        if names := [alias for alias in node.names if (alias.asname or alias.name) in used]:
            if isinstance(node, ast.ImportFrom):
                yield ast.unparse(ast.ImportFrom(node.module, names, node.level))
            else:
                yield ast.unparse(ast.Import(names))


def _source(topic: str) -> str:
    return (files(__package__) / f"{topic}.py").read_text(encoding="utf-8")
