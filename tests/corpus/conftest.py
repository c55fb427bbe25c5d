"""A small tree of packages, shared by the tests of this room."""

from collections.abc import Callable
from pathlib import Path

import pytest

MakeTree = Callable[[dict[str, str | bytes]], Path]


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Write files below a folder `root` and return it."""

    def make(files: dict[str, str | bytes]) -> Path:
        root = tmp_path / "root"
        for path, content in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return make


@pytest.fixture
def packages() -> dict[str, str]:
    """Twenty small packages of three modules each, all different."""
    return {
        f"package{number}/module{part}.py": f"def function_{number}_{part}(x):\n    return x + {number}\n" * 5
        for number in range(20)
        for part in range(3)
    }
