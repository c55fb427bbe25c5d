"""Chains tell right programs from near misses, and read as the paper printed them."""

from itertools import product

import pytest

from codelm.problems import BLOCKS, TEST_STRINGS, apply_chain, chain_problem, default_chains, draw_chains
from codelm.problems.chains import is_telling

# The example printed in appendix C of the paper: blocks 12 and 8.
PAPER_PROMPT = '''def string_manipulation(s: str):
    """
    This function takes a string as input, then returns the result of performing
    the following sequence of manipulations on that string:
    -make every other character in the string uppercase
    -replace spaces with triple spaces
    """
'''
PAPER_BODY = """    s = "".join(char.upper() if i % 2 == 0 else char for i, char in enumerate(s))
    s = s.replace(" ", "   ")
    return s
"""


def _passes(problem_text: str, test: str) -> bool:
    """Whether the program passes the test; both are our own text."""
    namespace: dict = {}
    try:
        exec(problem_text + "\n" + test + "\ncheck(string_manipulation)", namespace)
    except AssertionError:
        return False
    return True


def test_chain_problem_reads_as_the_paper_prints_it() -> None:
    """The paper's own example, letter by letter."""
    problem = chain_problem([12, 8])
    assert problem.prompt == PAPER_PROMPT
    assert problem.canonical_solution == PAPER_BODY


@pytest.mark.parametrize(
    ("number", "given", "expected"),
    [
        (1, "eEe bee", "E b"),
        (2, "a b c", "a!b!c"),
        (3, "aBC", "abc"),
        (4, "abcdefg", "cde"),
        (5, "Apple Ibex", "ppl bx"),
        (6, "abcdefg", "bcef"),
        (7, "abcdef", "abc"),
        (8, "a b", "a   b"),
        (9, "one two three", "three two one"),
        (10, "one two three", "two three"),
        (11, "x y", "x apples y apples"),
        (12, "abcd", "AbCd"),
        (13, "a!b?c.d", "abcd"),
    ],
)
def test_block_does_what_its_line_says(number: int, given: str, expected: str) -> None:
    """Each block on an example worked out by hand."""
    assert apply_chain([number], given) == expected


@pytest.mark.parametrize("length", range(1, 8))
def test_drawn_chains_pass_their_own_tests_and_no_near_miss_does(length: int) -> None:
    """200 chains per length (all 13 of length 1; the telling ones among the 169 of length 2).

    Near misses are run as programs against the problem's own tests, not through the generator's check.
    """
    count = {1: 13, 2: sum(map(is_telling, product(range(1, 14), repeat=2)))}.get(length, 200)
    for problem in draw_chains(length, count).problems:
        blocks = problem.metadata["blocks"]
        assert len(blocks) == length
        assert _passes(problem.prompt + str(problem.canonical_solution), problem.test)
        place = sum(blocks) % length
        for other in (None, *range(1, 14)):
            if other == blocks[place]:
                continue
            missed = [*blocks[:place], *([other] if other else []), *blocks[place + 1 :]]
            body = "".join(f"    {BLOCKS[number - 1].code}\n" for number in missed) + "    return s\n"
            assert not _passes(problem.prompt + body, problem.test), (blocks, missed)


@pytest.mark.parametrize(
    "blocks",
    [
        [3, 3],  # lowercase twice is lowercase once
        [2, 9],  # no spaces left, so no words to reverse
        [7] * 7,  # nothing is left of the string
    ],
)
def test_chain_that_hides_a_block_is_not_telling(blocks: list[int]) -> None:
    """Known interactions of the blocks are rejected."""
    assert not is_telling(blocks)


def test_test_strings_show_every_block() -> None:
    """No block leaves every test string as it was."""
    for number in range(1, 14):
        assert any(apply_chain([number], text) != text for text in TEST_STRINGS)


def test_draw_chains_depends_on_the_seed_alone() -> None:
    """The same seed gives the same chains; another gives others; a longer draw begins with the shorter."""
    first, again, other = draw_chains(3, 20), draw_chains(3, 40), draw_chains(3, 20, seed=1)
    assert first.problems == again.problems[:20]
    assert first.problems != other.problems


def test_draw_chains_kept_share_falls_with_length() -> None:
    """Longer chains interact more: about 90% of length 2 are kept and fewer than half of length 7."""
    assert draw_chains(2, 100).kept_share > 0.85
    assert 0.15 < draw_chains(7, 100).kept_share < 0.4


@pytest.mark.parametrize(
    ("length", "count", "message"), [(0, 1, "1 to 7"), (8, 1, "1 to 7"), (1, 14, "only 13")]
)
def test_draw_chains_rejects_what_cannot_be_drawn(length: int, count: int, message: str) -> None:
    """There are 13 chains of length 1, and the paper goes to 7."""
    with pytest.raises(ValueError, match=message):
        draw_chains(length, count)


def test_default_chains_are_13_and_25_of_each_longer_length() -> None:
    """The bundled set, by length."""
    lengths = [problem.metadata["length"] for problem in default_chains().problems.values()]
    assert {length: lengths.count(length) for length in set(lengths)} == {1: 13} | dict.fromkeys(
        range(2, 8), 25
    )
