"""Moving the bytes of one job between supervisor and program while its clock runs."""

import contextlib
import os
import select
import socket

from codelm.sandbox import _protocol
from codelm.sandbox._housing import READ_BYTES, Housing
from codelm.sandbox._watch import Watch

MAX_ANSWER_BYTES = _protocol.MAX_PAYLOAD_BYTES + _protocol.MAX_FRAME_BYTES


class Kept:
    """A stream of a program, read to its end; the first bytes are kept, all are counted."""

    def __init__(self, fd: int, at_most: int) -> None:
        self.data = bytearray()
        self.fd, self._at_most = fd, at_most
        os.set_blocking(fd, False)

    def read(self, watch: Watch) -> bool:
        """Read what is there; False at the end of the stream."""
        try:
            piece = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return True
        watch.output_bytes += len(piece)
        self.data += piece[: self._at_most - len(self.data)]
        return bool(piece)


class Streams:
    """Standard input, output and error of one program, where what it prints is kept."""

    def __init__(self, stdin: bytes, kept_bytes: int) -> None:
        """Raises: OSError where this process may have no more descriptors; then it has as many as before."""
        self._ours, self._theirs = contextlib.ExitStack(), contextlib.ExitStack()
        try:
            self.theirs = [_readable(stdin)]  # the ends for the program, as its descriptors 0, 1 and 2
            self._theirs.callback(os.close, self.theirs[0])
            self.out, self.err = self._keep(kept_bytes), self._keep(kept_bytes)
        except BaseException:
            self.close()
            raise

    def release_theirs(self) -> None:
        """Close our copies of the program's ends, once it has them."""
        self._theirs.close()

    def close(self) -> None:
        """Close what is still open."""
        self._theirs.close()
        self._ours.close()

    def _keep(self, at_most: int) -> Kept:
        fd, theirs = os.pipe()
        self._ours.callback(os.close, fd)
        self._theirs.callback(os.close, theirs)
        self.theirs.append(theirs)
        return Kept(fd, at_most)

    def finish(self, watch: Watch) -> None:
        """Read what is left of the streams of a program that is dead."""
        for kept in (self.out, self.err):
            while _has_data(kept.fd) and watch.output_bytes <= watch.limits.output_bytes:
                kept.read(watch)


class Exchange:
    """The descriptors of one job, polled together: its socket, its output, and the worker's reports.

    channel: its socket, which does not block.
    """

    def __init__(
        self, housing: Housing, watch: Watch, channel: socket.socket, streams: Streams | None
    ) -> None:
        self._housing, self._watch, self._channel = housing, watch, channel
        self._kept = {kept.fd: kept for kept in (streams.out, streams.err)} if streams else {}
        self._unsent = memoryview(b"")
        self.answer = bytearray()  # what the program wrote into its socket, so far
        self.hung_up = (
            False  # the program's end of the socket is closed, or it wrote more than any answer holds
        )
        self._poll = select.poll()
        for fd in (housing.control.fileno(), housing.output, *self._kept):
            self._poll.register(fd, select.POLLIN)

    def send(self, data: bytes) -> None:
        """Send now what fits, and the rest as `step` is called."""
        self._unsent = _send_some(self._channel, memoryview(data))
        if self._unsent:
            self._poll.register(self._channel, select.POLLOUT)

    def step(self, *, listening: bool = False) -> bool:
        """Wait until something comes or the next look is due; True when the worker has something to report.

        listening: read the program's socket as it writes, for answers that may be larger than its buffer.
        """
        if listening and not self._unsent:
            self._poll.register(self._channel, select.POLLIN)
        ready = {fd for fd, _ in self._poll.poll(self._watch.until_next_look_s() * 1000)}
        if self._channel.fileno() in ready:
            self._move()
        if self._housing.output in ready:
            self._watch.output_bytes += self._housing.drain(READ_BYTES)[0]
        for fd in ready & self._kept.keys():
            if not self._kept[fd].read(self._watch):
                self._poll.unregister(fd)
                del self._kept[fd]
        return self._housing.control.fileno() in ready

    def frame(self) -> bytes | None:
        """The whole frame that has arrived, and whatever came after it; None while it has not."""
        size = _protocol.frame_bytes(self.answer)
        return bytes(self.answer) if size is not None and len(self.answer) >= size else None

    def read_rest(self) -> None:
        """Read what a program that is dead had written into its socket."""
        while not self.hung_up and self._read():
            pass

    def _move(self) -> None:
        if not self._unsent:
            self._read()
            return
        self._unsent = _send_some(self._channel, self._unsent)
        if not self._unsent:
            self._poll.unregister(self._channel)

    def _read(self) -> bool:
        try:
            piece = self._channel.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        self.answer += piece
        self.hung_up = not piece or len(self.answer) > MAX_ANSWER_BYTES
        return bool(piece)


def _send_some(channel: socket.socket, data: memoryview) -> memoryview:
    """Send what fits now; what is left. Nothing is left when nobody reads any more."""
    try:
        return data[channel.send(data) :]
    except BlockingIOError:
        return data
    except OSError:
        return data[:0]


def _readable(data: bytes) -> int:
    """A descriptor from which `data` can be read, and nothing written to."""
    if not data:
        return os.open(os.devnull, os.O_RDONLY)
    with open(os.memfd_create("stdin", os.MFD_CLOEXEC), "wb") as stream:
        stream.write(data)
        stream.flush()
        return os.open(f"/proc/self/fd/{stream.fileno()}", os.O_RDONLY)


def _has_data(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll(0))
