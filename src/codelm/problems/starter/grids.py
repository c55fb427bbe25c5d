"""Starter problems: rows, boards and positions."""

from collections.abc import Callable


def free_seats(row: str, party: int) -> int | None:
    """Find the first place in a row where a whole party can sit side by side.

    In the row "." is a free seat and "x" a taken one. Return the position, from 0, of the
    party's first seat, or None if there is no room. A party has at least one person.

    >>> free_seats("x..x...", 3)
    4
    """
    place = row.find("." * party)
    return place if place >= 0 else None


def check_free_seats(candidate: Callable[[str, int], int | None]) -> None:
    assert candidate("x..x...", 3) == 4
    assert candidate("x..x...", 2) == 1
    assert candidate("x..x...", 4) is None
    assert candidate("....", 4) == 0
    assert candidate("xxx", 1) is None
    assert candidate("", 1) is None
    assert candidate("x.x.x", 1) == 1


def bishop_attacks(bishop: str, target: str) -> bool:
    """Tell whether a bishop on an empty chessboard could capture a piece on the target square.

    Squares are written like "c4": a column letter and a row digit. A bishop captures along
    the diagonals that cross on its own square, but not on that square itself.

    >>> bishop_attacks("c4", "e6")
    True
    >>> bishop_attacks("c4", "c8")
    False
    """
    columns = abs(ord(bishop[0]) - ord(target[0]))
    rows = abs(int(bishop[1]) - int(target[1]))
    return columns == rows and rows > 0


def check_bishop_attacks(candidate: Callable[[str, str], bool]) -> None:
    assert candidate("c4", "e6") is True
    assert candidate("c4", "c8") is False
    assert candidate("c4", "b5") is True
    assert candidate("c4", "c4") is False
    assert candidate("a1", "h8") is True
    assert candidate("h1", "a8") is True
    assert candidate("d5", "g5") is False
    assert candidate("d5", "f6") is False
    assert candidate("f6", "d5") is False
    assert candidate("e7", "c5") is True


def chequered(rows: int, columns: int) -> list[str]:
    """Draw a chequered board as one string per row.

    The upper left field is "#"; fields that share a side differ, the other kind being ".".

    >>> chequered(2, 3)
    ['#.#', '.#.']
    """
    board = []
    for row in range(rows):
        fields = ["#" if (row + column) % 2 == 0 else "." for column in range(columns)]
        board.append("".join(fields))
    return board


def check_chequered(candidate: Callable[[int, int], list[str]]) -> None:
    assert candidate(2, 3) == ["#.#", ".#."]
    assert candidate(1, 1) == ["#"]
    assert candidate(3, 1) == ["#", ".", "#"]
    assert candidate(1, 6) == ["#.#.#."]
    assert candidate(0, 4) == []
    assert candidate(2, 0) == ["", ""]
    assert candidate(4, 4) == ["#.#.", ".#.#", "#.#.", ".#.#"]


def lamps_lit(presses: list[int]) -> list[int]:
    """Return the numbers of the lamps that are lit in the end, in ascending order.

    All lamps are dark at first. Each press, given by the number of a lamp, lights that lamp
    if it is dark and puts it out if it is lit.

    >>> lamps_lit([4, 2, 4, 7])
    [2, 7]
    """
    lit: set[int] = set()
    for lamp in presses:
        lit ^= {lamp}
    return sorted(lit)


def check_lamps_lit(candidate: Callable[[list[int]], list[int]]) -> None:
    assert candidate([4, 2, 4, 7]) == [2, 7]
    assert candidate([]) == []
    assert candidate([3]) == [3]
    assert candidate([3, 3]) == []
    assert candidate([3, 3, 3]) == [3]
    assert candidate([9, 8, 1, 8, 9, 8]) == [1, 8]


def settle(column: str) -> str:
    """Let the stones of a column drop and return the column afterwards.

    The text shows the column from top to bottom: "o" is a stone, "." is air and "#" a shelf.
    Stones fall through air down to the end of the text, a shelf or another stone. Shelves
    do not move.

    >>> settle("o.o.#o.")
    '..oo#.o'
    """
    parts = []
    for part in column.split("#"):
        stones = part.count("o")
        parts.append("." * (len(part) - stones) + "o" * stones)
    return "#".join(parts)


def check_settle(candidate: Callable[[str], str]) -> None:
    assert candidate("o.o.#o.") == "..oo#.o"
    assert candidate("") == ""
    assert candidate("o...") == "...o"
    assert candidate("..#..") == "..#.."
    assert candidate("oo") == "oo"
    assert candidate("#o#.o##") == "#o#.o##"
    assert candidate("o..o.o") == "...ooo"


