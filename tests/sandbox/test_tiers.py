"""Which tier a host gives: `auto` takes the best that contains programs, or says of each why not."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import absent

from codelm.errors import MissingError, UsageError
from codelm.sandbox import Sandbox, _hosts, _tiers, _walls, tier_of
from codelm.sandbox._interpreter import interpreter
from other_hosts import BUBBLEWRAP_USER, DOCKER, DOCKER_USER, OLD_DOCKER, ROOT_WITHOUT_ADMIN, USER

SCRIPT = """
import json
from codelm.errors import MissingError
from codelm.sandbox import Program, Sandbox, layers_of, probe, tier_of
seen = {tier: probe(tier) for tier in ("full", "gvisor", "landlock", "process")}
try:
    seen["auto"] = tier_of("auto")
    with Sandbox(workers=1) as sandbox:
        seen["user"] = int(sandbox.run(Program(units=("import os; raise ValueError(os.getuid())",))).message)
    missing = [layer.name for layer in layers_of(seen["auto"]) if not layer.holds]
    seen["layers"] = [name for name in missing if not name.startswith("control group")]
except MissingError as error:
    seen["auto"] = str(error)
print(json.dumps(seen))
"""
HOSTS = {
    "user": (USER, "full", []),
    "bubblewrap_user": (
        BUBBLEWRAP_USER,
        "full",
        ["scratch: capped in files and folders", "a user id of its own"],
    ),
    "root_without_admin": (ROOT_WITHOUT_ADMIN, "full", []),
    "docker": (DOCKER, "landlock", ["namespaces", "scratch: capped as a whole"]),
    "docker_user": (
        DOCKER_USER,
        "landlock",
        ["namespaces", "scratch: capped as a whole", "a user id of its own"],
    ),
}


@pytest.mark.parametrize("name", HOSTS)
def test_auto_takes_the_best_tier_that_can_be_built(name) -> None:
    """A worker runs in it; what does not hold is said; the tiers above are refused with the first wall."""
    host, tier, missing = HOSTS[name]
    if name == "bubblewrap_user" and not Path("/usr/bin/bwrap").exists():
        absent("bubblewrap is not installed")
    seen: dict[str, Any] = host.run(SCRIPT)
    assert (seen["auto"], seen[tier], seen["layers"]) == (tier, None, missing)
    own_user = name not in ("docker_user", "bubblewrap_user")
    assert (seen["user"] in range(61184, 65520)) == own_user
    if tier == "landlock":
        assert seen["full"].startswith("isolation `full` cannot be had here (user namespace: EPERM); ")


def test_auto_never_means_process_and_says_why_of_each_tier() -> None:
    """A container of an old Docker: one line for each tier, and the way out that is not taken by itself."""
    seen = OLD_DOCKER.run(SCRIPT)
    assert seen["process"] is None
    reasons = ". ".join(seen[tier] for tier in ("full", "gvisor", "landlock"))
    assert seen["auto"] == f"{reasons}. Or ask for `process`, for programs you would run yourself"
    assert "there is no Landlock" in seen["landlock"]


def test_landlock_is_refused_where_programs_own_user_cannot_read_the_interpreter() -> None:
    """A Python below root's home, as pyenv has it: the message names the path."""
    seen = DOCKER.run(
        "import dataclasses, json, os, shutil, sys, tempfile\n"
        "from codelm.sandbox import probe\n"
        "from codelm.sandbox._interpreter import interpreter\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    path = shutil.copy(os.path.realpath(sys.executable), folder + '/python')\n"
        "    found = interpreter()\n"
        "    python = dataclasses.replace(found, executable=path, paths=(path, *found.paths))\n"
        "    print(json.dumps([path, probe('landlock', python)]))\n"
    )
    path, reason = seen
    assert f"{path}: programs run as a user of their own, who cannot read {Path(path).parent}" in reason


