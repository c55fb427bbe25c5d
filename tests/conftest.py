"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from support import absent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets, from CODELM_DATA."""
    folder = os.environ.get("CODELM_DATA", "")
    if not Path(folder).is_dir() or not folder:
        absent("CODELM_DATA names no folder of data sets")
    return Path(folder)
