"""Builds the walls around a worker, then becomes it. Run by exec, never imported.

    launcher, as the user      namespaces, small read-only root, scratch; forks; stays as keeper outside
     +- worker                 drops ids, capabilities, files, system calls; execs the interpreter

In tier landlock there are no namespaces, only the second half; so too where bubblewrap has made them, and
keeps watch. Every step must succeed, or nothing runs: the last line on stderr then says which wall could not
be had. In a pid namespace the worker is process 1: it is out of reach of signals from inside, the kernel
kills all that is below when it goes, and when it has no child nothing is alive inside.

Stands alone: standard library only; argv[1] is its configuration, argv[2:] the worker's command.
"""

import ctypes
import errno
import json
import os
import signal
import struct
import sys
from typing import Any, NoReturn

NEWNS, NEWUSER = 0x00020000, 0x10000000
NAMESPACES = {"pid": 0x20000000, "network": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000}
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER = 47, 4, 2
LAST_CAPABILITY = 63  # the kernel refuses those it does not know
CAPABILITY_VERSION = 0x20080522
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR, FS_TRUNCATE = 1, 2, 4, 8, 1 << 14
SCRATCH_LINKS = (("/tmp", "/box/scratch"), ("/dev/shm", "/box/scratch"))  # noqa: S108 - of the new root
DEVICES = ("null", "zero", "full", "random", "urandom")

libc = ctypes.CDLL(None, use_errno=True)


def main() -> NoReturn:
    config: dict[str, Any] = json.loads(sys.argv[1])
    os.umask(0o022)  # the modes of our root are ours to say
    try:
        for name in config["cgroup"]:
            with open(name, "w") as stream:
                stream.write("0")  # ourselves
        if config["namespaces"]:
            enter_namespaces(config)
            build_root(config)
        if config["keeps"] and (pid := os.fork()):
            keep(pid, config)
        drop_everything(config)
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a new interpreter, with nothing of this one
    except OSError as error:
        print(f"missing: {error.filename or 'user or interpreter'}: {error.strerror}", file=sys.stderr)
        sys.exit(3)


