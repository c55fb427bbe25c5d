"""How a number is shown: rounded, but never into a claim that it does not make."""

import math
import unicodedata

from codelm.experiments import Kind

UNDEFINED = "\N{EN DASH}"


def shown(value: float | None, kind: Kind) -> str:
    """The text of one number of this kind ("count", "rate", "number"); a dash when it is undefined.

    A rate is a percentage with one decimal, and 0% or 100% only when it is exactly that: 0.9997 is ">99.9%".
    A number has four significant digits.

    >>> shown(0.9997, "rate"), shown(12345, "count"), shown(2.71828, "number")
    ('>99.9%', '12,345', '2.718')
    """
    if value is None or math.isnan(value):
        return UNDEFINED
    if kind == "rate":
        return _percent(value)
    text = f"{value:,.0f}" if kind == "count" or abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _percent(rate: float) -> str:
    if rate in (0.0, 1.0):
        return f"{rate:.0%}"
    text = f"{rate:.1%}"
    return {"0.0%": "<0.1%", "100.0%": ">99.9%"}.get(text, text)


def visible(text: str) -> str:
    """Text of a model with its invisible characters spelled out (`\\x1b`, `\\u202e`).

    Control characters break a page or a terminal, lone surrogates cannot be written as UTF-8, and
    bidirectional marks make a program read as another one.
    """
    return "".join(_escape(char) if _is_hidden(char) else char for char in text)


def _is_hidden(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
