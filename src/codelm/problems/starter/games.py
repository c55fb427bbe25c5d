"""Starter problems: turns, rules and scores."""

from collections.abc import Callable
from itertools import combinations, pairwise


def next_player(current: int, players: int, clockwise: bool) -> int:
    """Say whose turn comes after the current player's at a round table.

    Players are numbered clockwise, from 0 to players - 1.

    >>> next_player(3, 4, True)
    0
    >>> next_player(3, 4, False)
    2
    """
    step = 1 if clockwise else -1
    return (current + step) % players


def check_next_player(candidate: Callable[[int, int, bool], int]) -> None:
    assert candidate(3, 4, True) == 0
    assert candidate(3, 4, False) == 2
    assert candidate(0, 4, False) == 3
    assert candidate(0, 4, True) == 1
    assert candidate(0, 1, True) == 0
    assert candidate(5, 8, True) == 6


def light_colour(second: int) -> str:
    """Say which colour a traffic light shows a number of seconds after it was switched on.

    It is green for 30 seconds, then amber for 5, then red for 25, and then begins again.

    >>> light_colour(31)
    'amber'
    >>> light_colour(60)
    'green'
    """
    phase = second % 60
    if phase < 30:
        return "green"
    if phase < 35:
        return "amber"
    return "red"


def check_light_colour(candidate: Callable[[int], str]) -> None:
    assert candidate(31) == "amber"
    assert candidate(60) == "green"
    assert candidate(0) == "green"
    assert candidate(29) == "green"
    assert candidate(30) == "amber"
    assert candidate(34) == "amber"
    assert candidate(35) == "red"
    assert candidate(59) == "red"
    assert candidate(155) == "red"


def dice_score(dice: list[int]) -> int:
    """Score a throw of two or more dice: the sum of the dice, doubled if all show the same.

    >>> dice_score([2, 5, 1])
    8
    >>> dice_score([4, 4])
    16
    """
    score = sum(dice)
    if len(set(dice)) == 1:
        score *= 2
    return score


def check_dice_score(candidate: Callable[[list[int]], int]) -> None:
    assert candidate([2, 5, 1]) == 8
    assert candidate([4, 4]) == 16
    assert candidate([6, 6, 6]) == 36
    assert candidate([1, 1, 2]) == 4
    assert candidate([3, 4]) == 7
    assert candidate([5, 2, 5]) == 12


def floors_travelled(start: int, stops: list[int]) -> int:
    """Count the floors a lift passes when it goes from its start to all stops in order.

    Going from floor 2 to floor 5, or back, counts as 3. Floors below ground are negative.

    >>> floors_travelled(0, [3, 1])
    5
    """
    travelled = 0
    floor = start
    for stop in stops:
        travelled += abs(stop - floor)
        floor = stop
    return travelled


def check_floors_travelled(candidate: Callable[[int, list[int]], int]) -> None:
    assert candidate(0, [3, 1]) == 5
    assert candidate(4, []) == 0
    assert candidate(4, [4, 4]) == 0
    assert candidate(2, [-1]) == 3
    assert candidate(-2, [2, -2, 2]) == 12
    assert candidate(9, [7, 8, 1]) == 10


def tiles_fit(tiles: list[tuple[int, int]]) -> bool:
    """Tell whether domino tiles, laid in this order and not turned, form a proper row.

    In a proper row the right number of each tile is the left number of the tile after it.
    A single tile is a proper row, and so is none at all.

    >>> tiles_fit([(1, 4), (4, 2), (2, 2)])
    True
    """
    return all(left[1] == right[0] for left, right in pairwise(tiles))


def check_tiles_fit(candidate: Callable[[list[tuple[int, int]]], bool]) -> None:
    assert candidate([(1, 4), (4, 2), (2, 2)]) is True
    assert candidate([(1, 4), (2, 4)]) is False
    assert candidate([(1, 4), (4, 2), (4, 1)]) is False
    assert candidate([(1, 4), (1, 4)]) is False
    assert candidate([(3, 5)]) is True
    assert candidate([]) is True
    assert candidate([(0, 6), (6, 0), (0, 6)]) is True


def fixtures(teams: list[str]) -> list[str]:
    """List the matches in which every team plays every other team once, as "HOME - AWAY".

    The home team is the one that stands earlier in the list. First come all home matches of
    the first team, then those of the second, and so on; each time the away teams follow in
    the order of the list.

    >>> fixtures(["Owls", "Foxes", "Bears"])
    ['Owls - Foxes', 'Owls - Bears', 'Foxes - Bears']
    """
    return [f"{home} - {away}" for home, away in combinations(teams, 2)]


def check_fixtures(candidate: Callable[[list[str]], list[str]]) -> None:
    assert candidate(["Owls", "Foxes", "Bears"]) == ["Owls - Foxes", "Owls - Bears", "Foxes - Bears"]
    assert candidate(["Owls", "Foxes"]) == ["Owls - Foxes"]
    assert candidate(["Foxes", "Owls"]) == ["Foxes - Owls"]
    assert candidate(["Owls"]) == []
    assert candidate([]) == []
    assert candidate(["d", "b", "a", "c"]) == ["d - b", "d - a", "d - c", "b - a", "b - c", "a - c"]


