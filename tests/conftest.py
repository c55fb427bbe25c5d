"""Fixtures shared by all tests: where data sets are, and what may be skipped."""

import os
from pathlib import Path

import pytest


def absent(reason: str) -> None:
    """Skip the test for want of something; in CI, where everything is there, fail instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets, from CODELM_DATA."""
    folder = os.environ.get("CODELM_DATA")
    if not folder or not Path(folder).is_dir():
        absent("CODELM_DATA names no folder of data sets")
    return Path(str(folder))
