"""The system-call filters: what a program may not ask of the kernel, as classic BPF.

A deny-list that answers EPERM, so that a program sees a refusal it can report; a foreign architecture is
killed, since its numbers mean other calls; calls newer than our table do not exist (ENOSYS). Only what stands
in the call itself can be looked at: numbers and plain arguments, no memory behind a pointer.

`filter_bytes` goes over a worker and all its programs, stricter where no namespace keeps them from the host.
`last_filter` comes on top, in a program's own process, where even its user is the supervisor's.

Left open on purpose: file locks. Honest programs lock their own files (SQLite does), and a filter cannot see
which file is meant; two programs that run at the same time can pass each other bits over locks on shared
read-only files, as over the load of a processor.
"""

import errno
import platform
import stat
import struct
from collections.abc import Iterable

from codelm.sandbox._syscalls import AUDIT_ARCH, NEWEST, NUMBERS

X32_BIT = 0x40000000
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
NUMBER_AT, ARCH_AT, ARGS_AT = 0, 4, 16  # offsets in struct seccomp_data; arguments are 8 bytes each
LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06

NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
CLONE_THREAD = 0x10000
AF_UNIX = 1
SOCKET_KIND, CONNECTED_KINDS = 0xF, (1, 5)  # bits of the type; other kinds can send to any address
PRIO_PROCESS, PR_SET_PDEATHSIG = 0, 1
DEVICE = stat.S_IFCHR  # a bit of no other kind of file but S_IFBLK; gVisor lets anybody make devices

# ioctl: characters into a terminal's input, TIOCSTI and TIOCLINUX; flags of a folder, which outlive a
# cleaning, FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR. Where no namespace and no read-only mount stands behind it,
# only what honest programs need: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
# Others name the host's interfaces, send signals (FIOSETOWN), or seal files that may only be read.
TERMINAL_REQUESTS, FLAG_REQUESTS = (0x5412, 0x541C), (0x40086602, 0x401C5820)
HARMLESS_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# fcntl: see and hold up what others do with a file (F_SETLEASE, F_NOTIFY); have the kernel signal any process
# of the same user (F_SETOWN, F_SETSIG, F_SETOWN_EX), also by a pipe that the next program has, too; leave
# word of what a folder's files are for, which outlives a cleaning (F_SET_RW_HINT, F_SET_FILE_RW_HINT).
FILE_COMMANDS, SIGNAL_COMMANDS, HINT_COMMANDS = (1024, 1026), (8, 10, 15), (1036, 1038)
# open: O_TRUNC without the right to write, and with the odd access mode 3, cut a file off all the same.
OPEN_BITS, SILENT_TRUNCATION = 0x203, (0x200, 0x203)

_INSTRUCTION = "<HBBI"  # struct sock_filter
_OWN_PID = 0x7FFFFFFF  # stands for the pid that is not known yet; above any that the kernel gives

