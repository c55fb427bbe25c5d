"""Starter problems: prices, amounts and measurements."""

import math
from collections.abc import Callable


def heating_runs(degrees: float, wanted: float, running: bool) -> bool:
    """Decide whether the heating of a room runs from now on.

    It runs when the room is more than 1 degree below the wanted temperature and stands still
    when it is more than 1 degree above. In between, what is running goes on running and what
    stands still goes on standing still.

    >>> heating_runs(18.5, 20.0, False)
    True
    >>> heating_runs(19.5, 20.0, False)
    False
    """
    if abs(degrees - wanted) <= 1:
        return running
    return degrees < wanted


def check_heating_runs(candidate: Callable[[float, float, bool], bool]) -> None:
    assert candidate(18.5, 20.0, False) is True
    assert candidate(18.5, 20.0, True) is True
    assert candidate(19.5, 20.0, False) is False
    assert candidate(20.5, 20.0, True) is True
    assert candidate(21.5, 20.0, True) is False
    assert candidate(25.0, 20.0, False) is False
    assert candidate(19.0, 20.0, False) is False
    assert candidate(21.0, 20.0, True) is True
    assert candidate(-3.0, -1.0, False) is True


def fuel_left(litres: float, distance: float, per_hundred: float) -> float:
    """Return the litres left in a tank after a drive of `distance` kilometres.

    The car needs `per_hundred` litres for 100 kilometres. A tank cannot hold less than 0.0 litres.

    >>> fuel_left(40.0, 200.0, 6.0)
    28.0
    """
    used = distance * per_hundred / 100
    return max(0.0, litres - used)


def check_fuel_left(candidate: Callable[[float, float, float], float]) -> None:
    assert abs(candidate(40.0, 200.0, 6.0) - 28.0) < 1e-9
    assert abs(candidate(40.0, 0.0, 6.0) - 40.0) < 1e-9
    assert abs(candidate(10.0, 500.0, 8.0)) < 1e-9
    assert abs(candidate(10.0, 50.0, 5.0) - 7.5) < 1e-9
    assert abs(candidate(8.0, 100.0, 8.0)) < 1e-9
    assert abs(candidate(1.0, 10.0, 5.0) - 0.5) < 1e-9


def percent_change(old: float, new: float) -> float | None:
    """Return by how many per cent a value has grown, negative if it has shrunk.

    The old value is the whole. Return None when it is 0.

    >>> percent_change(80.0, 100.0)
    25.0
    """
    if old == 0:
        return None
    return (new - old) / old * 100


def check_percent_change(candidate: Callable[[float, float], float | None]) -> None:
    # Exact in binary, however the percentage is worked out.
    assert candidate(80.0, 100.0) == 25.0
    assert candidate(4.0, 1.0) == -75.0
    assert candidate(2.0, 2.0) == 0.0
    assert candidate(1.0, 3.0) == 200.0
    assert candidate(0.0, 5.0) is None
    assert candidate(0.0, 0.0) is None
    assert candidate(16.0, 0.0) == -100.0


def ticket_price(age: int, member: bool) -> int:
    """Return what a museum ticket costs.

    Children under 6 enter free. From 6 to 17 years a ticket costs 4, from 18 years 9.
    Members pay 2 less than that, but those who enter free still pay 0.

    >>> ticket_price(30, True)
    7
    """
    if age < 6:
        return 0
    price = 4 if age < 18 else 9
    return price - 2 if member else price


def check_ticket_price(candidate: Callable[[int, bool], int]) -> None:
    assert candidate(30, True) == 7
    assert candidate(30, False) == 9
    assert candidate(5, False) == 0
    assert candidate(5, True) == 0
    assert candidate(6, False) == 4
    assert candidate(17, True) == 2
    assert candidate(17, False) == 4
    assert candidate(18, False) == 9


def paint_tins(width: float, height: float, coats: int) -> int:
    """Count the tins of paint to buy for a wall measured in metres.

    One tin covers 8 square metres once, and the whole wall gets `coats` coats.
    Only whole tins are sold.

    >>> paint_tins(5.0, 2.0, 2)
    3
    """
    return math.ceil(width * height * coats / 8)


