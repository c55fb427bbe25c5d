"""One end of a conversation about calls: it calls what the other end has, and answers for what is here.

    C NAME-OR-NUMBER ARGUMENTS KEYWORDS    call it; before that is answered, the sender may be called
    N NUMBER                               the next value of an iterator
    R CHANGES VALUE                        what it returned
    X CHANGES EXCEPTION                    what it raised
    U TEXT                                 what it was called with, or returned, cannot cross, and why

CHANGES are the new contents of those arguments that a call changed: they change in place where the call was
made. Identity holds within a call: an argument that comes back is the caller's own object.

What is neither plain data nor a callable or an iterator stays where it is. The candidate's end lends such
objects: the tests see whether they are true, and their attributes, and call and iterate those that can be,
but nothing of them decides what they are equal to, how long they are or what they hold. The tests' end lends
nothing but what can be called, for that alone: from an object, Python's attributes lead to everything.

Stands alone but for the standard library and the wire: its text also runs inside the boxes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress, product
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple, cast

from codelm.evaluation._raised import raised_again, raised_parts
from codelm.evaluation._wire import CannotCross, WireError
from codelm.evaluation._wire_decoder import Decoder
from codelm.evaluation._wire_encoder import Encoder
from codelm.evaluation._wire_types import MAX_NAME_CHARS, change, contents, only, type_name

CALL, NEXT = b"C", b"N"
CALLS = (CALL, NEXT)
RETURNED, RAISED, REFUSED = b"R", b"X", b"U"
MAX_HANDLES = 10_000  # callables, iterators and objects that one end holds for the other
MAX_REFUSAL_BYTES = 1000
# Names of getattr, setattr and iter, which no program can define.
GET, SET, ITERATE = ".get", ".set", ".iter"
_ON_OBJECTS: dict[str, Callable[..., Any]] = {GET: getattr, SET: setattr, ITERATE: iter}
_CALLABLES = (FunctionType, BuiltinFunctionType, MethodType, partial, type)


class _Call(NamedTuple):
    """A call that the other end asks for."""

    target: int | str
    function: Callable[..., Any]
    arguments: list[Any]
    keywords: dict[str, Any]
    received: list[object]  # every numbered object among its arguments
    message: bytes


class _Iterator:
    """Stands for an iterator at the other end."""

    def __init__(self, step: Callable[[], object]) -> None:
        self._step = step

    def __iter__(self) -> "_Iterator":
        return self

    def __next__(self) -> object:
        return self._step()

    def end(self) -> None:
        """Have no more values."""
        self._step = iter(()).__next__


class Foreign:
    """Stands for an object of a type of the candidate's own. Equal to nothing but itself."""

    __slots__ = ("_is_true", "_number", "_peer", "_type")

    def __init__(self, peer: "Peer", number: int, type_name: str, is_true: bool) -> None:
        for name, value in zip(Foreign.__slots__, (is_true, number, peer, type_name), strict=True):
            object.__setattr__(self, name, value)

    def __bool__(self) -> bool:
        is_true: bool = self._is_true
        return is_true

    def __repr__(self) -> str:
        return f"<an object of the candidate's type {self._type}>"

    def __getattr__(self, name: str) -> Any:
        # A special one could be a protocol's, numpy's for raw memory for one.
        if name.startswith("__"):
            raise AttributeError(f"{name!r} of {self!r} stays in its box")
        return self._peer.call(GET, self, name)

    def __setattr__(self, name: str, value: object) -> None:
        self._peer.call(SET, self, name, value)


class _Callable(Foreign):
    __slots__ = ()

    def __call__(self, /, *arguments: object, **keywords: object) -> Any:
        return self._peer.call(self._number, *arguments, **keywords)


class _Iterable(Foreign):
    __slots__ = ()

    def __iter__(self) -> Any:
        return self._peer.call(ITERATE, self)


class _Stepping(Foreign):
    __slots__ = ()

    def __next__(self) -> Any:
        return self._peer.next_of(self._number)


# By what it can do: each shows that as the type of the candidate's object does.
_FOREIGN: dict[tuple[bool, ...], type[Foreign]] = {
    can: type("Foreign", (*compress((_Callable, _Iterable, _Stepping), can), Foreign), {"__slots__": ()})
    for can in product((False, True), repeat=3)
}
_STAND_INS = (FunctionType, _Iterator, *_FOREIGN.values())


