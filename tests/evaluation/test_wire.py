"""Plain data across the wire: what arrives, what is refused, and what hostile bytes do."""

import array
import builtins
import collections
import datetime
import enum
import math
import pathlib
import struct
import types
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.evaluation._raised import raised_again, raised_parts
from codelm.evaluation._wire import MAX_BYTES, MAX_DEPTH, CannotCross, WireError
from codelm.evaluation._wire_decoder import Decoder
from codelm.evaluation._wire_encoder import Encoder
from codelm.evaluation._wire_types import MAKERS

Point = collections.namedtuple("Point", "x y")


def cross(*values: object) -> list[Any]:
    """The values as they arrive at the other end, in one message."""
    encoder = Encoder()
    for value in values:
        encoder.write(value)
    decoder = Decoder(bytes(encoder.data))
    arrived = [decoder.read() for _ in values]
    decoder.end()
    return arrived


def same(one: Any, other: Any) -> bool:
    """Equal, of one type, all the way down; NaN is NaN, and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return type(one).__name__ == type(other).__name__ == "Point" and same(tuple(one), tuple(other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple | collections.deque):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and sorted(map(repr, one)) == sorted(map(repr, other))
    if isinstance(one, np.ndarray) and one.dtype == object:
        return one.shape == other.shape and same(one.tolist(), other.tolist())
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    return bool(one == other) if isinstance(one, int) else repr(one) == repr(other)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 200), 1 << 200)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.decimals()
    | st.fractions()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.times()
    | st.timedeltas()
)
HASHABLE = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.fractions()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(collections.deque)
        | st.dictionaries(HASHABLE, inner)
        | st.dictionaries(HASHABLE, inner).map(collections.OrderedDict)
        | st.dictionaries(HASHABLE, inner).map(lambda d: collections.defaultdict(list, d))
        | st.sets(HASHABLE)
        | st.frozensets(HASHABLE)
        | st.binary().map(bytearray)
        | st.tuples(inner, inner).map(lambda pair: Point(*pair))
    ),
    max_leaves=40,
)


@given(PLAIN)
def test_plain_data_arrives_as_it_was(value: Any) -> None:
    """Types, order, lone surrogates, NaN bits and signs of zero, at any depth."""
    assert same(cross(value)[0], value)


@given(st.lists(st.integers() | st.just(1 << 63), min_size=16) | st.lists(st.floats(), min_size=16))
def test_long_list_of_numbers_arrives_as_it_was(value: Any) -> None:
    """Packed or not."""
    assert same(cross(value)[0], value)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("dict_keys", (iter([1]),)),
        ("dict_values", (iter([1]),)),
        ("dict_items", (iter([(1, 2)]),)),
        ("numpy", ("<f8", bytes(8), iter([1]))),
        ("numpy", ("|O", (1,), iter([1]))),
    ],
)
def test_maker_runs_no_iterator_of_the_senders(name: str, parts: tuple[Any, ...]) -> None:
    """It may have no end, and each step is a message."""
    with pytest.raises(TypeError):
        MAKERS[name](*parts)


def test_exception_is_made_of_tuples_alone() -> None:
    """As its parts are when an honest end sends them."""
    names = (("builtins", "ValueError"),)
    assert str(raised_again((names, ("x",), "x"), {})) == "x"
    for parts in (iter((names, ("x",), "x")), (iter(names), ("x",), "x"), (names, iter(("x",)), "x")):
        with pytest.raises(WireError):
            raised_again(parts, {})


@pytest.mark.parametrize("value", [np.float16(0.5), np.float32("nan"), np.complex64(1 + 2j), np.int8(-3)])
def test_number_of_numpy_arrives_with_all_bits_that_there_are(value: Any) -> None:
    """Of the same value: with fewer bits it would equal what it rounds to. So do the numbers of an array."""
    for sent in (value, np.array(value), np.array([[value]])):
        [arrived] = cross(sent)
        assert arrived.dtype == {"f": "float64", "c": "complex128", "i": "int64"}[value.dtype.kind]
        assert arrived.shape == sent.shape
        np.testing.assert_equal(complex(arrived.item()), complex(value))


@pytest.mark.parametrize(
    "value",
    [
        10**10_000,
        -(10**10_000),
        range(5, -5, -2),
        slice(1, None, 2),
        ...,
        int,
        ValueError,
        sorted,
        Decimal("NaN123"),
        Decimal("-0E+5"),
        collections.Counter("abca"),
        collections.Counter(a=0, b=-1),
        collections.deque([1, 2, 3], maxlen=2),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 6, datetime.timezone(datetime.timedelta(hours=5)), fold=1),
        np.int64(5),
        np.float64("nan"),
        np.bool_(True),
        np.str_("ab"),
        np.arange(6, dtype="int64").reshape(2, 3),
        np.array(3.5),
        np.zeros((0, 2)),
        np.array(["a", "bc"]),
        {"a": 1}.keys(),
        {"a": 1}.items(),
        *(array.array(code, [0, 1, 100]) for code in "bBhHiIlLqQfd"),
        array.array("u", "a\U0001f600"),
        array.array("d", [-0.0, math.inf, math.nan]),
        collections.UserList([1, [2]]),
        collections.UserDict(a=[1]),
        collections.UserString("a\ud800"),
        collections.ChainMap({"a": 1}, collections.Counter("a"), collections.defaultdict(int, b=2)),
        types.MappingProxyType({"b": 1, "a": [2]}),
        types.MappingProxyType(collections.OrderedDict(b=1)),
        np.array(["a", None, 10**100]),
        pathlib.PurePosixPath("//a/../b"),
        pathlib.PureWindowsPath("c:/A\\b"),
        pathlib.Path("a"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rarer_plain_data_arrives_as_it_was(value: Any) -> None:
    """What tests of benchmarks compare with: collections, numbers without limit of digits, numpy, views."""
    assert same(cross(value)[0], value)


def test_values_view_arrives_in_order() -> None:
    """It equals nothing, but can be read."""
    assert list(cross({"a": 3, "b": 3}.values())[0]) == [3, 3]


def test_named_tuple_keeps_its_names() -> None:
    """Equal to a tuple, its items under their names, and shown as it was."""
    [arrived] = cross(Point(1, [2]))
    assert (arrived, arrived.x, arrived.y, arrived._fields) == ((1, [2]), 1, [2], ("x", "y"))
    assert (repr(arrived), arrived._asdict()) == ("Point(x=1, y=[2])", {"x": 1, "y": [2]})


def test_one_object_arrives_as_one_object() -> None:
    """Met twice, in itself, or in another value of the message."""
    inner: list[Any] = [1]
    loop: list[Any] = [inner]
    loop.append(loop)
    first, second = cross([inner, inner, (inner,)], loop)
    assert first[0] is first[1] is first[2][0] is second[0]
    assert second[1] is second


def test_shared_containers_take_no_more_room_than_they_have() -> None:
    """A hundred levels, each twice the one below: few bytes."""
    value: tuple[Any, ...] = ()
    for _ in range(100):
        value = (value, value)
    encoder = Encoder()
    encoder.write(value)
    assert len(encoder.data) < 2000


def test_which_nan_it_is_arrives() -> None:
    """Lists look at identity before equality, so a NaN that comes back must be the one that went."""
    nan = float("nan")
    encoder = Encoder()
    encoder.write([nan, math.nan])
    received = Decoder(bytes(encoder.data)).read()
    assert [value is math.nan for value in received] == [False, True]  # noqa: PLW0177 - which it is
    back = Encoder(known=[received, received[0]])
    back.write(received[0])
    assert Decoder(bytes(back.data), known=[None, nan]).read() is nan


class Liar:
    """Methods that lie, for a subclass of anything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 7

    def __iter__(self) -> Any:
        return iter([7] * 7)

    def __getitem__(self, key: object) -> int:
        return 7

    def __index__(self) -> int:
        return 7

    __int__ = __index__

    def __float__(self) -> float:
        return 7.0

    def __str__(self) -> str:
        return "7"

    __repr__ = __str__

    def __bytes__(self) -> bytes:
        return b"7"

    def items(self) -> Any:
        return [(7, 7)]

    @property
    def __class__(self) -> type:
        return int

    @__class__.setter
    def __class__(self, value: type) -> None: ...


