"""Verdicts on disk, by content: identical work is judged once, in this run and in later ones.

The key is a digest of all that decides a verdict: the completion, the problem whole, tests included, and the
judge's own description (judge and version, tier and layers, limits, interpreter, packages, seeds). Whatever
changes makes another key. A verdict is stored when it is final; `infra_error` says nothing of a program and
never is.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from codelm.evaluation._verdict import Judgement, Verdict
from codelm.files import Json, digest_json

FILE = "verdicts.sqlite"
BUSY_S = 5.0  # waiting for another process that writes


class VerdictCache:
    """A table of judgements under keys; use as a context manager. For one thread.

    path: the file; None: a private one that goes with the process, for what one run repeats.
    A file that cannot be used is done without, with one line on stderr.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._database = _open(self._path)
        except (OSError, sqlite3.Error) as error:
            print(f"note: {self._path}: no cache of verdicts ({error}); going on without", file=sys.stderr)
            self._database = _open(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def get(self, key: bytes) -> Judgement | None:
        """The judgement under a key, if there is one."""
        found: Judgement | None = None
        with self._tolerated():
            for (text,) in self._database.execute("SELECT judgement FROM verdicts WHERE key = ?", (key,)):
                found = Judgement.from_json(json.loads(text))
        return found

    def put(self, key: bytes, judgement: Judgement) -> None:
        """Keep a judgement, unless it says nothing of the program."""
        if judgement.verdict is Verdict.INFRA_ERROR:
            return
        text = json.dumps(judgement.to_json(), separators=(",", ":"))
        with self._tolerated():
            self._database.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?)", (key, text))

    @contextlib.contextmanager
    def _tolerated(self) -> Iterator[None]:
        """A cache that fails is forgotten, a busy one passed by: what it would hold is judged again."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                self._give_up(error)
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        print(f"note: {self._path}: the cache of verdicts is unusable ({error})", file=sys.stderr)
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        self._database, self._path = _open(None), None


def cache_key(
    judge: bytes, problem: bytes, completion: str, *, whole: bool = False, time_s: float | None = None
) -> bytes:
    """The key of a completion. judge, problem: what each is, digested. time_s: a limit of its own."""
    settings = b"%d %r" % (whole, time_s)
    text = completion.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"".join((judge, problem, settings, b"\0", text))).digest()


def digest_of(description: Json) -> bytes:
    """The digest of a judge's description, or of a problem."""
    return bytes.fromhex(digest_json(description))


def _open(path: Path | None) -> sqlite3.Connection:
    """Raises: OSError, sqlite3.Error."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A database without a name is a temporary file: what one run repeats is found without growing memory.
    # Each verdict is written at once: a transaction left open would keep other runs from writing theirs.
    name = "" if path is None else os.fspath(path)
    database = sqlite3.connect(name, timeout=BUSY_S, isolation_level=None)
    try:
        database.execute(f"PRAGMA journal_mode = {'OFF' if path is None else 'WAL'}")
        database.execute("PRAGMA synchronous = OFF")  # a cache lost with the machine is only slow
        database.execute(
            "CREATE TABLE IF NOT EXISTS verdicts (key BLOB PRIMARY KEY, judgement TEXT) WITHOUT ROWID"
        )
    except BaseException:
        database.close()
        raise
    return database