def in_box(lines: list[str]) -> list[str]:
    """Draw a box around lines of text and return its lines.

    All sides fit the longest line; shorter lines are filled with spaces on the right. The
    corners are "+", the horizontal sides "-", the vertical sides "|", and the text touches
    the sides. There is at least one line.

    >>> in_box(["tide", "up"])
    ['+----+', '|tide|', '|up  |', '+----+']
    """
    width = max(len(line) for line in lines)
    edge = "+" + "-" * width + "+"
    return [edge] + ["|" + line.ljust(width) + "|" for line in lines] + [edge]


def check_in_box(candidate: Callable[[list[str]], list[str]]) -> None:
    assert candidate(["tide", "up"]) == ["+----+", "|tide|", "|up  |", "+----+"]
    assert candidate(["a"]) == ["+-+", "|a|", "+-+"]
    assert candidate([""]) == ["++", "||", "++"]
    assert candidate(["", "xyz"]) == ["+---+", "|   |", "|xyz|", "+---+"]
    assert candidate([" b"]) == ["+--+", "| b|", "+--+"]
    assert candidate(["1", "22", "1"]) == ["+--+", "|1 |", "|22|", "|1 |", "+--+"]


def robot_stop(moves: str, size: int) -> tuple[int, int]:
    """Say where a robot on a square floor of `size` by `size` tiles comes to a stop.

    It starts on the tile (0, 0). The letters of `moves` are "R" and "L", which add 1 to the
    first number or take 1 away, and "U" and "D", which do so with the second. Both numbers
    stay between 0 and size - 1: a move that would lead off the floor is skipped.

    >>> robot_stop("RRUL", 3)
    (1, 1)
    """
    steps = {"R": (1, 0), "L": (-1, 0), "U": (0, 1), "D": (0, -1)}
    x, y = 0, 0
    for move in moves:
        next_x, next_y = x + steps[move][0], y + steps[move][1]
        if 0 <= next_x < size and 0 <= next_y < size:
            x, y = next_x, next_y
    return x, y


def check_robot_stop(candidate: Callable[[str, int], tuple[int, int]]) -> None:
    assert candidate("RRUL", 3) == (1, 1)
    assert candidate("", 5) == (0, 0)
    assert candidate("LD", 5) == (0, 0)
    assert candidate("RRRRR", 3) == (2, 0)
    assert candidate("UUUUD", 3) == (0, 1)
    assert candidate("RURURUL", 4) == (2, 3)
    assert candidate("RU", 1) == (0, 0)
    assert candidate("RRLLLU", 9) == (0, 1)


def wins_bingo(card: list[list[int]], called: list[int]) -> bool:
    """Tell whether a bingo card has won: all numbers of one row, or of one column, were called.

    The card has at least one row and its rows are equally long, with at least one number.

    >>> wins_bingo([[3, 8], [5, 1]], [8, 4, 1])
    True
    """
    lines = card + [list(column) for column in zip(*card, strict=True)]
    return any(all(number in called for number in line) for line in lines)


def check_wins_bingo(candidate: Callable[[list[list[int]], list[int]], bool]) -> None:
    assert candidate([[3, 8], [5, 1]], [8, 4, 1]) is True
    assert candidate([[3, 8], [5, 1]], [5, 9, 1]) is True
    assert candidate([[3, 8], [5, 1]], [3, 1]) is False
    assert candidate([[3, 8], [5, 1]], []) is False
    assert candidate([[2, 4, 6], [1, 3, 5]], [6, 1, 4]) is False
    assert candidate([[2, 4, 6], [1, 3, 5]], [6, 2, 4]) is True
    assert candidate([[7]], [7]) is True


def trees_around(field: list[str], row: int, column: int) -> int:
    """Count the trees that stand next to a place in a field, also diagonally.

    The field is a list of equally long strings in which "T" is a tree. The place itself, which
    may hold a tree as well, is not counted. Rows and columns are numbered from 0.

    >>> trees_around(["T.T", "...", "..T"], 1, 1)
    3
    """
    trees = 0
    for near_row in range(max(0, row - 1), min(len(field), row + 2)):
        for near_column in range(max(0, column - 1), min(len(field[0]), column + 2)):
            if field[near_row][near_column] == "T" and (near_row, near_column) != (row, column):
                trees += 1
    return trees


def check_trees_around(candidate: Callable[[list[str], int, int], int]) -> None:
    assert candidate(["T.T", "...", "..T"], 1, 1) == 3
    assert candidate(["TTT", "TTT", "TTT"], 1, 1) == 8
    assert candidate(["TTT", "TTT", "TTT"], 0, 0) == 3
    assert candidate(["TTT", "TTT", "TTT"], 2, 1) == 5
    assert candidate(["TTT", "TTT", "TTT"], 1, 2) == 5
    assert candidate(["T"], 0, 0) == 0
    assert candidate(["...", ".T."], 0, 2) == 1
    assert candidate(["T....", ".....", "..T..", "....T"], 2, 2) == 0
    assert candidate(["TTTTT", "T...T", "T...T", "T...T", "TTTTT"], 2, 2) == 0
    assert candidate([".TT", "..."], 0, 1) == 1
