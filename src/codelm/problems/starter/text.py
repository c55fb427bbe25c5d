"""Starter problems: characters and single lines of text."""

from collections.abc import Callable


def underline(title: str, mark: str) -> str:
    """Put a line of marks under a title.

    The result is the title, then a newline, then the mark (a single character)
    repeated once for every character of the title.

    >>> underline("Soup", "=")
    'Soup\\n===='
    """
    return title + "\n" + mark * len(title)


def check_underline(candidate: Callable[[str, str], str]) -> None:
    assert candidate("Soup", "=") == "Soup\n===="
    assert candidate("A", "-") == "A\n-"
    assert candidate("", "*") == "\n"
    assert candidate("two words", "~") == "two words\n~~~~~~~~~"
    assert candidate("====", "#") == "====\n####"
    assert candidate("ab", " ") == "ab\n  "


def file_label(name: str, size: int) -> str:
    """Describe a file by its name and its size in bytes, as "NAME (SIZE bytes)".

    A size of exactly one is written with the word "byte", every other size with "bytes".

    >>> file_label("notes.txt", 512)
    'notes.txt (512 bytes)'
    >>> file_label("flag", 1)
    'flag (1 byte)'
    """
    unit = "byte" if size == 1 else "bytes"
    return f"{name} ({size} {unit})"


def check_file_label(candidate: Callable[[str, int], str]) -> None:
    assert candidate("notes.txt", 512) == "notes.txt (512 bytes)"
    assert candidate("flag", 1) == "flag (1 byte)"
    assert candidate("empty", 0) == "empty (0 bytes)"
    assert candidate("pair", 2) == "pair (2 bytes)"
    assert candidate("my song.mp3", 11) == "my song.mp3 (11 bytes)"
    assert candidate("", 1) == " (1 byte)"


def progress_bar(done: int, total: int) -> str:
    """Draw a bar of ten cells for a job of which `done` out of `total` steps are finished.

    Each whole tenth of the job that is finished is a "#", each other cell a ".".
    0 <= done <= total and total is at least 1.

    >>> progress_bar(7, 20)
    '###.......'
    """
    filled = done * 10 // total
    return "#" * filled + "." * (10 - filled)


def check_progress_bar(candidate: Callable[[int, int], str]) -> None:
    assert candidate(7, 20) == "###......."
    assert candidate(0, 5) == ".........."
    assert candidate(5, 5) == "##########"
    assert candidate(1, 3) == "###......."
    assert candidate(2, 3) == "######...."
    assert candidate(99, 100) == "#########."
    assert candidate(1, 11) == ".........."


def hide_account(number: str) -> str:
    """Hide an account number: all but its last four characters become "*".

    The length stays the same. A number of four characters or fewer is returned unchanged.

    >>> hide_account("52203417")
    '****3417'
    """
    hidden = max(0, len(number) - 4)
    return "*" * hidden + number[hidden:]


def check_hide_account(candidate: Callable[[str], str]) -> None:
    assert candidate("52203417") == "****3417"
    assert candidate("12345") == "*2345"
    assert candidate("1234") == "1234"
    assert candidate("77") == "77"
    assert candidate("") == ""
    assert candidate("AB 12 CD 34") == "*******D 34"


def strip_comment(line: str) -> str:
    """Cut a line at its first "#" and remove the spaces that are then left at its end.

    Spaces at the start of the line stay. A line without "#" loses only its trailing spaces.

    >>> strip_comment("  x = 1  # start value")
    '  x = 1'
    """
    code, _, _ = line.partition("#")
    return code.rstrip(" ")


def check_strip_comment(candidate: Callable[[str], str]) -> None:
    assert candidate("  x = 1  # start value") == "  x = 1"
    assert candidate("# nothing else") == ""
    assert candidate("limit = max") == "limit = max"
    assert candidate("wait()   ") == "wait()"
    assert candidate("a # b # c") == "a"
    assert candidate("") == ""
    assert candidate("    #") == ""
    assert candidate("end\t# a tab is not a space") == "end\t"


def indent_level(line: str) -> int:
    """Say how deep a line of code is indented.

    Four spaces at the start of the line make one level; a rest of fewer than four
    spaces does not count. A line of nothing but spaces has level 0.

    >>> indent_level("        return x")
    2
    """
    content = line.lstrip(" ")
    if content == "":
        return 0
    return (len(line) - len(content)) // 4


def check_indent_level(candidate: Callable[[str], int]) -> None:
    assert candidate("        return x") == 2
    assert candidate("x = 1") == 0
    assert candidate("    x = 1") == 1
    assert candidate("       seven spaces") == 1
    assert candidate("   x = 1") == 0
    assert candidate("        ") == 0
    assert candidate("") == 0
    assert candidate("    trailing        ") == 1


def clip_text(text: str, width: int) -> str:
    """Fit a text into a width counted in characters.

    A text that fits is returned unchanged. A longer one is cut so that, with "..."
    added at its end, it is exactly `width` characters long. The width is at least 3.

    >>> clip_text("marmalade", 6)
    'mar...'
    """
    if len(text) <= width:
        return text
    return text[: width - 3] + "..."


def check_clip_text(candidate: Callable[[str, int], str]) -> None:
    assert candidate("marmalade", 6) == "mar..."
    assert candidate("marmalade", 9) == "marmalade"
    assert candidate("marmalade", 8) == "marma..."
    assert candidate("jam", 10) == "jam"
    assert candidate("toast", 3) == "..."
    assert candidate("tea", 3) == "tea"
    assert candidate("", 4) == ""


def parse_setting(line: str) -> tuple[str, str] | None:
    """Read a setting of the form "name = value" and return (name, value).

    The first "=" separates the two; spaces around either part are removed. The value
    may be empty. Return None when the line has no "=" or nothing but spaces before it.

    >>> parse_setting("colour = dark blue")
    ('colour', 'dark blue')
    >>> parse_setting("colour") is None
    True
    """
    name, separator, value = line.partition("=")
    if not separator or not name.strip():
        return None
    return name.strip(), value.strip()


def check_parse_setting(candidate: Callable[[str], tuple[str, str] | None]) -> None:
    assert candidate("colour = dark blue") == ("colour", "dark blue")
    assert candidate("size=12") == ("size", "12")
    assert candidate("formula = a = b") == ("formula", "a = b")
    assert candidate("empty =") == ("empty", "")
    assert candidate("colour") is None
    assert candidate("   = 5") is None
    assert candidate("") is None


def expand_pages(pages: str) -> list[int]:
    """Turn a list of pages to print, such as "1-3,7", into the page numbers.

    Parts are separated by commas; a part is one number or two numbers joined by "-",
    which stand for all pages from the first to the second, both included. Numbers are
    kept in the order in which they are written. An empty text means no pages.

    >>> expand_pages("1-3,7")
    [1, 2, 3, 7]
    """
    numbers: list[int] = []
    if pages == "":
        return numbers
    for part in pages.split(","):
        first, dash, last = part.partition("-")
        if dash:
            numbers.extend(range(int(first), int(last) + 1))
        else:
            numbers.append(int(first))
    return numbers


def check_expand_pages(candidate: Callable[[str], list[int]]) -> None:
    assert candidate("1-3,7") == [1, 2, 3, 7]
    assert candidate("5") == [5]
    assert candidate("") == []
    assert candidate("9-10,2-4") == [9, 10, 2, 3, 4]
    assert candidate("6-6") == [6]
    assert candidate("12,11,12") == [12, 11, 12]
