"""The manifest of a shard folder: what the files hold, and the digests that prove it.

A folder holds `tokens-00000.bin`, `tokens-00001.bin`, ... (little-endian token ids and nothing else; together
one long sequence of documents, each closed by the end-of-text id), `documents.npy` (uint64: where each
document ends in that sequence, its end-of-text id included) and `manifest.json`.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from codelm.errors import InputError
from codelm.files import Json, digest_json, read_json

MANIFEST_FILE = "manifest.json"
DOCUMENTS_FILE = "documents.npy"
FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class ShardFile:
    """One `.bin` file."""

    name: str
    n_tokens: int
    sha256: str  # of the file's bytes, hex


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a shard folder holds."""

    tokenizer_digest: str  # of the tokenizer that made the ids
    vocab_size: int  # ids are below it
    end_of_text_id: int  # closes each document
    dtype: str  # "<u2" when the vocabulary fits 16 bits, else "<u4" (numpy's names, little-endian)
    n_tokens: int  # end-of-text ids included
    n_documents: int
    documents_sha256: str  # of documents.npy
    files: tuple[ShardFile, ...]  # in the order of their tokens

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read `manifest.json` of a folder. Raises: InputError."""
        path = Path(folder) / MANIFEST_FILE
        value = read_json(path)
        if (version := value.pop("version", None)) != FORMAT_VERSION:
            raise InputError(
                f"{path}: format version {version!r}, this release reads {FORMAT_VERSION}; "
                "write the shards anew"
            )
        try:
            files = tuple(ShardFile(**row) for row in value.pop("files"))
            manifest = cls(files=files, **value)
            manifest._check()
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: not a shard manifest ({error}); write the shards anew") from error
        return manifest

    def to_json(self) -> Json:
        """The content of `manifest.json`."""
        return {"version": FORMAT_VERSION, **asdict(self)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the manifest, and so over every token."""
        return digest_json(self.to_json())

    @property
    def bytes_per_token(self) -> int:
        """Size of one id on disk."""
        return {"<u2": 2, "<u4": 4}[self.dtype]

    def _check(self) -> None:
        counts = [self.vocab_size, self.n_tokens, self.n_documents, *(file.n_tokens for file in self.files)]
        if not all(isinstance(count, int) and count > 0 for count in counts):
            raise ValueError("a count is not a positive whole number")
        if self.dtype not in ("<u2", "<u4"):
            raise ValueError(f"dtype {self.dtype!r} is not '<u2' or '<u4'")
        if sum(file.n_tokens for file in self.files) != self.n_tokens:
            raise ValueError("the files' token counts do not add up to n_tokens")
        if any(Path(file.name).name != file.name for file in self.files):
            raise ValueError("a file lies outside the folder")