# Refused whatever the arguments. Each row says what it would open.
DENIED = {
    "other processes": (
        *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise"),
        *("process_mrelease", "migrate_pages", "move_pages", "ioprio_set"),
    ),
    # On one processor processes of a program wait for each other, which is not told from waiting for others.
    "time that is not charged": ("sched_setaffinity",),
    "sockets, past `socketpair`": ("socket", "connect", "bind", "listen"),
    "sockets past a filter on `socket`": ("io_uring_setup", "io_uring_enter", "io_uring_register"),
    "kernel programs, counters, fault handling": ("bpf", "perf_event_open", "userfaultfd"),
    "keys, which have no namespace": ("add_key", "request_key", "keyctl"),
    "new namespaces, with capabilities in them": ("unshare", "setns"),
    "mounts": (
        *("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig"),
        *("fsmount", "fspick", "mount_setattr", "statmount", "listmount", "open_tree_attr", "quotactl"),
        *("quotactl_fd", "swapon", "swapoff"),
    ),
    "files by handle, past the root": ("name_to_handle_at", "open_by_handle_at"),
    "what others do with files": ("inotify_init", "inotify_init1", "fanotify_init"),
    "attributes that outlive a cleaning": (
        *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
        *("setxattrat", "removexattrat", "file_setattr"),
    ),
    "objects that outlive a process": (
        *("shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl", "semtimedop"),
        *("msgget", "msgsnd", "msgrcv", "msgctl"),
        *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
    ),
    "memory that no limit of a process counts": ("memfd_create", "memfd_secret"),
    "the machine": (
        *("reboot", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex"),
        *("clock_adjtime", "init_module", "finit_module", "delete_module", "kexec_load"),
        *("kexec_file_load", "acct", "syslog", "iopl", "ioperm", "vhangup"),
        *("sync", "syncfs"),  # makes all others wait for the disk
        "io_setup",  # its contexts are counted for the machine as a whole
    ),
    "old doors": ("personality", "modify_ldt", "uselib", "ustat", "sysfs", "_sysctl", "lookup_dcookie"),
}
IPC = "objects that outlive a process"  # a wall together with the ipc namespace

# The first argument is a process: only 0, the caller itself, is allowed.
ONLY_ITSELF = ("prlimit64", "sched_setparam", "sched_setscheduler", "sched_setattr")

# For a program whose user is the supervisor's: the first argument of a signal must be its own process, and
# files that it may only read must stay as they are, though it owns them. Landlock does not look at these.
SIGNALS = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
DENIED_LAST = {
    "processes, which would be out of the worker's reach": ("fork", "vfork"),
    "signals to others": ("tkill", "pidfd_open", "pidfd_send_signal"),
    "modes, owners and times of files": (
        *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
        *("utime", "utimes", "futimesat", "utimensat"),
    ),
}


def filter_bytes(
    *, namespaces: bool = True, without_ipc: bool = False, machine: str = platform.machine()
) -> bytes:
    """The filter over a worker and its programs, an array of struct sock_filter.

    namespaces: whether they have namespaces of their own. without_ipc: leave out the row IPC.
    """
    code = _Code(machine)
    code.deny(name for row, names in DENIED.items() if not (without_ipc and row == IPC) for name in names)
    code.on("clone3", [_give(errno.ENOSYS)])  # its flags cannot be seen; libc falls back to `clone`
    code.on("clone", [_argument(0), *_refuse_if(ANY_BIT, NAMESPACE_FLAGS)])
    code.on("setpriority", [_argument(0), *_only(PRIO_PROCESS), _argument(1), *_only(0)])
    for name in ONLY_ITSELF:
        code.on(name, [_argument(0), *_only(0)])
    for name, place in (("mknod", 1), ("mknodat", 2)):
        code.on(name, [_argument(place), *_refuse_if(ANY_BIT, DEVICE)])
    code.on("fcntl", [_argument(1), *_none(*FILE_COMMANDS, *SIGNAL_COMMANDS, *HINT_COMMANDS)])
    if namespaces:
        code.on("socketpair", [_argument(0), *_only(AF_UNIX)])
        code.on("ioctl", [_argument(1), *_none(*TERMINAL_REQUESTS, *FLAG_REQUESTS)])
    else:
        kind = [_argument(1), _instruction(AND, SOCKET_KIND), *_only(*CONNECTED_KINDS)]
        code.on("socketpair", [_argument(0), *_only(AF_UNIX), *kind])
        code.on("ioctl", [_argument(1), *_only(*HARMLESS_REQUESTS)])
    return code.whole()


def last_filter(*, truncation: bool, machine: str = platform.machine()) -> tuple[bytes, list[int]]:
    """The filter of one program under the supervisor's own user, and where in it the program's pid belongs.

    Each place is the offset of 4 bytes, little endian. truncation: whether this filter must keep files from
    being cut off by their path, since Landlock, before ABI 3, does not.
    """
    code = _Code(machine)
    code.deny(name for names in DENIED_LAST.values() for name in names)
    code.on("clone", [_argument(0), *_refuse_unless(ANY_BIT, CLONE_THREAD)])
    for name in SIGNALS:
        code.on(name, [_argument(0), *_only(_OWN_PID)])
    code.on("prctl", [_argument(0), *_none(PR_SET_PDEATHSIG)])
    if truncation:
        code.deny(["truncate"])
        code.on("openat2", [_give(errno.ENOSYS)])  # its flags cannot be seen
        for name, place in (("open", 1), ("openat", 2)):
            flags = [_argument(place), _instruction(AND, OPEN_BITS)]
            code.on(name, [*flags, *_none(*SILENT_TRUNCATION)])
    whole = code.whole()
    values = [value for _, _, _, value in struct.iter_unpack(_INSTRUCTION, whole)]
    return whole, [8 * place + 4 for place, value in enumerate(values) if value == _OWN_PID]


def missing(machine: str = platform.machine()) -> str | None:
    """Why there is no filter for this machine, or None."""
    if machine not in NUMBERS:
        return f"the system-call filter is written for {' and '.join(NUMBERS)}, this is {machine}"
    return None


def refusal(error: int) -> int:
    """The filter's answer that makes a call fail with this errno."""
    return 0x00050000 | error


class _Code:
    """A filter being written: first what holds for every call, then one piece for each call that is named."""

    def __init__(self, machine: str) -> None:
        self._numbers = NUMBERS[machine]
        self._pieces = [
            _instruction(LOAD, ARCH_AT),
            _instruction(EQUAL, AUDIT_ARCH[machine], 1, 0),
            _instruction(RETURN, KILL_PROCESS),
            _instruction(LOAD, NUMBER_AT),
            *_refuse_if(AT_LEAST, X32_BIT),
            _instruction(AT_LEAST, NEWEST + 1, 0, 1),
            _give(errno.ENOSYS),
        ]

    def deny(self, names: Iterable[str]) -> None:
        for name in names:
            self.on(name, [_give(errno.EPERM)])

    def on(self, name: str, checks: list[bytes]) -> None:
        """What holds for one call; it is allowed where no check answers. Not every machine has every call."""
        assert any(name in numbers for numbers in NUMBERS.values()), name
        if name in self._numbers:
            body = [*checks, _instruction(RETURN, ALLOW)]
            self._pieces += [_instruction(EQUAL, self._numbers[name], 0, len(body)), *body]

    def whole(self) -> bytes:
        return b"".join([*self._pieces, _instruction(RETURN, ALLOW)])


def _argument(place: int) -> bytes:
    """Load the lower half of an argument: the kernel's own type for all that we look at is 32 bits."""
    return _instruction(LOAD, ARGS_AT + 8 * place)


def _refuse_if(test: int, value: int) -> list[bytes]:
    return [_instruction(test, value, 0, 1), _give(errno.EPERM)]


def _refuse_unless(test: int, value: int) -> list[bytes]:
    return [_instruction(test, value, 1, 0), _give(errno.EPERM)]


def _only(*values: int) -> list[bytes]:
    """Refuse what is none of these."""
    tests = [_instruction(EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return [*tests, _give(errno.EPERM)]


def _none(*values: int) -> list[bytes]:
    """Refuse what is one of these."""
    return [piece for value in values for piece in _refuse_if(EQUAL, value)]


def _give(error: int) -> bytes:
    return _instruction(RETURN, refusal(error))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack(_INSTRUCTION, code, if_true, if_false, value)
