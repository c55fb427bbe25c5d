"""`codelm problems` and the frame of every command: help, versions, exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import codelm


def _codelm(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "codelm.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)


def test_version_is_printed() -> None:
    """One line, exit code 0."""
    done = _codelm("--version")
    assert (done.returncode, done.stdout) == (0, f"codelm {codelm.__version__}\n")


def test_help_names_every_command() -> None:
    """On stdout when asked for; on stderr, with code 2, when nothing was asked for."""
    asked, bare = _codelm("--help"), _codelm()
    assert (asked.returncode, bare.returncode) == (0, 2)
    for command in ("evaluate", "sample", "train", "corpus", "tokenizer", "problems", "reproduce", "report"):
        assert command in asked.stdout
        assert command in bare.stderr
    assert bare.stderr.startswith("Usage:")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "nonsense"),
        (("problems", "show", "chains", "chains/1/99"), "chains has no task 'chains/1/99'"),
        (("problems", "show", "humanevil"), "unknown problem set 'humanevil'"),
        (("problems", "fetch", "mbpp"), "unknown data set 'mbpp'"),
        (
            ("problems", "chains", "--length", "1", "--count", "14", "--out", "x.jsonl"),
            "only 13 telling chains",
        ),
        (("problems", "chains", "--length", "9", "--count", "1", "--out", "x.jsonl"), "--length"),
        (("reproduce", "--scale", "moon"), "unknown scale 'moon'; known are laptop"),
        (("reproduce", "--set", "sizes=13B"), "model size '13B' is unknown"),
        (("evaluate",), "samples"),
    ],
)
def test_wrong_options_end_with_one_line_and_code_2(arguments: tuple[str, ...], message: str) -> None:
    """No traceback: what was wrong, on stderr."""
    done = _codelm(*arguments)
    assert done.returncode == 2, done.stderr
    assert message.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_show_lists_tasks_and_prints_one_problem() -> None:
    """The task ids of a set; a problem as the program its solution makes."""
    listed = _codelm("problems", "show", "chains").stdout.splitlines()
    assert listed[:2] == ["chains/1/1", "chains/1/2"]
    shown = _codelm("problems", "show", "chains", "chains/1/3").stdout
    namespace: dict = {}
    exec(shown, namespace)
    namespace["check"](namespace["string_manipulation"])


def test_list_says_what_is_here_and_how_to_get_the_rest(tmp_path: Path) -> None:
    """Bundled sets have their sizes; HumanEval, absent here, the command that fetches it."""
    done = _codelm("problems", "list", CODELM_CACHE=str(tmp_path))
    assert done.returncode == 0
    assert "83 problems" in done.stdout
    assert "codelm problems fetch humaneval" in done.stdout


PASSES = {"prompt": "def f(x):\n", "entry_point": "f", "test": "def check(c): assert c(1) == 1"}
CHECKED = (
    {"task_id": "good", **PASSES, "canonical_solution": "    return x\n"},
    {"task_id": "bad", **PASSES, "canonical_solution": "    return 0\n"},
    {"task_id": "lax", **PASSES, "canonical_solution": "    return x\n", "test": "def check(c): c(1)"},
    {"task_id": "bare", **PASSES},
    {
        "task_id": "prints",
        "prompt": "Say it.",
        "kind": "stdio",
        "canonical_solution": "print('one')",
        "tests": [{"group": "public", "stdin": "1", "expected_stdout": "one"}],
    },
)


def test_check_names_what_is_not_certified(tmp_path: Path) -> None:
    """A right solution must pass and one that returns nothing must fail; else exit code 3."""
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, CHECKED)))
    done = _codelm("problems", "check", str(tmp_path / "p.jsonl"), "--workers", "1", **os.environ)
    assert done.stdout.splitlines() == [
        "bad: the canonical solution: wrong (failed: )",
        "lax: `return None` passes",
        "bare: has no canonical solution",
        "2 of 5 problems are certified",
    ]
    assert done.returncode == 3
    assert done.stderr.endswith("p.jsonl: 2 problems fail their self-test here\n")


def test_show_prints_structured_tests(tmp_path: Path) -> None:
    """What goes in and what must come out, or the code of each group."""
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, CHECKED)))
    shown = _codelm("problems", "show", str(tmp_path / "p.jsonl"), "prints").stdout
    assert shown == "Say it.print('one')\n--- public: input\n1\n--- expected output\none\n"


def test_full_standard_output_is_one_line() -> None:
    """A full disk under stdout ends with code 4 and no traceback."""
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "codelm.cli", "problems", "show", "chains"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "codelm: error: standard output cannot be written (No space left on device)\n"


def test_interrupted_command_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C is one line and exit code 130."""
    command = [sys.executable, "-m", "codelm.cli", "reproduce", "--run", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "corpus" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("codelm: error: interrupted; run the same command again to go on\n")


def test_chains_shows_the_kept_share(tmp_path: Path) -> None:
    """How many chains had to be tried is part of the result."""
    out = tmp_path / "chains.jsonl"
    done = _codelm("problems", "chains", "--length", "3", "--count", "20", "--out", str(out))
    assert "kept 20 of" in done.stdout
    assert len(out.read_text().splitlines()) == 20


def test_command_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    """Without torch, `codelm train` is one line and exit code 5."""
    script = (
        "import sys\nsys.modules['torch'] = None\nsys.modules['tokenizers'] = None\n"
        "sys.argv = ['codelm', 'sample', 'nowhere']\nfrom codelm.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert "pip install 'codelm[train]'" in done.stderr


@pytest.mark.parametrize("command", [["problems", "list"], ["doctor"]])
def test_reader_that_leaves_is_no_bug_of_ours(command) -> None:
    """As `head` does: the code of output that cannot be written, and no word."""
    program = [sys.executable, "-c", "from codelm.cli import main; main()", *command]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(program, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (4, "")
