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

from typing import Protocol

MAX_BYTES = (16 << 20) - (64 << 10)  # of one message; a session's call holds a little more
MAX_DEPTH = 150  # containers within containers; each takes a few of the 1,000 frames that Python allows


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
