"""Which values are plain data, and how each is taken apart and made again; see `_wire.py`.

A maker gets its parts from a hostile sender. It makes exactly its type, runs nothing of the sender's, and
takes time linear in the parts; what does not fit raises any exception, which the reader makes a `WireError`.

Stands alone but for the standard library: its text also runs inside the boxes.
"""

import builtins
import math
import struct
import sys
from array import array
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

MAX_RATIO_BITS = 1 << 15  # of a fraction's two parts: finding their divisor takes quadratic time
MAX_FIELDS = 256  # of a named tuple
MAX_NAME_CHARS = 200  # of a type, as it is told
MAX_NAMED = 1000  # kinds of named tuples, kept

# Builtins that cross by name: no harm in them for whoever receives them.
_FUNCTIONS = (
    "abs all any ascii bin callable chr divmod format hash hex id isinstance issubclass iter len max min "
    "next oct ord pow repr round sorted sum"
)
BUILTINS = {
    name: value
    for name, value in vars(builtins).items()
    if (isinstance(value, type) and not name.startswith("_")) or name in _FUNCTIONS.split()
}
BUILTIN_NAMES = {id(value): name for name, value in BUILTINS.items()}


class Made(NamedTuple):
    """A type whose values are made from their parts at once."""

    parts: Callable[[Any], tuple[object, ...]]
    make: Callable[..., object]


class Filled(NamedTuple):
    """A type whose values can be changed: made empty, of a few parts, then filled."""

    make: Callable[..., Any]
    items: Callable[[Any], list[Any]]
    clear: Callable[[Any], object]
    fill: Callable[[Any, list[Any]], object]
    parts: Callable[[Any], tuple[object, ...]] = lambda _: ()
    is_base: bool = True  # whether values of subclasses cross as its own


def only(kind: type, *parts: object) -> tuple[Any, ...]:
    """The parts, all exactly of this type. Raises: TypeError."""
    if any(type(part) is not kind for part in parts):
        raise TypeError(f"not all parts are {kind.__name__}")
    return parts


def _make_fraction(*parts: int) -> Fraction:
    if max(map(int.bit_length, only(int, *parts))) > MAX_RATIO_BITS:
        raise ValueError("the fraction is too large")
    return Fraction(*parts)


def _clock_parts(value: Any) -> tuple[object, ...]:
    """The fold and the fixed distance to UTC: the only zones that are plain data."""
    if value.tzinfo is not None and type(value.tzinfo) is not timezone:
        raise TypeError(f"a time zone of type {type(value.tzinfo).__name__}")
    return value.fold, value.utcoffset() if type(value) is datetime else value.tzinfo and value.utcoffset()


def _make_clock(kind: Callable[..., object]) -> Callable[..., object]:
    def make(*parts: Any) -> object:
        *numbers, fold, offset = parts
        zone = None if offset is None else timezone(*only(timedelta, offset))
        return kind(*only(int, *numbers), tzinfo=zone, fold=fold)

    return make


def _make_named(name: str, fields: tuple[str, ...], items: tuple[object, ...]) -> tuple[object, ...]:
    """A tuple whose items have names too, as `collections.namedtuple` makes it, but without its `eval`.

    A field that begins with an underscore could stand in the place of `__eq__`: refused, as there.
    """
    only(str, name, *fields)
    if len({*fields}) != len(fields) or len(fields) != len(only(tuple, items)[0]) or len(fields) > MAX_FIELDS:
        raise ValueError("the fields do not fit the tuple")
    if not all(map(str.isidentifier, (name, *fields))) or any(field.startswith("_") for field in fields):
        raise ValueError("no proper name for a field")
    key = name, fields
    if key not in _named:
        if len(_named) >= MAX_NAMED:
            _named.clear()
        places = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
        more = {
            "_fields": fields,
            "_asdict": lambda self: dict(zip(fields, self, strict=True)),
            "__repr__": lambda self: f"{name}({', '.join(map('{}={!r}'.format, fields, self))})",
            "__slots__": (),
        }
        _named[key] = type(name, (tuple,), places | more)
    return tuple.__new__(_named[key], items)


_named: dict[tuple[str, tuple[str, ...]], type[tuple[object, ...]]] = {}


def named_parts(value: Any) -> tuple[object, ...] | None:
    """The parts of a named tuple, or None when it is another kind of tuple."""
    fields = getattr(type(value), "_fields", None)
    if type(fields) is not tuple or any(type(field) is not str for field in fields):
        return None
    return type(value).__name__, fields, (*tuple.__iter__(value),)


_LEAST = -(1 << 63)
_WIDE = {"f": "f8", "c": "c16", "i": "i8", "u": "u8"}
_OBJECTS = "|O"  # the dtype of arrays of objects


