"""Problems and samples: the records, readers of their files, bundled sets, and finding HumanEval."""

from codelm.problems.chains import (
    BLOCKS,
    MAX_CHAIN_LENGTH,
    TEST_STRINGS,
    Block,
    ChainDraw,
    apply_chain,
    chain_problem,
    chain_prompt,
    default_chains,
    draw_chains,
)
from codelm.problems.completions import STOP_SEQUENCES, Code, Truncated, take_fenced, truncate_at_stop
from codelm.problems.fetch import fetch_humaneval
from codelm.problems.find import PROBLEM_SETS, find_humaneval, load_problems, sets_with_task
from codelm.problems.problem_set import ProblemSet, read_problems, write_problems
from codelm.problems.record import Problem, Test
from codelm.problems.sample import Sample, SampleRow, read_samples, sample_rows

__all__ = [
    "BLOCKS",
    "MAX_CHAIN_LENGTH",
    "PROBLEM_SETS",
    "STOP_SEQUENCES",
    "TEST_STRINGS",
    "Block",
    "ChainDraw",
    "Code",
    "Problem",
    "ProblemSet",
    "Sample",
    "SampleRow",
    "Test",
    "Truncated",
    "apply_chain",
    "chain_problem",
    "chain_prompt",
    "default_chains",
    "draw_chains",
    "fetch_humaneval",
    "find_humaneval",
    "load_problems",
    "read_problems",
    "read_samples",
    "sample_rows",
    "sets_with_task",
    "take_fenced",
    "truncate_at_stop",
    "write_problems",
]
