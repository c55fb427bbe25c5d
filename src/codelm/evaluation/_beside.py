"""What stands between a candidate and its tests where both share a process: judge `inline`.

It finds what a program that games its tests commonly does, and no more: whatever is here, a candidate in the
same process can reach and change. A pass that it lets through is evidence against mistakes, not against an
adversary; for that there is judge `split`.

Stands alone but for the standard library: its text also runs inside the box.
"""

import functools
import sys
import threading
import types
from collections.abc import Callable
from operator import is_
from typing import Any

TESTS_FILE = "<unit 1>"  # what the worker calls the unit that defines `check`
NOTE = "__note__"  # a text under this name in the program's namespace is told with its end
SUSPECT = "tamper_suspect"
MAX_LOOKED_AT = 10_000  # items of a result whose types are looked at

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, range})
_CONTAINERS = frozenset({list, tuple, set, frozenset, dict})
# Modules that tests use, as they are before any program: looked at where the tests have the name.
_MODULES = {
    name: (module, dict(vars(module)))
    for name in (
        "builtins",
        "collections",
        "copy",
        "functools",
        "itertools",
        "math",
        "random",
        "re",
        "string",
    )
    if (module := sys.modules.get(name)) is not None
}


class Tampered(BaseException):
    """The tests passed, and something that they rest on had been changed."""


class ControlHeld(BaseException):
    """The negative control: the tests failed on what no candidate returns, as they must."""


def hold(check: Callable[..., object], candidate: Callable[..., object]) -> None:
    """Run the tests, then see whether they were still what they seem. Raises: what they raise; Tampered."""
    watched, suspects = _watched(candidate)
    namespace, check = _globals_of(check), _with_builtins(check)
    hooked = _is_hooked()
    check(watched)
    if hooked or _is_hooked():
        raise Tampered("a trace or profile function is set")
    if (changed := _changed(check)) is not None:
        raise Tampered(f"{changed} was changed")
    if suspects:
        namespace[NOTE] = SUSPECT


def control(check: Callable[..., object], candidate: Callable[..., object], secret: str) -> None:
    """Run the tests on results that equal nothing. Raises: ControlHeld(secret) when they fail; Tampered."""
    equals_all = False

    def wrong(*arguments: Any, **keywords: Any) -> object:
        nonlocal equals_all
        nothing = object()
        equals_all = bool(candidate(*arguments, **keywords) == nothing) or equals_all
        return nothing

    try:
        _with_builtins(check)(wrong)
    except BaseException:
        if not equals_all:
            raise ControlHeld(secret) from None
    raise Tampered("the tests pass whatever is returned")


def _with_builtins(check: Callable[..., object]) -> Callable[..., object]:
    """The tests with the builtins that they name: a candidate may have a helper `abs`, which is its own.

    So have the functions that stand beside them.
    """
    if type(check) is not types.FunctionType:
        return check
    namespace = check.__globals__
    of_tests = {name: value for name, value in namespace.items() if _is_of_tests(value)}
    named = set().union(*(_names_in(function.__code__) for function in (check, *of_tests.values())))
    own = named & namespace.keys() & _MODULES["builtins"][1].keys()
    if not own:
        return check
    others = {name: value for name, value in namespace.items() if name not in own}
    others |= {name: _within(others, function) for name, function in of_tests.items()}
    return _within(others, check)


def _is_of_tests(value: object) -> bool:
    return type(value) is types.FunctionType and value.__code__.co_filename == TESTS_FILE


def _within(namespace: dict[str, Any], function: types.FunctionType) -> types.FunctionType:
    return types.FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )


def _watched(candidate: Callable[..., object]) -> tuple[Callable[..., object], list[object]]:
    """The candidate, and a list for results of types that are no plain data."""
    suspects: list[object] = []

    @functools.wraps(candidate)
    def watched(*arguments: Any, **keywords: Any) -> object:
        result = candidate(*arguments, **keywords)
        if type(result) not in _ATOMS and not _is_plain(result):
            suspects.append(result)
        return result

    return watched, suspects


def _is_plain(value: Any) -> bool:
    """Whether a value and all in it are of exact built-in types; only `type` is asked, which cannot lie."""
    left, looked_at = [value], 0
    while left and looked_at < MAX_LOOKED_AT:
        item = left.pop()
        if type(item) is dict:
            left += [part for pair in item.items() for part in pair if type(part) not in _ATOMS]
        elif type(item) in _CONTAINERS:
            left += [part for part in item if type(part) not in _ATOMS]
        elif type(item) not in _ATOMS:
            return False
        looked_at += 1
    return True


def _is_hooked() -> bool:
    hooks = [sys.gettrace(), sys.getprofile(), threading.gettrace(), threading.getprofile()]
    if (monitoring := getattr(sys, "monitoring", None)) is not None:  # from Python 3.12 on
        hooks += map(monitoring.get_tool, range(6))
    return any(hook is not None for hook in hooks)


def _changed(check: Callable[..., object]) -> str | None:
    """The name of what is not as it was, of what the tests use: their own code, builtins, modules."""
    code = getattr(check, "__code__", None)
    if type(check) is not types.FunctionType or type(code) is not types.CodeType:
        return "check"
    if code.co_filename != TESTS_FILE:
        return "check"
    if getattr(check, "__builtins__", None) is not vars(_MODULES["builtins"][0]):
        return "__builtins__"
    names = _names_in(code)
    for name in names & check.__globals__.keys():
        if name in _MODULES["builtins"][1]:
            return name
    for name in {"builtins", *names} & _MODULES.keys():
        module, before = _MODULES[name]
        now = module.__dict__
        if sys.modules.get(name) is not module or not all(map(is_, map(now.get, before), before.values())):
            return name
    return None


def _names_in(code: types.CodeType) -> set[str]:
    left, found = [code], set[str]()
    while left:
        code = left.pop()
        found.update(code.co_names)
        left += [constant for constant in code.co_consts if type(constant) is types.CodeType]
    return found


def _globals_of(check: Callable[..., object]) -> dict[str, Any]:
    return check.__globals__
