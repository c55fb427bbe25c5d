"""The written documentation says what the code does."""

import asyncio
import importlib.util
import re
from pathlib import Path

import pytest

from codelm.problems import Problem, ProblemSet

ROOT = Path(__file__).parents[1]


def test_commands_are_documented_as_they_are() -> None:
    """docs/commands.md is what `make docs` would write now."""
    spec = importlib.util.spec_from_file_location("write_commands", ROOT / "docs" / "write_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.OUT.read_text(encoding="utf-8") == module.commands_text(), "run `make docs`"


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of README and docs names a file that is there."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_example_of_a_reward_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's block, with nothing imported but by itself; its set is replaced by a smaller one."""
    tests = "def check(candidate):\n    assert candidate(3) == 6\n"
    problems = [
        Problem(task_id=f"t/{name}", prompt=f"def {name}(x):\n", entry_point=name, test=tests)
        for name in ("twice", "triangle")
    ]
    loaded: list[str] = []
    monkeypatch.setattr(
        "codelm.problems.load_problems", lambda name: loaded.append(name) or ProblemSet.of("toy", problems)
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    [example] = [block for block in blocks if "async def rewards" in block]
    namespace: dict[str, object] = {}
    exec(example, namespace)
    task_ids = ["t/twice", "t/triangle", "t/triangle"]
    completions = ["    return 2 * x\n", "    return x * (x + 1) // 2\n", "    return x\n"]
    assert asyncio.run(namespace["rewards"](task_ids, completions)) == [1.0, 1.0, 0.0]
    assert loaded == ["humaneval"]
