"""The written documentation says what the code does."""

import importlib.util
import re
from pathlib import Path

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
