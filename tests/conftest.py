"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from support import absent


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test caches is found by no other."""
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path_factory.mktemp("cache", numbered=True) / "codelm"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets, from CODELM_DATA."""
    folder = os.environ.get("CODELM_DATA", "")
    if not Path(folder).is_dir() or not folder:
        absent("CODELM_DATA names no folder of data sets")
    return Path(folder)
