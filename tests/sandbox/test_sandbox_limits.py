"""Limits that make no sense are refused when they are made."""

import pytest

from codelm.sandbox import Limits, Program, Sandbox


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_s": 0.0},
        {"time_s": -1.0},
        {"time_s": float("nan")},
        {"time_s": float("inf")},
        {"time_s": 1e6},
        {"time_s": True},
        {"memory_bytes": float("nan")},
        {"scratch_bytes": float("inf")},
        {"file_bytes": 1.5},
        {"open_files": 2**70},
        {"address_space_bytes": 1},
        {"memory_bytes": 0},
        {"processes": 0},
        {"open_files": 3},
        {"output_bytes": -1},
        {"message_chars": 100_000},
    ],
)
def test_limits_out_of_range_are_refused_by_name(wrong) -> None:
    """The message names the field."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)


def test_limits_in_a_header_hold_every_limit_and_what_follows_from_them() -> None:
    """A score can be reproduced from its header."""
    shown = Limits(time_s=2.0).to_json()
    assert (shown["time_s"], shown["stop_s"], shown["wall_guard_s"]) == (2.0, 2.3, 50.0)
    assert shown["address_space_bytes"] == 4 << 30


def test_programs_and_sandboxes_out_of_range_are_refused() -> None:
    """Programming errors raise where they are made, not when they run."""
    with pytest.raises(ValueError, match="1 to 255 units"):
        Program(units=())
    with pytest.raises(ValueError, match="seed"):
        Program(units=("",), seed=-1)
    with pytest.raises(ValueError, match="workers"):
        Sandbox(workers=0)
    with pytest.raises(ValueError, match="not entered"):
        Sandbox(workers=1).run(Program(units=("",)))
