"""The bytes between supervisor, worker and program; `_worker.py` holds the other end of each.

    job     supervisor -> program   nonce, seed, options, units of source; by the program's own socket
    frame   program -> supervisor   exactly one, by the same socket, then end of file
    report  worker -> supervisor    what the kernel says of the program's end; twice when it left something
                                    behind: at its end, and when that is gone

Texts are UTF-8 with lone surrogates let through, so that they arrive as the samples file holds them.
"""

import struct
from typing import NamedTuple

from codelm.sandbox._outcome import Program

NONCE_BYTES = 16
MAX_FRAME_BYTES = 64 << 10
READY = b"R"

_JOB = struct.Struct(
    f"<Q{NONCE_BYTES}sQIB"
)  # bytes that follow this field, nonce, seed, message chars, units
_LENGTH = struct.Struct("<Q")
_FRAME = struct.Struct(f"<I{NONCE_BYTES}sBBHI")  # length of all, nonce, kind, unit, bytes of type, of message
_REPORT = struct.Struct("<iddidqiB")  # the fields of Report

FINISHED, RAISED, DID_NOT_COMPILE, NOT_STARTED = range(4)
CLEAN, CLEANING, UNCLEAN = range(3)
NO_UNIT = 255
NO_MESSAGE = 0xFFFFFFFF


class Frame(NamedTuple):
    """What a program says of its own end."""

    kind: int
    unit: int | None
    exception: str
    message: str | None


class Report(NamedTuple):
    """What the worker says of a program's end."""

    pid: int  # of its first process
    ended_s: float  # when that ended, on the clock of time.monotonic
    waited_s: float  # that its first thread had spent waiting for a processor by then
    status: int  # as os.waitpid gives it
    cpu_s: float
    peak_memory_bytes: int
    leftover_processes: int
    state: int  # CLEAN: nothing of the program is left; CLEANING: another report follows; UNCLEAN: broken


def encode_job(program: Program, nonce: bytes, message_chars: int) -> bytes:
    """The job as the program's own process reads it."""
    units = [unit.encode("utf-8", "surrogatepass") for unit in program.units]
    body = b"".join(_LENGTH.pack(len(unit)) + unit for unit in units)
    size = _JOB.size - _LENGTH.size + len(body)
    return _JOB.pack(size, nonce, program.seed, message_chars, len(units)) + body


def parse_frame(data: bytes, nonce: bytes) -> Frame | None:
    """The frame that `data` holds, or None when it is anything but one whole genuine frame."""
    if not _FRAME.size <= len(data) <= MAX_FRAME_BYTES:
        return None
    length, found, kind, unit, type_bytes, message_bytes = _FRAME.unpack_from(data)
    sizes = type_bytes + (0 if message_bytes == NO_MESSAGE else message_bytes)
    if length != len(data) or found != nonce or kind > NOT_STARTED or _FRAME.size + sizes != len(data):
        return None
    text = data[_FRAME.size :]
    try:
        exception = text[:type_bytes].decode("utf-8", "surrogatepass")
        message = text[type_bytes:].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return Frame(
        kind, None if unit == NO_UNIT else unit, exception, None if message_bytes == NO_MESSAGE else message
    )


def parse_report(data: bytes) -> Report | None:
    """The worker's report, or None when it is not one."""
    return Report(*_REPORT.unpack(data)) if len(data) == _REPORT.size else None
