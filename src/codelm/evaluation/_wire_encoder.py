"""Writing plain data as bytes; see `_wire.py`."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from operator import ne
from typing import Any

from codelm.evaluation._wire import MAX_BYTES, MAX_DEPTH, CannotCross, Handles
from codelm.evaluation._wire_types import (
    BUILTIN_NAMES,
    FILLED,
    MADE,
    named_parts,
    numpy_parts,
    path_parts,
    type_name,
)

PACKED = 16  # from this length on, a list of numbers is packed
_HEAD = struct.Struct("<cI")
_INT = struct.Struct("<cq")
_FLOAT = struct.Struct("<cd")
_COUNT = struct.Struct("<I")
_BITS_64 = 1 << 63


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
            self._write_lent(value, f": {error}")
        else:
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
        elif (parts := path_parts(value)) is not None:
            self._write_made("path", value, parts)
        elif tuple in mro and (parts := named_parts(value)) is not None:
            self._write_made("named", value, parts)
        elif (base := next((base for base in mro if base in _EXACT), None)) is not None:
            _WRITERS[base](self, _EXACT[base](value))
        elif (base := next((base for base in mro if base in _BASES), None)) is not None:
            self._write_filled(base, value)
        else:
            self._write_lent(value)

    def _write_lent(self, value: object, why: str = "") -> None:
        handle = None if self._handles is None else self._handles.lend(value)
        if handle is None:
            raise CannotCross(f"a value of type {type_name(value)} is no plain data{why}")
        self.data += b"h"
        self.write_items(handle)


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
_BASES = {kind for kind, filled in FILLED.items() if filled.is_base}
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
