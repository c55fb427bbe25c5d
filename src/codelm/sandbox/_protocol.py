"""The bytes between supervisor, worker and program; `_worker.py` holds the other end of each.

    order   supervisor -> worker    one byte and the program's descriptors: its socket and, where its output
                                    is kept, standard input, output and error
    job     supervisor -> program   a dictionary in marshal, by the program's own socket; first the nonce of
                                    NOT_STARTED, which is gone from its process before the program begins
    frame   program -> supervisor   exactly one, by the same socket, then end of file; in a session one for
                                    the loading and one for each call, with the time of its answer
    report  worker -> supervisor    what the kernel says of the program's end; twice when it left something
                                    behind: at its end, and when that is gone

Texts are UTF-8 with lone surrogates let through, so that they arrive as the samples file holds them.
"""

import marshal
import struct
from typing import Any, NamedTuple

from codelm.sandbox._outcome import Command, Job

NONCE_BYTES = 16
MAX_FRAME_BYTES = 64 << 10
MAX_PAYLOAD_BYTES = 16 << 20  # of a call, and of its reply
READY = b"R"
MARSHAL_VERSION = 2  # every Python reads it; reading JSON would cost each program 70 page faults, 0.2 ms

# Orders. After RUN the scratch folder is emptied; after KEEP, within a session, it is not.
RUN, KEEP, EMPTY = b"P", b"S", b"E"

_JOB = struct.Struct(f"<Q{NONCE_BYTES}s")  # bytes of what follows, nonce of NOT_STARTED
_CALL = struct.Struct(f"<Q{NONCE_BYTES}s?")  # bytes of the payload, nonce, in a process of its own
_FRAME = struct.Struct(f"<I{NONCE_BYTES}sBBHI")  # length of all, nonce, kind, unit, bytes of type, of message
_ENDED = struct.Struct("<d")  # before what a call is answered: when, on the clock of time.monotonic
_REPORT = struct.Struct("<QidddidqiB")  # the fields of Report

FINISHED, RAISED, DID_NOT_COMPILE, NOT_STARTED, REPLIED, CALL_DIED = range(6)
CLEAN, CLEANING, UNCLEAN = range(3)
NO_UNIT = 255
NO_MESSAGE = 0xFFFFFFFF


class Frame(NamedTuple):
    """What a program says of its own end, or of a call's."""

    kind: int
    unit: int | None
    exception: str
    message: str | None
    reply: bytes | None = None
    ended_s: float | None = None  # when a call was answered, as the program says


class Report(NamedTuple):
    """What the worker says of a program's end."""

    number: int  # of programs that the worker has forked, this one the last
    pid: int  # of its first process
    began_s: float  # when that was forked, on the clock of time.monotonic
    ended_s: float  # when it ended
    waited_s: float  # that its first thread had spent waiting for a processor by then
    status: int  # as os.waitpid gives it
    cpu_s: float
    peak_memory_bytes: int
    leftover_processes: int
    state: int  # CLEAN: nothing of the program is left; CLEANING: another report follows; UNCLEAN: broken


def encode_job(
    job: Job,
    nonce: bytes,
    message_chars: int,
    *,
    unstarted: bytes,
    rlimits: list[tuple[int, int]] | None = None,
    handler: str = "",
    converses: bool = False,
) -> bytes:
    """A job as the program's own process reads it.

    unstarted: nonce of NOT_STARTED. rlimits: where they are not the worker's usual ones. handler: the
    function that answers a session's calls; converses: in the middle of one it may answer, and wait for the
    next.
    """
    header: dict[str, Any] = {"nonce": nonce, "message_chars": message_chars, "rlimits": rlimits}
    if isinstance(job, Command):
        header |= {
            "argv": [str(word) for word in job.argv],
            "files": {str(name): bytes(content) for name, content in job.files.items()},
        }
    else:
        header |= {
            "units": [str(unit) for unit in job.units],
            "seed": job.seed,
            "script": job.script,
            "handler": handler,
            "converses": converses,
        }
    body = marshal.dumps(header, MARSHAL_VERSION)
    return _JOB.pack(len(body), unstarted) + body


def encode_call(payload: bytes, nonce: bytes, *, fork: bool) -> bytes:
    """A call as the loaded program reads it."""
    return _CALL.pack(len(payload), nonce, fork) + payload


def frame_bytes(data: bytes | bytearray) -> int | None:
    """The length of the frame that `data` begins; None while that cannot be told."""
    return int(_FRAME.unpack_from(data)[0]) if len(data) >= _FRAME.size else None


def parse_frame(data: bytes, nonce: bytes, *, unstarted: bytes) -> Frame | None:
    """The frame that `data` holds, or None when it is anything but one whole genuine frame.

    unstarted: nonce of NOT_STARTED, which is the sandbox's word and not the program's: that knows `nonce`.
    """
    if len(data) < _FRAME.size:
        return None
    length, found, kind, unit, type_bytes, message_bytes = _FRAME.unpack_from(data)
    sizes = type_bytes + (0 if message_bytes == NO_MESSAGE else message_bytes)
    genuine = found == (unstarted if kind == NOT_STARTED else nonce)
    if length != len(data) or not genuine or kind > CALL_DIED or _FRAME.size + sizes != len(data):
        return None
    text = data[_FRAME.size :]
    if kind == REPLIED:
        return _reply(text)
    if len(data) > MAX_FRAME_BYTES:
        return None
    try:
        exception = text[:type_bytes].decode("utf-8", "surrogatepass")
        message = text[type_bytes:].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return Frame(
        kind, None if unit == NO_UNIT else unit, exception, None if message_bytes == NO_MESSAGE else message
    )


def _reply(text: bytes | bytearray) -> Frame | None:
    if not _ENDED.size <= len(text) <= _ENDED.size + MAX_PAYLOAD_BYTES:
        return None
    (ended_s,) = _ENDED.unpack_from(text)
    return Frame(REPLIED, None, "", None, reply=bytes(text[_ENDED.size :]), ended_s=ended_s)


def parse_report(data: bytes) -> Report | None:
    """The worker's report, or None when it is not one."""
    return Report(*_REPORT.unpack(data)) if len(data) == _REPORT.size else None
