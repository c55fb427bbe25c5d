"""A family of small string operations, wider than the paper's thirteen blocks, to fine-tune Codex-S on.

Each template is an English line and a line of code over the same parameters, so an operation's text always
says what its code does. None of the templates can produce one of the thirteen blocks of the chains problems,
in text or in code; parameters that would are left out of their domain here, and `curation.overlap` checks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from codelm.problems import Block


class Number(NamedTuple):
    """A small number as English and as code write it."""

    word: str
    ordinal: str
    digit: int


class Mark(NamedTuple):
    """A punctuation mark: its English plural and the character."""

    plural: str
    char: str


ONE = Number("one", "first", 1)
TWO = Number("two", "second", 2)
THREE = Number("three", "third", 3)
FOUR = Number("four", "fourth", 4)
FIVE = Number("five", "fifth", 5)
SIX = Number("six", "sixth", 6)

LETTERS = tuple("abcdefghiklmnoprstuwy")
MARKS = (
    Mark("exclamation points", "!"),
    Mark("question marks", "?"),
    Mark("periods", "."),
    Mark("commas", ","),
    Mark("hyphens", "-"),
    Mark("underscores", "_"),
    Mark("asterisks", "*"),
    Mark("plus signs", "+"),
)
WORDS = ("apples", "pears", "green", "house", "river", "seven", "table", "cloud", "music", "stone")


@dataclass(frozen=True)
class Template:
    """An operation with parameters; `text` and `code` are format strings over `domains`."""

    text: str
    code: str
    domains: dict[str, tuple[Any, ...]]

    def operations(self) -> Iterator[Block]:
        """Every operation of this template."""
        for values in product(*self.domains.values()):
            parameters = dict(zip(self.domains, values, strict=True))
            if len(set(values)) == len(values):  # "replace a with a" teaches nothing
                yield Block(self.text.format(**parameters), self.code.format(**parameters))


def _template(text: str, code: str, **domains: tuple[Any, ...]) -> Template:
    return Template(text, code, domains)


_NOT_E = tuple(letter for letter in LETTERS if letter != "e")  # block 1
_NOT_APPLES = tuple(word for word in WORDS if word != "apples")  # block 11
_NOT_EXCLAMATION = tuple(mark for mark in MARKS if mark.char != "!")  # block 2
_SMALL = (ONE, TWO, THREE, FOUR, FIVE)
_TIMES = (("double", 2), ("quadruple", 4), ("quintuple", 5))  # block 8 is triple
_STEPS = (TWO, FOUR, FIVE, SIX)  # block 6 is third

TEMPLATES = (
    # letters
    _template(
        "remove all instances of the letter {letter} from the string",
        's = s.replace("{letter}", "")',
        letter=_NOT_E,
    ),
    _template(
        "replace all instances of the letter {old} with the letter {new}",
        's = s.replace("{old}", "{new}")',
        old=LETTERS,
        new=LETTERS,
    ),
    _template(
        "double all instances of the letter {letter} in the string",
        's = s.replace("{letter}", "{letter}{letter}")',
        letter=LETTERS,
    ),
    _template(
        "put the letter {letter} at the end of the string",
        's = s + "{letter}"',
        letter=LETTERS,
    ),
    _template(
        "put the letter {letter} at the start of the string",
        's = "{letter}" + s',
        letter=LETTERS,
    ),
    _template(
        "drop all words that contain the letter {letter}",
        's = " ".join(word for word in s.split() if "{letter}" not in word)',
        letter=LETTERS,
    ),
    # marks and spaces
    _template(
        "replace all spaces with {mark.plural} in the string",
        's = s.replace(" ", "{mark.char}")',
        mark=_NOT_EXCLAMATION,
    ),
    _template(
        "replace all {old.plural} with {new.plural} in the string",
        's = s.replace("{old.char}", "{new.char}")',
        old=MARKS,
        new=MARKS,
    ),
    _template(
        "delete all {mark.plural} from the string",
        's = s.replace("{mark.char}", "")',
        mark=MARKS,
    ),
    _template(
        "delete all {first.plural} and {second.plural} from the string",
        's = "".join([x for x in s if x not in "{first.char}{second.char}"])',
        first=MARKS,
        second=MARKS,
    ),
    _template(
        "replace all {mark.plural} with spaces in the string",
        's = s.replace("{mark.char}", " ")',
        mark=MARKS,
    ),
    _template(
        "replace spaces with {times[0]} spaces",
        's = s.replace(" ", " " * {times[1]})',
        times=_TIMES,
    ),
    _template("remove all spaces from the string", 's = s.replace(" ", "")'),
    _template("remove the spaces at both ends of the string", "s = s.strip()"),
    # case
    _template("convert the string s to uppercase", "s = s.upper()"),
    _template("swap the case of every letter in the string", "s = s.swapcase()"),
    _template("make the first letter of every word uppercase", "s = s.title()"),
    _template(
        "make every {n.ordinal} character in the string uppercase",
        's = "".join(char.upper() if i % {n.digit} == 0 else char for i, char in enumerate(s))',
        n=(THREE, FOUR, FIVE),
    ),
    _template(
        "make every other character in the string lowercase",
        's = "".join(char.lower() if i % 2 == 0 else char for i, char in enumerate(s))',
    ),
    _template(
        "make the first {n.word} characters of the string uppercase",
        "s = s[:{n.digit}].upper() + s[{n.digit}:]",
        n=(TWO, THREE, FOUR, FIVE),
    ),
    # characters by place
    _template(
        "remove the first {n.word} characters of the string",
        "s = s[{n.digit}:]",
        n=(TWO, THREE, FOUR, FIVE),
    ),
    _template(
        "remove the last {n.word} characters of the string",
        "s = s[:-{n.digit}]",
        n=(TWO, THREE, FOUR, FIVE),
    ),
    _template(
        "remove the first and last {n.word} characters of the string",
        "s = s[{n.digit}:-{n.digit}]",
        n=(THREE, FOUR, FIVE),
    ),
    _template(
        "remove every {n.ordinal} character from the string",
        's = "".join(char for i, char in enumerate(s) if i % {n.digit} != 0)',
        n=_STEPS,
    ),
    _template(
        "keep every {n.ordinal} character of the string",
        's = "".join(char for i, char in enumerate(s) if i % {n.digit} == 0)',
        n=(TWO, THREE, FOUR, FIVE),
    ),
    _template(
        "drop the first half of the string, as computed by characters",
        "s = s[len(s) // 2 :]",
    ),
    _template("reverse the characters of the string", "s = s[::-1]"),
    _template("write every character of the string twice", 's = "".join(char + char for char in s)'),
    _template(
        "move the first {n.word} characters to the end of the string",
        "s = s[{n.digit}:] + s[:{n.digit}]",
        n=(TWO, THREE, FOUR),
    ),
    # kinds of characters
    _template(
        "replace all vowels with {mark.plural} in the string",
        's = "".join("{mark.char}" if char in "aeiouAEIOU" else char for char in s)',
        mark=MARKS,
    ),
    _template(
        "keep only the vowels and the spaces of the string",
        's = "".join(char for char in s if char in "aeiouAEIOU ")',
    ),
    _template(
        "keep only the letters and the spaces of the string",
        's = "".join(char for char in s if char.isalpha() or char == " ")',
    ),
    _template(
        "removes all uppercase letters from the string",
        's = "".join(char for char in s if not char.isupper())',
    ),
    # words
    _template(
        "add the word {word} after every word in the string",
        's = " ".join(word + " {word}" for word in s.split())',
        word=_NOT_APPLES,
    ),
    _template(
        "add the word {word} before every word in the string",
        's = " ".join("{word} " + word for word in s.split())',
        word=WORDS,
    ),
    _template(
        "add the word {word} at the end of the string",
        's = s + " {word}"',
        word=WORDS,
    ),
    _template(
        "add the word {word} at the start of the string",
        's = "{word} " + s',
        word=WORDS,
    ),
    _template("reverse every word in the string", 's = " ".join(word[::-1] for word in s.split())'),
    _template(
        "write every word in the string twice", 's = " ".join(word + " " + word for word in s.split())'
    ),
    _template("sort the words of the string", 's = " ".join(sorted(s.split()))'),
    _template(
        "drop the last half of the string, as computed by number of words",
        's = " ".join(s.split()[: len(s.split()) // 2])',
    ),
    _template(
        "drop the first {n.word} words of the string",
        's = " ".join(s.split()[{n.digit}:])',
        n=(TWO, THREE, FOUR),
    ),
    _template(
        "drop the last {n.word} words of the string",
        's = " ".join(s.split()[:-{n.digit}])',
        n=(TWO, THREE),
    ),
    _template(
        "remove every {n.ordinal} word from the string",
        's = " ".join(word for i, word in enumerate(s.split()) if i % {n.digit} != 0)',
        n=(TWO, THREE, FOUR),
    ),
    _template(
        "keep only the words longer than {n.word} characters",
        's = " ".join(word for word in s.split() if len(word) > {n.digit})',
        n=(TWO, THREE, FOUR, FIVE),
    ),
    _template(
        "keep the first {n.word} characters of every word in the string",
        's = " ".join(word[:{n.digit}] for word in s.split())',
        n=_SMALL[1:],
    ),
)


def family() -> tuple[Block, ...]:
    """Every operation of every template, in order, each once."""
    return tuple(dict.fromkeys(operation for item in TEMPLATES for operation in item.operations()))
