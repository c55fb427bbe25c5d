"""The verdict frame is parsed strictly: anything but one whole genuine frame is nothing."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import codelm.sandbox
from codelm.sandbox import Command, Job, Program
from codelm.sandbox._protocol import (
    FINISHED,
    MAX_FRAME_BYTES,
    NONCE_BYTES,
    NOT_STARTED,
    RAISED,
    REPLIED,
    Frame,
    encode_job,
    parse_frame,
    parse_report,
)

NONCE = bytes(range(NONCE_BYTES))
UNSTARTED = NONCE[::-1]


@pytest.fixture(scope="module")
def worker() -> ModuleType:
    """The other end, loaded as a module; it does nothing until its `main` is called."""
    path = Path(codelm.sandbox.__file__).with_name("_worker.py")
    spec = importlib.util.spec_from_file_location("worker_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parse(data: bytes) -> Frame | None:
    """Read a frame as the supervisor does."""
    return parse_frame(data, NONCE, unstarted=UNSTARTED)


def test_frame_that_the_worker_packs_is_what_the_supervisor_reads(worker) -> None:
    """The two ends agree, lone surrogates and absent texts included."""
    assert parse(worker.pack(NONCE, FINISHED, 255, "", None)) == Frame(FINISHED, None, "", None)
    packed = worker.pack(NONCE, RAISED, 2, "Fehler", "\ud800 ü")
    assert parse(packed) == Frame(RAISED, 2, "Fehler", "\ud800 ü")
    largest = worker.pack(NONCE, RAISED, 2, "\U0001f600" * 200, "\U0001f600" * 8192)
    assert len(largest) < MAX_FRAME_BYTES
    assert parse(largest) is not None


@pytest.mark.parametrize("ended_s", [1.5, float("inf"), -1.0])
def test_reply_holds_the_time_at_which_it_was_made(worker, monkeypatch, ended_s: float) -> None:
    """Whatever a program says there; a reply too short to hold it is none."""
    sent: list[bytes] = []
    monkeypatch.setattr(worker, "answer", sent.append)
    calls = worker.Calls()
    calls.nonce = NONCE
    calls.reply(b"said", lambda: ended_s)
    assert parse(sent[0]) == Frame(REPLIED, None, "", None, reply=b"said", ended_s=ended_s)
    assert parse(worker.FRAME.pack(worker.FRAME.size + 4, NONCE, REPLIED, 255, 0, 4) + b"said") is None


def test_frame_with_any_change_is_nothing(worker) -> None:
    """Other nonce, bytes cut or added, lengths that lie, text that is not UTF-8, an unknown kind."""
    good = worker.pack(NONCE, RAISED, 1, "E", "text")
    assert parse_frame(good, bytes(NONCE_BYTES), unstarted=UNSTARTED) is None
    for cut in range(len(good)):
        assert parse(good[:cut]) is None
    assert parse(good + b"x") is None
    assert parse(good + good) is None
    assert parse(good[:-1] + b"\xff") is None
    assert parse(b"\xff\xff\xff\xff" + good[4:]) is None
    assert parse(good[:20] + b"\x09" + good[21:]) is None


def test_frame_of_a_program_never_started_has_a_nonce_of_its_own(worker) -> None:
    """Neither will do for the other."""
    unstarted = worker.pack(UNSTARTED, NOT_STARTED, 255, "OSError", "text")
    assert parse(unstarted) == Frame(NOT_STARTED, None, "OSError", "text")
    assert parse(worker.pack(NONCE, NOT_STARTED, 255, "OSError", "text")) is None
    assert parse(worker.pack(UNSTARTED, RAISED, 255, "OSError", "text")) is None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_never_a_frame(data) -> None:
    """Without the nonce there is no frame, and nothing raises."""
    assert parse(data) is None
    assert parse_report(data) is None or len(data) == 61


def test_job_holds_the_program_as_it_is(worker, monkeypatch) -> None:
    """The program's own process reads back what the supervisor wrote, byte for byte."""
    units = ("a = '\ud800\0'\n", "")
    job = _read_back(worker, monkeypatch, Program(units=units, seed=2**64 - 1))
    assert (job["nonce"], job["seed"], job["message_chars"]) == (NONCE, 2**64 - 1, 99)
    assert tuple(job["units"]) == units


