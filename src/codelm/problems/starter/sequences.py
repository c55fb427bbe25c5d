"""Starter problems: lists and their order."""

from collections.abc import Callable
from itertools import pairwise


def podium(finishers: list[str]) -> dict[str, int]:
    """Give the first three finishers of a race their places, 1 to 3.

    The names come in the order of finishing. If fewer than three finish, all have a place.

    >>> podium(["Uma", "Finn", "Ola", "Per"])
    {'Uma': 1, 'Finn': 2, 'Ola': 3}
    """
    return {name: place for place, name in enumerate(finishers[:3], start=1)}


def check_podium(candidate: Callable[[list[str]], dict[str, int]]) -> None:
    assert candidate(["Uma", "Finn", "Ola", "Per"]) == {"Uma": 1, "Finn": 2, "Ola": 3}
    assert candidate(["Uma", "Finn", "Ola"]) == {"Uma": 1, "Finn": 2, "Ola": 3}
    assert candidate(["Per", "Ola"]) == {"Per": 1, "Ola": 2}
    assert candidate(["Ola"]) == {"Ola": 1}
    assert candidate([]) == {}
    assert candidate(["e", "d", "c", "b", "a"]) == {"e": 1, "d": 2, "c": 3}


def metres_climbed(heights: list[int]) -> int:
    """Add up how many metres a hike goes uphill.

    The heights are those of its stops, in order. Ways downhill or level count nothing, so a
    hike of fewer than two stops gives 0.

    >>> metres_climbed([200, 350, 300, 420])
    270
    """
    return sum(max(0, end - start) for start, end in pairwise(heights))


def check_metres_climbed(candidate: Callable[[list[int]], int]) -> None:
    assert candidate([200, 350, 300, 420]) == 270
    assert candidate([10, 10, 10]) == 0
    assert candidate([90, 60, 30]) == 0
    assert candidate([5]) == 0
    assert candidate([]) == 0
    assert candidate([-20, 5]) == 25
    assert candidate([0, 1, 0, 1, 0, 1]) == 3


def picking_order(captains: list[str], rounds: int) -> list[str]:
    """List whose turn it is, pick by pick, when captains choose their teams.

    In each round every captain picks once. The first round goes through the captains as they
    are listed, the next one backwards, the one after that forwards again, and so on.

    >>> picking_order(["Eve", "Kim"], 3)
    ['Eve', 'Kim', 'Kim', 'Eve', 'Eve', 'Kim']
    """
    order: list[str] = []
    for turn in range(rounds):
        order += captains if turn % 2 == 0 else captains[::-1]
    return order


def check_picking_order(candidate: Callable[[list[str], int], list[str]]) -> None:
    assert candidate(["Eve", "Kim"], 3) == ["Eve", "Kim", "Kim", "Eve", "Eve", "Kim"]
    assert candidate(["Eve", "Kim"], 1) == ["Eve", "Kim"]
    assert candidate(["Eve", "Kim"], 0) == []
    assert candidate([], 4) == []
    assert candidate(["Eve"], 3) == ["Eve", "Eve", "Eve"]
    assert candidate(["c", "a", "b"], 2) == ["c", "a", "b", "b", "a", "c"]


def pair_ends(names: list[str]) -> list[tuple[str, str]]:
    """Pair the first name with the last, the second with the last but one, and so on inwards.

    In each pair the name nearer to the front comes first. With an odd number of names the
    middle one gets no partner and is left out.

    >>> pair_ends(["Ann", "Bo", "Cy", "Di", "Ed"])
    [('Ann', 'Ed'), ('Bo', 'Di')]
    """
    half = len(names) // 2
    return list(zip(names[:half], reversed(names), strict=False))


def check_pair_ends(candidate: Callable[[list[str]], list[tuple[str, str]]]) -> None:
    assert candidate(["Ann", "Bo", "Cy", "Di", "Ed"]) == [("Ann", "Ed"), ("Bo", "Di")]
    assert candidate(["Ann", "Bo", "Cy", "Di"]) == [("Ann", "Di"), ("Bo", "Cy")]
    assert candidate(["Ann", "Bo"]) == [("Ann", "Bo")]
    assert candidate(["Ann"]) == []
    assert candidate([]) == []
    assert candidate(["x", "y", "x"]) == [("x", "x")]


def take_back(actions: list[str]) -> list[str]:
    """Return the actions that still stand after each "undo" has removed the one before it.

    An "undo" takes away the latest action that still stands, so two in a row take away
    two. An "undo" with nothing before it does nothing.

    >>> take_back(["draw", "paint", "undo", "cut"])
    ['draw', 'cut']
    """
    standing: list[str] = []
    for action in actions:
        if action != "undo":
            standing.append(action)
        elif standing:
            standing.pop()
    return standing


