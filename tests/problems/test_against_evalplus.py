"""What counts as equal, against EvalPlus itself: its own comparison, from its wheel, on the same outputs."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import absent

from problems.evalplus_verdicts import OUTPUTS

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("evalplus_verdicts.py")


@pytest.fixture(scope="module")
def evalplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """evalplus 0.3.1 from PyPI, unpacked, without what it depends on."""
    folder = tmp_path_factory.mktemp("evalplus")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--dest", str(folder), "evalplus==0.3.1"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=240)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        absent(f"evalplus cannot be fetched here: {said[-1] if said else error}")
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize(("file", "tasks"), [("HumanEvalPlus-v0.1.10", 164), ("MbppPlus-v0.2.0", 378)])
def test_verdicts_are_evalplus_own(data_dir: Path, evalplus: Path, file: str, tasks: int) -> None:
    """For each task and thirteen kinds of output, over its first twenty inputs."""
    rows = gzip.decompress((data_dir / "evalplus" / f"{file}.jsonl.gz").read_bytes())
    command = [sys.executable, "-W", "ignore", str(SCRIPT), str(evalplus)]
    done = subprocess.run(command, input=rows, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == [tasks * len(OUTPUTS), []]