def enter_namespaces(config: dict[str, Any]) -> None:
    """As root directly; as an ordinary user, or a root who may not, in a user namespace of our own."""
    if (
        "pid" in config["without"] and os.geteuid() != 0
    ):  # the worker's kill(-1) would reach all of the user's
        raise OSError(errno.EPERM, "only root may leave it out", "pid namespace")
    flags = NEWNS | sum(flag for name, flag in NAMESPACES.items() if name not in config["without"])
    if os.geteuid() != 0 or libc.unshare(flags) != 0:
        if os.geteuid() == 0:
            become(config["uid"])
        uid, gid = os.geteuid(), os.getegid()
        call("user namespace", libc.unshare, NEWUSER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{config['uid']} {uid} 1"),
            ("gid_map", f"{config['uid']} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as stream:
                stream.write(text)
        call("namespaces", libc.unshare, flags)
    if "uts" not in config["without"]:
        call("host name", libc.sethostname, b"sandbox", 7)


def build_root(config: dict[str, Any]) -> None:
    """A read-only root of our own: what it shows of the host, the worker, one scratch file system."""
    root = config["root"]
    mount(None, "/", None, MS_REC | MS_PRIVATE, None)
    mount("root", root, "tmpfs", MS_NOSUID, "size=4m,nr_inodes=4k,mode=0755")
    if "root" in config["without"]:
        show_host(root)
    else:
        show_little(root, config)
    bind(config["worker"], f"{root}/worker.py", ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC)
    os.mkdir(f"{root}/box")
    owner = 0 if "uid" in config["without"] else config["uid"]
    options = f"mode=0700,uid={owner},gid={owner}"
    if "scratch cap" not in config["without"]:
        options += f",size={config['scratch_bytes']},nr_inodes={config['scratch_inodes']}"
    mount("scratch", f"{root}/box", "tmpfs", MS_NOSUID | MS_NODEV, options)
    os.mkdir(f"{root}/box/scratch", 0o700)
    os.chown(f"{root}/box/scratch", owner, owner)
    os.chdir(root)
    call("pivot_root", libc.pivot_root, b".", b".")
    call("umount of the old root", libc.umount2, b".", MNT_DETACH)
    os.chdir("/")
    set_attributes("/", ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, recursive=False)


def show_little(root: str, config: dict[str, Any]) -> None:
    """The interpreter, its libraries and packages, five devices, one line of /etc/passwd; no /proc."""
    for path in config["binds"]:
        bind(path, root + path, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)
    for path in config["hidden"]:
        mount("hidden", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=1k,mode=0755")
    for path in config["packages"]:
        bind(path, root + path, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)
    for name in DEVICES:
        bind(f"/dev/{name}", f"{root}/dev/{name}", ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC)
    for path, target in [*config["links"], *SCRATCH_LINKS]:
        if not os.path.lexists(root + path):  # an interpreter or package that lies under /tmp keeps its place
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(target, root + path)
    os.makedirs(f"{root}/etc", exist_ok=True)
    with open(f"{root}/etc/passwd", "w") as stream:
        stream.write(f"sandbox:x:{config['uid']}:{config['uid']}::/box/scratch:/nonexistent\n")
    for path in config["hidden"]:
        set_attributes(root + path, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, recursive=False)


def show_host(root: str) -> None:
    """All of the host, as it is: what the small root is compared with."""
    for name in os.listdir("/"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        else:
            bind(f"/{name}", f"{root}/{name}", 0)


def bind(source: str, target: str, attributes: int) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    mount(source, target, None, MS_BIND | MS_REC, None)
    set_attributes(target, attributes, recursive=True)


def drop_everything(config: dict[str, Any]) -> None:
    """From here on without what could be given away."""
    without = config["without"]
    os.closerange(3, config["control"])
    os.closerange(config["control"] + 1, os.sysconf("SC_OPEN_MAX"))
    kept = sum(1 << number for number in config["keep_capabilities"])
    if "capabilities" not in without:
        for number in range(LAST_CAPABILITY + 1):
            if not kept >> number & 1:
                libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups([])
        if config["uid"] is not None and "uid" not in without:
            become(config["uid"])
    if "capabilities" not in without:
        header = struct.pack("<Ii", CAPABILITY_VERSION, 0)
        call("capset", libc.capset, header, struct.pack("<6I", kept, kept, 0, 0, 0, 0))
    # With the keeper we go; said here, since it is forgotten when a process changes its user.
    call("death signal", libc.prctl, PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    call("no_new_privs", libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if config["landlock"] and "landlock" not in without:
        restrict_files(**config["landlock"])
    if "seccomp" not in without:
        load_filter(bytes.fromhex(config["filter"]))


def become(uid: int) -> None:
    """Another user for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or our own /proc/self would be root's


def restrict_files(abi: int, read: list[str], write: list[str], names: list[str]) -> None:
    """Landlock: beneath these paths reading and executing, all rights, or listing; five devices; no TCP, no
    abstract sockets and no signals past the walls."""
    files = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    net, scopes = 3 * (abi >= 4), 3 * (abi >= 6)
    attributes = struct.pack("<QQQ", files, net, scopes)[: 8 + 8 * (abi >= 4) + 8 * (abi >= 6)]
    ruleset = call("landlock", libc.syscall, SYS_LANDLOCK_CREATE, attributes, len(attributes), 0)
    device = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE * (abi >= 3)
    rules = dict.fromkeys(read, FS_EXECUTE | FS_READ_FILE | FS_READ_DIR) | dict.fromkeys(write, files)
    rules |= dict.fromkeys(names, FS_READ_DIR)
    rules |= dict.fromkeys((f"/dev/{name}" for name in DEVICES), device)
    for path, rights in rules.items():
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = rights if os.path.isdir(path) else rights & ~FS_READ_DIR
        rule = struct.pack("<Qi", allowed, parent)
        call(f"landlock {path}", libc.syscall, SYS_LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(parent)
    call("landlock", libc.syscall, SYS_LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def load_filter(code: bytes) -> None:
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(buffer))
    call("seccomp", libc.prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def keep(pid: int, config: dict[str, Any]) -> NoReturn:
    """Wait for the worker and end as it did, so that the supervisor sees its end.

    Its folder goes with it, even where the supervisor has gone before.
    """
    os.close(config["control"])
    _, status = os.waitpid(pid, 0)
    if config["remove"]:
        os.spawnv(os.P_WAIT, "/bin/rm", ["rm", "-rf", "--", config["remove"]])  # noqa: S606 - any depth
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL) if os.WTERMSIG(status) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, data)]
    call(f"mount {target}", libc.mount, texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])


def set_attributes(path: str, attributes: int, *, recursive: bool) -> None:
    record = struct.pack("<QQQQ", attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    name = f"mount_setattr {path}"
    call(name, libc.syscall, SYS_MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, record, len(record))


def call(name: str, function: Any, *arguments: Any) -> int:
    """A call of libc that must succeed."""
    result = int(function(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, str(number)), name)
    return result


if __name__ == "__main__":
    main()
