"""The starter set: well formed, original, and with suites that let nothing wrong pass."""

import ast
import doctest
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codelm.problems import BLOCKS, Problem, load_problems
from codelm.problems.starter import starter_problems
from codelm.problems.starter._load import TOPICS, problems_of
from problems.mutants import mutants, passes

PROBLEMS = starter_problems()
STOP_SEQUENCES = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")  # Codex paper, sec. 2.2
CONSTANTS = ("0", "1", "-1", "0.0", "''", "'a'", "[]", "[0]", "['']", "{}", "()", "True", "False", "None")

# Mutants that compute the same thing, by entry point: no suite can kill them.
EQUIVALENT = {
    "name_all": {"4:21 0 -> -1"},  # the only name is also the last
    "one_letter_apart": {"4:49 True -> False"},  # zip's strict: the lengths are equal here
    "changed_fields": {  # the union of two dictionaries has the union of their keys
        "1:12 before.keys() -> before",
        "1:28 after.keys() -> after",
    },
    "election_winner": {
        "2:40 0 -> 1",  # the default is used without votes, where nothing compares equal to it
        "2:40 0 -> -1",
        "4:19 0 -> -1",  # the only leader is also the last
    },
    "heating_runs": {"3:11 degrees < wanted -> degrees <= wanted"},  # they are more than 1 apart here
    "is_open": {"1:7 opens < closes -> opens <= closes"},  # the two are never equal
    "chequered": {"3:26 row + column -> row - column"},  # a sum and a difference are even together
    "wins_bingo": {
        "1:20 list(column) -> column",  # a tuple is walked through as well
        "1:65 True -> False",  # zip's strict: the rows are equally long
    },
    "trees_around": {"3:67 0 -> -1"},  # the rows are equally long
}

# A benchmark solution that takes gigabytes on our arguments.
TOO_HUNGRY = {"MBPP/255"}


def program(problem: Problem, completion: str) -> str:
    """The program that a harness would run for this completion."""
    return f"{problem.prompt}{completion}\n{problem.test}\ncheck({problem.entry_point})\n"


def parameters(source: str, function: str) -> list[str]:
    """Names of a function's parameters, from its source."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [argument.arg for node in found if node.name == function for argument in node.args.args]


def parameters_of(problem: Problem) -> list[str]:
    return parameters(problem.prompt, problem.entry_point)


def benchmark_solutions(data_dir: Path) -> Iterator[tuple[str, str, str]]:
    """Task, source and function name of every solution in HumanEval and MBPP; MBPP's helpers included."""
    for row in rows(data_dir / "humaneval" / "HumanEval.jsonl.gz"):
        yield row["task_id"], row["prompt"] + row["canonical_solution"], row["entry_point"]
    for row in rows(data_dir / "mbpp" / "mbpp.jsonl.gz"):
        source = row["code"].replace("\r", "")
        for name in re.findall(r"^def (\w+)", source, flags=re.MULTILINE):
            yield f"MBPP/{row['task_id']}", source, name


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def word_grams(text: str) -> set[tuple[str, ...]]:
    """Runs of eight words, without case and punctuation."""
    return grams(re.findall(r"[a-z0-9]+", text.lower()), 8)


def code_grams(code: str) -> set[tuple[str, ...]]:
    """Runs of ten tokens, without layout."""
    return grams(re.findall(r"\w+|[^\w\s]", code), 10)


def grams(tokens: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(tokens[start : start + length]) for start in range(len(tokens) - length + 1)}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.entry_point)
class TestEachProblem:
    """What holds for every problem alone."""

    def test_canonical_solution_passes(self, problem: Problem) -> None:
        """The solution of the set is right by its own suite."""
        assert passes(program(problem, problem.canonical_solution or ""))

    def test_docstring_examples_hold(self, problem: Problem) -> None:
        """There is an example, and the solution gives what it shows."""
        namespace: dict[str, object] = {}
        exec(problem.prompt + (problem.canonical_solution or ""), namespace)
        docstring = namespace[problem.entry_point].__doc__ or ""
        examples = doctest.DocTestParser().get_doctest(docstring, namespace, problem.task_id, None, 0)
        outcome = doctest.DocTestRunner(verbose=False).run(examples, out=lambda text: None)
        assert outcome.attempted >= 1
        assert outcome.failed == 0

    def test_prompt_ends_where_the_body_starts(self, problem: Problem) -> None:
        """The prompt closes its docstring and a newline, and the solution is an indented body."""
        assert problem.prompt.endswith('"""\n')
        assert re.match(r"    \S", problem.canonical_solution or "")
        assert (problem.canonical_solution or "").endswith("\n")

    def test_sampling_would_not_cut_the_solution(self, problem: Problem) -> None:
        """No stop sequence of the paper occurs in the solution."""
        assert not [stop for stop in STOP_SEQUENCES if stop in (problem.canonical_solution or "")]

    def test_suite_has_six_different_asserts(self, problem: Problem) -> None:
        """At least six assert statements call the candidate, no two of them alike."""
        asserts = [node for node in ast.walk(ast.parse(problem.test)) if isinstance(node, ast.Assert)]
        calls = [ast.unparse(node) for node in asserts if "candidate(" in ast.unparse(node)]
        assert len(calls) == len(set(calls))
        assert len(calls) >= 6

    def test_suite_rejects_constants_and_arguments(self, problem: Problem) -> None:
        """Returning a constant, or an argument as it came, never passes; nor does an empty body."""
        answers = (*CONSTANTS, *parameters_of(problem))
        passed = [answer for answer in answers if passes(program(problem, f"    return {answer}\n"))]
        assert passed == []
        assert not passes(program(problem, "    pass\n"))

    def test_suite_rejects_other_solutions(self, problem: Problem) -> None:
        """No other problem's solution of the same number of arguments passes."""
        passed = []
        for other in PROBLEMS:
            if other != problem and len(parameters_of(other)) == len(parameters_of(problem)):
                source = other.prompt + (other.canonical_solution or "")
                if passes(f"{source}\n{problem.test}\ncheck({other.entry_point})\n"):
                    passed.append(other.entry_point)
        assert passed == []

    def test_suite_kills_every_mutant_that_differs(self, problem: Problem) -> None:
        """Of all one-operator mutants only the equivalent ones, each listed with its reason, pass."""
        changed = list(mutants(problem.canonical_solution or ""))
        survivors = {mutant.change for mutant in changed if passes(program(problem, mutant.body))}
        assert changed
        assert survivors == EQUIVALENT.get(problem.entry_point, set())

    def test_no_chain_block_passes(self, problem: Problem) -> None:
        """None of the paper's thirteen string blocks is a starter problem in other words."""
        completions = [
            f"    s = {parameters_of(problem)[0]}\n    {block.code}\n    return s\n" for block in BLOCKS
        ]
        assert not [completion for completion in completions if passes(program(problem, completion))]


