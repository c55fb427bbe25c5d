"""Token shards: what is read is what was written, damage is named, epochs are fair."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codelm.errors import InputError, OutputError
from codelm.shards import Manifest, TokenShards, write_shards

END = 0
OPTIONS: dict[str, Any] = {"tokenizer_digest": "ab" * 32, "vocab_size": 500, "end_of_text_id": END}


def documents(n: int = 40, seed: int = 0) -> list[list[int]]:
    """Documents of 0 to 29 ids."""
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 500, size=rng.integers(0, 30)).tolist() for _ in range(n)]


def joined(docs: list[list[int]]) -> list[int]:
    """The sequence of tokens that the documents make."""
    return [token for doc in docs for token in [*doc, END]]


def numbered(folder: Path, n_tokens: int) -> TokenShards:
    """Shards whose token at place i is i (but for the last): windows show where they were cut."""
    options = {**OPTIONS, "vocab_size": 100_000, "end_of_text_id": n_tokens - 1}
    write_shards(folder, [range(n_tokens - 1)], **options)
    return TokenShards.open(folder)


@pytest.mark.parametrize("file_tokens", [3, 17, 64, 10**6])
def test_tokens_come_back_whatever_the_file_size(file_tokens: int, tmp_path: Path) -> None:
    """Documents run on over the borders of files."""
    docs = documents(15)
    manifest = write_shards(tmp_path / "s", docs, file_tokens=file_tokens, **OPTIONS)
    shards = TokenShards.open(tmp_path / "s")
    tokens = joined(docs)
    assert shards.windows(np.array([0]), length=len(tokens) - 1)[0].tolist() == tokens
    assert [shards.document(i).tolist() for i in range(len(docs))] == docs
    assert (manifest.n_tokens, manifest.n_documents) == (len(tokens), len(docs))
    assert manifest == shards.manifest == Manifest.read(tmp_path / "s")


@pytest.mark.parametrize(("vocab_size", "size"), [(2**16, 2), (2**16 + 1, 4)])
def test_ids_take_two_bytes_when_the_vocabulary_allows(vocab_size: int, size: int, tmp_path: Path) -> None:
    """The widest vocabulary of 16 bits, and the first beyond."""
    write_shards(tmp_path / "s", [[1, vocab_size - 1]], **{**OPTIONS, "vocab_size": vocab_size})
    assert (tmp_path / "s" / "tokens-00000.bin").stat().st_size == 3 * size
    shards = TokenShards.open(tmp_path / "s")
    assert shards.document(0).tolist() == [1, vocab_size - 1]


@pytest.mark.parametrize("bad", [-1, 500])
def test_id_outside_the_vocabulary_is_refused(bad: int, tmp_path: Path) -> None:
    """A wrong id would crash training much later."""
    with pytest.raises(ValueError, match=r"token ids must be in \[0, 500\)"):
        write_shards(tmp_path / "s", [[1], [bad]], **OPTIONS)
    assert not list(tmp_path.iterdir())


def test_no_document_is_refused(tmp_path: Path) -> None:
    """An empty split has no shards."""
    with pytest.raises(InputError, match="no document"):
        write_shards(tmp_path / "s", [], **OPTIONS)
    assert not list(tmp_path.iterdir())


def test_interrupted_write_leaves_the_old_shards(tmp_path: Path) -> None:
    """Ctrl-C in the middle changes nothing and leaves no litter."""
    old = write_shards(tmp_path / "s", documents(), **OPTIONS)

    def interrupted() -> Iterator[list[int]]:
        yield [1, 2, 3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path / "s", interrupted(), **OPTIONS)
    assert TokenShards.open(tmp_path / "s").manifest == old
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_full_disk_leaves_the_old_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up is one clear error; the shards before it stay."""
    old = write_shards(tmp_path / "s", documents(), **OPTIONS)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*nothing there was changed"):
        write_shards(tmp_path / "s", documents(seed=1), **OPTIONS)
    assert TokenShards.open(tmp_path / "s").manifest == old
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_rewriting_replaces_the_old_shards(tmp_path: Path) -> None:
    """Files of an earlier, longer set do not stay behind."""
    write_shards(tmp_path / "s", documents(), file_tokens=16, **OPTIONS)
    new = write_shards(tmp_path / "s", [[1, 2]], **OPTIONS)
    assert TokenShards.open(tmp_path / "s").manifest == new
    assert len(list((tmp_path / "s").iterdir())) == 3


def test_linked_folder_stays_a_link(tmp_path: Path) -> None:
    """Shards written through a link lie where the link points, such as on a larger disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "s").symlink_to(tmp_path / "disk")
    write_shards(tmp_path / "s", documents(), **OPTIONS)
    assert (tmp_path / "s").is_symlink()
    assert (tmp_path / "disk" / "manifest.json").is_file()


def test_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    """A slip in the output's name must not cost someone their folder."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match="holds other files"):
        write_shards(tmp_path, documents(), **OPTIONS)
    with pytest.raises(OutputError, match="is a file"):
        write_shards(tmp_path / "thesis.tex", documents(), **OPTIONS)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("name", ["tokens-00000.bin", "tokens-00001.bin", "documents.npy"])