BASES: list[tuple[type, Any]] = [
    (int, 3),
    (float, 3.5),
    (complex, 1j),
    (str, "abc"),
    (bytes, b"abc"),
    (list, [1, 2]),
    (tuple, (1, 2)),
    (set, {1, 2}),
    (frozenset, frozenset({1, 2})),
    (dict, {1: 2}),
    (bytearray, bytearray(b"abc")),
    (collections.deque, collections.deque([1])),
    (collections.Counter, collections.Counter("a")),
    (collections.OrderedDict, collections.OrderedDict(a=1)),
]


@pytest.mark.parametrize(("base", "value"), BASES, ids=lambda pair: getattr(pair, "__name__", ""))
def test_subclass_arrives_as_its_base_sees_it(base: type, value: Any) -> None:
    """No method of the subclass has a say, and the exact base arrives."""
    lying = type("Lying", (Liar, base), {})(value)
    assert same(cross(lying)[0], value)
    assert same(cross([{1: (lying,)}])[0][0][1][0], value)


class Colour(enum.IntEnum):
    """A subclass of int that is honest."""

    RED = 3


def test_honest_subclasses_arrive_as_their_values() -> None:
    """Equal to what the tests compare them with."""
    assert same(cross([Colour.RED])[0], [3])


def _around(kind: type, held: object) -> object:
    made = kind.__new__(kind)
    made.data = held
    return made


