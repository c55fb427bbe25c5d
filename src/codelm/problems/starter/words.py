"""Starter problems: words and sentences."""

import re
from collections.abc import Callable


def rhymes(first: str, second: str) -> bool:
    """Tell whether two words end in the same three letters, whether capital or small.

    Both words have at least three letters.

    >>> rhymes("Yellow", "FELLOW")
    True
    >>> rhymes("garden", "gardens")
    False
    """
    return first[-3:].lower() == second[-3:].lower()


def check_rhymes(candidate: Callable[[str, str], bool]) -> None:
    assert candidate("Yellow", "FELLOW") is True
    assert candidate("garden", "gardens") is False
    assert candidate("CAT", "cat") is True
    assert candidate("cat", "bat") is False
    assert candidate("nightly", "brightly") is True
    assert candidate("tree", "treE") is True
    assert candidate("stone", "stones") is False


def telegram_cost(message: str, price: int) -> int:
    """Work out what a telegram costs when each word costs `price`.

    Words are separated by one or more spaces. A word of more than ten characters costs twice
    the price. A message without words costs nothing.

    >>> telegram_cost("arriving tomorrow", 5)
    10
    >>> telegram_cost("congratulations", 5)
    10
    """
    cost = 0
    for word in message.split():
        cost += 2 * price if len(word) > 10 else price
    return cost


def check_telegram_cost(candidate: Callable[[str, int], int]) -> None:
    assert candidate("arriving tomorrow", 5) == 10
    assert candidate("congratulations", 5) == 10
    assert candidate("", 7) == 0
    assert candidate("tencharact is free", 1) == 3
    assert candidate("elevenchars is not", 1) == 4
    assert candidate("  many   spaces ", 3) == 6
    assert candidate("unbelievable extraordinary news", 4) == 20


def name_all(names: list[str]) -> str:
    """Join names as in a sentence: commas between them, but "and" before the last.

    There is no comma before "and". One name stands alone; no names give "nobody".

    >>> name_all(["Ida", "Tom", "Lu"])
    'Ida, Tom and Lu'
    """
    if not names:
        return "nobody"
    if len(names) == 1:
        return names[0]
    return ", ".join(names[:-1]) + " and " + names[-1]


def check_name_all(candidate: Callable[[list[str]], str]) -> None:
    assert candidate(["Ida", "Tom", "Lu"]) == "Ida, Tom and Lu"
    assert candidate([]) == "nobody"
    assert candidate(["Ida"]) == "Ida"
    assert candidate(["Ida", "Tom"]) == "Ida and Tom"
    assert candidate(["a", "b", "c", "d"]) == "a, b, c and d"
    assert candidate(["x", "x"]) == "x and x"


def short_name(name: str) -> str:
    """Shorten every part of a full name but the last to its first letter and a full stop.

    Parts are separated by single spaces. A name of one part stays as it is.

    >>> short_name("Rosa Maria Keller")
    'R. M. Keller'
    """
    *given, last = name.split(" ")
    return "".join(part[0] + ". " for part in given) + last


def check_short_name(candidate: Callable[[str], str]) -> None:
    assert candidate("Rosa Maria Keller") == "R. M. Keller"
    assert candidate("Keller") == "Keller"
    assert candidate("Jo Li") == "J. Li"
    assert candidate("ada b c") == "a. b. c"
    assert candidate("Jean-Luc Petit") == "J. Petit"
    assert candidate("A B C D Endeavour") == "A. B. C. D. Endeavour"


def show_guessed(word: str, guessed: str) -> str:
    """Show a secret word in a guessing game.

    Every letter of the word that is among the guessed letters is shown as it is, every
    other letter as "_". Capital and small letters count as the same when guessing.

    >>> show_guessed("Banana", "bn")
    'B_n_n_'
    """
    known = guessed.lower()
    return "".join(letter if letter.lower() in known else "_" for letter in word)


def check_show_guessed(candidate: Callable[[str, str], str]) -> None:
    assert candidate("Banana", "bn") == "B_n_n_"
    assert candidate("banana", "A") == "_a_a_a"
    assert candidate("kiwi", "") == "____"
    assert candidate("", "abc") == ""
    assert candidate("plum", "mulp") == "plum"
    assert candidate("FIG", "xyzi") == "_I_"


