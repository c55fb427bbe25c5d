"""Write docs/isolation.md: which attack gets through which tier, and which layer holds what, as seen here.

    sudo python docs/write_isolation.py

As root, with a /usr/bin/python3 of 3.11 or later, and runsc. Takes half an hour; the host should be quiet.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = Path(__file__).with_name("isolation.md")
PYTHON = "/usr/bin/python3"  # an ordinary user can read it, and so can a program with a user of its own
ORDINARY_UID = 54321  # nobody's
COLUMNS = {
    "full, root": ("full", 0),
    "full, user": ("full", ORDINARY_UID),
    "gvisor, root": ("gvisor", 0),
    "gvisor, user": ("gvisor", ORDINARY_UID),
    "landlock, root": ("landlock", 0),
    "landlock, user": ("landlock", ORDINARY_UID),
    "process, root": ("process", 0),
}
INTRODUCTION = """\
# What the sandbox keeps out

Written by `docs/write_isolation.py` from runs on one host (Linux {kernel}, Python {python}).
`codelm doctor --attack` runs the same programs on yours. They stand in
`src/codelm/sandbox/catalogue/attacks.toml` and `honest.toml`, each with the ends that are allowed.

A row **held** when its program ended as it must; processes, mounts, IPC objects, descriptors, control
groups, files, memory and the worker's own settings were then as before; and the next honest program passed
in the same place. A number is an exception, explained below the table. `-`: the row means nothing there.
"""
LAYERS = """\
## What each layer holds

Written by `benchmarks/layer_matrix.py`: the same rows, with one layer left out. A layer that turns nothing
red alone is left out together with the one that covers it. Not left out, since nothing could be run then:
no_new_privs (the kernel loads no filter and no Landlock without it), the closing of descriptors and the fresh
process (the worker's own protocol rests on them), the supervisor's clocks. Tier gvisor has no switches.
"""


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("only root can run this: it becomes an ordinary user, and leaves layers out")
    results = {name: attack(*column) for name, column in COLUMNS.items()}
    text = "\n".join(
        (introduction(), *support_table(results), "", LAYERS, *matrix("full"), "", *matrix("landlock"), "")
    )
    OUT.write_text(text, encoding="utf-8")


def attack(tier: str, uid: int) -> dict[str, dict[str, Any]] | str:
    """The result of each row in a tier as a user, or why the tier cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "codelm", f"{folder}/codelm", ignore=without)
        python = sys.executable if uid == 0 and tier != "landlock" else PYTHON
        ended = subprocess.run(
            [python, "-B", "-m", "codelm.sandbox.catalogue", "--isolation", tier, "--json"],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PYTHONPATH": folder, "PATH": os.defpath},
            user=uid,
            group=uid,
            extra_groups=[],
        )
    print(f"{tier}, {uid}: ended with {ended.returncode}", file=sys.stderr)
    if ended.returncode not in (0, 1):
        return ended.stderr.strip()
    return {row["id"]: row for row in map(json.loads, ended.stdout.splitlines())}


def introduction() -> str:
    """What stands before the table."""
    said = subprocess.run([PYTHON, "-V"], check=True, capture_output=True, text=True).stdout
    return INTRODUCTION.format(kernel=os.uname().release, python=said.split()[1])


def support_table(results: dict[str, dict[str, dict[str, Any]] | str]) -> Iterator[str]:
    """The table of rows and tiers, and the exceptions below it."""
    columns = {name: found for name, found in results.items() if not isinstance(found, str)}
    reasons: list[str] = []
    yield f"| row | program | {' | '.join(columns)} |"
    yield f"|---|---|{'---|' * len(columns)}"
    for name, row in next(iter(columns.values())).items():
        cells = [cell(found[name], reasons) for found in columns.values()]
        yield f"| {name} | {row['title']} | {' | '.join(cells)} |"
    yield ""
    yield from (f"{number}. {reason}" for number, reason in enumerate(reasons, 1))
    yield ""
    yield from (f"{name}: {found}" for name, found in results.items() if isinstance(found, str))


def cell(result: dict[str, Any], reasons: list[str]) -> str:
    """One result in a word, or the number of its reason, which is added where it is new."""
    if result["verdict"] == "held":
        return "held"
    if result["verdict"] == "not applicable":
        return "-"
    if result["verdict"] == "BROKEN":
        return f"**BROKEN**: {result['seen']} {'; '.join(result['broken'])}".strip()
    if result["reason"] not in reasons:
        reasons.append(result["reason"])
    return str(reasons.index(result["reason"]) + 1)


def matrix(tier: str) -> Sequence[str]:
    """The table of layers and the rows that turn red without them."""
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "layer_matrix.py"),
        "--tier",
        tier,
        "--python",
        PYTHON,
    ]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


if __name__ == "__main__":
    main()
