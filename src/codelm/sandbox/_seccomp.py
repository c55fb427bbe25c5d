"""The system-call filter of tier `full`: what a program may not ask of the kernel, as classic BPF.

A deny-list that answers EPERM, so that a program sees a refusal it can report; a foreign architecture is
killed, since its numbers mean other calls. Pure: the launcher inside the walls only loads the bytes.
"""

import errno
import struct

AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x40000000
KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
NUMBER_AT, ARCH_AT, ARGS_AT = 0, 4, 16  # offsets in struct seccomp_data; arguments are 8 bytes each
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
AF_UNIX = 1
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # put characters into a terminal's input

# Refused whatever the arguments; x86-64 numbers. Each row says what it would open.
DENIED = {
    "other processes": {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
        "process_madvise": 440, "process_mrelease": 448, "migrate_pages": 256, "move_pages": 279,
        "ioprio_set": 251,
    },
    "sockets, past `socketpair`": {"socket": 41, "connect": 42, "bind": 49, "listen": 50},
    "sockets past a filter on `socket`": {
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    },
    "kernel programs, counters, fault handling": {"bpf": 321, "perf_event_open": 298, "userfaultfd": 323},
    "keys, which have no namespace": {"add_key": 248, "request_key": 249, "keyctl": 250},
    "new namespaces, with capabilities in them": {"unshare": 272, "setns": 308},
    "mounts": {
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "open_tree": 428, "move_mount": 429,
        "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "statmount": 457,
        "listmount": 458, "open_tree_attr": 467, "quotactl": 179, "quotactl_fd": 443, "swapon": 167,
        "swapoff": 168,
    },
    "files by handle, past the root": {"name_to_handle_at": 303, "open_by_handle_at": 304},
    "attributes that outlive a cleaning": {
        "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
        "fremovexattr": 199, "setxattrat": 463, "removexattrat": 466,
    },
    "objects that outlive a process": {
        "shmget": 29, "shmat": 30, "shmctl": 31, "shmdt": 67, "semget": 64, "semop": 65, "semctl": 66,
        "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240,
        "mq_unlink": 241, "mq_timedsend": 242, "mq_timedreceive": 243, "mq_notify": 244, "mq_getsetattr": 245,
    },
    "memory that no limit of a process counts": {"memfd_create": 319, "memfd_secret": 447},
    "the machine": {
        "reboot": 169, "sethostname": 170, "setdomainname": 171, "settimeofday": 164, "clock_settime": 227,
        "adjtimex": 159, "clock_adjtime": 305, "init_module": 175, "finit_module": 313, "delete_module": 176,
        "kexec_load": 246, "kexec_file_load": 320, "acct": 163, "syslog": 103, "iopl": 172, "ioperm": 173,
        "vhangup": 153, "fanotify_init": 300, "fanotify_mark": 301,
    },
    "old doors": {
        "personality": 135, "modify_ldt": 154, "uselib": 134, "ustat": 136, "sysfs": 139, "_sysctl": 156,
        "lookup_dcookie": 212,
    },
}  # fmt: skip

CLONE, CLONE3, SOCKETPAIR, SETPRIORITY, IOCTL = 56, 435, 53, 141, 16
# The first argument is a process: only 0, the caller itself, is allowed.
ONLY_ITSELF = {
    "prlimit64": 302,
    "sched_setaffinity": 203,
    "sched_setparam": 142,
    "sched_setscheduler": 144,
    "sched_setattr": 314,
}


def filter_bytes() -> bytes:
    """The whole filter, an array of struct sock_filter."""
    refuse = [_instruction(RETURN, refusal(errno.EPERM))]
    code = [
        _instruction(LOAD, ARCH_AT),
        _instruction(EQUAL, AUDIT_ARCH_X86_64, 1, 0),
        _instruction(RETURN, KILL_PROCESS),
        _instruction(LOAD, NUMBER_AT),
        _instruction(AT_LEAST, X32_BIT, 0, 1),
        *refuse,
    ]
    for group in DENIED.values():
        for number in group.values():
            code += _on(number, refuse)
    code += _on(
        CLONE3, [_instruction(RETURN, refusal(errno.ENOSYS))]
    )  # its flags cannot be seen; libc falls back
    code += _on(CLONE, [_argument(0), _instruction(ANY_BIT, NAMESPACE_FLAGS, 0, 1), *refuse, _allow()])
    code += _on(SOCKETPAIR, [*_unless_equal(0, AF_UNIX), _allow()])
    code += _on(SETPRIORITY, [*_unless_equal(0, 0), *_unless_equal(1, 0), _allow()])
    code += _on(IOCTL, [*_if_equal(1, TIOCSTI), *_if_equal(1, TIOCLINUX), _allow()])
    for number in ONLY_ITSELF.values():
        code += _on(number, [*_unless_equal(0, 0), _allow()])
    return b"".join([*code, _allow()])


def refusal(error: int) -> int:
    """The filter's answer that makes a call fail with this errno."""
    return 0x00050000 | error


def _on(number: int, body: list[bytes]) -> list[bytes]:
    """`body`, for one system call; it must end in a return."""
    return [_instruction(EQUAL, number, 0, len(body)), *body]


def _argument(place: int) -> bytes:
    """Load the lower half of an argument: the kernel's own type for all that we look at is 32 bits."""
    return _instruction(LOAD, ARGS_AT + 8 * place)


def _unless_equal(place: int, value: int) -> list[bytes]:
    return [_argument(place), _instruction(EQUAL, value, 1, 0), _instruction(RETURN, refusal(errno.EPERM))]


def _if_equal(place: int, value: int) -> list[bytes]:
    return [_argument(place), _instruction(EQUAL, value, 0, 1), _instruction(RETURN, refusal(errno.EPERM))]


def _allow() -> bytes:
    return _instruction(RETURN, ALLOW)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
