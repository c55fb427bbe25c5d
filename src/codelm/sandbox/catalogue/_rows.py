"""The catalogue's rows, as they stand in `attacks.toml` and `honest.toml`."""

import builtins
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FINISHED = "finished"
# What may stand where a tier does: any of them, where ...
ANY = "any"  # or not
NO_CGROUP = "no_cgroup"  # no control group counts and bounds what programs use
SAME_USER = "same_user"  # programs run as the caller


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attack, or one honest program, and how it may end."""

    id: str
    title: str
    programs: tuple[str, ...]  # source texts, run one after the other in one slot; the last one is judged
    expected: tuple[str, ...] = (FINISHED,)  # allowed ends of the last program: see `Row.allows`
    planted: tuple[str, ...] = (FINISHED,)  # and of those before it
    about: tuple[str, ...] = ()  # layers
    uses: tuple[str, ...] = ()  # helpers that run before each program, in its namespace
    needs: tuple[str, ...] = ()  # what must be there for the row to mean anything
    exceptions: Mapping[str, str] = field(default_factory=dict)  # where it does not hold: why
    limits: Mapping[str, Any] = field(default_factory=dict)  # other limits than the catalogue's
    times: int = 1  # how often the programs run
    may_retire: Mapping[str, str] = field(default_factory=dict)  # where the worker may be replaced: why

    def allows(self, seen: str) -> bool:
        """Whether the last program may end so."""
        return any(_matches(seen, end) for end in self.expected)

    def allows_planting(self, seen: str) -> bool:
        """Whether a program before the last one may end so."""
        return any(_matches(seen, end) for end in self.planted)


def _matches(seen: str, allowed: str) -> bool:
    """`raised:A|B` allows an exception of type A or B or of a built-in type below; `raised` allows any."""
    how, _, details = allowed.partition(":")
    seen_how, _, detail = seen.partition(":")
    names = {detail, *(kind.__name__ for kind in getattr(vars(builtins).get(detail), "__mro__", ()))}
    return seen_how == how and (not details or not names.isdisjoint(details.split("|")))


class Catalogue(NamedTuple):
    """All rows, and the source of the helpers that they use."""

    attacks: tuple[Row, ...]
    honest: tuple[Row, ...]
    helpers: Mapping[str, str]


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with the package."""
    attacks, honest = _read("attacks.toml"), _read("honest.toml")
    return Catalogue(
        tuple(map(_row, attacks["row"])), tuple(map(_row, honest["row"])), dict(attacks["helpers"])
    )


def _read(name: str) -> dict[str, Any]:
    with Path(__file__).with_name(name).open("rb") as stream:
        return tomllib.load(stream)


def _row(entry: dict[str, Any]) -> Row:
    """Raises TypeError for a key that no row has."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    fields["exceptions"] = fields.pop("except", {})
    if "pieces" in fields:
        fields["program"] = _from_pieces(fields.pop("pieces"))
    texts = ("plant", "look") if "plant" in fields else ("program",)
    return Row(programs=tuple(fields.pop(name) for name in texts), **fields)


def _from_pieces(pieces: tuple[tuple[str, int], ...]) -> str:
    """The text of (escaped string, times) pairs."""
    return "".join(text.encode().decode("unicode_escape") * times for text, times in pieces)
