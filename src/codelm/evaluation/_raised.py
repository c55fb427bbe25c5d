"""Exceptions across the wire: the same built-in type again, with its plain arguments and its text.

A type that the other end does not know arrives as a new one, of the same name, below the first of its bases
that is known there. No `__init__` of a type written in Python runs.

Stands alone but for the standard library and the wire: its text also runs inside the boxes.
"""

import builtins
import sys
from collections.abc import Mapping
from typing import Any

from codelm.evaluation._wire import CannotCross, WireError
from codelm.evaluation._wire_encoder import Encoder
from codelm.evaluation._wire_types import MAX_NAME_CHARS, only

MAX_TEXT_CHARS = 8192
MAX_BASES = 50


def raised_parts(error: BaseException) -> tuple[object, ...]:
    """What crosses of an exception: names of its type and bases, arguments where they are plain, text."""
    mro = type.__dict__["__mro__"].__get__(type(error))
    names = tuple((_text(kind, "__module__"), _text(kind, "__name__")) for kind in mro[:MAX_BASES])
    try:
        arguments: Any = BaseException.args.__get__(error)  # type: ignore[attr-defined]
        Encoder().write(arguments)
    except CannotCross:
        arguments = None
    try:
        text = str.__getitem__(f"{error}", slice(MAX_TEXT_CHARS))
    except BaseException:  # it is the candidate's, and may do anything
        text = ""
    return names, arguments, text


def raised_again(parts: Any, known: Mapping[str, object]) -> BaseException:
    """The exception of these parts, from anybody. known: more types, by name. Raises: WireError."""
    try:
        names, arguments, text = only(tuple, parts)[0]
        only(str, text)
        only(tuple, names, *names[:MAX_BASES], *(() if arguments is None else (arguments,)))
        name = names[0][1]
        name = name[:MAX_NAME_CHARS]
        given = (text,) if arguments is None else arguments
        for place, (module, base_name) in enumerate(names[:MAX_BASES]):
            base = _exception_type(module, base_name, known)
            error = None if base is None else _instance(base, given)
            if base is None or error is None:
                continue
            if place == 0 and (arguments is None or _says(error, text)):
                return error
            shown = type(name, (base,), {"__str__": lambda _: text, "__module__": "builtins"})
            return _instance(shown, given) or error
    except Exception as error:
        raise WireError(f"no exception: {type(error).__name__}") from None
    raise WireError("no exception")


def _says(error: BaseException, text: str) -> bool:
    try:
        return str(error) == text
    except Exception:  # made without its `__init__`, some lack what their text is made of
        return False


def _text(kind: type, name: str) -> str:
    try:
        value = type.__dict__[name].__get__(kind)
    except Exception:
        return ""
    return value if type(value) is str else ""


def _exception_type(module: object, name: object, known: Mapping[str, object]) -> type[BaseException] | None:
    """A type of exception of Python's own or of a module that is loaded; nothing is imported."""
    assert type(module) is str
    assert type(name) is str
    space = vars(builtins) if module == "builtins" else vars(sys.modules.get(module, builtins))
    for found in (known.get(name), space.get(name)):
        if isinstance(found, type) and issubclass(found, BaseException) and found.__name__ == name:
            return found
    return None


def _instance(kind: type[BaseException], arguments: tuple[object, ...]) -> BaseException | None:
    try:
        made = kind(*arguments) if kind.__module__ == "builtins" else kind.__new__(kind, *arguments)
    except Exception:
        return None
    return made if isinstance(made, BaseException) else None
