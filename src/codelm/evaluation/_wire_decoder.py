"""Reading plain data from bytes, whoever wrote them; see `_wire.py`."""

import struct
from collections.abc import Callable, Iterable
from typing import Any

from codelm.evaluation._wire import MAX_DEPTH, Handles, WireError
from codelm.evaluation._wire_types import FILLERS, MAKERS

_PENDING = object()  # stands for an immutable container that is not complete yet


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
