"""The system calls that code in a sandbox never needs and that have opened sandboxes before, as a seccomp filter.

A list of what is refused, because a list of what is allowed would have to know every library of every researcher.
Namespaces, capabilities and the read-only system hold without it; it is the second wall.

Runs in: Jupyter server | gateway | evaluator | terminal
Source: seccomp(2), Linux filter.txt (classic BPF), and the profile that Docker ships, read as a list of risks.
"""

from __future__ import annotations

import errno
import platform
import struct

# Processor as the machine names it -> how the filter is told which table of numbers applies (linux/audit.h).
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Numbers on x86_64 and aarch64 (linux 6.18, unistd.h); None where the processor has no such call.
DENIED: dict[str, tuple[int, int | None]] = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # large parts of the kernel with a history of holes
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "modify_ldt": (154, None),
    # keys of the machine, which are in no namespace
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # namespaces, roots and mounts
    "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "pivot_root": (155, 41), "mount": (165, 40),
    "umount2": (166, 39), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # the machine itself
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "acct": (163, 89), "syslog": (103, 116), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "sethostname": (170, 161), "setdomainname": (171, 162),
    "iopl": (172, None), "ioperm": (173, None), "fanotify_init": (300, 262), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
}  # fmt: skip
CLONE, CLONE3, SOCKET, IOCTL = (56, 220), (435, 435), (41, 198), (16, 29)
# CLONE_NEWTIME, _NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID and _NEWNET.
NEW_NAMESPACES = 0x7E020080
# Unix, IPv4, IPv6, and netlink for the list of its own network devices; not vsock, which knows no namespaces.
FAMILIES = (1, 2, 10, 16)
# Typing into, or redrawing, the terminal that something was started from.
TERMINAL_TRICKS = (0x5412, 0x541C)
X32_CALLS = 0x40000000
# What names somebody to talk to, and what makes processes and threads.
CONNECT, SENDTO, SENDMSG, SENDMMSG = (42, 203), (44, 206), (46, 211), (307, 269)
FORK, VFORK = (57, None), (58, None)
# The flags of the one message by which the watch gets its listener; ordinary programs do not combine them.
# MSG_CONFIRM, MSG_NOSIGNAL and MSG_MORE; whoever uses them is merely not noticed.
UNASKED_FLAGS = 0xC800

LOAD, EQUAL, AT_LEAST, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENT, THIRD_ARGUMENT, FIFTH_ARGUMENT = 0, 4, 16, 32, 48
ALLOW, REFUSE, ASK = 0x7FFF0000, 0x00050000, 0x7FC00000
DENY, ABSENT = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS


def seccomp_filter(machine: str | None = None) -> bytes:
    """Give the filter for a processor, as the kernel takes it: eight bytes for each step.

    Parameters
    ----------
    machine : str, optional
        ``x86_64`` or ``aarch64``; this machine's own when left out.

    Returns
    -------
    bytes
        Empty for a processor whose numbers are not known here.

    Examples
    --------
    >>> len(seccomp_filter("x86_64")) % 8, seccomp_filter("vax")
    (0, b'')
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURES[machine]), (GIVE, 0, 0, ABSENT)]
    steps.append((LOAD, 0, 0, NUMBER))
    if machine == "x86_64":
        steps += [(AT_LEAST, 0, 1, X32_CALLS), (GIVE, 0, 0, ABSENT)]
    for numbers in DENIED.values():
        number = numbers[column]
        if number is not None:
            steps += [(EQUAL, 0, 1, number), (GIVE, 0, 0, DENY)]
    # Its flags lie in memory, where a filter cannot look; without it the C library uses clone.
    steps += [(EQUAL, 0, 1, CLONE3[column]), (GIVE, 0, 0, ABSENT)]
    steps += _when(CLONE[column], [(LOAD, 0, 0, ARGUMENT), (ANY_BIT, 0, 1, NEW_NAMESPACES), (GIVE, 0, 0, DENY)])
    tricks = [step for trick in TERMINAL_TRICKS for step in ((EQUAL, 0, 1, trick), (GIVE, 0, 0, DENY))]
    steps += _when(IOCTL[column], [(LOAD, 0, 0, ARGUMENT + 8), *tricks])
    families = [step for family in FAMILIES for step in ((EQUAL, 0, 1, family), (GIVE, 0, 0, ALLOW))]
    steps += _when(SOCKET[column], [(LOAD, 0, 0, ARGUMENT), *families, (GIVE, 0, 0, DENY)])
    return _packed(steps)


def watching_filter(machine: str | None = None) -> bytes:
    """Give the filter that asks its listener when somebody is addressed over a socket, and before every new process.

    It refuses nothing itself, and no wall stands on it: a sandbox has no network, and its processes are counted too.

    Parameters
    ----------
    machine : str, optional
        ``x86_64`` or ``aarch64``; this machine's own when left out.

    Returns
    -------
    bytes
        Empty for a processor whose numbers are not known here.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    steps = [(LOAD, 0, 0, NUMBER)]
    for numbers in (CONNECT, SENDMMSG, CLONE, FORK, VFORK):
        number = numbers[column]
        if number is not None:
            steps += [(EQUAL, 0, 1, number), (GIVE, 0, 0, ASK)]
    steps += _when(SENDMSG[column], [(LOAD, 0, 0, THIRD_ARGUMENT), (EQUAL, 1, 0, UNASKED_FLAGS), (GIVE, 0, 0, ASK)])
    # Half a pointer may well be zero.
    halves = [((LOAD, 0, 0, FIFTH_ARGUMENT + half), (EQUAL, 1, 0, 0), (GIVE, 0, 0, ASK)) for half in (0, 4)]
    steps += _when(SENDTO[column], [step for half in halves for step in half])
    return _packed(steps)


def _when(number: int, steps: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Give steps for one system call, after which every other goes on with its number loaded."""
    # What falls through the steps has another value loaded, and no further call can be its number: it is allowed.
    return [(EQUAL, 0, len(steps) + 1, number), *steps, (GIVE, 0, 0, ALLOW)]


def _packed(steps: list[tuple[int, int, int, int]]) -> bytes:
    """Give steps as the kernel takes them; what none of them decides is allowed."""
    return b"".join(struct.pack("=HBBI", *step) for step in [*steps, (GIVE, 0, 0, ALLOW)])