RARER: list[tuple[Any, tuple[Any, ...]]] = [
    (collections.UserList, ([1],)),
    (collections.UserDict, ({1: 2},)),
    (collections.UserString, ("abc",)),
    (collections.ChainMap, ({1: 2},)),
    (array.array, ("i", [1, 2])),
    (pathlib.PurePosixPath, ("a",)),
    (pathlib.PureWindowsPath, ("a",)),
    (type(pathlib.Path()), ("a",)),
]


@pytest.mark.parametrize(("kind", "given"), RARER, ids=lambda value: getattr(value, "__name__", ""))
def test_subclass_of_a_rarer_type_does_not_cross(kind: Any, given: Any) -> None:
    """The type itself does, of plain data."""
    assert same(cross(kind(*given))[0], kind(*given))
    for bases in ((kind,), (Liar, kind)):
        own = type("Own", bases, {})
        with pytest.raises(CannotCross, match="a value of type Own is no plain data"):
            cross(own(*given))


def test_texts_and_lists_inside_rarer_types_arrive_as_their_base_sees_them() -> None:
    """A path's text, and what a wrapper holds further in."""
    text, numbers = type("Text", (Liar, str), {})("abc"), type("Numbers", (Liar, list), {})([1])
    path = pathlib.PurePosixPath("x")
    path._str = text  # type: ignore[attr-defined]
    values = [
        path,
        collections.UserList([text]),
        collections.ChainMap({"k": numbers}),
        np.array([text, None]),
    ]
    assert same(
        cross(values)[0],
        [
            pathlib.PurePosixPath("abc"),
            collections.UserList(["abc"]),
            collections.ChainMap({"k": [1]}),
            np.array(["abc", None]),
        ],
    )
    assert type(cross(values)[0][3][0]) is str


