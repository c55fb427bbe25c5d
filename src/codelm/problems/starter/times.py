"""Starter problems: clocks, days and opening hours."""

from collections.abc import Callable


def quarter_of(month: int) -> str:
    """Name the quarter of the year in which a month (1 to 12) lies: "Q1", "Q2", "Q3" or "Q4".

    >>> quarter_of(5)
    'Q2'
    """
    return "Q" + str((month + 2) // 3)


def check_quarter_of(candidate: Callable[[int], str]) -> None:
    assert candidate(5) == "Q2"
    assert candidate(1) == "Q1"
    assert candidate(3) == "Q1"
    assert candidate(4) == "Q2"
    assert candidate(9) == "Q3"
    assert candidate(10) == "Q4"
    assert candidate(12) == "Q4"


def bus_wait(minute: int, interval: int) -> int:
    """Say how many minutes it takes until the next bus.

    Buses leave at minute 0 and then every `interval` minutes. Whoever arrives at the very
    minute of a departure waits 0 minutes.

    >>> bus_wait(13, 10)
    7
    """
    return -minute % interval


def check_bus_wait(candidate: Callable[[int, int], int]) -> None:
    assert candidate(13, 10) == 7
    assert candidate(0, 10) == 0
    assert candidate(20, 10) == 0
    assert candidate(21, 10) == 9
    assert candidate(29, 10) == 1
    assert candidate(5, 60) == 55
    assert candidate(8, 1) == 0


def is_open(hour: int, opens: int, closes: int) -> bool:
    """Tell whether a café is open at a full hour of the day, 0 to 23.

    It opens at the hour `opens` and is closed again from the hour `closes` on. If `closes`
    is smaller than `opens`, it stays open past midnight. The two are never equal.

    >>> is_open(1, 18, 2)
    True
    >>> is_open(17, 9, 17)
    False
    """
    if opens < closes:
        return opens <= hour < closes
    return hour >= opens or hour < closes


def check_is_open(candidate: Callable[[int, int, int], bool]) -> None:
    assert candidate(1, 18, 2) is True
    assert candidate(17, 9, 17) is False
    assert candidate(9, 9, 17) is True
    assert candidate(16, 9, 17) is True
    assert candidate(8, 9, 17) is False
    assert candidate(20, 9, 17) is False
    assert candidate(2, 18, 2) is False
    assert candidate(18, 18, 2) is True
    assert candidate(10, 18, 2) is False
    assert candidate(23, 18, 2) is True


def minutes_between(start: str, end: str) -> int:
    """Count the minutes from one time of day to another, both written "HH:MM".

    An end earlier than the start belongs to the next day. Equal times are 0 minutes apart.

    >>> minutes_between("09:30", "11:15")
    105
    >>> minutes_between("23:50", "00:10")
    20
    """
    start_hour, start_minute = start.split(":")
    end_hour, end_minute = end.split(":")
    hours = int(end_hour) - int(start_hour)
    minutes = int(end_minute) - int(start_minute)
    return (hours * 60 + minutes) % (24 * 60)


def check_minutes_between(candidate: Callable[[str, str], int]) -> None:
    assert candidate("09:30", "11:15") == 105
    assert candidate("23:50", "00:10") == 20
    assert candidate("08:00", "08:00") == 0
    assert candidate("08:00", "07:59") == 1439
    assert candidate("00:00", "23:59") == 1439
    assert candidate("10:45", "11:05") == 20


def twelve_hour(clock: str) -> str:
    """Rewrite a time of day from "HH:MM" on the 24-hour clock to the 12-hour clock.

    The hour loses its leading zero, and " am" or " pm" follows the minutes. Midnight is
    12:00 am and noon is 12:00 pm.

    >>> twelve_hour("17:05")
    '5:05 pm'
    """
    hour, minute = clock.split(":")
    half = "am" if int(hour) < 12 else "pm"
    return f"{(int(hour) - 1) % 12 + 1}:{minute} {half}"


def check_twelve_hour(candidate: Callable[[str], str]) -> None:
    assert candidate("17:05") == "5:05 pm"
    assert candidate("00:00") == "12:00 am"
    assert candidate("12:00") == "12:00 pm"
    assert candidate("09:30") == "9:30 am"
    assert candidate("11:59") == "11:59 am"
    assert candidate("13:01") == "1:01 pm"
    assert candidate("00:45") == "12:45 am"
    assert candidate("23:10") == "11:10 pm"


def playing_time(seconds: int) -> str:
    """Write the length of a film as "H:MM:SS", or as "M:SS" if it is under one hour.

    The first number has no leading zero, the others always have two digits.

    >>> playing_time(3725)
    '1:02:05'
    >>> playing_time(65)
    '1:05'
    """
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    if hour == 0:
        return f"{minute}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}"


def check_playing_time(candidate: Callable[[int], str]) -> None:
    assert candidate(3725) == "1:02:05"
    assert candidate(65) == "1:05"
    assert candidate(0) == "0:00"
    assert candidate(59) == "0:59"
    assert candidate(600) == "10:00"
    assert candidate(3599) == "59:59"
    assert candidate(3600) == "1:00:00"
    assert candidate(45296) == "12:34:56"


def days_until(today: str, wanted: str) -> int:
    """Count the days from one weekday to the next time it is another weekday.

    Days are written "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" and "Sun". If both are the same,
    the wanted day is a full week away.

    >>> days_until("Fri", "Mon")
    3
    >>> days_until("Fri", "Fri")
    7
    """
    week = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    days = (week.index(wanted) - week.index(today)) % 7
    return days or 7


def check_days_until(candidate: Callable[[str, str], int]) -> None:
    assert candidate("Fri", "Mon") == 3
    assert candidate("Fri", "Fri") == 7
    assert candidate("Mon", "Tue") == 1
    assert candidate("Tue", "Mon") == 6
    assert candidate("Sun", "Sat") == 6
    assert candidate("Wed", "Sun") == 4
    assert candidate("Thu", "Sat") == 2


def age_on(birthday: tuple[int, int, int], day: tuple[int, int, int]) -> int:
    """Say how many years old a person is on a day. Both dates are (year, month, day).

    The age goes up on the birthday itself. The day is never before the birth.

    >>> age_on((1990, 6, 15), (2020, 6, 14))
    29
    """
    age = day[0] - birthday[0]
    if day[1:] < birthday[1:]:
        age -= 1
    return age


def check_age_on(candidate: Callable[[tuple[int, int, int], tuple[int, int, int]], int]) -> None:
    assert candidate((1990, 6, 15), (2020, 6, 14)) == 29
    assert candidate((1990, 6, 15), (2020, 6, 15)) == 30
    assert candidate((1990, 6, 15), (2020, 5, 30)) == 29
    assert candidate((1990, 6, 15), (2020, 7, 1)) == 30
    assert candidate((2001, 12, 31), (2002, 1, 1)) == 0
    assert candidate((2001, 1, 1), (2001, 1, 1)) == 0


def free_slots(bookings: list[tuple[int, int]], opens: int, closes: int) -> list[tuple[int, int]]:
    """List the times at which a room is free, as pairs (start, end) in order.

    Bookings are such pairs too; they are in order, do not overlap and lie within the hours
    from `opens` to `closes`. Where one booking follows another at once, nothing is free.

    >>> free_slots([(9, 10), (12, 14)], 8, 14)
    [(8, 9), (10, 12)]
    """
    slots = []
    free_from = opens
    for start, end in bookings:
        if start > free_from:
            slots.append((free_from, start))
        free_from = end
    if closes > free_from:
        slots.append((free_from, closes))
    return slots


def check_free_slots(
    candidate: Callable[[list[tuple[int, int]], int, int], list[tuple[int, int]]],
) -> None:
    assert candidate([(9, 10), (12, 14)], 8, 14) == [(8, 9), (10, 12)]
    assert candidate([], 8, 18) == [(8, 18)]
    assert candidate([(8, 18)], 8, 18) == []
    assert candidate([(8, 9), (9, 11)], 8, 12) == [(11, 12)]
    assert candidate([(10, 11), (11, 12)], 9, 13) == [(9, 10), (12, 13)]
    assert candidate([(1, 2), (3, 4), (5, 6)], 0, 7) == [(0, 1), (2, 3), (4, 5), (6, 7)]
