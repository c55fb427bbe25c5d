"""Other hosts, as a process sees them: fewer rights, another user, a kernel that refuses some calls.

A script runs there in the system's Python, from a copy of the source that every user can read.
"""

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import absent

import codelm

PYTHON = "/usr/bin/python3"
NOBODY = 65534
# What `docker run` leaves to root: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
# net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
DOCKER_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
# System calls by number (x86-64) that Docker's own filter refuses: unshare, setns, mount, umount2,
# pivot_root, fsopen, fsmount, move_mount, open_tree, mount_setattr, bpf, perf_event_open, keyctl.
DOCKER_REFUSES = (272, 308, 165, 166, 155, 430, 432, 429, 428, 442, 321, 298, 250)
LANDLOCK_CREATE_RULESET = 444

# Becomes what the host is like, then the script.
ENTER = """
import ctypes, os, struct, sys
host = {host!r}
libc = ctypes.CDLL(None, use_errno=True)
def check(result):
    assert result == 0, os.strerror(ctypes.get_errno())
os.setgroups([])
for number in range(64):
    if number not in host["capabilities"]:
        libc.prctl(24, number, 0, 0, 0)
code = host["filter"]
if code:
    buffer = ctypes.create_string_buffer(code, len(code))
    check(libc.prctl(22, 2, struct.pack("HP", len(code) // 8, ctypes.addressof(buffer)), 0, 0))
if host["uid"]:
    os.setresgid(*[host["uid"]] * 3)
    os.setresuid(*[host["uid"]] * 3)
os.chdir("/")
environment = {{"PYTHONPATH": host["source"], "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}}
os.execve(host["python"], [host["python"], "-c", sys.argv[1]], environment)
"""


@dataclass(frozen=True)
class Host:
    """A host of another kind, as far as a process can be made to see it."""

    uid: int = 0
    capabilities: tuple[int, ...] = tuple(range(64))
    refuses: tuple[int, ...] = ()  # system calls, EPERM
    no_namespaces: bool = False  # in `clone`
    lacks: tuple[int, ...] = field(default=())  # system calls, ENOSYS

    def run(self, script: str) -> Any:
        """What the script prints, read as JSON."""
        if os.geteuid() != 0 or platform.machine() != "x86_64":
            pytest.skip("only root, on x86-64, can make other hosts")
        if not Path(PYTHON).exists():
            absent(f"no {PYTHON}")
        facts = {
            "uid": self.uid,
            "capabilities": self.capabilities,
            "filter": self._filter(),
            "source": readable_source(),
            "python": PYTHON,
        }
        command = [sys.executable, "-c", ENTER.format(host=facts), script]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return json.loads(ended.stdout)

    def _filter(self) -> bytes:
        if not (self.refuses or self.lacks or self.no_namespaces):
            return b""
        code = [(0x20, 0, 0, 0)]
        for number in self.refuses:
            code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50001)]
        for number in (*self.lacks, *([435] if self.no_namespaces else [])):  # clone3
            code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x50000 + 38)]
        if self.no_namespaces:
            code += [(0x15, 0, 3, 56), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, 0x50001)]
        code.append((0x06, 0, 0, 0x7FFF0000))
        return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


USER = Host(uid=NOBODY)
DOCKER = Host(capabilities=DOCKER_CAPABILITIES, refuses=DOCKER_REFUSES, no_namespaces=True)
DOCKER_USER = Host(uid=NOBODY, refuses=DOCKER_REFUSES, no_namespaces=True)
# Only bubblewrap, which makes its namespaces by `clone`, may: the nearest to AppArmor with a profile for it.
BUBBLEWRAP_USER = Host(uid=NOBODY, refuses=(272,))
# Root in a container whose own filter is off.
ROOT_WITHOUT_ADMIN = Host(capabilities=DOCKER_CAPABILITIES)
OLD_DOCKER = Host(
    capabilities=DOCKER_CAPABILITIES,
    refuses=DOCKER_REFUSES,
    no_namespaces=True,
    lacks=(LANDLOCK_CREATE_RULESET,),
)


@cache
def readable_source() -> str:
    """A copy of the package that every user can read; it goes when the tests are over."""
    folder = tempfile.TemporaryDirectory(prefix="codelm-source-")
    _kept.append(folder)
    os.chmod(folder.name, 0o755)
    source = Path(codelm.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, Path(folder.name) / "codelm", ignore=ignore)
    for path in Path(folder.name).rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder.name


_kept: list[tempfile.TemporaryDirectory[str]] = []