class Peer:
    """One end.

    exchange: sends a message and waits for the other end's next. names: what the other end may call by name.
    exceptions: where types of exceptions are looked up that are neither built in nor in a loaded module.
    lends: whether it lends objects.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes],
        *,
        names: Mapping[str, Any] | None = None,
        exceptions: Mapping[str, Any] | None = None,
        lends: bool = False,
    ) -> None:
        self.malformed: WireError | None = None  # what the other end said that no honest one says
        self.last_raised: BaseException | None = None  # here, for the other end
        self.last_foreign: str | None = None  # the type of an object that the other end lent
        self.has_changed = False  # whether a call changed what it was called with here
        self._exchange = exchange
        self._names = {} if names is None else names
        self._exceptions = {} if exceptions is None else exceptions
        self._lends = lends
        self._held: dict[int, Any] = {}  # what the other end knows by number
        self._numbers = -1  # the last of them
        self._given = 0  # what the other end holds for this one
        self._stand_ins: dict[object, int | str] = {}  # for what is at the other end

    def answer(self, message: bytes) -> bytes:
        """Do what the other end asks for; the message that says what came of it."""
        try:
            call = self._read_next(message) if message[:1] == NEXT else self._read_call(message)
        except WireError as error:
            self.malformed = error
            return _refusal(error)
        kind = RETURNED
        try:
            value = call.function(*call.arguments, **call.keywords)
        except BaseException as error:
            kind, value = RAISED, raised_parts(error)
            if self._lends and isinstance(error, StopIteration) and message[:1] == NEXT:
                self._let_go(call.target)
        try:
            encoder = Encoder(known=call.received, handles=self)
            self._write_changes(encoder, call)
            encoder.write(value)
        except CannotCross as error:
            return _refusal(error)
        return kind + encoder.data

    def stand_in(self, target: int | str) -> Callable[..., Any]:
        """A function that calls what the other end has under this name or number."""

        def stand_in(*arguments: object, **keywords: object) -> Any:
            return self.call(target, *arguments, **keywords)

        stand_in.__name__ = stand_in.__qualname__ = str(target)
        self._stand_ins[stand_in] = target
        return stand_in

    def call(self, target: int | str, /, *arguments: object, **keywords: object) -> Any:
        """Call what the other end has under this name or number."""
        encoder = Encoder(handles=self)
        _write_call(encoder, target, arguments, keywords)
        return self._ask(CALL, encoder)

    def next_of(self, number: int) -> Any:
        """The next value of an iterator that the other end has under this number."""
        encoder = Encoder()
        encoder.write(number)
        return self._ask(NEXT, encoder)

    def export(self, value: object) -> tuple[object, ...] | None:
        """See `Handles`."""
        if type(value) in _STAND_INS and value in self._stand_ins:
            return "yours", self._stand_ins[value]
        if self._is_iterator(value):
            return "iterator", self._hold(value)
        return ("callable", self._hold(value)) if isinstance(value, _CALLABLES) else None

    def lend(self, value: object) -> tuple[object, ...] | None:
        """See `Handles`."""
        if not self._lends:
            return ("callable", self._hold(value)) if callable(value) else None
        try:
            is_true = bool(value)
        except BaseException as error:
            raise CannotCross(f"an object of type {type_name(value)} is neither true nor false") from error
        can = callable(value), _is_iterable(value), _method(value, "__next__") is not None
        return "object", self._hold(value), type_name(value), is_true, *can

    def imported(self, *parts: object) -> object:
        """See `Handles`."""
        kind, number, *more = parts
        if kind == "yours":
            return self._own(number)
        (known,) = only(int, number)
        self._given += 1
        if self._given > MAX_HANDLES:
            raise WireError(f"more than {MAX_HANDLES} callables, iterators and objects")
        if kind == "callable":
            return self.stand_in(known)
        made: object
        if kind == "iterator":
            made = self._iterator(known)
        else:
            (name,), (is_true, *can) = only(str, more[0]), only(bool, *more[1:])
            name = name[:MAX_NAME_CHARS]
            made, self.last_foreign = _FOREIGN[*can](self, known, name, is_true), name
        self._stand_ins[made] = known
        return made

    def forget(self) -> None:
        """Let go of all that the other end handed over: stand-ins and this hold each other."""
        self._stand_ins.clear()
        self._held.clear()
        self._given = 0

    def _hold(self, value: object) -> int:
        if len(self._held) >= MAX_HANDLES:
            raise CannotCross(f"more than {MAX_HANDLES} callables, iterators and objects")
        self._numbers += 1
        self._held[self._numbers] = value
        return self._numbers

    def _let_go(self, number: Any) -> None:
        """Of an iterator that came to its end, however often tests have others made."""
        if self._is_iterator(self._held.get(number)):
            del self._held[number]

    def _is_iterator(self, value: object) -> bool:
        """Whether nothing but the next value is asked of it, until it has come to its end."""
        return hasattr(type(value), "__next__") and not (self._lends and _is_own_iterator(value))

    def _iterator(self, number: int) -> _Iterator:
        def step() -> object:
            try:
                return self.next_of(number)
            except StopIteration:
                if not self._lends and self._stand_ins.pop(made, None) is not None:
                    self._given -= 1  # the other end has let go of it
                    made.end()
                raise

        made = _Iterator(step)
        return made

    def _function(self, target: object) -> Callable[..., Any]:
        if type(target) is not str or target in self._names:
            return cast("Callable[..., Any]", self._own(target))
        on_object = _ON_OBJECTS.get(target) if self._lends else None
        return on_object or partial(_not_defined, target)

    def _own(self, target: object) -> Any:
        if type(target) is str and target in self._names:
            return self._names[target]
        if type(target) is int and target in self._held:
            return self._held[target]
        raise WireError("no such name or number")

    def _ask(self, kind: bytes, encoder: Encoder) -> Any:
        """Have the other end do something, answering what it asks for meanwhile."""
        said = self._exchange(kind + encoder.data)
        while said[:1] in CALLS:
            answer = self.answer(said)
            if self.malformed is not None:  # nothing that it says from now on counts
                raise self.malformed
            said = self._exchange(answer)
        if said[:1] == REFUSED:
            self.last_raised = CannotCross(said[1:MAX_REFUSAL_BYTES].decode("utf-8", "replace"))
            raise self.last_raised
        try:
            value = self._read_answer(said, encoder.objects)
        except WireError as error:
            self.malformed = error
            raise
        if said[:1] == RAISED:
            if kind == CALL and isinstance(value, StopIteration):  # would end a `map` of the tests, unseen
                value = RuntimeError("a call raised StopIteration")
            self.last_raised = value
            raise value
        return value

    def _read_answer(self, said: bytes, sent: list[object]) -> Any:
        decoder = Decoder(said, 1, known=sent, handles=self)
        for number in decoder.read_items():
            items = decoder.read_items()
            self.has_changed = True
            try:
                change(sent[number], items)
            except Exception as error:  # whatever a container says of items that do not fit
                raise WireError(f"{type(error).__name__}: {error}"[:500]) from None
        value = decoder.read()
        decoder.end()
        if said[:1] == RAISED:
            return raised_again(value, self._exceptions)
        if said[:1] != RETURNED:
            raise WireError("no answer to a call")
        return value

    def _read_call(self, message: bytes) -> _Call:
        decoder = Decoder(message, 1, handles=self)
        target, arguments, flat = decoder.read(), decoder.read_items(), decoder.read_items()
        decoder.end()
        if any(type(key) is not str for key in flat[::2]):
            raise WireError("no name of an argument")
        keywords = dict(zip(flat[::2], flat[1::2], strict=False))
        return _Call(target, self._function(target), arguments, keywords, decoder.objects, message)

    def _read_next(self, message: bytes) -> _Call:
        decoder = Decoder(message, 1)
        number = decoder.read()
        decoder.end()
        return _Call(number, next, [self._own(number)], {}, [], message)

    def _write_changes(self, encoder: Encoder, call: _Call) -> None:
        """The contents of all arguments when any has changed: when they are written otherwise than before."""
        changeable = [n for n, value in enumerate(call.received) if contents(value) is not None]
        if changeable:
            again = Encoder(handles=self)
            _write_call(again, call.target, call.arguments, call.keywords)
            if again.data == call.message[1:]:
                changeable = []
        encoder.write_items(changeable)
        for number in changeable:
            encoder.write_items(contents(call.received[number]) or [])


def _is_iterable(value: Any) -> bool:
    """Whether `iter` takes it. Runs nothing of its type."""
    if _method(value, "__iter__") is not None:
        return True
    try:
        iter(value)  # by `__getitem__`, which is not called yet
    except TypeError:
        return False
    return True


def _is_own_iterator(value: object) -> bool:
    """Whether an iterator's type is written in Python: its `__iter__` may begin again, or not be there."""
    return type(_method(value, "__iter__")) in (FunctionType, type(None))


def _method(value: object, name: str) -> object:
    """What the type of a value has under a special name, by itself or from its bases; else None."""
    mro = type.__dict__["__mro__"].__get__(type(value))
    return next((vars(base)[name] for base in mro if name in vars(base)), None)


def _not_defined(name: str, *_: object, **__: object) -> None:
    raise NameError(f"name {name!r} is not defined", name=name)


def _write_call(
    encoder: Encoder, target: int | str, arguments: Sequence[object], keywords: Mapping[str, object]
) -> None:
    encoder.write(target)
    encoder.write_items(arguments)
    encoder.write_items([part for item in keywords.items() for part in item])


def _refusal(error: Exception) -> bytes:
    return REFUSED + str(error).encode("utf-8", "replace")[:MAX_REFUSAL_BYTES]
