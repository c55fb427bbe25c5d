"""Calls across the wire: what caller and callee see of each other, both ends in this process."""

import collections
import contextlib
import enum
import itertools
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import numpy as np
import pytest

from codelm.evaluation._peer import CALL, NEXT, RAISED, RETURNED, Peer
from codelm.evaluation._wire import CannotCross, WireError
from codelm.evaluation._wire_encoder import Encoder


def stand_ins(**names: Any) -> Any:
    """Functions that call these, across the wire and back."""
    caller = Peer(lambda message: callee.answer(message))  # noqa: PLW0108 - it is made in the next line
    callee = Peer(caller.answer, names=names, exceptions=names, lends=True)
    made = {name: caller.stand_in(name) for name in names}
    return collections.namedtuple("StandIns", made)(**made)


def stand_in(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that calls this one, across the wire and back."""
    return stand_ins(f=function).f


def test_arguments_and_result_cross() -> None:
    """By place and by name, none and many."""
    f = stand_in(lambda *arguments, **keywords: (arguments, keywords))
    assert f(1, [2], key="v", other=None) == ((1, [2]), {"key": "v", "other": None})
    assert f() == ((), {})


def test_stand_in_has_the_name_of_what_it_stands_for() -> None:
    """Some tests print it."""
    assert stand_in(len).__name__ == "f"


def _change_all(*given: Any) -> None:
    a, b, c, d, e, f = given
    a.append(3)
    b["y"] = b.pop("x")
    c.discard(1)
    d += b"!"
    e.rotate(1)
    f[0, 0] = 9


def test_changed_arguments_change_in_place() -> None:
    """Every kind of container, in the caller's own objects."""
    a, b, c, d = [2, 1], {"x": 1}, {1, 2}, bytearray(b"a")
    e, f = collections.deque([1, 2, 3]), np.zeros((2, 2))
    held = a, b, c, d, e, f
    assert stand_in(_change_all)(*held) is None
    assert (a, b, c, d, list(e), f[0, 0]) == ([2, 1, 3], {"y": 1}, {2}, b"a!", [3, 1, 2], 9)


def test_order_of_an_ordered_mapping_changes_in_place() -> None:
    """`move_to_end` changes nothing but that."""
    ordered = collections.OrderedDict(a=1, b=2)
    stand_in(lambda o: o.move_to_end("a"))(ordered)
    assert list(ordered) == ["b", "a"]


def test_change_deep_inside_shows_wherever_the_caller_holds_it() -> None:
    """Even where the callee has taken it out of what it was passed."""
    inner = [1]
    outer = [inner, {"k": inner}]

    def change(given: list[Any]) -> None:
        found = given[0]
        given.clear()
        found.append(2)

    stand_in(change)(outer)
    assert (inner, outer) == ([1, 2], [])


def test_change_before_an_exception_shows() -> None:
    """As it would in one process."""
    given = [1]

    def fail(x: list[int]) -> None:
        x.append(2)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        stand_in(fail)(given)
    assert given == [1, 2]


def test_argument_that_comes_back_is_the_callers_own() -> None:
    """Returned, inside what is returned, and put into another argument."""
    one, two = [1], [2]
    f = stand_in(lambda a, b: (b.append(a), a, [a]))
    _, same, held = f(one, two)
    assert same is one
    assert held[0] is one
    assert two[1] is one


def test_one_object_passed_twice_is_one_object() -> None:
    """For the callee, and in what it returns."""
    one = [1]
    f = stand_in(lambda a, b: (a is b, a[0] is b))
    assert f(one, one)[0]
    assert f([one], one) == (False, True)
    first, second = stand_in(lambda: [[]] * 2)()
    assert first is second


def test_nan_that_comes_back_is_the_callers_own() -> None:
    """`[nan] == [nan]` holds for one and the same NaN."""
    nan = float("nan")
    assert stand_in(lambda values: values[:1])([nan]) == [nan]


def test_unchanged_arguments_are_not_sent_back() -> None:
    """A large argument costs one way only."""
    said: list[bytes] = []

    def exchange(message: bytes) -> bytes:
        said.append(callee.answer(message))
        return said[-1]

    callee = Peer(exchange, names={"f": len})
    assert Peer(exchange).stand_in("f")(list(range(10_000))) == 10_000
    assert len(said[0]) < 50


@pytest.mark.parametrize(
    "error", [ValueError("v", 1), AssertionError("a"), SystemExit(0), KeyboardInterrupt()]
)
def test_exception_of_the_callee_is_raised_at_the_caller(error: BaseException) -> None:
    """The same type and arguments, and the caller's end knows that it came from there."""

    def fail() -> None:
        raise error

    callee = Peer(lambda _: b"", names={"f": fail})
    caller = Peer(callee.answer)
    with pytest.raises(type(error)) as seen:
        caller.stand_in("f")()
    assert seen.value.args == error.args
    assert caller.last_raised is seen.value


def test_name_that_the_callee_lacks_is_its_name_error() -> None:
    """In the words of Python."""
    caller = Peer(Peer(lambda _: b"", names={}).answer)
    with pytest.raises(NameError, match=r"^name 'f' is not defined$"):
        caller.stand_in("f")()


class Own:
    """A type that only the callee knows; it lies about what it is equal to."""

    def __init__(self, x: object = 1) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __len__(self) -> int:
        return 0

    def double(self) -> object:
        return self.x * 2  # type: ignore[operator]


def test_object_of_the_callees_own_type_is_lent() -> None:
    """Whether it is true, and its attributes; what it says of equality and length does not cross."""
    both = stand_ins(make=Own, inside=lambda own: [own, own.x])
    made = both.make([3])
    assert repr(made) == "<an object of the candidate's type Own>"
    assert made != 3
    assert not made
    assert (made.x, made.double()) == ([3], [3, 3])
    with pytest.raises(TypeError, match="has no len"):
        len(made)
    with pytest.raises(AttributeError, match="stays in its box"):
        made.__len__()
    with pytest.raises(AttributeError, match="'Own' object has no attribute 'y'"):
        _ = made.y
    made.x = both.make(4)
    assert both.inside(made)[1].x == 4


class Stepper:
    """An iterator of its own, which begins again."""

    def __iter__(self) -> "Stepper":
        self.at = 0
        return self

    def __next__(self) -> int:
        self.at += 1
        if self.at > 3:
            raise StopIteration
        return self.at


def test_iterator_of_the_callees_own_type_begins_again_where_it_does() -> None:
    """As often as it is iterated; it has its attributes besides."""
    made = stand_in(Stepper)()
    assert [*made] == [*made] == [1, 2, 3]
    assert (next(iter(made)), next(made), made.at) == (1, 2, 2)
    made.at = 3
    assert next(made, None) is None


class Speaker(Own):
    """One that can be called and iterated besides."""

    def __call__(self, /, *given: object, **named: object) -> object:
        return self.x, given, named

    def __iter__(self) -> Iterator[object]:
        return iter([self.x, self])


def test_lent_object_is_called_and_iterated_where_it_is() -> None:
    """What comes of that crosses; nothing else of it has a say."""
    both = stand_ins(make=Speaker, same=lambda a, b: a is b)
    made = both.make([3])
    assert made(1, target=2, self=[4]) == ([3], (1,), {"target": 2, "self": [4]})
    value, itself = made
    assert (value, both.same(itself, made), list(made)[:1]) == ([3], True, [[3]])
    assert not made
    assert made != 3
    assert made not in {1: made}
    assert 7 not in made
    for taken in (len, int, float, lambda it: it[0], lambda it: it < 3):
        with pytest.raises(TypeError):
            taken(made)
    assert not isinstance(made, Own | int)


def test_lent_object_shows_what_it_can() -> None:
    """As the types of Python's own do."""
    for value in (
        Own(),
        Speaker(),
        str.upper,
        Stepper(),
        operator.itemgetter(0),
        re.match("a", "a"),
        enum.Enum("E", "A").A,
    ):
        made = stand_in(lambda value=value: value)()
        assert callable(made) is callable(value)
        for kind in (Iterable, Iterator, Sized):
            assert isinstance(made, kind) is (kind is not Sized and isinstance(value, kind))


def test_lent_object_can_be_used_any_number_of_times() -> None:
    """Only what is handed over anew has a limit."""
    made = stand_in(Speaker)(1)
    for _ in range(10_001):
        assert made()[0] == made.x
    assert next(iter(made)) == 1


def test_iteration_gives_an_iterator_or_fails() -> None:
    """Whatever the callee says it has given."""
    said = [
        _said(RETURNED, 0)[:5] + bytes(_object(0, "T", True, True, True, False).data),
        _said(RETURNED, [1, 2]),
    ]
    made = Peer(lambda _: said.pop(0)).stand_in("f")()
    with pytest.raises(TypeError, match="iter"):
        list(made)


def _object(*parts: object) -> Encoder:
    encoder = Encoder()
    encoder.data += b"h"
    encoder.write_items(("object", *parts))
    return encoder


@pytest.mark.parametrize(
    "parts",
    [
        (0, "T", True),
        (0, "T", True, True, True),
        (0, "T", 1, True, True, True),
        (0, "T", True, True, True, 1),
        (0, "T", True, True, True, True, True),
        (0, 1, True, True, True, True),
        ("f", "T", True, True, True, True),
        (True, "T", True, True, True, True),
    ],
)
def test_hostile_object_is_refused(parts: tuple[object, ...]) -> None:
    """Too little, too much, or of other types."""
    caller = Peer(lambda _: RETURNED + bytes(4) + _object(*parts).data)
    with pytest.raises(WireError):
        caller.stand_in("f")()


def test_caller_lends_callables_to_be_called_and_no_more() -> None:
    """Its attributes stay out of reach, and it cannot be iterated."""
    f = stand_in(lambda given: (given(1), type(given).__name__, hasattr(given, "x")))
    assert f(Speaker(5)) == ((5, (1,), {}), "function", False)
    assert stand_in(lambda key: sorted(["B", "a"], key=key))(str.lower) == ["a", "B"]


def test_caller_lends_nothing() -> None:
    """From an object of the tests, attributes would lead to all they hold."""
    for given in (Own(), [Own()], pytest):
        with pytest.raises(CannotCross, match="is no plain data"):
            stand_in(len)(given)


def test_object_that_is_neither_true_nor_false_is_refused() -> None:
    """Its type has a name in the message."""

    class Neither:
        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    with pytest.raises(CannotCross, match="an object of type Neither is neither true nor false"):
        stand_in(Neither)()


def test_callable_argument_runs_at_the_caller() -> None:
    """With what it closes over, its exceptions, and its changes to what it is called with."""
    seen: list[Any] = []

    def key(x: list[int]) -> int:
        seen.append(x[0])
        x.append(0)
        if x[0] > 3:
            raise LookupError("too large")
        return -x[0]

    f = stand_in(lambda values, key: (sorted(values, key=key), values))
    result, values = f([[1], [3], [2]], key)
    assert result == [[3, 0], [2, 0], [1, 0]]
    assert values == [[1, 0], [3, 0], [2, 0]]
    assert seen == [1, 3, 2]
    with pytest.raises(LookupError, match="too large"):
        f([[4]], key=key)


def test_callable_result_runs_at_the_callee() -> None:
    """A closure that counts; passed back, it is the callee's own again."""

    def counter() -> Callable[[], int]:
        count = itertools.count(1)
        return lambda: next(count)

    both = stand_ins(counter=counter, same=lambda f, g: f is g)
    one, two = both.counter(), both.counter()
    assert [one(), one(), two()] == [1, 2, 1]
    assert both.same(one, one)
    assert not both.same(one, two)


def test_stand_in_passed_back_is_the_callees_own() -> None:
    """By its name."""
    both = stand_ins(f=lambda g: g is len, g=len)
    assert both.f(both.g)


def test_calls_within_calls_run_on_both_ends() -> None:
    """The caller's callable calls the callee again."""
    both = stand_ins(twice=lambda x: 2 * x, apply=lambda f, x: f(f(x)))
    assert both.apply(lambda x: both.twice(x) + 1, 1) == 7


def test_iterator_result_is_read_as_far_as_it_is_wanted() -> None:
    """Endless ones too; what it raises is raised, and it is not taken for a list."""
    asked: list[int] = []

    def count() -> Iterator[int]:
        for n in range(1000):
            asked.append(n)
            yield n
            if n == 4:
                raise ValueError("five")

    numbers = stand_in(count)()
    assert numbers != [0, 1, 2]
    assert list(itertools.islice(numbers, 3)) == [0, 1, 2]
    assert asked == [0, 1, 2]
    with pytest.raises(ValueError, match="five"):
        list(numbers)
    assert list(stand_in(lambda n: map(str, range(n)))(3)) == ["0", "1", "2"]


def test_iterator_argument_is_read_by_the_callee() -> None:
    """As far as it wants; the rest is still there."""
    numbers = iter(range(10))
    assert stand_in(lambda it: [next(it), next(it)])(numbers) == [0, 1]
    assert next(numbers) == 2


def test_builtin_function_is_itself_at_the_other_end() -> None:
    """By name, so that calling it costs nothing."""
    assert stand_in(lambda f: f is max)(max)
    assert stand_in(lambda: int)() is int


def test_iterators_that_came_to_their_end_do_not_count() -> None:
    """Any number of calls may return one; the end stays the end, at both ends."""
    both = stand_ins(count=lambda n: iter(range(n)), rest=list, make=Speaker)
    for _ in range(10_001):
        assert [*both.count(2)] == [0, 1]
    numbers = both.count(1)
    assert [*numbers, *numbers] == [0]
    assert both.rest(numbers) == []
    assert next(numbers, None) is None
    given = iter([1])
    assert stand_in(lambda it: ([*it], it))(given) == ([1], given)


def test_iterators_that_are_under_way_have_a_limit() -> None:
    """The one who holds them says so, and no one is taken for a forger."""
    both = stand_ins(count=lambda: iter([1]), other=lambda: 0)
    held = [both.count() for _ in range(10_000)]
    assert (both.other(), next(held[0])) == (0, 1)
    with pytest.raises(CannotCross, match="more than 10000 callables, iterators and objects"):
        both.count()
    assert next(held[0], None) is None
    assert [*both.count()] == [1]


def test_callables_have_a_limit() -> None:
    """What one end holds for the other does not grow without end."""
    f = stand_in(lambda: [lambda: 0 for _ in range(10_001)])
    with pytest.raises(CannotCross, match="more than 10000 callables, iterators and objects"):
        f()


def _said(kind: bytes, *values: Any) -> bytes:
    encoder = Encoder()
    encoder.write_items([])
    for value in values:
        encoder.write(value)
    return kind + encoder.data


HOSTILE = {
    "nothing": b"",
    "no kind": b"?",
    "no value": RETURNED,
    "two values": _said(RETURNED, 1, 2),
    "exception that is none": _said(RAISED, 3),
    "change of nothing": RETURNED + b"\x01\0\0\0i" + bytes(8) + b"\0\0\0\0N",
    "handle below zero": RETURNED + b"\0\0\0\0h\x02\0\0\0s\x05\0\0\0yoursi" + b"\xff" * 8,
    "a name of ours": RETURNED + b"\0\0\0\0h\x02\0\0\0s\x05\0\0\0yourss\x05\0\0\0check",
    "end of the tests": b'E{"passed": true}',
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answer_is_an_error_that_stays_known(said: bytes) -> None:
    """Tests that swallow exceptions cannot hide it."""
    caller = Peer(lambda _: said, exceptions={"check": 1})
    with pytest.raises(WireError):
        caller.stand_in("f")()
    assert caller.malformed is not None


@pytest.mark.parametrize(
    "said",
    [
        _said(CALL)[:1],
        _said(CALL, 3),
        CALL + b"s\x05\0\0\0check" + bytes(8),
        CALL + b"i" + bytes(8) + bytes(8),
        CALL + b"s\x04\0\0\0.get" + bytes(8),
        CALL + b"s\x05\0\0\0.iter" + bytes(8),
        NEXT + b"i" + bytes(8),
        NEXT + b"i" + b"\xff" * 8,
    ],
)
def test_hostile_call_reaches_nothing(said: bytes) -> None:
    """The callee may call what it was passed, and nothing else of the caller's: no helper of the tests."""
    answers: list[bytes] = []

    def exchange(message: bytes) -> bytes:
        answers.append(message)
        return said if len(answers) == 1 else _said(RETURNED, 5)

    caller = Peer(exchange, exceptions={"check": lambda: pytest.fail("called")})
    value = None
    with contextlib.suppress(WireError):
        value = caller.stand_in("f")()
    if caller.malformed is not None:  # nothing that follows is heard
        assert (value, len(answers)) == (None, 1)
    else:
        assert (value, answers[1][:1]) == (5, RAISED)


def test_change_that_does_not_fit_is_refused() -> None:
    """A set cannot hold a list."""
    encoder = Encoder()
    encoder.write_items([0])
    encoder.write_items([[]])
    encoder.write(None)
    caller = Peer(lambda _: RETURNED + encoder.data)
    with pytest.raises(WireError, match="unhashable"):
        caller.stand_in("f")({1})