def headline(text: str, small_words: list[str]) -> str:
    """Write a line of lower-case words as a headline.

    Every word starts with a capital letter, except the words in `small_words`. The first
    word of the line always starts with a capital. Words are separated by single spaces. A line
    without words stays empty.

    >>> headline("the bird of the sea", ["of", "the"])
    'The Bird of the Sea'
    """
    first, *others = text.split(" ")
    headed = [word if word in small_words else word.capitalize() for word in others]
    return " ".join([first.capitalize(), *headed])


def check_headline(candidate: Callable[[str, list[str]], str]) -> None:
    assert candidate("the bird of the sea", ["of", "the"]) == "The Bird of the Sea"
    assert candidate("a day in may", []) == "A Day In May"
    assert candidate("in", ["in"]) == "In"
    assert candidate("rain and snow", ["and"]) == "Rain and Snow"
    assert candidate("sand castles and land", ["and"]) == "Sand Castles and Land"
    assert candidate("to be or to be", ["to", "be"]) == "To be Or to be"
    assert candidate("", ["the"]) == ""


def one_letter_apart(first: str, second: str) -> bool:
    """Tell whether one word turns into the other by changing exactly one letter.

    Nothing may be added or taken away, so words of different lengths never qualify,
    nor do two equal words.

    >>> one_letter_apart("cold", "cord")
    True
    """
    if len(first) != len(second):
        return False
    changed = 0
    for left, right in zip(first, second, strict=True):
        if left != right:
            changed += 1
    return changed == 1


def check_one_letter_apart(candidate: Callable[[str, str], bool]) -> None:
    assert candidate("cold", "cord") is True
    assert candidate("cold", "cold") is False
    assert candidate("cold", "card") is False
    assert candidate("cold", "colds") is False
    assert candidate("", "") is False
    assert candidate("a", "b") is True
    assert candidate("warm", "ward") is True
    assert candidate("stop", "pots") is False


def fill_letter(template: str, values: dict[str, str]) -> str:
    """Fill the gaps of a form letter.

    A gap is a name made of lower-case letters between "[" and "]". It is replaced by the
    name's value; a gap whose name has no value stays as it is. Values are not searched again.

    >>> fill_letter("Dear [who], see you on [day].", {"who": "Max"})
    'Dear Max, see you on [day].'
    """
    return re.sub(r"\[([a-z]+)\]", lambda gap: values.get(gap[1], gap[0]), template)


def check_fill_letter(candidate: Callable[[str, dict[str, str]], str]) -> None:
    assert candidate("Dear [who], see you on [day].", {"who": "Max"}) == "Dear Max, see you on [day]."
    assert candidate("[a][b][a]", {"a": "x", "b": ""}) == "xx"
    assert candidate("no gaps", {"gaps": "holes"}) == "no gaps"
    assert candidate("[who]", {"who": "[day]", "day": "Monday"}) == "[day]"
    assert candidate("[day] [who]", {"who": "[day]", "day": "[who]"}) == "[who] [day]"
    assert candidate("[A] [] [b2]", {"A": "1", "": "2", "b2": "3"}) == "[A] [] [b2]"
    assert candidate("", {"a": "b"}) == ""


def wrap_words(words: list[str], width: int) -> list[str]:
    """Set words in lines of at most `width` characters, one space between words.

    Each line takes as many words as fit, in order. A word longer than the width gets a line
    of its own. No words give no lines.

    >>> wrap_words(["we", "sail", "at", "dawn"], 7)
    ['we sail', 'at dawn']
    """
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def check_wrap_words(candidate: Callable[[list[str], int], list[str]]) -> None:
    assert candidate(["we", "sail", "at", "dawn"], 7) == ["we sail", "at dawn"]
    assert candidate(["we", "sail", "at", "dawn"], 6) == ["we", "sail", "at", "dawn"]
    assert candidate(["we", "sail", "at", "dawn"], 8) == ["we sail", "at dawn"]
    assert candidate(["we", "sail", "at", "dawn"], 100) == ["we sail at dawn"]
    assert candidate([], 10) == []
    assert candidate(["a", "lighthouse", "b", "c"], 4) == ["a", "lighthouse", "b c"]
    assert candidate(["one"], 3) == ["one"]
