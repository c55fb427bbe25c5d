"""Chains of string operations: problems whose difficulty is their length (Codex paper, sec. 6, appendix C).

Thirteen one-line blocks, each an English line and a line of code, are composed: the English lines make the
docstring, the code lines the body. The paper gives no test inputs; ours are chosen so that every block shows,
and a chain is kept only if its tests tell it from every chain that lacks a block or has another in its place.
Without that, chains such as "lowercase, then lowercase" or "spaces to exclamation points, then delete
exclamation points" would pass programs that ignore half of the docstring.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from codelm.problems.problem_set import ProblemSet
from codelm.problems.record import Problem


class Block(NamedTuple):
    """One operation on a string `s`."""

    text: str  # its line in the docstring
    code: str  # its line in the body


# Texts and code are the paper's (appendix C), in its order; a block's number is its place, from 1.
BLOCKS = (
    Block("remove all instances of the letter e from the string", 's = s.replace("e", "")'),
    Block("replace all spaces with exclamation points in the string", 's = s.replace(" ", "!")'),
    Block("convert the string s to lowercase", "s = s.lower()"),
    Block("remove the first and last two characters of the string", "s = s[2:-2]"),
    Block(
        "removes all vowels from the string",
        's = "".join(char for char in s if char not in "aeiouAEIOU")',
    ),
    Block(
        "remove every third character from the string",
        's = "".join(char for i, char in enumerate(s) if i % 3 != 0)',
    ),
    Block("drop the last half of the string, as computed by characters", "s = s[: len(s) // 2]"),
    Block("replace spaces with triple spaces", 's = s.replace(" ", "   ")'),
    Block("reverse the order of words in the string", 's = " ".join(s.split()[::-1])'),
    Block(
        "drop the first half of the string, as computed by number of words",
        's = " ".join(s.split()[len(s.split()) // 2 :])',
    ),
    Block(
        "add the word apples after every word in the string",
        's = " ".join(word + " apples" for word in s.split())',
    ),
    Block(
        "make every other character in the string uppercase",
        's = "".join(char.upper() if i % 2 == 0 else char for i, char in enumerate(s))',
    ),
    Block(
        "delete all exclamation points, question marks, and periods from the string",
        's = "".join([x for x in s if x not in ".!?"])',
    ),
)

ENTRY_POINT = "string_manipulation"
MAX_CHAIN_LENGTH = 7  # as far as the paper's figure 11 goes

# Mixed case, vowels, all three punctuation marks, runs of spaces, and enough words to be halved twice.
TEST_STRINGS = (
    "Every Evening the Old Keeper rows Home. Why? To feed three eager geese!",
    "is THIS the best Route? no! take the Next left turn, Then wait here.",
    "Seven  green bees.  Eleven RED trees!  One quiet lake?  Where are They Now",
    "We mend old engines; She paints. Do you sing? Yes! every second tuesday evening",
    "a quick test Of Edges: end. start! middle? ODD and even, here AND there, Up and down",
)

_OPERATIONS: tuple[Callable[[str], str], ...]


def chain_problem(blocks: Sequence[int]) -> Problem:
    """The problem that chains the blocks of these numbers (1 to 13), in this order."""
    chosen = [BLOCKS[number - 1] for number in blocks]
    expected = {text: apply_chain(blocks, text) for text in TEST_STRINGS}
    return Problem(
        task_id=f"chains/{len(blocks)}/" + "-".join(map(str, blocks)),
        prompt=chain_prompt([block.text for block in chosen]),
        canonical_solution="".join(f"    {block.code}\n" for block in chosen) + "    return s\n",
        test="def check(candidate):\n"
        + "".join(f"    assert candidate({given!r}) == {wanted!r}\n" for given, wanted in expected.items()),
        entry_point=ENTRY_POINT,
        metadata={"length": len(blocks), "blocks": list(blocks)},
    )


def chain_prompt(texts: Sequence[str]) -> str:
    """Signature and docstring in the paper's layout, for these lines of English."""
    lines = "".join(f"    -{text}\n" for text in texts)
    return (
        f"def {ENTRY_POINT}(s: str):\n"
        '    """\n'
        "    This function takes a string as input, then returns the result of performing\n"
        "    the following sequence of manipulations on that string:\n"
        f"{lines}"
        '    """\n'
    )