def _make_numpy(dtype: str, data: bytes, shape: tuple[int, ...] | None) -> Any:
    """An array of numbers or texts; for the shape None, a scalar. Data of an array of objects: a tuple."""
    numpy = import_module("numpy")
    if dtype == _OBJECTS:
        return _make_objects(numpy, *only(tuple, data, shape))
    if only(str, dtype)[0][1] not in "biufcSU" or not dtype[2:].isdecimal():
        raise ValueError(f"dtype {dtype!r} is no plain data")
    sides = () if shape is None else only(int, *only(tuple, shape)[0])
    array = numpy.ndarray(sides, dtype, *only(bytes, data))
    if array.nbytes != len(data) or array.itemsize == 0 or any(side < 0 for side in sides):
        raise ValueError("the array has another size")
    if dtype[1] in _WIDE:
        # A number of fewer bits equals whatever rounds to it, since numpy rounds Python's numbers before it
        # compares; and sums of such integers wrap around.
        array = array.astype(numpy.promote_types(array.dtype, _WIDE[dtype[1]]))
    if shape is not None:
        return array.copy()
    number = array[()]
    return int(number) if dtype[1] == "i" and number == _LEAST else number  # numpy's abs() of it is below 0


def _make_objects(numpy: Any, items: tuple[object, ...], shape: tuple[int, ...]) -> Any:
    if any(side < 0 for side in only(int, *only(tuple, shape)[0])) or math.prod(shape) != len(items):
        raise ValueError("the array has another size")
    array = numpy.empty(shape, object)
    flat = array.reshape(-1)
    for place, item in enumerate(items):  # all at once, lists among them would be taken for rows
        flat[place] = item
    return array


