"""CodeContests (Li et al. 2022) in the layout of one JSON object per problem: `id, content, labels, test`.

The last two are JSON in a string. There are no solutions, no limits, and no split of the tests.
"""

import json

from codelm.files import Json
from codelm.problems.record import Problem, Test

FIELDS = frozenset(("id", "content", "labels", "test"))


def problem_of(row: Json) -> Problem:
    """The problem of one row."""
    tests = tuple(
        Test(group="private", stdin=case["input"]["stdin"], expected_stdout=case["output"]["stdout"])
        for case in json.loads(row["test"])
    )
    labels = json.loads(row["labels"])
    return Problem(
        task_id=f"CodeContests/{row['id']}",
        kind="stdio",
        prompt=row["content"],
        tests=tests,
        source="CodeContests (Li et al. 2022)",
        license="CC-BY-4.0",
        metadata={"origin": labels["source"], "difficulty": labels["difficulty"], "name": labels["name"]},
    )
