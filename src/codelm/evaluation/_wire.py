"""Plain data as bytes: what may cross between the box of a candidate and that of its tests.

Only values that carry no code cross (`_wire_types.py` lists them). A value of a subclass crosses as its
built-in base sees it; anything else is refused by name. Bytes from a hostile sender become only those exact
types, none of the sender's code runs, and nothing but `WireError` is raised. Never pickle, never eval.

Containers are numbered as they come, alike at both ends, so that one that is met again is a reference: what
was one object arrives as one object, and an argument that comes back is the caller's own.

    value    one byte that says of which kind, then what that kind needs: a number in eight bytes, a length in
             four and so many bytes, a count in four and so many values
    items    a count in four bytes, and so many values

Stands alone but for the standard library: its text also runs inside the boxes.
"""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from operator import ne
from typing import Any, Protocol

from codelm.evaluation._wire_types import (
    BUILTIN_NAMES,
    FILLED,
    FILLERS,
    MADE,
    MAKERS,
    named_parts,
    numpy_parts,
    type_name,
)

MAX_BYTES = (16 << 20) - (64 << 10)  # of one message; a session's call holds a little more
MAX_DEPTH = 150  # containers within containers; each takes a few of the 1,000 frames that Python allows
PACKED = 16  # from this length on, a list of numbers is packed

_HEAD = struct.Struct("<cI")
_INT = struct.Struct("<cq")
_FLOAT = struct.Struct("<cd")
_COUNT = struct.Struct("<I")
_BITS_64 = 1 << 63
_PENDING = object()  # stands for an immutable container that is not complete yet


class WireError(Exception):
    """The bytes are not what an honest sender writes."""


class CannotCross(Exception):  # noqa: N818 - a fact about a value; it stands in verdicts by this name
    """A value is no plain data, or there is too much of it."""


class Handles(Protocol):
    """What stays where it is, while a number for it crosses: callables and iterators, and other objects."""

    def export(self, value: object) -> tuple[object, ...] | None:
        """What crosses for a callable or an iterator; None for anything else."""

    def lend(self, value: object) -> tuple[object, ...] | None:
        """What crosses for an object that is neither that nor plain data; None where it is refused."""

    def imported(self, *parts: object) -> object:
        """What stands for what is at the other end. Raises: any exception for what was never given."""


