"""Starter problems: dictionaries."""

from collections import Counter
from collections.abc import Callable
from typing import Any


def to_order(wanted: dict[str, int], stock: dict[str, int]) -> dict[str, int]:
    """Say how many pieces of each thing a shop must order to have as many as it wants.

    What is not in stock at all has a count of 0. Things of which there are enough are left out.

    >>> to_order({"pen": 5, "cup": 2}, {"pen": 3, "cup": 4})
    {'pen': 2}
    """
    missing = {}
    for name, count in wanted.items():
        lacking = count - stock.get(name, 0)
        if lacking > 0:
            missing[name] = lacking
    return missing


def check_to_order(candidate: Callable[[dict[str, int], dict[str, int]], dict[str, int]]) -> None:
    assert candidate({"pen": 5, "cup": 2}, {"pen": 3, "cup": 4}) == {"pen": 2}
    assert candidate({"pen": 5}, {}) == {"pen": 5}
    assert candidate({}, {"pen": 5}) == {}
    assert candidate({"pen": 5}, {"pen": 5}) == {}
    assert candidate({"ink": 1, "cap": 9}, {"cap": 8}) == {"ink": 1, "cap": 1}
    assert candidate({"pen": 0}, {}) == {}


def basket_total(prices: dict[str, int], basket: list[str]) -> int:
    """Add up the prices of what lies in a basket.

    A thing that lies in it twice is paid twice. Things without a price are free.

    >>> basket_total({"pen": 2, "book": 9}, ["book", "pen", "pen"])
    13
    """
    return sum(prices.get(thing, 0) for thing in basket)


def check_basket_total(candidate: Callable[[dict[str, int], list[str]], int]) -> None:
    assert candidate({"pen": 2, "book": 9}, ["book", "pen", "pen"]) == 13
    assert candidate({"pen": 2, "book": 9}, []) == 0
    assert candidate({}, ["pen"]) == 0
    assert candidate({"pen": 2}, ["bag", "pen", "bag"]) == 2
    assert candidate({"pen": 2, "book": 9}, ["pen"]) == 2
    assert candidate({"cup": 5}, ["cup", "cup", "cup"]) == 15


def team_of_each(teams: dict[str, list[str]]) -> dict[str, str]:
    """Turn a dictionary from team to members into one from member to team.

    Nobody is in two teams. A team without members does not show in the result.

    >>> team_of_each({"red": ["Ann", "Bo"], "blue": ["Cy"]})
    {'Ann': 'red', 'Bo': 'red', 'Cy': 'blue'}
    """
    return {member: team for team, members in teams.items() for member in members}


def check_team_of_each(candidate: Callable[[dict[str, list[str]]], dict[str, str]]) -> None:
    assert candidate({"red": ["Ann", "Bo"], "blue": ["Cy"]}) == {"Ann": "red", "Bo": "red", "Cy": "blue"}
    assert candidate({}) == {}
    assert candidate({"red": []}) == {}
    assert candidate({"red": ["Ann"], "blue": []}) == {"Ann": "red"}
    assert candidate({"a": ["b"], "b": ["a"]}) == {"b": "a", "a": "b"}
    assert candidate({"x": ["p", "q", "r"]}) == {"p": "x", "q": "x", "r": "x"}


def stock_after(stock: dict[str, int], sold: list[str]) -> dict[str, int]:
    """Return the stock of a shop after single pieces were sold.

    Every sold piece lowers its count by one. What is sold out is left out of the result,
    and so is what had a count of 0. Only goods in stock are sold. The stock passed in
    stays as it was.

    >>> stock_after({"pear": 3, "fig": 1}, ["fig", "pear"])
    {'pear': 2}
    """
    left = {}
    for name, count in stock.items():
        remaining = count - sold.count(name)
        if remaining > 0:
            left[name] = remaining
    return left


def check_stock_after(candidate: Callable[[dict[str, int], list[str]], dict[str, int]]) -> None:
    stock = {"pear": 3, "fig": 1}
    assert candidate(stock, ["fig", "pear"]) == {"pear": 2}
    assert stock == {"pear": 3, "fig": 1}
    assert candidate({"pear": 3, "fig": 1}, []) == {"pear": 3, "fig": 1}
    assert candidate({"nut": 2}, ["nut", "nut"]) == {}
    assert candidate({"nut": 0, "oat": 4}, ["oat"]) == {"oat": 3}
    assert candidate({}, []) == {}
    assert candidate({"a": 2, "b": 5}, ["b", "a", "b"]) == {"a": 1, "b": 3}


def rename_fields(record: dict[str, int], new_names: dict[str, str]) -> dict[str, int]:
    """Return a record in which fields have new names and their old values.

    Fields without a new name keep theirs. New names for fields that the record does not
    have are ignored. The record passed in stays as it was.

    >>> rename_fields({"h": 3, "w": 4}, {"h": "height", "d": "depth"})
    {'height': 3, 'w': 4}
    """
    return {new_names.get(name, name): value for name, value in record.items()}


def check_rename_fields(candidate: Callable[[dict[str, int], dict[str, str]], dict[str, int]]) -> None:
    record = {"h": 3, "w": 4}
    assert candidate(record, {"h": "height", "d": "depth"}) == {"height": 3, "w": 4}
    assert record == {"h": 3, "w": 4}
    assert candidate({"h": 3, "w": 4}, {}) == {"h": 3, "w": 4}
    assert candidate({}, {"h": "height"}) == {}
    assert candidate({"a": 1, "b": 2}, {"a": "b", "b": "a"}) == {"b": 1, "a": 2}
    assert candidate({"n": 0}, {"n": "count"}) == {"count": 0}
    assert candidate({"a": 1, "c": 2}, {"a": "x", "c": "y"}) == {"x": 1, "y": 2}


