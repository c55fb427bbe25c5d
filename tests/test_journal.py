"""Journals keep every finished piece, drop a torn line, and refuse to mix two runs."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelm.errors import InputError, OutputError
from codelm.journal import Journal

HEADER = {"timeout_s": 3.0, "k": [1, 10]}


def test_journal_reopened_has_the_finished_pieces(tmp_path: Path) -> None:
    """Rows come back under their keys, in the order they were finished."""
    with Journal(tmp_path / "j", HEADER) as journal:
        journal.append(7, {"x": 1})
        journal.append("t/0", {"x": 2})
    with Journal(tmp_path / "j", HEADER) as journal:
        assert list(journal.items()) == [(7, {"x": 1}), ("t/0", {"x": 2})]
        assert 7 in journal
        assert 8 not in journal
        assert journal["t/0"] == {"x": 2}


def test_journal_piece_done_twice_is_the_last_one(tmp_path: Path) -> None:
    """One piece under a key, where it was done last; also after it was opened again."""
    with Journal(tmp_path / "j", HEADER) as journal:
        for number, value in ((1, "a"), (2, "b" * 10_000), (1, "c")):
            journal.append(number, {"x": value})
        assert (len(journal), journal[1], journal[2]) == (2, {"x": "c"}, {"x": "b" * 10_000})
    with Journal(tmp_path / "j", HEADER) as journal:
        assert list(journal.items()) == [(2, {"x": "b" * 10_000}), (1, {"x": "c"})]
        with pytest.raises(KeyError):
            journal[3]


@given(st.lists(st.tuples(st.integers(-3, 40) | st.integers(2**40, 2**41) | st.text(max_size=3), st.text())))
def test_journal_is_a_dict_that_survives(rows) -> None:
    """Against a dict: any keys in any order, before and after it is opened again."""
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        with Journal(f"{folder}/j", {}) as journal:
            for key, text in rows:
                journal.append(key, {"text": text})
                expected[key] = {"text": text}
            assert {key: journal[key] for key in expected} == expected
        with Journal(f"{folder}/j", {}) as journal:
            assert dict(journal.items()) == expected
            assert len(journal) == len(expected)


def test_journal_of_many_rows_takes_little_memory(tmp_path: Path) -> None:
    """Less than sixteen bytes for each row that was finished."""
    script = (
        "import sys, tracemalloc\nfrom codelm.journal import Journal\n"
        "tracemalloc.start()\n"
        "with Journal(sys.argv[1], {}) as journal:\n"
        "    for number in range(100_000):\n"
        "        journal.append(number, {'verdict': 'passed', 'flags': []})\n"
        "    assert tracemalloc.get_traced_memory()[0] < 1_600_000, tracemalloc.get_traced_memory()\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "j"], check=True)


def test_journal_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    """And not waited for."""
    os.mkfifo(tmp_path / "j")
    with pytest.raises(InputError, match="not a file"), Journal(tmp_path / "j", {}):
        pass


def test_journal_names_the_one_limit_that_differs(tmp_path: Path) -> None:
    """Not all that stand beside it."""
    with Journal(tmp_path / "j", {"limits": {"time_s": 3.0, "files": 9}}):
        pass
    with (
        pytest.raises(InputError, match=r"\(limits\.time_s was 3\.0, now 5\.0\)"),
        Journal(tmp_path / "j", {"limits": {"time_s": 5.0, "files": 9}}),
    ):
        pass


@pytest.mark.parametrize("cut", range(1, 30))
def test_journal_torn_anywhere_in_its_last_line_loses_only_that_line(tmp_path: Path, cut: int) -> None:
    """However a crash tears the last line, the earlier rows stay and new ones can follow."""
    path = tmp_path / "j"
    with Journal(path, HEADER) as journal:
        journal.append(1, {"x": "one"})
        journal.append(2, {"text": "a longer value"})
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, HEADER) as journal:
        assert len(journal) == 1
        journal.append(2, {"x": "again"})
    with Journal(path, HEADER) as journal:
        assert dict(journal.items()) == {1: {"x": "one"}, 2: {"x": "again"}}


def test_journal_torn_in_its_header_starts_over(tmp_path: Path) -> None:
    """A crash before the first line was whole leaves nothing to resume."""
    (tmp_path / "j").write_bytes(b'{"journal":1,"time')
    with Journal(tmp_path / "j", HEADER) as journal:
        assert len(journal) == 0


def test_journal_of_other_settings_is_refused_with_the_difference(tmp_path: Path) -> None:
    """Resuming with another limit would mix two runs; the message says what differs."""
    with Journal(tmp_path / "j", HEADER):
        pass
    with (
        pytest.raises(InputError, match=r"other settings \(timeout_s was 3\.0, now 5\.0\)"),
        Journal(tmp_path / "j", {**HEADER, "timeout_s": 5.0}),
    ):
        pass


def test_journal_with_a_foreign_line_is_refused(tmp_path: Path) -> None:
    """A whole line that is not ours is named, not skipped."""
    with Journal(tmp_path / "j", HEADER):
        pass
    with open(tmp_path / "j", "a") as stream:
        stream.write('{"something": "else"}\n')
    with pytest.raises(InputError, match="line 2: not a journal row"), Journal(tmp_path / "j", HEADER):
        pass


@pytest.mark.parametrize(
    "content", [b"someone's notes, without an end of line", b"two\nlines\n", b"\xff\xfe\n"]
)
def test_journal_that_is_no_journal_is_refused_and_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    """A user's own file under the journal's name is not ours to cut or overwrite."""
    (tmp_path / "j").write_bytes(content)
    with (
        pytest.raises(InputError, match=r"j(: not a journal|, line 1: not valid JSON)"),
        Journal(tmp_path / "j", {}),
    ):
        pass
    assert (tmp_path / "j").read_bytes() == content


def test_journal_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    """A second run on the same files waits for its user, instead of spoiling the first."""
    with (
        Journal(tmp_path / "j", {}),
        pytest.raises(OutputError, match="another process is writing it"),
        Journal(tmp_path / "j", {}),
    ):
        pass


def test_journal_in_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    """A parent that is a file cannot hold a journal."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"), Journal(tmp_path / "file" / "j", HEADER):
        pass


def test_journal_killed_process_loses_nothing_it_reported(tmp_path: Path) -> None:
    """After kill -9, every row the writer said it had finished is there."""
    script = (
        "import sys\nfrom codelm.journal import Journal\n"
        "with Journal(sys.argv[1], {}) as journal:\n"
        "    for number in range(10**9):\n"
        "        journal.append(number, {'x': number})\n"
        "        print(number, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "j"], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    reported = [int(writer.stdout.readline()) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    reported += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    with Journal(tmp_path / "j", {}) as journal:
        assert set(reported) <= {key for key, _ in journal.items()}
        assert all(json.dumps(value) == json.dumps({"x": key}) for key, value in journal.items())