def test_command_holds_its_words_and_files(worker, monkeypatch) -> None:
    """Names beside their contents, in order, whatever bytes they are."""
    command = Command(argv=("cc", "ü"), files={"a/b": b"\xff\0", "c": b""})
    job = _read_back(worker, monkeypatch, command)
    assert (job["argv"], job["files"]) == (["cc", "ü"], {"a/b": b"\xff\0", "c": b""})


def _read_back(worker, monkeypatch, job: Job) -> dict:
    data, place = memoryview(encode_job(job, NONCE, 99, unstarted=UNSTARTED)), 0

    def read_some(fd: int, size: int) -> bytes:
        nonlocal place
        part = bytes(data[place : place + min(size, 7)])  # a socket may give less than asked for
        place += len(part)
        return part

    def read_into(fd: int, buffers: list[memoryview]) -> int:
        part = read_some(fd, len(buffers[0]))
        buffers[0][: len(part)] = part
        return len(part)

    monkeypatch.setattr(worker.posix, "read", read_some)
    monkeypatch.setattr(worker.posix, "readv", read_into)
    head = bytearray(worker.HEAD_BYTES)
    job_read = worker.read_job(head)
    assert bytes(head[-NONCE_BYTES:]) == UNSTARTED
    return job_read


def test_cleaning_follows_no_link_and_knows_no_depth(worker, tmp_path) -> None:
    """Deep folders, modes, fifos and links go; what a link points to stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    scratch = tmp_path / "scratch"
    inner = scratch
    for _ in range(12):
        inner = inner / ("d" * 200)
    inner.mkdir(parents=True)
    (inner / "link").symlink_to(outside)
    (scratch / "link").symlink_to(outside)
    (inner / "file").write_text("x")
    inner.chmod(0)
    worker.empty(str(scratch))
    assert list(scratch.iterdir()) == []
    assert (outside / "kept").exists()


@pytest.mark.parametrize(("after_s", "noticed"), [(0.0, True), (2.9, True), (3.1, False)])
def test_file_left_within_the_tick_of_the_scratch_folders_making_is_noticed(
    worker, tmp_path, monkeypatch, after_s, noticed
) -> None:
    """By what it holds, while its times stand still: where a program began so soon, however late it ended."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path)
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr(worker, "time", clock)
    monkeypatch.setattr(worker, "state", lambda _: "as it was")
    one = worker.Worker.__new__(worker.Worker)
    one.forked, one.config, one.wait_for = 0, {}, lambda _: False
    one.look()
    assert one.is_pristine()
    with monkeypatch.context() as patch:
        patch.setattr(worker.posix, "fork", lambda: (tmp_path / "scratch" / "left").touch() or 1)
        clock.now = after_s
        one.run_one((), keep=True)
    clock.now += 5
    assert one.is_pristine() != noticed


@pytest.mark.parametrize("after_s", [0.0, 0.2])
def test_file_left_after_a_cleaning_is_noticed_at_once_and_later(
    worker, tmp_path, monkeypatch, after_s
) -> None:
    """By the folder's times, or while these stand still by what it holds."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path)
    one = worker.Worker.__new__(worker.Worker)
    one.program_uid = None
    one.look()
    assert one.clean_up()
    one.in_doubt = after_s == 0.0
    time.sleep(after_s)
    assert one.is_pristine()
    one.in_doubt = after_s == 0.0
    (tmp_path / "scratch" / "left").touch()
    assert not one.is_pristine()
