"""Whether what a program printed is what was expected: the two comparators of stdin/stdout problems."""

from collections.abc import Callable, Iterable

Comparator = Callable[[str, str], bool]


def is_exact(printed: str, expected: str) -> bool:
    """The same lines; white space at the end of a line, and empty lines at the end, do not count."""
    return _lines(printed) == _lines(expected)


def is_like_apps(printed: str, expected: str) -> bool:
    """What APPS's harness takes for equal (`eval/testing_util.py`): a ladder of ever looser readings.

    Its last steps forget order and repetition: a line is the set of its words, the output the set of its
    lines, and numbers are rounded to three decimals. It is here so that scores can be compared.
    """
    lines = printed.splitlines()
    if expected.strip() in ("\n".join(lines).strip(), "\n".join(line.strip() for line in lines).strip()):
        return True
    wanted = [line.strip() for line in expected.split("\n") if line]
    not_empty = [line for line in lines if line]
    if wanted in (lines, not_empty):
        return True
    return _are_close(not_empty, wanted) or _are_same_sets(not_empty, wanted)


COMPARATORS: dict[str, Comparator] = {"exact": is_exact, "apps": is_like_apps}


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _are_close(lines: list[str], wanted: list[str]) -> bool:
    """One number in each line, each close to the expected one, by numpy.allclose's default tolerances."""
    found, right = _numbers(lines), _numbers(wanted)
    if found is None or right is None or len(found) != len(right):
        return False
    return all(
        a == b or abs(a - b) <= 1e-8 + 1e-5 * abs(b) < float("inf") for a, b in zip(found, right, strict=True)
    )


def _are_same_sets(lines: list[str], wanted: list[str]) -> bool:
    """The same lines as sets of words, or of rounded numbers."""
    found = [words for line in lines if (words := line.split())]
    right = [line.split() for line in wanted]
    if set(map(frozenset, found)) == set(map(frozenset, right)):
        return True
    try:
        return _rounded(found) == _rounded(right)
    except (ValueError, OverflowError):
        return False


def _rounded(lines: Iterable[list[str]]) -> set[frozenset[float]]:
    return {frozenset(round(float(word), 3) for word in line) for line in lines}


def _numbers(lines: Iterable[str]) -> list[float] | None:
    try:
        return [float(line) for line in lines]
    except ValueError:
        return None
