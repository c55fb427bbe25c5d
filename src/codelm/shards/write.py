"""Writing token shards: documents in, a folder out that appears whole or not at all."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from codelm.errors import InputError, OutputError
from codelm.files import digest_file, write_json
from codelm.shards.manifest import DOCUMENTS_FILE, MANIFEST_FILE, Manifest, ShardFile

FILE_TOKENS = 2**28  # tokens per .bin file (512 MB at 16 bits): files that still copy and check quickly


def write_shards(
    folder: str | Path,
    documents: Iterable[Sequence[int]],
    *,
    tokenizer_digest: str,
    vocab_size: int,
    end_of_text_id: int,
    file_tokens: int = FILE_TOKENS,
) -> Manifest:
    """Write documents (token ids each, without end of text) as a shard folder; closes each with end of text.

    The folder is replaced by rename when all documents are written: until then, and after an error or Ctrl-C,
    what stood there stays. file_tokens: tokens per file; documents run on from one file into the next.
    Raises: OutputError when it cannot be written, or the folder holds anything but shards; InputError when
    there is no document; ValueError for an id outside [0, vocab_size).
    """
    with _new_folder(Path(folder).resolve()) as temporary:
        stream = _TokenStream(temporary, vocab_size=vocab_size, file_tokens=file_tokens)
        with closing(stream):
            ends = np.fromiter(_write_documents(stream, documents, end_of_text_id), dtype="<u8")
        if not len(ends):
            raise InputError(f"{folder}: there is no document to write shards of")
        _save_array(temporary / DOCUMENTS_FILE, ends)
        manifest = Manifest(
            tokenizer_digest=tokenizer_digest,
            vocab_size=vocab_size,
            end_of_text_id=end_of_text_id,
            dtype=stream.dtype,
            n_tokens=int(ends[-1]),
            n_documents=len(ends),
            documents_sha256=digest_file(temporary / DOCUMENTS_FILE),
            files=tuple(stream.files),
        )
        write_json(temporary / MANIFEST_FILE, manifest.to_json())
    return manifest


def _write_documents(
    stream: "_TokenStream", documents: Iterable[Sequence[int]], end_of_text_id: int
) -> Iterator[int]:
    """Write each document and yield where it ends."""
    end = 0
    for document in documents:
        ids = np.empty(len(document) + 1, dtype=np.int64)
        ids[:-1] = document
        ids[-1] = end_of_text_id
        stream.write(ids)
        end += len(ids)
        yield end


class _TokenStream:
    """Token ids written to numbered files of a folder."""

    def __init__(self, folder: Path, *, vocab_size: int, file_tokens: int) -> None:
        if vocab_size < 1 or file_tokens < 1:
            raise ValueError(f"vocab_size and file_tokens must be positive, got {vocab_size}, {file_tokens}")
        self.folder, self.vocab_size, self.file_tokens = folder, vocab_size, file_tokens
        self.dtype = "<u2" if vocab_size <= 2**16 else "<u4"
        self.files: list[ShardFile] = []
        self._stream: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._n_tokens = 0  # in the open file

    def write(self, ids: npt.NDArray[np.int64]) -> None:
        """Append ids. Raises: ValueError for an id outside the vocabulary."""
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise ValueError(f"token ids must be in [0, {self.vocab_size}), found {ids.min()} to {ids.max()}")
        data = ids.astype(self.dtype)
        while len(data):
            if self._stream is None:
                self._stream = open(self._path(), "xb")  # noqa: SIM115 - stays open over calls
            part = data[: self.file_tokens - self._n_tokens]
            self._stream.write(part.tobytes())
            self._hash.update(part.tobytes())
            self._n_tokens += len(part)
            if self._n_tokens == self.file_tokens:
                self.close()
            data = data[len(part) :]

    def close(self) -> None:
        """Finish the open file, if any."""
        if self._stream is None:
            return
        with self._stream:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self.files.append(
            ShardFile(name=self._path().name, n_tokens=self._n_tokens, sha256=self._hash.hexdigest())
        )
        self._stream, self._hash, self._n_tokens = None, hashlib.sha256(), 0

    def _path(self) -> Path:
        return self.folder / f"tokens-{len(self.files):05}.bin"


def _save_array(path: Path, array: npt.NDArray[np.uint64]) -> None:
    with open(path, "xb") as stream:
        np.save(stream, array, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that takes its place when the block ends without an error."""
    suffix = f"{secrets.token_hex(4)}.tmp"
    temporary, aside = (target.with_name(f".{target.name}.{kind}-{suffix}") for kind in ("new", "old"))
    _check_replaceable(target)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            os.rename(target, aside)
        os.rename(temporary, target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror}); nothing there was changed"
        ) from error
    finally:
        if aside.exists() and not target.exists():  # interrupted between the two renames
            os.rename(aside, target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def _check_replaceable(target: Path) -> None:
    """Never replace a folder that we did not write."""
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST_FILE).is_file():
        raise OutputError(f"{target}: holds other files; name a new or empty folder for the shards")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file; name a folder for the shards")
