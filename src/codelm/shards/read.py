"""Reading token shards: memory-mapped, in shuffled windows for training and in order for validation.

The sequence of tokens is read as a ring: after the last document comes the first. Documents are independent
of each other, so this join is like any other, and every window has the same length.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from codelm.errors import InputError
from codelm.files import digest_file
from codelm.shards.manifest import DOCUMENTS_FILE, Manifest
from codelm.shards.shuffle import permuted, random_key

TokenArray = npt.NDArray[np.int64]


class TokenShards:
    """A shard folder, open for reading; memory is used only for what is read."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self._files = [
            np.memmap(folder / file.name, dtype=manifest.dtype, mode="r") for file in manifest.files
        ]
        self._file_ends = np.cumsum([file.n_tokens for file in manifest.files])

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a folder that `write_shards` made; compares every file with its digest (about 1 GB/s).

        Raises: InputError, naming the file that is missing, cut short or altered.
        """
        manifest = Manifest.read(folder)
        for file in manifest.files:
            _check_size(Path(folder) / file.name, file.n_tokens * manifest.bytes_per_token)
            _check_digest(Path(folder) / file.name, file.sha256)
        _check_digest(Path(folder) / DOCUMENTS_FILE, manifest.documents_sha256)
        return cls(Path(folder), manifest)

    @property
    def n_tokens(self) -> int:
        """Tokens in all, end-of-text ids included."""
        return self.manifest.n_tokens

    def windows_per_epoch(self, length: int) -> int:
        """Windows of `length` targets that one pass over the tokens holds.

        Raises: InputError when the tokens are too few for one window of length + 1.
        """
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        if self.n_tokens < length + 1:
            raise InputError(
                f"{self.folder}: holds {self.n_tokens} tokens, too few for one window of {length + 1}; "
                "add documents or shorten the windows"
            )
        return self.n_tokens // length

    def batch(self, step: int, *, batch_size: int, length: int, seed: int) -> TokenArray:
        """The training batch of a step: int64 (batch_size, length + 1), inputs [:, :-1], targets [:, 1:].

        A pure function of its arguments, so exact resume needs no state. Each epoch cuts the tokens into
        windows from another offset and draws them without replacement; `step` counts on over epochs.
        """
        if step < 0 or batch_size < 1:
            raise ValueError(f"step must be >= 0 and batch_size >= 1, got {step}, {batch_size}")
        per_epoch = self.windows_per_epoch(length)
        numbers = step * batch_size + np.arange(batch_size)
        epochs, places = np.divmod(numbers, per_epoch)
        starts = np.empty_like(places)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            starts[chosen] = self._epoch_starts(places[chosen], int(epoch), length, seed)
        return self.windows(starts, length=length)

    def windows(self, starts: TokenArray, *, length: int) -> TokenArray:
        """Windows that begin at tokens `starts`, each in [0, n_tokens): int64 (len(starts), length + 1)."""
        return np.stack([self._read(int(start), length + 1) for start in starts])

    def sequential(self, length: int) -> Iterator[TokenArray]:
        """Every window in order, int64 (length + 1,), for validation.

        A window's last token is the next one's first, so that each target occurs once. Fewer than `length`
        targets at the very end are left out. Raises: InputError when there is not one window.
        """
        self.windows_per_epoch(length)
        for start in range(0, self.n_tokens - length, length):
            yield self._read(start, length + 1)

    def document(self, index: int) -> TokenArray:
        """The ids of one document, without its end of text. Raises: IndexError."""
        ends = np.load(self.folder / DOCUMENTS_FILE, mmap_mode="r", allow_pickle=False)
        if not 0 <= index < len(ends):
            raise IndexError(f"{self.folder}: document {index} of {len(ends)}")
        start = int(ends[index - 1]) if index else 0
        return self._read(start, int(ends[index]) - 1 - start)

    def _epoch_starts(self, places: TokenArray, epoch: int, length: int, seed: int) -> TokenArray:
        windows = permuted(places, size=self.windows_per_epoch(length), key=random_key(seed, epoch, 0))
        offset = random_key(seed, epoch, 1) % self.n_tokens
        return (offset + windows * length) % self.n_tokens

    def _read(self, start: int, count: int) -> TokenArray:
        """`count` tokens from `start` on, around the ring and over the files' borders."""
        out = np.empty(count, dtype=np.int64)
        filled = 0
        while filled < count:
            place = (start + filled) % self.n_tokens
            number = int(np.searchsorted(self._file_ends, place, side="right"))
            file = self._files[number]
            begin = place - (int(self._file_ends[number]) - len(file))
            part = file[begin : begin + count - filled]
            out[filled : filled + len(part)] = part
            filled += len(part)
        return out


def _check_size(path: Path, expected: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); write the shards anew") from error
    if found != expected:
        raise InputError(f"{path}: {found} bytes, its manifest says {expected}; write the shards anew")


def _check_digest(path: Path, expected: str) -> None:
    found = digest_file(path)
    if found != expected:
        raise InputError(
            f"{path}: SHA-256 {found[:12]}..., its manifest says {expected[:12]}...; write the shards anew"
        )
