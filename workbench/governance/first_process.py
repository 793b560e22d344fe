"""The first process inside a sandbox: closes the last doors, starts the command, buries orphans, ends with the command.

A kernel must not be process 1 itself: as process 1 it would be asked to bury every orphan, and interrupting it
through its own process group would mean `kill(-1)`, which reaches everybody but process 1. It is run by file
name with `python -I -S`, so it imports nothing but the smallest of the standard library.

Its first word is JSON: `filter` (a seccomp program in hex) and `limits` (what `sandbox.Limits` holds). Whatever of
them does not work stops it before the command starts.

Runs in: anywhere
Source: prctl(2), setrlimit(2), proc(5), core(5).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping

PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 4, 22, 2, 38
LOOK_S = 1.0
# Whoever started the sandbox looks for these words in its standard error to tell this end from others.
TOO_MUCH_MEMORY = "Too much memory in use"
KIB = 1024
SCRATCH = ("/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own, which are memory
# Whoever computes for hours leaves the processor to who waits for a page, and to the gateway.
NICE = 5


class _Program(ctypes.Structure):
    """A `struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def main(words: list[str]) -> int:
    """Run the command as a child and give its exit status, 128 + the signal's number when a signal ended it."""
    import json  # noqa: PLC0415 - takes longer to load than all the rest; who imports this module may need none

    setup, command = json.loads(words[0]), words[1:]
    limits = setup["limits"]
    limit(limits)
    close_doors(bytes.fromhex(setup["filter"]))
    child = os.fork()
    if child == 0:
        try:
            # A group of its own: an interrupted kernel interrupts its group when it leads one (ipykernel).
            os.setpgid(0, 0)
            os.execv(command[0], command)  # noqa: S606 - the command is the caller's own, there is no shell
        except OSError as problem:
            os.write(2, f"{command[0]} does not start: {problem.strerror}\n".encode())
        os._exit(127)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda sent, _frame: os.kill(child, sent))
    if not limits:
        return _bury(child, 0) or 0
    # A blocked signal is only waited for; with the default action its arrival would go unnoticed.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while (status := _bury(child, os.WNOHANG)) is None:
        signal.sigtimedwait({signal.SIGCHLD}, LOOK_S)
        keep_within(limits)
    return status


def limit(limits: Mapping[str, int]) -> None:
    """Set the limits that the system keeps for each process; children inherit them."""
    # Of 1 byte: a core file holds what was read, and only this value also keeps it from a crash reporter (core(5)).
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    if not limits:
        return
    for what, name in (
        (resource.RLIMIT_DATA, "memory_bytes"), (resource.RLIMIT_NPROC, "processes"),
        (resource.RLIMIT_FSIZE, "file_bytes"), (resource.RLIMIT_NOFILE, "open_files"),
    ):  # fmt: skip
        most = resource.getrlimit(what)[1]
        wanted = limits[name] if most == resource.RLIM_INFINITY else min(limits[name], most)
        resource.setrlimit(what, (wanted, wanted))
    os.nice(NICE)


def close_doors(program: bytes) -> None:
    """Hide this process from the others in here, and refuse system calls to all of them."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps = _Program(len(program) // 8, program)
    for words in (
        (PR_SET_DUMPABLE, 0, 0, 0, 0), (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(steps), 0, 0),
    ):  # fmt: skip
        if libc.prctl(*words) != 0:
            sys.exit(f"this kernel does not filter system calls ({os.strerror(ctypes.get_errno())})")


def keep_within(limits: Mapping[str, int]) -> None:
    """End the largest process when all of them together use too much memory, and all of them when they are too many."""
    processes = [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    if len(processes) > limits["processes"]:
        os.write(2, b"Too many processes; all were ended.\n")
        os.kill(-1, signal.SIGKILL)
        return
    scratch = sum(_used(folder) for folder in SCRATCH)
    sizes = {process: _kib(process, "status", "RssAnon:") * KIB for process in processes}
    if sum(sizes.values()) + scratch <= limits["memory_bytes"]:
        return
    # Pages that processes share since a fork were counted for each; the exact figure costs more to ask for.
    exact = {process: _kib(process, "smaps_rollup", "Pss_Anon:") * KIB or sizes[process] for process in processes}
    if exact and sum(exact.values()) + scratch > limits["memory_bytes"]:
        largest = max(exact, key=lambda process: exact[process])
        os.write(2, f"{TOO_MUCH_MEMORY}; process {largest}, the largest, was ended.\n".encode())
        _kill(largest)


def _bury(child: int, options: int) -> int | None:
    """Bury who died; give the exit status of the command when it was among them."""
    for ended, status in _ended(options):
        if ended == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    return None


def _ended(options: int) -> Iterator[tuple[int, int]]:
    while True:
        ended, status = os.waitpid(-1, options)
        if not ended:
            return
        yield ended, status


def _used(folder: str) -> int:
    space = os.statvfs(folder)
    return (space.f_blocks - space.f_bfree) * space.f_frsize


def _kib(process: int, file: str, name: str) -> int:
    try:
        with open(f"/proc/{process}/{file}") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
    except OSError:
        # It ended meanwhile, or it hides.
        return 0


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