class Encoder:
    """Writes the values of one message.

    known: objects that the other end has already, in the order of their numbers. `objects` goes on with what
    is written. `data` is the message.
    """

    def __init__(self, *, known: Iterable[object] = (), handles: Handles | None = None) -> None:
        self.data = bytearray()
        self.objects = list(known)  # held, so that no two have one id
        self._numbers = {id(value): number for number, value in enumerate(self.objects)}
        self._handles = handles
        self._depth = 0

    def write(self, value: object) -> None:
        """Append one value. Raises: CannotCross."""
        writer = _WRITERS.get(type(value))
        if writer is not None:
            writer(self, value)
        else:
            self._write_other(value)

    def write_items(self, items: Sequence[object]) -> None:
        """Append a count and that many values."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CannotCross(f"nested deeper than {MAX_DEPTH} levels")
        self.data += _COUNT.pack(len(items))
        for item in items:
            self.write(item)
        if len(self.data) > MAX_BYTES:
            raise CannotCross(f"larger than {MAX_BYTES} bytes")
        self._depth -= 1

    def _is_known(self, value: object) -> bool:
        """Write a reference when the value has a number; else give it the next."""
        number = self._numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
            return False
        self.data += _HEAD.pack(b"@", number)
        return True

    def _write_int(self, value: int) -> None:
        if -_BITS_64 <= value < _BITS_64:
            self.data += _INT.pack(b"i", value)
        else:
            self._write_bytes(value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True), b"I")

    def _write_float(self, value: float) -> None:
        if not math.isnan(value):
            self.data += _FLOAT.pack(b"f", value)
        elif value is math.nan:  # noqa: PLW0177 - which NaN it is shows: lists look at identity first
            self._write_made("math.nan", value, ())
        else:
            self._write_made("nan", value, (struct.pack("<d", value),))

    def _write_str(self, value: str) -> None:
        self._write_bytes(value.encode("utf-8", "surrogatepass"), b"s")

    def _write_bytes(self, value: bytes, tag: bytes = b"b") -> None:
        if len(value) > MAX_BYTES:
            raise CannotCross(f"larger than {MAX_BYTES} bytes")
        self.data += _HEAD.pack(tag, len(value))
        self.data += value

    def _write_tuple(self, value: tuple[object, ...]) -> None:
        if not self._is_known(value):
            self.data += b"("
            self.write_items((*tuple.__iter__(value),))

    def _write_frozenset(self, value: frozenset[object]) -> None:
        if not self._is_known(value):
            self.data += b"z"
            self.write_items((*frozenset.__iter__(value),))

    def _write_list(self, value: list[Any]) -> None:
        if not self._is_known(value):
            items = [*list.__iter__(value)]
            packed = _pack(items) if len(items) >= PACKED else None
            if packed is not None:
                self._write_bytes(packed[1], packed[0])
            else:
                self.data += b"["
                self.write_items(items)

    def _write_filled(self, kind: type, value: object) -> None:
        if not self._is_known(value):
            filled = FILLED[kind]
            self._write_bytes(kind.__name__.encode(), b"+")
            self.write_items(filled.parts(value))
            self.write_items(filled.items(value))

    def _write_made(self, name: str, value: object, parts: Sequence[object]) -> None:
        if not self._is_known(value):
            self._write_bytes(name.encode(), b"o")
            self.write_items(parts)

    def _write_parts(self, kind: type, value: object) -> None:
        try:
            parts = MADE[kind].parts(value)
        except TypeError as error:
            raise CannotCross(f"a value of type {kind.__name__} is no plain data: {error}") from None
        self._write_made(kind.__name__, value, parts)

    def _write_other(self, value: Any) -> None:
        """What its exact type does not tell. By the methods of built-in types, never those of a subclass."""
        mro = type.__dict__["__mro__"].__get__(type(value))
        if id(value) in BUILTIN_NAMES:
            self._write_made("builtin", value, (BUILTIN_NAMES[id(value)],))
        elif self._handles is not None and (handle := self._handles.export(value)) is not None:
            self.data += b"h"
            self.write_items(handle)
        elif (parts := numpy_parts(value)) is not None:
            self._write_made("numpy", value, parts)
        elif tuple in mro and (parts := named_parts(value)) is not None:
            self._write_made("named", value, parts)
        elif (base := next((base for base in mro if base in _EXACT), None)) is not None:
            _WRITERS[base](self, _EXACT[base](value))
        elif (base := next((base for base in mro if base in FILLED), None)) is not None:
            self._write_filled(base, value)
        elif self._handles is not None and (handle := self._handles.lend(value)) is not None:
            self.data += b"h"
            self.write_items(handle)
        else:
            raise CannotCross(f"a value of type {type_name(value)} is no plain data")


def _pack(items: list[Any]) -> tuple[bytes, bytes] | None:
    """A list of nothing but integers of 64 bits, or nothing but floats, as tag and bytes; else None."""
    kinds = set(map(type, items))
    code = {int: "q", float: "d"}.get(kinds.pop()) if len(kinds) == 1 else None
    if code is None or (code == "d" and any(map(ne, items, items))):
        return None
    try:
        return code.encode(), struct.pack(f"<{len(items)}{code}", *items)
    except struct.error:
        return None


class Decoder:
    """Reads the values of one message, whoever wrote it. Its methods raise WireError and nothing else.

    known: the objects that the sender's encoder knew. `objects` goes on with what is read.
    """

    def __init__(
        self, data: bytes, start: int = 0, *, known: Iterable[object] = (), handles: Handles | None = None
    ) -> None:
        self.objects = list(known)
        self._data, self._at = data, start
        self._handles = handles
        self._depth = 0

    def read(self) -> Any:
        """The next value."""
        return self._guarded(self._read)

    def read_items(self) -> list[Any]:
        """The next count, and that many values."""
        items: list[Any] = self._guarded(self._read_items)
        return items

    def end(self) -> None:
        """Check that nothing follows."""
        if self._at != len(self._data):
            raise WireError("something follows the last value")

    def _guarded(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except WireError:
            raise
        except Exception as error:  # whatever a maker says of parts that do not fit
            raise WireError(f"{type(error).__name__}: {error}"[:500]) from None

    def _read(self) -> Any:
        try:
            reader = _READERS[self._data[self._at]]
        except (IndexError, KeyError):
            raise WireError("a value that ends too early, or is of no known kind") from None
        self._at += 1
        return reader(self)

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise WireError("a value that ends too early")
        self._at += size
        return taken

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _read_items(self) -> list[Any]:
        count = self._number()
        if count > len(self._data) - self._at:
            raise WireError("a value that ends too early")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH} levels")
        items = [self._read() for _ in range(count)]
        self._depth -= 1
        return items

    def _read_int(self) -> int:
        return int.from_bytes(self._take(8), "little", signed=True)

    def _read_long(self) -> int:
        return int.from_bytes(self._read_bytes(), "little", signed=True)

    def _read_float(self) -> float:
        return float(struct.unpack("<d", self._take(8))[0])

    def _read_bytes(self) -> bytes:
        return self._take(self._number())

    def _read_str(self) -> str:
        return str(self._read_bytes(), "utf-8", "surrogatepass")

    def _read_known(self) -> Any:
        number = self._number()
        if number >= len(self.objects) or self.objects[number] is _PENDING:
            raise WireError("a reference to what is not there yet")
        return self.objects[number]

    def _read_packed(self, code: str) -> list[Any]:
        data = self._read_bytes()
        self.objects.append(made := list(struct.unpack(f"<{len(data) // 8}{code}", data)))
        return made

    def _read_list(self) -> list[Any]:
        self.objects.append(made := [])
        made += self._read_items()
        return made

    def _read_filled(self) -> Any:
        filled = FILLERS[self._read_str()]
        number = len(self.objects)
        self.objects.append(_PENDING)
        self.objects[number] = made = filled.make(*self._read_items())
        filled.fill(made, self._read_items())
        return made

    def _read_at_once(self, make: Callable[..., Any]) -> Any:
        """What cannot be filled later: it has its number before its parts have theirs, but is made last."""
        number = len(self.objects)
        self.objects.append(_PENDING)
        self.objects[number] = made = make(self._read_items())
        return made

    def _read_made(self) -> Any:
        make = MAKERS[self._read_str()]
        return self._read_at_once(lambda parts: make(*parts))

    def _read_handle(self) -> Any:
        if self._handles is None:
            raise WireError("a number for something at the other end, where none is allowed")
        return self._handles.imported(*self._read_items())


def _writers(write: Callable[[Encoder, type, Any], None], kinds: Iterable[type]) -> dict[type, Any]:
    return {kind: lambda encoder, value, kind=kind: write(encoder, kind, value) for kind in kinds}


_WRITERS: dict[type, Callable[[Encoder, Any], None]] = {
    **_writers(Encoder._write_parts, MADE),
    **_writers(Encoder._write_filled, FILLED),
    type(None): lambda encoder, _: encoder.data.extend(b"N"),
    bool: lambda encoder, value: encoder.data.extend(b"T" if value else b"F"),
    int: Encoder._write_int,
    float: Encoder._write_float,
    str: Encoder._write_str,
    bytes: Encoder._write_bytes,
    tuple: Encoder._write_tuple,
    frozenset: Encoder._write_frozenset,
    list: Encoder._write_list,
}
# Values of subclasses of these, as the base sees them.
_EXACT: dict[type, Callable[[Any], object]] = {
    int: int.__index__,
    float: float.__float__,
    complex: complex.__complex__,
    str: str.__str__,
    bytes: lambda value: bytes(memoryview(value)),
    tuple: lambda value: (*tuple.__iter__(value),),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}
_READERS: dict[int, Callable[[Decoder], Any]] = {
    tag[0]: reader
    for tag, reader in {
        b"N": lambda _: None,
        b"T": lambda _: True,
        b"F": lambda _: False,
        b"i": Decoder._read_int,
        b"I": Decoder._read_long,
        b"f": Decoder._read_float,
        b"s": Decoder._read_str,
        b"b": Decoder._read_bytes,
        b"(": lambda decoder: decoder._read_at_once(tuple),
        b"z": lambda decoder: decoder._read_at_once(frozenset),
        b"[": Decoder._read_list,
        b"q": lambda decoder: decoder._read_packed("q"),
        b"d": lambda decoder: decoder._read_packed("d"),
        b"+": Decoder._read_filled,
        b"o": Decoder._read_made,
        b"@": Decoder._read_known,
        b"h": Decoder._read_handle,
    }.items()
}