def check_take_back(candidate: Callable[[list[str]], list[str]]) -> None:
    assert candidate(["draw", "paint", "undo", "cut"]) == ["draw", "cut"]
    assert candidate(["draw", "paint", "cut", "undo", "undo"]) == ["draw"]
    assert candidate(["undo", "draw"]) == ["draw"]
    assert candidate(["draw", "undo", "undo", "paint"]) == ["paint"]
    assert candidate([]) == []
    assert candidate(["a", "a", "undo"]) == ["a"]


def split_at(items: list[str], marker: str) -> list[list[str]]:
    """Cut a list into the parts between its markers.

    The markers themselves are dropped. Two markers side by side, or one at either end,
    leave an empty part; a list without a marker is one part.

    >>> split_at(["tea", "-", "egg", "ham"], "-")
    [['tea'], ['egg', 'ham']]
    """
    parts: list[list[str]] = [[]]
    for item in items:
        if item == marker:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def check_split_at(candidate: Callable[[list[str], str], list[list[str]]]) -> None:
    assert candidate(["tea", "-", "egg", "ham"], "-") == [["tea"], ["egg", "ham"]]
    assert candidate(["tea", "egg"], "-") == [["tea", "egg"]]
    assert candidate([], "-") == [[]]
    assert candidate(["-"], "-") == [[], []]
    assert candidate(["a", "/", "/", "b", "/"], "/") == [["a"], [], ["b"], []]
    assert candidate(["-", "a", "-"], "a") == [["-"], ["-"]]


def trim_quiet(levels: list[int], floor: int) -> list[int]:
    """Remove the quiet start and the quiet end of a recording.

    A level below `floor` is quiet. Quiet levels between two loud ones stay. If all levels
    are quiet, nothing is left. The list that was passed in stays as it was.

    >>> trim_quiet([0, 2, 9, 1, 8, 2], 5)
    [9, 1, 8]
    """
    loud = [place for place, level in enumerate(levels) if level >= floor]
    if not loud:
        return []
    return levels[loud[0] : loud[-1] + 1]


def check_trim_quiet(candidate: Callable[[list[int], int], list[int]]) -> None:
    levels = [0, 2, 9, 1, 8, 2]
    assert candidate(levels, 5) == [9, 1, 8]
    assert levels == [0, 2, 9, 1, 8, 2]
    assert candidate([5, 4, 5], 5) == [5, 4, 5]
    assert candidate([4, 4], 5) == []
    assert candidate([], 1) == []
    assert candidate([1, 7, 1], 3) == [7]
    assert candidate([0, 3, 0, 0, 4, 4, 0], 3) == [3, 0, 0, 4, 4]


def tank_levels(changes: list[int], capacity: int) -> list[int]:
    """Follow the level of a tank that starts empty and return it after each change.

    A change adds water, or takes it away if negative. What exceeds the capacity spills,
    and an empty tank cannot give any more, so the level stays between 0 and the capacity.

    >>> tank_levels([4, 5, -2, -9], 8)
    [4, 8, 6, 0]
    """
    levels = []
    level = 0
    for change in changes:
        level = min(capacity, max(0, level + change))
        levels.append(level)
    return levels


def check_tank_levels(candidate: Callable[[list[int], int], list[int]]) -> None:
    assert candidate([4, 5, -2, -9], 8) == [4, 8, 6, 0]
    assert candidate([-3, 2], 8) == [0, 2]
    assert candidate([], 5) == []
    assert candidate([10, -4, 10], 10) == [10, 6, 10]
    assert candidate([1, 1, 1], 2) == [1, 2, 2]
    assert candidate([3, -3, 3, -4, 1], 5) == [3, 0, 3, 0, 1]


def load_vans(parcels: list[int], limit: int) -> list[list[int]]:
    """Load parcels of given weights into vans in order and return what each van carries.

    A parcel goes into the current van unless the van's load would then exceed the limit;
    in that case the van leaves and a new one takes the parcel. No parcel is heavier than
    the limit. No parcels need no van.

    >>> load_vans([4, 3, 5, 2], 8)
    [[4, 3], [5, 2]]
    """
    vans: list[list[int]] = []
    for parcel in parcels:
        if not vans or sum(vans[-1]) + parcel > limit:
            vans.append([])
        vans[-1].append(parcel)
    return vans


def check_load_vans(candidate: Callable[[list[int], int], list[list[int]]]) -> None:
    assert candidate([4, 3, 5, 2], 8) == [[4, 3], [5, 2]]
    assert candidate([4, 4, 4], 8) == [[4, 4], [4]]
    assert candidate([], 8) == []
    assert candidate([6, 3, 6, 1], 7) == [[6], [3], [6, 1]]
    assert candidate([1, 1, 1, 1], 10) == [[1, 1, 1, 1]]
    assert candidate([5, 5], 5) == [[5], [5]]