def apply_chain(blocks: Sequence[int], text: str) -> str:
    """What the chain makes of a string."""
    for number in blocks:
        text = _OPERATIONS[number - 1](text)
    return text


def is_telling(blocks: Sequence[int]) -> bool:
    """Whether the test strings tell this chain from its near misses, and no output is empty.

    Near misses: the chain without one of its blocks, or with any of the other twelve in one's place.
    """
    wanted = _outputs(blocks)
    return all(wanted) and all(_outputs(other) != wanted for other in _near_misses(blocks))


class ChainDraw(NamedTuple):
    """Chains of one length that were kept, and how many had to be tried."""

    problems: list[Problem]
    tried: int  # distinct chains looked at, kept or not

    @property
    def kept_share(self) -> float:
        """Share of the tried chains that were kept, 0 to 1."""
        return len(self.problems) / self.tried


def draw_chains(length: int, count: int, *, seed: int = 0) -> ChainDraw:
    """Draw distinct telling chains of one length, blocks with repetition, from a seed.

    There are only 13 chains of length 1: they are given in the paper's order and `count` may not exceed 13.
    Raises: ValueError for a length outside 1 to 7, or when there are not that many chains.
    """
    if not 1 <= length <= MAX_CHAIN_LENGTH:
        raise ValueError(f"chain length must be 1 to {MAX_CHAIN_LENGTH}, got {length}")
    problems: list[Problem] = []
    tried = 0
    for blocks in _distinct_chains(length, random.Random(f"chains/{seed}/{length}")):  # noqa: S311
        if len(problems) == count:
            break
        tried += 1
        if is_telling(blocks):
            problems.append(chain_problem(blocks))
    if len(problems) < count:
        raise ValueError(f"there are only {len(problems)} telling chains of length {length}, not {count}")
    return ChainDraw(problems, tried)


def default_chains() -> ProblemSet:
    """The bundled set `chains`: all 13 of length 1, and 25 of each length from 2 to 7."""
    lengths = range(1, MAX_CHAIN_LENGTH + 1)
    draws = [draw_chains(length, min(len(BLOCKS) ** length, 25)) for length in lengths]
    return ProblemSet.of("chains", [problem for draw in draws for problem in draw.problems])


def _distinct_chains(length: int, rng: random.Random) -> Iterator[tuple[int, ...]]:
    numbers = range(1, len(BLOCKS) + 1)
    if length == 1:
        yield from ((number,) for number in numbers)
        return
    seen: set[tuple[int, ...]] = set()
    while len(seen) < len(BLOCKS) ** length:
        blocks = tuple(rng.choices(numbers, k=length))
        if blocks not in seen:
            seen.add(blocks)
            yield blocks


def _near_misses(blocks: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for place, present in enumerate(blocks):
        before, after = tuple(blocks[:place]), tuple(blocks[place + 1 :])
        yield before + after
        yield from ((*before, number, *after) for number in range(1, len(BLOCKS) + 1) if number != present)


def _outputs(blocks: Sequence[int]) -> list[str]:
    return [apply_chain(blocks, text) for text in TEST_STRINGS]


def _compile(code: str) -> Callable[[str], str]:
    """The block's line of code as a function, so that tests and docstring cannot drift from it."""
    namespace: dict[str, Callable[[str], str]] = {}
    exec(f"def operation(s):\n    {code}\n    return s\n", namespace)  # noqa: S102 - our own constant text
    return namespace["operation"]


_OPERATIONS = tuple(_compile(block.code) for block in BLOCKS)
