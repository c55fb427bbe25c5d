"""Training data that holds an evaluated problem is found, by body and by behaviour."""

import pytest

from codelm.curation import HELD_OUT, Evaluated, FamilyConfig, generate_problems, shuffle_docstrings
from codelm.curation.family import family
from codelm.errors import UsageError
from codelm.problems import BLOCKS, TEST_STRINGS, Problem, Test, default_chains, load_problems


@pytest.fixture(scope="module")
def evaluated() -> Evaluated:
    """Every bundled problem."""
    bundled = [*load_problems("starter").problems.values(), *default_chains().problems.values()]
    return Evaluated(bundled)


def _problem(body: str) -> Problem:
    prompt = 'def string_manipulation(s: str):\n    """x"""\n'
    return Problem(
        task_id="x", prompt=prompt, entry_point="string_manipulation", test="", canonical_solution=body
    )


def test_renamed_and_reformatted_body_is_found_in_a_file(evaluated: Evaluated) -> None:
    """Other names, comments, docstring and layout do not hide an evaluated body."""
    text = 'class A:\n  def f(me, /):\n    "doc"\n    me = (me . lower( ))  # lower\n    return me\n'
    assert evaluated.in_text(text) == "contains_evaluated:chains/1/3"


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def f(self, s):\n        s = s.lower()\n        return s\n",
        "async def f(x):\n    x = x.lower()\n    return x\n",
        "pattern = '\\d'\ndef f(x):\n    x = x.lower()\n    return x\n",
    ],
    ids=["method", "async", "invalid_escape"],
)
def test_evaluated_body_is_found_however_it_is_wrapped(evaluated: Evaluated, text: str) -> None:
    """A method's self, an async def, and a file that Python warns about hide nothing."""
    assert evaluated.in_text(text) == "contains_evaluated:chains/1/3"


def test_generate_problems_says_when_the_family_is_exhausted() -> None:
    """More problems of one operation than there are operations end in one line, not in an endless search."""
    with pytest.raises(UsageError, match=r"hardly more than \d+ generated problems of up to 1 oper"):
        generate_problems(FamilyConfig(count=5000, max_length=1), Evaluated([]))


def test_evaluated_body_inside_another_function_is_found(evaluated: Evaluated) -> None:
    """Neither a function around an evaluated body nor one beside it hides it."""
    inner = "        def g(t):\n            t = t.lower()\n            return t\n"
    text = "def outer(x):\n    y = 1\n    if x:\n" + inner + "        z = g\n    return y\n"
    assert evaluated.in_text(text) == "contains_evaluated:chains/1/3"


@pytest.mark.parametrize(
    "text",
    ["def f(s):\n    s = s.upper()\n    return s\n", "def broken(:\n", "x = 1\n", "", "\0"],
)
def test_file_without_an_evaluated_body_is_kept(evaluated: Evaluated, text: str) -> None:
    """Other bodies, and files that are not Python, give no reason to drop them."""
    assert evaluated.in_text(text) is None


def test_every_bundled_solution_is_found_in_a_file(evaluated: Evaluated) -> None:
    """The check finds each evaluated problem planted as it is."""
    for problem in (*load_problems("starter").problems.values(), *default_chains().problems.values()):
        assert evaluated.in_text(problem.prompt + str(problem.canonical_solution))


def test_same_behaviour_in_other_words_is_found(evaluated: Evaluated) -> None:
    """Another program that answers alike on the probe strings is the same problem."""
    assert evaluated.like(_problem('    return "".join(map(str.lower, s))\n')) == "chains/1/3"
    assert evaluated.like(_problem("    return s.upper()\n")) is None


def test_generated_problems_are_distinct_and_unlike_every_evaluated_one(evaluated: Evaluated) -> None:
    """No generated problem has the body or the behaviour of an evaluated one, and none stands twice."""
    problems = generate_problems(FamilyConfig(count=500), evaluated).problems
    assert len({problem.canonical_solution for problem in problems}) == 500
    assert [problem.task_id for problem in problems if evaluated.like(problem)] == []


def test_generated_problems_never_show_a_held_out_block_nor_blocks_alone(evaluated: Evaluated) -> None:
    """Three blocks never occur; the other ten only beside an operation of the family."""
    texts = [block.text for block in BLOCKS]
    for problem in generate_problems(FamilyConfig(count=500), evaluated).problems:
        lines = [line.strip()[1:] for line in problem.prompt.splitlines() if line.startswith("    -")]
        code = str(problem.canonical_solution).splitlines()[:-1]
        for number in HELD_OUT:
            assert texts[number - 1] not in lines
            assert f"    {BLOCKS[number - 1].code}" not in code
        assert any(line not in texts for line in lines)


def test_family_holds_none_of_the_thirteen_blocks() -> None:
    """Neither the words nor the code of a block can come out of a template."""
    assert not {block.text for block in BLOCKS} & {operation.text for operation in family()}
    assert not {block.code for block in BLOCKS} & {operation.code for operation in family()}


def test_every_operation_of_the_family_shows_on_some_string() -> None:
    """An operation that never changes anything would teach that its line means nothing."""
    shown = (*TEST_STRINGS, "a-b_c*d+e, f! g? h. juicy knee wow  ", " lead")
    for operation in family():
        namespace: dict = {}
        exec(f"def f(s):\n    {operation.code}\n    return s", namespace)
        assert any(namespace["f"](text) != text for text in shown), operation


def test_generate_problems_depends_on_its_seed_alone(evaluated: Evaluated) -> None:
    """The same config gives the same problems; another seed gives others."""
    first, again, other = (
        generate_problems(FamilyConfig(count=50, seed=seed), evaluated).problems for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_shuffled_docstrings_keep_the_text_and_break_the_pairs(evaluated: Evaluated) -> None:
    """The control has the same prompts and the same solutions, hardly ever together."""
    problems = generate_problems(FamilyConfig(count=300), evaluated).problems
    shuffled = shuffle_docstrings(problems, seed=0)
    assert [problem.prompt for problem in shuffled] == [problem.prompt for problem in problems]
    solutions = [
        sorted(str(problem.canonical_solution) for problem in group) for group in (problems, shuffled)
    ]
    assert solutions[0] == solutions[1]
    kept = sum(a.canonical_solution == b.canonical_solution for a, b in zip(problems, shuffled, strict=True))
    assert kept <= 5


def test_problems_that_are_no_python_functions_are_no_obstacle(data_dir) -> None:
    """MBPP's prompts are English, and its solutions whole programs; other languages are not compared."""
    mbpp = load_problems("mbpp").problems
    javascript = load_problems("humaneval-x-js").problems
    stdio = Problem(
        task_id="s/0",
        kind="stdio",
        prompt="Add.",
        canonical_solution="print(1)",
        tests=(Test(group="public", stdin="", expected_stdout="1\n"),),
    )
    evaluated = Evaluated([*mbpp.values(), *javascript.values(), stdio])
    solution = mbpp["MBPP/2"].canonical_solution or ""
    assert evaluated.in_text(solution.replace("res", "found")) == "contains_evaluated:MBPP/2"
