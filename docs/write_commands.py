"""Write docs/commands.md from what every command says of itself with --help. `make docs` runs it."""

import os
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "evaluate", "compare", "sample", "train", "reproduce", "report",
    "corpus build", "corpus stats", "corpus tokenize", "tokenizer train",
    "problems list", "problems show", "problems check", "problems fetch", "problems chains", "doctor",
)  # fmt: skip
OUT = Path(__file__).with_name("commands.md")


def commands_text() -> str:
    """The whole file. Raises: CalledProcessError for a command that is no more."""
    parts = ["# Commands\n\nWritten by `make docs` from each command's `--help`.\n"]
    for command in ("", *COMMANDS):
        title = f"codelm {command}".strip()
        parts.append(f"## {title}\n\n```text\n{_help(command.split())}\n```\n")
    return "\n".join(parts)


def _help(command: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "codelm.cli", *command, "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
    )
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    return "\n".join(lines).replace("python -m codelm.cli", "codelm")


if __name__ == "__main__":
    OUT.write_text(commands_text(), encoding="utf-8")