def changed_fields(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """List, in alphabetical order, the fields in which two versions of a record differ.

    A field differs if its value is not the same or if only one of the versions has it.

    >>> changed_fields({"x": 1, "y": 2, "z": 3}, {"x": 1, "y": 5, "a": 0})
    ['a', 'y', 'z']
    """
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def check_changed_fields(candidate: Callable[[dict[str, int], dict[str, int]], list[str]]) -> None:
    assert candidate({"x": 1, "y": 2, "z": 3}, {"x": 1, "y": 5, "a": 0}) == ["a", "y", "z"]
    assert candidate({"x": 1}, {"x": 1}) == []
    assert candidate({}, {}) == []
    assert candidate({"x": 0}, {}) == ["x"]
    assert candidate({}, {"b": 1, "a": 1}) == ["a", "b"]
    assert candidate({"x": 1, "y": 2}, {"x": 2, "y": 1}) == ["x", "y"]


def election_winner(votes: list[str]) -> str | None:
    """Return the candidate with the most votes, or None if the first place is shared.

    Without any votes nobody wins, and the result is None as well.

    >>> election_winner(["Kay", "Lee", "Kay"])
    'Kay'
    >>> election_winner(["Kay", "Lee"]) is None
    True
    """
    counts = Counter(votes)
    most = max(counts.values(), default=0)
    leaders = [name for name, count in counts.items() if count == most]
    return leaders[0] if len(leaders) == 1 else None


def check_election_winner(candidate: Callable[[list[str]], str | None]) -> None:
    assert candidate(["Kay", "Lee", "Kay"]) == "Kay"
    assert candidate(["Kay", "Lee"]) is None
    assert candidate([]) is None
    assert candidate(["Lee"]) == "Lee"
    assert candidate(["Kay", "Lee", "Max", "Lee", "Kay"]) is None
    assert candidate(["Max", "Lee", "Kay", "Lee", "Kay", "Kay"]) == "Kay"


def cheapest_shop(offers: dict[str, dict[str, int]], thing: str) -> str | None:
    """Name the shop where a thing costs least.

    The offers map each shop to its prices. Of several shops with the lowest price, the first
    in alphabetical order counts. Return None if no shop sells the thing.

    >>> cheapest_shop({"Abel": {"pen": 3}, "Zoe": {"pen": 2, "ink": 5}}, "pen")
    'Zoe'
    """
    sellers = [(prices[thing], shop) for shop, prices in offers.items() if thing in prices]
    return min(sellers)[1] if sellers else None


def check_cheapest_shop(candidate: Callable[[dict[str, dict[str, int]], str], str | None]) -> None:
    offers = {"Zoe": {"pen": 2, "ink": 5}, "Abel": {"pen": 3, "ink": 5}, "Mia": {"cap": 1}}
    assert candidate(offers, "pen") == "Zoe"
    assert candidate(offers, "ink") == "Abel"
    assert candidate(offers, "cap") == "Mia"
    assert candidate(offers, "bag") is None
    assert candidate({}, "pen") is None
    assert candidate({"Abel": {}}, "pen") is None
    assert candidate({"B": {"gum": 0}, "A": {"gum": 1}}, "gum") == "B"


def follow_signs(signs: dict[str, str], start: str) -> list[str]:
    """Walk from place to place as the signs say and list the places in the order of the visit.

    `signs` maps a place to the next one. The walk begins at `start`, and ends at a place
    without a sign or just before it would come to a place for the second time.

    >>> follow_signs({"inn": "mill", "mill": "lake"}, "inn")
    ['inn', 'mill', 'lake']
    """
    visited = [start]
    place = start
    while place in signs:
        place = signs[place]
        if place in visited:
            break
        visited.append(place)
    return visited


def check_follow_signs(candidate: Callable[[dict[str, str], str], list[str]]) -> None:
    assert candidate({"inn": "mill", "mill": "lake"}, "inn") == ["inn", "mill", "lake"]
    assert candidate({"inn": "mill", "mill": "lake"}, "mill") == ["mill", "lake"]
    assert candidate({"inn": "mill"}, "lake") == ["lake"]
    assert candidate({}, "inn") == ["inn"]
    assert candidate({"a": "b", "b": "c", "c": "b"}, "a") == ["a", "b", "c"]
    assert candidate({"a": "a"}, "a") == ["a"]


def flatten_menu(menu: dict[str, Any]) -> dict[str, int]:
    """Write a menu with submenus as one flat dictionary.

    A value of the menu is either a number or a menu again, to any depth. The key of a
    number in the result is the path to it, its parts joined by "/". Empty menus vanish.

    >>> flatten_menu({"tea": 2, "cake": {"plum": 4, "nut": 5}})
    {'tea': 2, 'cake/plum': 4, 'cake/nut': 5}
    """
    flat: dict[str, int] = {}
    for name, value in menu.items():
        if isinstance(value, dict):
            for path, number in flatten_menu(value).items():
                flat[name + "/" + path] = number
        else:
            flat[name] = value
    return flat


def check_flatten_menu(candidate: Callable[[dict[str, Any]], dict[str, int]]) -> None:
    assert candidate({"tea": 2, "cake": {"plum": 4, "nut": 5}}) == {"tea": 2, "cake/plum": 4, "cake/nut": 5}
    assert candidate({}) == {}
    assert candidate({"tea": 2}) == {"tea": 2}
    assert candidate({"a": {}, "b": {"c": {}}}) == {}
    assert candidate({"a": {"b": {"c": {"d": 0}}}}) == {"a/b/c/d": 0}
    assert candidate({"x": {"y": 1}, "y": {"x": 1}}) == {"x/y": 1, "y/x": 1}