def test_starter_set_is_large_and_mixed() -> None:
    """At least 64 problems with distinct names, of one, two and three arguments, from every topic."""
    assert len(PROBLEMS) >= 64
    assert len({problem.task_id for problem in PROBLEMS}) == len(PROBLEMS)
    assert {len(parameters_of(problem)) for problem in PROBLEMS} == {1, 2, 3}
    assert list(dict.fromkeys(problem.metadata["topic"] for problem in PROBLEMS)) == list(TOPICS)


def test_starter_set_loads_by_name_and_never_changes() -> None:
    """Two loads have the same digest, in the order of the topic modules."""
    assert load_problems("starter").digest == load_problems("starter").digest
    assert list(load_problems("starter").problems) == [problem.task_id for problem in PROBLEMS]


def test_loading_imports_no_topic_module() -> None:
    """The modules are read as text: none of them is in sys.modules afterwards."""
    code = (
        "import sys; from codelm.problems import load_problems; load_problems('starter');"
        "print([name for name in sys.modules if name.startswith('codelm.problems.starter.')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "['codelm.problems.starter._load']\n"


def test_loader_keeps_the_imports_each_part_needs() -> None:
    """Solution and suite each get their own imports, without names that only the other uses."""
    source = (
        "import math\nfrom itertools import chain, pairwise\nfrom collections.abc import Callable\n\n\n"
        'def gap(values: list[int]) -> int:\n    """Doc."""\n'
        "    return max(b - a for a, b in pairwise(values))\n\n\n"
        "def check_gap(candidate: Callable[[list[int]], int]) -> None:\n"
        "    assert candidate([1, 4]) == math.floor(3.5)\n"
    )
    (problem,) = problems_of(source, "topic")
    assert problem.prompt.startswith("from itertools import pairwise\n\n\ndef gap(")
    assert problem.prompt.endswith('    """Doc."""\n')
    assert problem.canonical_solution == "    return max(b - a for a, b in pairwise(values))\n"
    assert problem.test == (
        "import math\n\n\ndef check(candidate):\n    assert candidate([1, 4]) == math.floor(3.5)\n"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('def lone():\n    """Doc."""\n    return 1\n', "check_lone: .*missing check"),
        ("def check_nothing(candidate):\n    assert candidate()\n", "check_nothing: check without function"),
        ("def bare():\n    return 1\ndef check_bare(candidate):\n    pass\n", "bare has no docstring"),
    ],
)
def test_loader_rejects_a_malformed_module(source: str, reason: str) -> None:
    """A function without check or docstring, and a check of nothing, are errors."""
    with pytest.raises(ValueError, match=reason):
        problems_of(source, "topic")


def test_starter_set_shares_no_run_of_text_with_benchmarks(data_dir: Path) -> None:
    """No eight words of a prompt, and no ten tokens of a solution, stand in HumanEval or MBPP."""
    humaneval = rows(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    mbpp = rows(data_dir / "mbpp" / "mbpp.jsonl.gz")
    words = [word_grams(text) for row in humaneval for text in (row["prompt"], row["test"])]
    words += [word_grams(row["text"]) for row in mbpp]
    code = [code_grams(row["canonical_solution"]) for row in humaneval]
    code += [code_grams(row["code"]) for row in mbpp]
    known_words, known_code = set().union(*words), set().union(*code)
    assert word_grams(humaneval[0]["prompt"]) & known_words  # the detector finds a copy
    shared = {
        problem.entry_point: found
        for problem in PROBLEMS
        if (
            found := word_grams(problem.prompt) & known_words
            | code_grams(problem.canonical_solution or "") & known_code
        )
    }
    assert shared == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MBPP's own sources
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_no_benchmark_solution_passes_a_starter_suite(data_dir: Path) -> None:
    """No starter problem is one of HumanEval or MBPP in other words: their solutions fail its suite."""
    arities = [(problem, len(parameters_of(problem))) for problem in PROBLEMS]
    passed = []
    for task, source, name in benchmark_solutions(data_dir):
        if task not in TOO_HUNGRY:
            arity = len(parameters(source, name))
            passed += [
                (task, problem.entry_point)
                for problem, expected in arities
                if arity == expected and passes(f"{source}\n{problem.test}\ncheck({name})\n")
            ]
    assert passed == []
