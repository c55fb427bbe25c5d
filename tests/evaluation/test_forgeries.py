"""Every forgery in every judge: completions that mean to pass and must not."""

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import absent

from codelm.evaluation import Judge
from codelm.evaluation._confirm import confirm, decided_apart
from codelm.evaluation._forgeries import Forgery, forgeries
from codelm.evaluation._split import SplitJudge
from codelm.evaluation._verdict import Verdict
from codelm.sandbox import Limits, probe

ROOT = Path(__file__).parents[2]
LIMITS = Limits(time_s=1.0)
ROWS = {row.id: row for row in forgeries()}
TIERS = ("process", "full", *(pytest.param(tier, marks=pytest.mark.slow) for tier in ("landlock", "gvisor")))


@pytest.fixture(scope="module", params=TIERS)
def judges(request) -> Iterator[tuple[Judge, SplitJudge]]:
    """Both, in one tier; landlock depends on where this Python lies."""
    if (reason := probe(request.param)) is not None:
        pytest.skip(reason) if request.param == "landlock" else absent(reason)
    with (
        Judge(judge="inline", limits=LIMITS, workers=1, isolation=request.param) as beside,
        SplitJudge(LIMITS, workers=1, isolation=request.param) as apart,
    ):
        yield beside, apart


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_forgery_gets_one_of_its_verdicts_from_each_judge(judges, row: Forgery) -> None:
    """And what passes apart from its tests is listed as out of reach."""
    beside, apart = judges[0].judge(row.problem, row.completion), judges[1].judge(row.problem, row.completion)
    confirmed = decided_apart(apart) or confirm(beside, apart)
    assert beside.verdict.value in row.verdicts["inline"], beside
    assert apart.verdict.value in row.verdicts["split"], apart
    assert confirmed.verdict.value in row.verdicts["confirm"], confirmed
    passed = Verdict.PASSED in (apart.verdict, confirmed.verdict)
    assert passed == (row.out_of_reach is not None)
    assert row.flag is None or row.flag in confirmed.flags
    assert apart.needs_inprocess is None


def test_right_completion_passes_every_set_of_tests(judges) -> None:
    """The tests of the forgeries are sound: the canonical solution passes, unflagged; None fails."""
    for row in {row.problem.test: row for row in ROWS.values()}.values():
        canonical = row.problem.canonical_solution or ""
        beside, apart = judges[0].judge(row.problem, canonical), judges[1].judge(row.problem, canonical)
        assert (beside.passed, beside.flags) == (True, ())
        decided = decided_apart(apart)
        assert decided is not None
        assert (decided.passed, decided.flags) == (True, ())
        assert not judges[0].judge(row.problem, "    return None\n").passed
        assert judges[1].judge(row.problem, "    return None\n").verdict is not Verdict.PASSED


def test_no_forgery_is_a_plain_pass_where_the_problem_needs_one_process(judges) -> None:
    """Every one that inline passes has the flag `unconfirmed` there."""
    problem = replace(
        ROWS["V1"].problem,
        canonical_solution=(
            "    return Number(max(numbers) - min(numbers))\n"
            "class Number:\n    def __init__(self, n): self.n = n\n"
            "    def __eq__(self, other): return self.n == other\n"
        ),
    )
    assert judges[1].needs_inprocess(problem) is not None
    for name in ("V1", "V11", "V12", "V20a", "V24"):
        beside = judges[0].judge(problem, ROWS[name].completion)
        assert beside.passed
        confirmed = confirm(beside, judges[1].judge(problem, ROWS[name].completion))
        assert not confirmed.passed or "unconfirmed" in confirmed.flags


def test_table_in_the_documents_is_that_of_the_rows() -> None:
    """docs/judges.md is what `make docs` would write now."""
    spec = importlib.util.spec_from_file_location("write_judges", ROOT / "docs" / "write_judges.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.OUT.read_text(encoding="utf-8") == module.judges_text(), "run `make docs`"