def numpy_parts(value: Any) -> tuple[object, ...] | None:
    """The parts of a numpy value, or None when it is no plain data."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic | numpy.ndarray):
        return None
    if type(value) is numpy.ndarray and value.dtype.str == _OBJECTS:
        return _OBJECTS, (*value.reshape(-1).tolist(),), value.shape
    if value.dtype.kind not in "biufcSU" or value.dtype.itemsize == 0:
        return None
    return value.dtype.str, value.tobytes(), None if isinstance(value, numpy.generic) else value.shape


def path_parts(value: Any) -> tuple[str, str] | None:
    """The parts of a path of `pathlib`, or None for anything else."""
    name = type_name(value)
    kind = getattr(sys.modules.get("pathlib"), name, None) if name in _PATHS else None
    return (name, str(value)) if type(value) is kind else None


def _make_path(*parts: str) -> object:
    name, text = only(str, *parts)
    if name not in _PATHS:
        raise ValueError("no kind of path")
    return getattr(import_module("pathlib"), name)(text)


_PATHS = ("PurePosixPath", "PureWindowsPath", "PosixPath")


def _wrapper(kind: Callable[[], Any], name: str, check: Callable[[object], object]) -> Made:
    """A type of the standard library around one plain value, which it has under this name.

    check: raises TypeError for what it does not hold as a rule, at either end.
    """

    def parts(value: Any) -> tuple[object, ...]:
        held = getattr(value, name, None)
        check(held)
        return (held,)

    def make(held: object) -> object:
        check(held)
        made = kind()
        setattr(made, name, held)  # not a copy: what a call changes in it must show
        return made

    return Made(parts, make)


def _check_maps(maps: object) -> None:
    for held in only(list, maps)[0]:
        _check_map(held)


def _check_map(held: object) -> None:
    if type(held) not in _MAPS:
        raise TypeError(f"around a {type_name(held)}")


def _make_proxy(held: Any) -> object:
    _check_map(held)
    return MappingProxyType(held)


def _proxy_parts(value: Any) -> tuple[object, ...]:
    try:
        held = value.copy()  # of the type of what it shows, which cannot be seen
    except Exception as error:  # that is the candidate's, and may do anything
        raise TypeError("around a mapping of another kind") from error
    _check_map(held)
    return (held,)


_MAPS = (dict, OrderedDict, defaultdict, Counter)


def _flat(pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
    return [part for pair in pairs for part in pair]


def _pairs(items: list[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(items[::2], items[1::2], strict=True)


def _fill_dict(made: dict[Any, Any], items: list[Any]) -> None:
    dict.update(made, _pairs(items))


def _make_defaultdict(factory: Any) -> defaultdict[Any, Any]:
    if factory not in FACTORIES:
        raise ValueError("no plain factory")
    return defaultdict(factory)


FACTORIES = (None, int, float, str, bool, list, tuple, dict, set, frozenset)
_KEYS, _VALUES, _ITEMS = (type(getattr({}, view)()) for view in ("keys", "values", "items"))

MADE: dict[type, Made] = {
    complex: Made(lambda z: (z.real, z.imag), lambda *parts: complex(*only(float, *parts))),
    range: Made(lambda r: (r.start, r.stop, r.step), range),
    slice: Made(lambda s: (s.start, s.stop, s.step), slice),
    Decimal: Made(lambda d: (str(d),), lambda *parts: Decimal(*only(str, *parts))),
    Fraction: Made(lambda f: (f.numerator, f.denominator), _make_fraction),
    date: Made(lambda d: (d.year, d.month, d.day), lambda *parts: date(*only(int, *parts))),
    time: Made(
        lambda t: (t.hour, t.minute, t.second, t.microsecond, *_clock_parts(t)),
        _make_clock(time),
    ),
    datetime: Made(
        lambda d: (d.year, d.month, d.day, d.hour, d.minute, d.second, d.microsecond, *_clock_parts(d)),
        _make_clock(datetime),
    ),
    timedelta: Made(
        lambda d: (d.days, d.seconds, d.microseconds), lambda *parts: timedelta(*only(int, *parts))
    ),
    _KEYS: Made(lambda keys: ([*keys],), lambda *parts: dict.fromkeys(only(list, *parts)[0]).keys()),
    _VALUES: Made(
        lambda values: ([*values],), lambda values: dict(enumerate(only(list, values)[0])).values()
    ),
    _ITEMS: Made(lambda items: ([*items],), lambda items: dict(only(list, items)[0]).items()),
    type(...): Made(lambda _: (), lambda: ...),
    UserList: _wrapper(UserList, "data", lambda held: only(list, held)),
    UserDict: _wrapper(UserDict, "data", lambda held: only(dict, held)),
    UserString: _wrapper(lambda: UserString(""), "data", lambda held: only(str, held)),
    ChainMap: _wrapper(ChainMap, "maps", _check_maps),
    MappingProxyType: Made(_proxy_parts, _make_proxy),
}
# Makers by the names that cross; the last few are of values that their exact type does not tell.
MAKERS: dict[str, Callable[..., object]] = {kind.__name__: made.make for kind, made in MADE.items()} | {
    "math.nan": lambda: math.nan,
    "nan": lambda *parts: struct.unpack("<d", *only(bytes, *parts))[0],
    "builtin": lambda name: BUILTINS[name],
    "named": _make_named,
    "numpy": _make_numpy,
    "path": _make_path,
}
FILLED: dict[type, Filled] = {
    list: Filled(list, lambda made: [*list.__iter__(made)], list.clear, list.extend),
    dict: Filled(dict, lambda made: _flat(dict.items(made)), dict.clear, _fill_dict),
    set: Filled(set, lambda made: [*set.__iter__(made)], set.clear, set.update),
    bytearray: Filled(
        bytearray,
        lambda made: [bytes(memoryview(made))],
        bytearray.clear,
        lambda made, items: bytearray.extend(made, *only(bytes, *items)),
    ),
    deque: Filled(
        lambda maxlen: deque(maxlen=maxlen),
        lambda made: [*deque.__iter__(made)],
        deque.clear,
        deque.extend,
        lambda made: (made.maxlen,),
    ),
    Counter: Filled(Counter, lambda made: _flat(dict.items(made)), dict.clear, _fill_dict),
    OrderedDict: Filled(
        OrderedDict,
        lambda made: _flat(OrderedDict.items(made)),
        OrderedDict.clear,
        lambda made, items: OrderedDict.update(made, _pairs(items)),
    ),
    defaultdict: Filled(
        _make_defaultdict,
        lambda made: _flat(dict.items(made)),
        dict.clear,
        _fill_dict,
        lambda made: (made.default_factory if made.default_factory in FACTORIES else None,),
    ),
    array: Filled(
        lambda *parts: array(*only(str, *parts)),
        array.tolist,
        lambda made: array.__delitem__(made, slice(None)),
        array.extend,
        lambda made: (made.typecode,),
        is_base=False,
    ),
}
FILLERS = {kind.__name__: filled for kind, filled in FILLED.items()}


def contents(value: Any) -> list[Any] | None:
    """What a value holds that can be changed in place; None when it cannot."""
    if (filled := FILLED.get(type(value))) is not None:
        return filled.items(value)
    return [value.copy()] if _is_array(value) else None


def change(value: Any, items: list[Any]) -> None:
    """Have a value hold other items in place. Raises: any exception when they do not fit it."""
    if _is_array(value):
        if value.shape != items[0].shape:
            raise ValueError("an array of another shape")
        value[...] = items[0]
        return
    mro = type.__dict__["__mro__"].__get__(type(value))
    filled = next(FILLED[base] for base in mro if base in FILLED)
    filled.clear(value)
    filled.fill(value, items)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def type_name(value: object) -> str:
    """The name of a value's type, whatever the type says of itself."""
    return str(type.__dict__["__name__"].__get__(type(value)))[:MAX_NAME_CHARS]