class Anything(Liar):
    """The object that equals everything."""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Anything(), "a value of type Anything is no plain data"),
        (object(), "a value of type object is no plain data"),
        (lambda: 0, "a value of type function is no plain data"),
        (iter([]), "a value of type list_iterator is no plain data"),
        (NotImplemented, "a value of type NotImplementedType is no plain data"),
        (memoryview(b""), "a value of type memoryview is no plain data"),
        (np.array([object()]), "a value of type object is no plain data"),
        (np.array([1, None]).view(np.recarray), "a value of type recarray is no plain data"),
        (collections.UserList([object()]), "a value of type object is no plain data"),
        (collections.ChainMap(collections.UserDict()), "type ChainMap is no plain data: around a UserDict"),
        (types.MappingProxyType(collections.UserDict()), "type mappingproxy is no plain data: around a"),
        (_around(collections.UserList, ()), "type UserList is no plain data: not all parts are list"),
        (_around(collections.UserString, 3), "type UserString is no plain data: not all parts are str"),
        (_around(collections.UserDict, collections.Counter()), "type UserDict is no plain data: not all"),
        (np.datetime64("2020-01-01"), "a value of type datetime64 is no plain data"),
        (open, "a value of type builtin_function_or_method is no plain data"),
        (eval, "a value of type builtin_function_or_method is no plain data"),
        (bytes(MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
        ([bytes(1 << 20)] * 17, None),
        ([bytes([i]) * (1 << 20) for i in range(17)], f"larger than {MAX_BYTES} bytes"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_no_plain_data_is_refused_by_name(value: Any, words: str | None) -> None:
    """Alone and inside others."""
    for whole in (value, [value], {"k": (value,)}):
        with pytest.raises(CannotCross, match=words or "larger"):
            cross(whole)


def test_depth_has_a_limit() -> None:
    """As deep as it may be, and one level more."""
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert cross(value) == [value]
    with pytest.raises(CannotCross, match="nested deeper than 150 levels"):
        cross([value])


class LaxEncoder(Encoder):
    """A sender that does not mind the rules."""

    def raw(self, data: bytes) -> "LaxEncoder":
        self.data += data
        return self

    def made(self, name: str, *parts: object) -> "LaxEncoder":
        self._write_made(name, object(), parts)
        return self


def _made(name: str, *parts: object) -> bytes:
    return bytes(LaxEncoder().made(name, *parts).data)


def _head(tag: bytes, number: int) -> bytes:
    return tag + number.to_bytes(4, "little")


def _array(code: object, *items: object) -> bytes:
    encoder = Encoder()
    encoder.write_items((code,))
    encoder.write_items(items)
    return _head(b"+", 5) + b"array" + encoder.data


HOSTILE = {
    "nothing": b"",
    "no such kind": b"\xff",
    "cut number": b"i\0",
    "count beyond the end": _head(b"[", 0xFFFFFFFF),
    "length beyond the end": _head(b"s", 0xFFFFFFFF) + b"x",
    "not UTF-8": _head(b"s", 1) + b"\xff",
    "reference to nothing": _head(b"@", 0),
    "tuple that holds itself": _head(b"(", 1) + _head(b"@", 0),
    "made of itself": _head(b"o", 7) + b"complex" + _head(b"", 1) + _head(b"@", 0),
    "unhashable in a set": _head(b"z", 1) + _head(b"[", 0),
    "unhashable key": _head(b"+", 4) + b"dict" + _head(b"", 0) + _head(b"", 2) + _head(b"[", 0) + b"N",
    "key without value": _head(b"+", 4) + b"dict" + _head(b"", 0) + _head(b"", 1) + b"N",
    "no such maker": _made("eval", "1"),
    "no such builtin": _made("builtin", "eval"),
    "builtin of no name": _made("builtin", []),
    "packed of odd length": _head(b"q", 9) + bytes(9),
    "deeper than allowed": _head(b"[", 1) * 100_000 + b"N",
    "deeper than the stack": (_head(b"o", 5) + b"slice" + _head(b"", 3) + b"NN") * 50_000,
    "handle where none is": b"h" + _head(b"", 2) + _head(b"s", 8) + b"callable" + b"i" + bytes(8),
    "decimal of no digits": _made("Decimal", "x"),
    "signalling key": _head(b"z", 1) + _made("Decimal", "sNaN"),
    "fraction that is a text": _made("Fraction", "1e999999999", 1),
    "fraction too large": _made("Fraction", 1 << 40_000, 3),
    "fraction by zero": _made("Fraction", 1, 0),
    "date of no month": _made("date", 2020, 13, 1),
    "date of floats": _made("date", 2020.0, 1, 1),
    "zone of no time": _made("datetime", 1, 1, 1, 1, 1, 1, 1, 0, "x"),
    "array of objects": _made("numpy", "|O8", bytes(8), (1,)),
    "array of nothing": _made("numpy", "<U0", b"", (1 << 40,)),
    "array with fields": _made("numpy", "i4,O", bytes(12), None),
    "array larger than its bytes": _made("numpy", "<i8", bytes(8), (2,)),
    "array smaller than its bytes": _made("numpy", "<i8", bytes(16), (1,)),
    "array of no shape": _made("numpy", "<i8", bytes(8), (-1,)),
    "array of no objects": _made("numpy", "|O", bytes(8), (1,)),
    "array of more objects": _made("numpy", "|O", (1,), (2,)),
    "array of objects of no shape": _made("numpy", "|O", (1,), None),
    "array of objects of negative shape": _made("numpy", "|O", (1,), (-1, -1)),
    "array of too many objects": _made("numpy", "|O", (1,), (1 << 62, 1 << 62)),
    "array that holds itself": _head(b"o", 5)
    + b"numpy"
    + _head(b"", 3)
    + _head(b"s", 2)
    + b"|O"
    + _head(b"(", 1)
    + _head(b"@", 0)
    + _head(b"(", 1)
    + b"i"
    + (1).to_bytes(8, "little"),
    "wrapped subclass": _made("UserList", collections.deque()),
    "wrapped nothing": _made("UserList"),
    "wrapped twice": _made("UserString", "a", "b"),
    "wrapped number": _made("UserString", 3),
    "wrapped list": _made("UserDict", []),
    "maps that are none": _made("ChainMap", [[]]),
    "maps in a tuple": _made("ChainMap", ({},)),
    "chained chain": _made("ChainMap", [collections.ChainMap()]),
    "proxy of a list": _made("mappingproxy", [1]),
    "proxy of a chain": _made("mappingproxy", collections.ChainMap()),
    "path of a number": _made("path", "PurePosixPath", 3),
    "path of two": _made("path", "PurePosixPath", "a", "b"),
    "path of another kind": _made("path", "os", "a"),
    "path that is a module's": _made("path", "PurePath.cwd", "a"),
    "numbers of no code": _array("x"),
    "numbers of two codes": _array("ii"),
    "numbers of a number": _array(3),
    "numbers of no type": _head(b"+", 5) + b"array" + _head(b"", 0) + _head(b"", 0),
    "numbers too large": _array("b", 300),
    "numbers that are texts": _array("i", "a"),
    "texts that are numbers": _array("u", 3),
    "text of several": _array("u", "ab"),
    "named __eq__": _made("named", "P", ("__eq__",), (len,)),
    "named twice": _made("named", "P", ("a", "a"), (1, 2)),
    "named by no name": _made("named", "P", ("a b",), (1,)),
    "named by a list": _made("named", "P", ["a"], (1,)),
    "named more than it has": _made("named", "P", ("a",), ()),
    "factory that acts": _head(b"+", 11)
    + b"defaultdict"
    + _head(b"", 1)
    + _made("builtin", "len")
    + _head(b"", 0),
    "deque of no length": _head(b"+", 5) + b"deque" + _head(b"", 1) + b"i" + b"\xff" * 8 + _head(b"", 0),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    """By the one exception that the reader of a message expects."""
    with pytest.raises(WireError):
        Decoder(data).read()
    with pytest.raises(WireError):
        Decoder(_head(b"", 1) + data).read_items()


@given(st.binary(max_size=300))
def test_any_bytes_give_plain_data_or_are_refused(data: bytes) -> None:
    """Nothing else comes of them."""
    _read_all(data)


@given(PLAIN, st.data())
def test_bent_messages_give_plain_data_or_are_refused(value: Any, data: st.DataObject) -> None:
    """Genuine messages with some bytes changed reach deeper than random ones."""
    encoder = Encoder()
    encoder.write(value)
    bent = bytearray(encoder.data)
    for _ in range(data.draw(st.integers(1, 4))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    _read_all(bytes(bent))


def _read_all(data: bytes) -> None:
    try:
        value = Decoder(data).read()
    except WireError:
        return
    Encoder().write(value)  # only plain data can be sent on


def test_trailing_bytes_are_refused() -> None:
    """A message is all of its values and nothing else."""
    decoder = Decoder(b"NN")
    decoder.read()
    with pytest.raises(WireError, match="something follows"):
        decoder.end()


class OwnError(ValueError):
    """Not known at the other end."""


def again(error: BaseException, known: dict[str, object] | None = None) -> BaseException:
    """The exception as it is raised at the other end."""
    return raised_again(cross(raised_parts(error))[0], known or {})


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no", 3),
        KeyError("k"),
        AssertionError(),
        SystemExit(3),
        StopIteration([1]),
        KeyboardInterrupt(),
        GeneratorExit(),
        OSError(2, "gone"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        ZeroDivisionError("division by zero"),
    ],
    ids=repr,
)
def test_builtin_exception_is_raised_as_what_it_is(error: BaseException) -> None:
    """The same type, arguments and text."""
    arrived = again(error)
    assert (type(arrived), arrived.args, str(arrived)) == (type(error), error.args, str(error))


def test_exception_of_an_unknown_type_is_raised_below_its_nearest_known_base() -> None:
    """By its name, with its text."""
    error = type("OwnError", (ValueError,), {"__str__": lambda _: "own", "__module__": "builtins"})([1])
    arrived = again(error)
    assert isinstance(arrived, ValueError)
    assert (type(arrived).__name__, str(arrived), arrived.args) == ("OwnError", "own", ([1],))
    assert type(again(OwnError("x"), {"OwnError": OwnError})) is OwnError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ExceptionGroup("g", [ValueError("x")]), "g (1 sub-exception)"),
        (BaseExceptionGroup("g", [KeyboardInterrupt()]), "g (1 sub-exception)"),
        (type("Mute", (Exception,), {"__str__": lambda _: 1 / 0})(), ""),
        (ValueError(object), "<class 'object'>"),
        (OSError(2, "gone", "file"), "[Errno 2] gone: 'file'"),
        (type("a b", (KeyError,), {})(3), "3"),
    ],
)
def test_exception_that_cannot_be_made_again_keeps_its_name_and_text(error: Any, text: str) -> None:
    """Whatever its arguments are."""
    arrived = again(error)
    assert (type(arrived).__name__, str(arrived)) == (type(error).__name__, text)
    assert isinstance(arrived, Exception) == isinstance(error, Exception)


@pytest.mark.parametrize(
    "parts",
    [
        None,
        (),
        ((), (), ""),
        ((("builtins", "eval"),), (), ""),
        ((("builtins", "ValueError"),), 3, ""),
        (((3, "ValueError"),), (), ""),
        ((("os", "system"),), ("true",), ""),
        ((("builtins", "object"),), (), ""),
        ("ValueError", (), ""),
    ],
)
def test_hostile_exception_is_refused(parts: Any) -> None:
    """It must name a type of exception, and have arguments."""
    with pytest.raises(WireError):
        raised_again(parts, {})


def test_only_harmless_builtins_cross_by_name() -> None:
    """None that runs code, reads, writes or imports."""
    harmful = "eval exec compile open input breakpoint __import__ globals locals vars setattr getattr print"
    for name in harmful.split():
        with pytest.raises(CannotCross):
            cross(getattr(builtins, name))
