"""One-operator mutants of a function body, and running a program under a budget of lines and CPU time.

A suite that lets a mutant of its own solution pass has a hole: a wrong completion may pass as well. Mutants
may loop for ever; the budgets end them without a process of their own. Only for programs of known origin:
nothing here protects the machine.
"""

import ast
import copy
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

LINE_BUDGET = 5_000  # lines a program may run; the longest honest suite needs a few hundred
CPU_BUDGET_S = 0.3  # for what takes long within a line; honest suites take about a millisecond
PROGRAM = "<program>"

# Each operator and what it is mistaken for.
SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.Div: (ast.FloorDiv, ast.Mult),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitXor: (ast.BitOr, ast.BitAnd),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitAnd: (ast.BitOr,),
}
NAME_SWAPS = {"min": "max", "max": "min", "all": "any", "any": "all"}


class Mutant(NamedTuple):
    """A changed body, and what was changed where."""

    change: str  # "LINE:COLUMN BEFORE -> AFTER", the line counted from 1 within the body
    body: str  # indented, as a completion


class OverBudget(BaseException):
    """The program ran more than it may; not an Exception, so that no `except Exception` hides it."""


def mutants(body: str) -> Iterator[Mutant]:
    """Every one-operator mutant of an indented function body."""
    tree = ast.parse("def mutant():\n" + body)
    function = tree.body[0]
    for place, node in enumerate(ast.walk(function)):
        for changed in _changes(node):
            mutant = copy.deepcopy(function)
            target = list(ast.walk(mutant))[place]
            _put(mutant, target, changed)
            ast.fix_missing_locations(mutant)
            lines = ast.unparse(mutant).split("\n", 1)[1]
            if lines != ast.unparse(function).split("\n", 1)[1]:
                yield Mutant(f"{_place(node)} {_shown(node)} -> {_shown(changed)}", lines + "\n")


def passes(program: str) -> bool:
    """Whether a program ends without an exception and within the budgets. For the main thread only."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != PROGRAM:
            return None
        lines += 1
        if lines > LINE_BUDGET:
            raise OverBudget
        return trace

    code = compile(program, PROGRAM, "exec")
    trace_before = sys.gettrace()
    handler_before = signal.signal(signal.SIGVTALRM, _stop)
    # Again and again, should the program catch the first.
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_BUDGET_S, CPU_BUDGET_S)
    sys.settrace(trace)
    try:
        exec(code, {"__name__": "program"})
    except (Exception, SystemExit, OverBudget):
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        sys.settrace(trace_before)
        signal.signal(signal.SIGVTALRM, handler_before)
    return True


def _stop(number: int, frame: FrameType | None) -> None:
    raise OverBudget


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of this node."""
    match node:
        case ast.Compare(ops=operators):
            for place, operator in enumerate(operators):
                for swapped in SWAPS.get(type(operator), ()):
                    ops = [*operators[:place], swapped(), *operators[place + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) | ast.BoolOp(op=operator):
            for swapped in SWAPS.get(type(operator), ()):
                changed = copy.deepcopy(node)
                changed.op = swapped()
                yield changed
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=value):
            yield from (ast.Constant(other) for other in _other_constants(value))
        case ast.Name(id=name) if name in NAME_SWAPS:
            yield ast.Name(NAME_SWAPS[name], ast.Load())
        case ast.Slice():
            yield from _other_slices(node)
        case ast.IfExp(body=chosen, orelse=other):
            yield from (chosen, other, ast.IfExp(_negated(node.test), chosen, other))
        case ast.Call(func=ast.Attribute(value=receiver), args=[], keywords=[]):
            yield receiver
        case ast.Call(func=ast.Name(), args=[argument], keywords=[]):
            yield argument
    yield from _statement_changes(node)


def _statement_changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(_negated(test), body, orelse)
            if orelse:
                yield ast.If(test, body, [])
        case ast.While(test=test, body=body):
            yield ast.While(_negated(test), body, [])
        case ast.comprehension(ifs=[test]):
            yield ast.comprehension(node.target, node.iter, [_negated(test)], node.is_async)
            yield ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.Break() | ast.Continue() | ast.AugAssign() | ast.Expr():
            yield ast.Pass()
        case ast.Return(value=ast.expr()):
            yield ast.Return(ast.Constant(None))


def _other_constants(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1, value - 1)
        case "":
            return ("x",)
        case str():
            return ("", value + "x")
        case _:
            return ()


def _other_slices(node: ast.Slice) -> Iterator[ast.Slice]:
    """The slice without one of its bounds, and with a missing bound set one inwards."""
    parts = {"lower": node.lower, "upper": node.upper, "step": node.step}
    inwards = {"lower": ast.Constant(1), "upper": ast.UnaryOp(ast.USub(), ast.Constant(1))}
    for name, bound in parts.items():
        if bound is not None:
            yield ast.Slice(**(parts | {name: None}))
        elif name in inwards:
            yield ast.Slice(**(parts | {name: inwards[name]}))


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _put(root: ast.AST, target: ast.AST, changed: ast.AST) -> None:
    """Replace one node below the root by another."""
    for parent in ast.walk(root):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, changed)
                return
            if isinstance(value, list) and any(item is target for item in value):
                setattr(parent, name, [changed if item is target else item for item in value])
                return


def _place(node: ast.AST) -> str:
    located = next(part for part in ast.walk(node) if hasattr(part, "lineno"))
    return f"{located.lineno - 1}:{located.col_offset}"


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())
