"""What the catalogue's programs go after on the host: worthless, and watched.

A file, a folder, a variable of the environment, an inheritable descriptor, and sockets that listen: not the
programs', but with rights for all, so that only walls keep programs from them.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

CONTENT = b"canary\n"


class Bait:
    """The bait, laid out; use as a context manager, around the sandbox.

    Temporary folders are made inside `temporary` meanwhile, so that what appears there is this sandbox's.
    """

    variable = "CODELM_BAIT"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self.temporary = tempfile.mkdtemp(prefix="codelm-attacks-", dir=_outermost(tempfile.gettempdir()))
            undo.callback(_remove, self.temporary)
            os.chmod(self.temporary, 0o711)  # noqa: S103 - a scratch folder in it must be reached
            before, tempfile.tempdir = tempfile.tempdir, self.temporary
            undo.callback(setattr, tempfile, "tempdir", before)
            self.folder = f"{self.temporary}/bait"
            self.file = f"{self.folder}/file"
            self._lay_files()
            os.environ[self.variable] = secrets.token_hex()
            undo.callback(os.environ.pop, self.variable, None)
            descriptor = os.open(self.folder, os.O_RDONLY)
            undo.callback(os.close, descriptor)
            os.set_inheritable(descriptor, True)
            self._lay_sockets(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def as_source(self) -> str:
        """The helper through which a program finds the bait."""
        names = ("variable", "temporary", "folder", "file", "port", "udp_port", "socket", "datagrams")
        abstract = ("abstract", "abstract_datagrams")
        values = {name: getattr(self, name) for name in (*names, *abstract)} | {"host": os.uname().nodename}
        return f"from types import SimpleNamespace\nbait = SimpleNamespace(**{values!r})\n"

    def state(self) -> str:
        """The bait's files, in one text that changes when they do."""
        names = sorted(os.listdir(self.folder))
        content = Path(self.file).read_bytes() if "file" in names else b""
        return f"{' '.join(names)}: {content!r}"

    def _lay_files(self) -> None:
        os.mkdir(self.folder)
        Path(self.file).write_bytes(CONTENT)
        os.chmod(self.folder, 0o777)  # noqa: S103 - only walls are to keep programs out
        os.chmod(self.file, 0o666)  # noqa: S103

    def _lay_sockets(self, undo: contextlib.ExitStack) -> None:
        self.socket, self.datagrams = f"{self.folder}/socket", f"{self.folder}/datagrams"
        name = f"\0{Path(self.temporary).name}"
        self.abstract, self.abstract_datagrams = f"{name}/stream", f"{name}/datagrams"
        unix, inet = socket.AF_UNIX, socket.AF_INET
        stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
        loopback = ("127.0.0.1", 0)
        listening = [
            _bound(undo, family, kind, address)
            for family, kind, address in (
                (inet, stream, loopback),
                (inet, datagram, loopback),
                (unix, stream, self.socket),
                (unix, datagram, self.datagrams),
                (unix, stream, self.abstract),
                (unix, datagram, self.abstract_datagrams),
            )
        ]
        self.port, self.udp_port = (int(one.getsockname()[1]) for one in listening[:2])
        for path in (self.socket, self.datagrams):
            os.chmod(path, 0o777)  # noqa: S103


def _bound(
    undo: contextlib.ExitStack, family: int, kind: int, address: str | tuple[str, int]
) -> socket.socket:
    one = undo.enter_context(socket.socket(family, kind))
    one.bind(address)
    if kind == socket.SOCK_STREAM:
        one.listen()
    return one


def _outermost(folder: str) -> str:
    """Where temporary folders are made when no bait is laid: the path of a socket must be short."""
    return folder.partition("/codelm-attacks-")[0] or "/"


def _remove(folder: str) -> None:
    subprocess.run(["/bin/rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)