def check_paint_tins(candidate: Callable[[float, float, int], int]) -> None:
    assert candidate(5.0, 2.0, 2) == 3
    assert candidate(4.0, 2.0, 1) == 1
    assert candidate(4.0, 2.0, 3) == 3
    assert candidate(4.5, 2.0, 1) == 2
    assert candidate(3.0, 2.5, 0) == 0
    assert candidate(0.5, 0.5, 1) == 1
    assert candidate(10.0, 2.0, 2) == 5


def smallest_fit(length: int, sizes: list[int]) -> int | None:
    """Choose the shortest of the sold sizes that is at least the length needed.

    The sizes come in any order. Return None when all of them are too short.

    >>> smallest_fit(70, [120, 60, 80])
    80
    """
    fitting = [size for size in sizes if size >= length]
    return min(fitting) if fitting else None


def check_smallest_fit(candidate: Callable[[int, list[int]], int | None]) -> None:
    assert candidate(70, [120, 60, 80]) == 80
    assert candidate(60, [120, 60, 80]) == 60
    assert candidate(121, [120, 60, 80]) is None
    assert candidate(10, []) is None
    assert candidate(1, [9, 8, 7]) == 7
    assert candidate(100, [40, 150, 200]) == 150
    assert candidate(5, [5]) == 5


def parcel_price(grams: int, express: bool) -> int:
    """Return the postage for a parcel.

    Up to 500 grams cost 300. Every further 500 grams, or part of them, cost 120 more.
    Express doubles the whole price.

    >>> parcel_price(501, False)
    420
    """
    price = 300
    left = grams - 500
    while left > 0:
        price += 120
        left -= 500
    return price * 2 if express else price


def check_parcel_price(candidate: Callable[[int, bool], int]) -> None:
    assert candidate(501, False) == 420
    assert candidate(500, False) == 300
    assert candidate(20, False) == 300
    assert candidate(1000, False) == 420
    assert candidate(1001, False) == 540
    assert candidate(500, True) == 600
    assert candidate(2600, True) == 1800


def judged_score(marks: list[float]) -> float:
    """Average the marks of the judges without one of the best and one of the worst.

    There are at least three marks.

    >>> judged_score([9.0, 5.0, 7.0, 8.0])
    7.5
    """
    kept = sorted(marks)[1:-1]
    return sum(kept) / len(kept)


def check_judged_score(candidate: Callable[[list[float]], float]) -> None:
    assert abs(candidate([9.0, 5.0, 7.0, 8.0]) - 7.5) < 1e-9
    assert abs(candidate([6.0, 6.0, 6.0]) - 6.0) < 1e-9
    assert abs(candidate([10.0, 0.0, 4.0]) - 4.0) < 1e-9
    assert abs(candidate([9.0, 9.0, 9.0, 1.0, 5.0]) - 23.0 / 3) < 1e-9
    assert abs(candidate([1.0, 1.0, 2.0, 10.0]) - 1.5) < 1e-9
    assert abs(candidate([3.5, 8.0, 2.5, 4.5]) - 4.0) < 1e-9


def scale_recipe(recipe: dict[str, int], servings: int, guests: int) -> dict[str, int]:
    """Adapt a recipe, given in grams for a number of servings, to a number of guests.

    Amounts that are not whole are rounded down. What comes to 0 grams is left out. The
    recipe that was passed in stays as it was.

    >>> scale_recipe({"rice": 300, "salt": 1}, 4, 2)
    {'rice': 150}
    """
    scaled = {}
    for name, grams in recipe.items():
        amount = grams * guests // servings
        if amount > 0:
            scaled[name] = amount
    return scaled


def check_scale_recipe(candidate: Callable[[dict[str, int], int, int], dict[str, int]]) -> None:
    assert candidate({"rice": 300, "salt": 1}, 4, 2) == {"rice": 150}
    assert candidate({"flour": 500, "sugar": 75}, 2, 5) == {"flour": 1250, "sugar": 187}
    assert candidate({}, 4, 2) == {}
    assert candidate({"tea": 3}, 3, 1) == {"tea": 1}
    assert candidate({"tea": 3}, 1, 0) == {}
    oats = {"oats": 50, "milk": 200}
    assert candidate(oats, 1, 3) == {"oats": 150, "milk": 600}
    assert oats == {"oats": 50, "milk": 200}