@pytest.mark.parametrize(
    ("system", "word"), [("Darwin", "virtual machine"), ("Windows", "WSL2"), ("FreeBSD", "a Linux machine")]
)
def test_other_systems_are_refused_in_one_line_with_what_to_use(monkeypatch, system, word) -> None:
    """Nothing is tried there."""
    monkeypatch.setattr(_hosts.platform, "system", lambda: system)
    reason = _hosts.not_linux()
    assert reason is not None
    assert reason.startswith(f"the sandbox needs Linux, this is {system}: ")
    assert word in reason


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "apparmor_parser -r"),
        ({"/proc/sys/user/max_user_namespaces": "0"}, "sudo sysctl -w user.max_user_namespaces=10000"),
        ({"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone=1"),
        ({}, "run as root"),
    ],
)
def test_ordinary_user_is_told_the_command_that_gets_namespaces(monkeypatch, files, words) -> None:
    """By what the host's settings say."""
    monkeypatch.setattr(_hosts, "_reads", lambda path: files.get(path, ""))
    monkeypatch.setattr(_hosts, "_in_container", lambda: False)
    monkeypatch.setattr(_hosts.os, "geteuid", lambda: 1000)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    said = _hosts.how_to_mend("full", "user namespace: EPERM")
    assert said.startswith("isolation `full` cannot be had here (user namespace: EPERM); ")
    assert words in said
    assert "\n" not in said


def test_temporary_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path: Path) -> None:
    """In one line, with what to do; as it starts and as it probes."""
    monkeypatch.setattr(_hosts.tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(MissingError, match=r"no temporary folder in .*nowhere \(No such file.*set TMPDIR"):
        Sandbox(workers=1, isolation="process").__enter__()
    _tiers._failure.cache_clear()
    with pytest.raises(MissingError, match="set TMPDIR"):
        _tiers._failure(_walls.Walls(tier="full", uid=_walls.FIRST_UID), interpreter())


def test_advice_on_namespaces_is_for_those_who_lack_them() -> None:
    """Not for a folder that cannot be read, whose reason says what to do."""
    assert _hosts.how_to_mend("full", "cannot read /root: run `chmod o+rX /root`").endswith("/root`)")
    for reason in ("mount /: EACCES", "/proc/self/setgroups: Permission denied", "Operation not permitted"):
        assert "; " in _hosts.how_to_mend("full", reason)


def test_unknown_isolation_is_refused_with_the_names() -> None:
    """One line that lists what is allowed."""
    with pytest.raises(UsageError, match="auto, full, gvisor, landlock, process; found 'bubble'"):
        Sandbox(isolation="bubble")


def test_probe_is_done_once(monkeypatch) -> None:
    """The second question costs nothing."""
    assert tier_of("process") == "process"
    first = _tiers.probe("full")
    monkeypatch.setattr(_tiers.subprocess, "run", lambda *_, **__: pytest.fail("probed again"))
    assert _tiers.probe("full") == first


def test_users_of_all_sandboxes_of_a_process_are_different_while_there_are_enough() -> None:
    """All that runs as a program's user is killed at its end; a neighbour's must not be among it."""
    given = [uid for count in (1, 2, 500, 1) for uid in _tiers.fresh_uids(count)]
    assert len(set(given)) == len(given)
    span = range(_walls.FIRST_UID, _walls.LAST_UID + 1)
    assert {_tiers.fresh_uids(1)[0] for _ in span} == set(span)


def test_users_of_a_forked_processs_sandboxes_begin_elsewhere() -> None:
    """It has sandboxes of its own beside its parent's, and draws where to begin anew."""
    script = (
        "import os, sys\nfrom codelm.sandbox import _tiers, _walls\n"
        "_tiers.secrets.randbelow = lambda _: 7\n"
        "if os.fork() == 0: os._exit(_tiers.fresh_uids(1)[0] - _walls.FIRST_UID)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 7