def board_move(square: int, roll: int, slides: dict[int, int]) -> int:
    """Move a piece on a board whose last square is 100 and return its new square.

    The piece goes forward by the roll. If that leads beyond square 100 it stays where it was.
    If it lands on a square of `slides`, it moves on at once to the square given there, and
    stays on that one.

    >>> board_move(10, 4, {14: 31})
    31
    >>> board_move(97, 5, {})
    97
    """
    landed = square + roll
    if landed > 100:
        return square
    return slides.get(landed, landed)


def check_board_move(candidate: Callable[[int, int, dict[int, int]], int]) -> None:
    assert candidate(10, 4, {14: 31}) == 31
    assert candidate(97, 5, {}) == 97
    assert candidate(97, 3, {}) == 100
    assert candidate(98, 3, {98: 5, 101: 7}) == 98
    assert candidate(10, 3, {14: 31}) == 13
    assert candidate(60, 2, {62: 19, 19: 38}) == 19
    assert candidate(1, 1, {1: 50}) == 2


def serve_queue(events: list[str]) -> list[str]:
    """Follow a queue at a counter and list who is served, in order.

    The event "next" means that whoever stands first in the queue is served and leaves; it has
    no effect while the queue is empty. Any other event is the name of a person who joins the
    queue at its end. People still waiting at the end are not listed.

    >>> serve_queue(["Ann", "Bo", "next", "Cy", "next"])
    ['Ann', 'Bo']
    """
    queue: list[str] = []
    served = []
    for event in events:
        if event != "next":
            queue.append(event)
        elif queue:
            served.append(queue.pop(0))
    return served


def check_serve_queue(candidate: Callable[[list[str]], list[str]]) -> None:
    assert candidate(["Ann", "Bo", "next", "Cy", "next"]) == ["Ann", "Bo"]
    assert candidate(["next", "Ann", "next"]) == ["Ann"]
    assert candidate(["Ann", "Bo"]) == []
    assert candidate([]) == []
    assert candidate(["Ann", "next", "next", "Bo", "Ann", "next"]) == ["Ann", "Bo"]
    assert candidate(["c", "b", "a", "next", "next", "next"]) == ["c", "b", "a"]


def hand_value(cards: list[str]) -> int:
    """Return the value of a hand of cards in a game in which 21 is best.

    Cards are "2" to "10", "J", "Q", "K" and "A". Numbers count what they say; "J", "Q" and "K"
    count 10. Each "A" counts 11, but as long as the hand is above 21, one "A" after the other
    counts 1 instead.

    >>> hand_value(["A", "K"])
    21
    >>> hand_value(["A", "A", "9"])
    21
    """
    value = 0
    for card in cards:
        if card == "A":
            value += 11
        elif card in ("J", "Q", "K"):
            value += 10
        else:
            value += int(card)
    aces = cards.count("A")
    while value > 21 and aces > 0:
        value -= 10
        aces -= 1
    return value


def check_hand_value(candidate: Callable[[list[str]], int]) -> None:
    assert candidate(["A", "K"]) == 21
    assert candidate(["A", "A", "9"]) == 21
    assert candidate(["7", "5"]) == 12
    assert candidate(["J", "Q", "2"]) == 22
    assert candidate([]) == 0
    assert candidate(["A", "A", "A", "A"]) == 14
    assert candidate(["A", "10", "K", "A"]) == 22
    assert candidate(["A", "5", "4"]) == 20
    assert candidate(["A", "A"]) == 12
    assert candidate(["K", "K", "A"]) == 21


def trick_winner(cards: list[tuple[str, int]], trump: str) -> int:
    """Return the position, from 0, of the card that wins a trick.

    A card is a pair of suit and rank. The first card sets the suit to follow. Among cards of
    the trump suit the highest rank wins; if there are none, the highest rank of the suit to
    follow wins. Cards of other suits never win. No two cards are alike, and there is at
    least one.

    >>> trick_winner([("leaf", 9), ("bell", 14), ("leaf", 12)], "acorn")
    2
    >>> trick_winner([("leaf", 9), ("acorn", 2)], "acorn")
    1
    """
    suits = [suit for suit, _ in cards]
    winning = trump if trump in suits else suits[0]
    best = max(rank for suit, rank in cards if suit == winning)
    return cards.index((winning, best))


def check_trick_winner(candidate: Callable[[list[tuple[str, int]], str], int]) -> None:
    assert candidate([("leaf", 9), ("bell", 14), ("leaf", 12)], "acorn") == 2
    assert candidate([("leaf", 9), ("acorn", 2)], "acorn") == 1
    assert candidate([("leaf", 9), ("bell", 14)], "acorn") == 0
    assert candidate([("acorn", 3), ("leaf", 13), ("acorn", 8), ("acorn", 5)], "acorn") == 2
    assert candidate([("bell", 2)], "leaf") == 0
    assert candidate([("bell", 2), ("leaf", 4), ("leaf", 7), ("bell", 10)], "leaf") == 2
    assert candidate([("bell", 7), ("leaf", 7), ("acorn", 9)], "heart") == 0