def test_damaged_file_is_refused_by_name(damage: Any, name: str, tmp_path: Path) -> None:
    """Missing, cut short or altered by one bit: the error says which file."""
    write_shards(tmp_path / "s", documents(), file_tokens=300, **OPTIONS)
    damage(tmp_path / "s" / name)
    with pytest.raises(InputError, match=name):
        TokenShards.open(tmp_path / "s")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"dtype": "<f8"},
        {"n_tokens": 1},
        {"n_documents": "many"},
        {"files": None},
        {"files": [{"name": "../x", "n_tokens": 5, "sha256": ""}], "n_tokens": 5},
        {"surprise": 1},
    ],
)
def test_manifest_that_does_not_add_up_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    """A manifest of another version, or one that contradicts itself, is not guessed at."""
    write_shards(tmp_path / "s", documents(), **OPTIONS)
    path = tmp_path / "s" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=r"manifest\.json"):
        TokenShards.open(tmp_path / "s")


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    """An empty folder holds no shards."""
    with pytest.raises(InputError, match=r"manifest\.json: cannot be read"):
        TokenShards.open(tmp_path)


@pytest.mark.parametrize(("n_tokens", "length"), [(101, 10), (100, 10), (109, 10), (11, 10), (2, 1)])
def test_epoch_has_each_target_at_most_once(n_tokens: int, length: int, tmp_path: Path) -> None:
    """No target comes twice in an epoch, and fewer than a window of them are left out."""
    shards = numbered(tmp_path / "s", n_tokens)
    n = shards.windows_per_epoch(length)
    for epoch in range(3):
        targets = [
            token
            for step in range(epoch * n, (epoch + 1) * n)
            for token in shards.batch(step, batch_size=1, length=length, seed=5)[0, 1:].tolist()
        ]
        assert len(set(targets)) == len(targets) == n * length > n_tokens - length


def test_epochs_cut_and_order_the_windows_differently(tmp_path: Path) -> None:
    """A second pass is not the first one again."""
    shards = numbered(tmp_path / "s", 1000)
    n = shards.windows_per_epoch(10)
    first, second = (shards.batch(epoch, batch_size=n, length=10, seed=0) for epoch in (0, 1))
    assert {*first[:, 0] % 10} != {*second[:, 0] % 10}
    assert (first[:, 0] != shards.batch(0, batch_size=n, length=10, seed=1)[:, 0]).any()


def test_windows_are_consecutive_tokens_around_the_ring(tmp_path: Path) -> None:
    """Every row is a stretch of the sequence; the first token follows the last."""
    shards = numbered(tmp_path / "s", 100)
    batch = shards.batch(3, batch_size=50, length=9, seed=2)
    assert batch.shape == (50, 10)
    assert batch.dtype == np.int64
    assert ((np.diff(batch, axis=1) % 100) == 1).all()


def test_batch_is_a_pure_function_of_its_arguments(tmp_path: Path) -> None:
    """Batches of 8 are the batches of 4 joined, in any order of asking: resume needs no state."""
    shards = numbered(tmp_path / "s", 1000)
    eights = [shards.batch(step, batch_size=8, length=16, seed=9) for step in (4, 0, 4)]
    assert (eights[0] == eights[2]).all()
    fours = [TokenShards.open(tmp_path / "s").batch(s, batch_size=4, length=16, seed=9) for s in (8, 9)]
    assert (np.concatenate(fours) == eights[0]).all()


def test_sequential_windows_have_each_target_once_in_order(tmp_path: Path) -> None:
    """Validation sees every target but the last few, once."""
    shards = numbered(tmp_path / "s", 105)
    windows = list(shards.sequential(10))
    assert [int(window[0]) for window in windows] == list(range(0, 100, 10))
    assert [t for window in windows for t in window[1:].tolist()] == list(range(1, 101))


def test_shards_shorter_than_a_window_are_refused(tmp_path: Path) -> None:
    """The message says how many tokens there are and what to do; one window exactly is enough."""
    shards = numbered(tmp_path / "s", 11)
    assert shards.batch(0, batch_size=2, length=10, seed=0).shape == (2, 11)
    with pytest.raises(InputError, match="holds 11 tokens, too few for one window of 12"):
        shards.batch(0, batch_size=1, length=11, seed=0)
    with pytest.raises(InputError, match="holds 11 tokens, too few for one window of 12"):
        next(shards.sequential(11))


def test_equal_documents_give_equal_bytes(tmp_path: Path) -> None:
    """Same input, same files, same digest."""
    digests = {write_shards(tmp_path / name, documents(), **OPTIONS).digest for name in "ab"}
    assert len(digests) == 1
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
