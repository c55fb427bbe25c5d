"""Starter problems: whole numbers."""

from collections.abc import Callable
from itertools import pairwise


def line_on_page(line: int, page_length: int) -> int:
    """Say where on its page a line of a long text stands.

    The lines of the text are numbered from 1, and so are those of each page. Every page
    holds `page_length` lines.

    >>> line_on_page(21, 10)
    1
    """
    return (line - 1) % page_length + 1


def check_line_on_page(candidate: Callable[[int, int], int]) -> None:
    assert candidate(21, 10) == 1
    assert candidate(20, 10) == 10
    assert candidate(1, 10) == 1
    assert candidate(9, 10) == 9
    assert candidate(7, 1) == 1
    assert candidate(100, 7) == 2


def boxes_needed(items: int, box_size: int) -> int:
    """Count the boxes it takes to pack all items when a box holds `box_size` of them.

    The last box may be only partly filled. No items need no box.

    >>> boxes_needed(25, 12)
    3
    """
    boxes = items // box_size
    if items % box_size > 0:
        boxes += 1
    return boxes


def check_boxes_needed(candidate: Callable[[int, int], int]) -> None:
    assert candidate(25, 12) == 3
    assert candidate(24, 12) == 2
    assert candidate(23, 12) == 2
    assert candidate(0, 6) == 0
    assert candidate(1, 6) == 1
    assert candidate(9, 1) == 9


def step_volume(level: int, louder: bool) -> int:
    """Press the volume key of a radio once and return the new level.

    The level rises or falls by 1 but stays between 0 and 20.

    >>> step_volume(7, True)
    8
    >>> step_volume(0, False)
    0
    """
    if louder:
        return min(20, level + 1)
    return max(0, level - 1)


def check_step_volume(candidate: Callable[[int, bool], int]) -> None:
    assert candidate(7, True) == 8
    assert candidate(7, False) == 6
    assert candidate(0, False) == 0
    assert candidate(0, True) == 1
    assert candidate(20, True) == 20
    assert candidate(19, True) == 20
    assert candidate(20, False) == 19
    assert candidate(1, False) == 0


def seat_label(number: int, row_length: int) -> str:
    """Give the label of a seat in a small theatre, such as "B3".

    Seats are numbered from 0, row after row, with `row_length` seats to a row. The label
    is the letter of the row ("A" is the first, at most "Z") and the place in it, from 1.

    >>> seat_label(12, 10)
    'B3'
    """
    row, place = divmod(number, row_length)
    return chr(ord("A") + row) + str(place + 1)


def check_seat_label(candidate: Callable[[int, int], str]) -> None:
    assert candidate(12, 10) == "B3"
    assert candidate(0, 10) == "A1"
    assert candidate(9, 10) == "A10"
    assert candidate(10, 10) == "B1"
    assert candidate(25, 1) == "Z1"
    assert candidate(11, 4) == "C4"


def dial_clicks(shown: int, wanted: int) -> int:
    """Count the clicks it takes to turn a dial from one digit to another the shorter way.

    The dial has the digits 0 to 9 in a ring, so that 9 and 0 are one click apart.

    >>> dial_clicks(8, 1)
    3
    """
    forwards = (wanted - shown) % 10
    return min(forwards, 10 - forwards)


def check_dial_clicks(candidate: Callable[[int, int], int]) -> None:
    assert candidate(8, 1) == 3
    assert candidate(1, 8) == 3
    assert candidate(2, 6) == 4
    assert candidate(6, 2) == 4
    assert candidate(0, 9) == 1
    assert candidate(7, 7) == 0
    assert candidate(0, 5) == 5
    assert candidate(9, 3) == 4


def split_bill(cents: int, people: int) -> list[int]:
    """Share a bill so that everyone pays whole cents and no two shares differ by more than one.

    Those who pay a cent more come first. The shares add up to the bill.

    >>> split_bill(1000, 3)
    [334, 333, 333]
    """
    share, extra = divmod(cents, people)
    return [share + 1] * extra + [share] * (people - extra)


def check_split_bill(candidate: Callable[[int, int], list[int]]) -> None:
    assert candidate(1000, 3) == [334, 333, 333]
    assert candidate(1001, 3) == [334, 334, 333]
    assert candidate(1002, 3) == [334, 334, 334]
    assert candidate(2, 4) == [1, 1, 0, 0]
    assert candidate(0, 2) == [0, 0]
    assert candidate(99, 1) == [99]


def digit_travel(number: int) -> int:
    """Add up how far each digit of a non-negative number is from the digit before it.

    A number of one digit gives 0.

    >>> digit_travel(295)
    11
    """
    digits = [int(digit) for digit in str(number)]
    return sum(abs(right - left) for left, right in pairwise(digits))


def check_digit_travel(candidate: Callable[[int], int]) -> None:
    assert candidate(295) == 11
    assert candidate(8) == 0
    assert candidate(0) == 0
    assert candidate(10) == 1
    assert candidate(90909) == 36
    assert candidate(7777) == 0
    assert candidate(123456) == 5


def switches_on(code: int, names: list[str]) -> list[str]:
    """Decode which switches are on.

    The first name stands for the value 1, the next for 2, then 4, 8 and so on. The code is
    the sum of the values of the switches that are on. Return their names in the given order.

    >>> switches_on(5, ["lamp", "radio", "fan"])
    ['lamp', 'fan']
    """
    on = []
    for name in names:
        if code % 2 == 1:
            on.append(name)
        code //= 2
    return on


def check_switches_on(candidate: Callable[[int, list[str]], list[str]]) -> None:
    assert candidate(5, ["lamp", "radio", "fan"]) == ["lamp", "fan"]
    assert candidate(0, ["lamp", "radio"]) == []
    assert candidate(3, ["lamp", "radio"]) == ["lamp", "radio"]
    assert candidate(2, ["lamp", "radio", "fan"]) == ["radio"]
    assert candidate(0, []) == []
    assert candidate(8, ["a", "b", "c", "d", "e"]) == ["d"]
    assert candidate(22, ["a", "b", "c", "d", "e"]) == ["b", "c", "e"]


def weeks_to_save(goal: int, first: int, raise_by: int) -> int:
    """Count the weeks it takes to save at least `goal`.

    The first week brings `first`, and each later week `raise_by` more than the week
    before. `first` is at least 1 and `raise_by` is not negative. A goal of 0 takes 0 weeks.

    >>> weeks_to_save(10, 2, 1)
    4
    """
    saved, weeks, weekly = 0, 0, first
    while saved < goal:
        saved += weekly
        weekly += raise_by
        weeks += 1
    return weeks


def check_weeks_to_save(candidate: Callable[[int, int, int], int]) -> None:
    assert candidate(10, 2, 1) == 4
    assert candidate(9, 2, 1) == 3
    assert candidate(0, 5, 5) == 0
    assert candidate(12, 3, 0) == 4
    assert candidate(13, 3, 0) == 5
    assert candidate(1, 100, 0) == 1
    assert candidate(30, 1, 10) == 3
