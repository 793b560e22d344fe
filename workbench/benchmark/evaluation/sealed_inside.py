"""Watches a submitted program from inside its sandbox: time, memory, processes, output, and who it tries to reach.

It is the first process there, so nobody inside can stop it. It writes the files that come over its standard input, runs
the command as its child, ends whatever is left when the command has ended or broken a limit, and only then reads
/output. It writes lines about the run to its standard output and the files behind them. What the command prints goes
into one of those lines, for the operator. It speaks in plain words, because loading json takes longer than all else.

How a network attempt is noticed: the command runs under a second filter of system calls, which asks this process, its
listener, whenever somebody is addressed over a socket. An address on this sandbox's own loopback passes, except for
name lookups; any other ends the run. Nothing could be reached in any case. The filter also asks before every new
process, so that even a program that does nothing but fork waits for its watch.

Beside the standard library it imports only `first_process`, by its folder.

Runs in: evaluator
Source: seccomp_unotify(2), linux/seccomp.h, ip(7), ipv6(7), proc(5).
"""

from __future__ import annotations

import _socket
import ctypes
import errno
import fcntl
import os
import resource
import select
import stat
import struct
import sys
import time
from collections.abc import Mapping

LOOK_S = 0.05
MIB = 2**20
OUTPUT = "/output"
KEPT_BYTES = 16_384
SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
SET_FILTER, NEW_LISTENER = 1, 8
SIGKILL = 9
RECEIVE, ANSWER, GO_ON = 0xC0502100, 0xC0182101, 1
# The numbers of x86_64 and aarch64; the filter asks about nothing for which one of them means something else.
CONNECT, SENDTO, BIRTHS = {42, 203}, {44, 206}, {56, 57, 58, 220}
UNASKED_FLAGS = 0xC800
IPV4, IPV6, NAMES_PORT = 2, 10, 53
STARTUP_FAILED, OUT_OF_MEMORY, MALFORMED = 10, 12, 14
STATUS = {STARTUP_FAILED: "STARTUP_FAILED", OUT_OF_MEMORY: "OOM_KILLED", MALFORMED: "MALFORMED_OUTPUT"}
TICK = os.sysconf("SC_CLK_TCK")


class Watch:
    """One run: the limits, what was seen so far, and the code of the limit that was broken."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = limits
        self.began = time.monotonic()
        self.code = ""
        self.peak_bytes = 0
        self.ended_ticks = 0.0
        self.births = 0
        self.printed = 0
        self.tail = b""

    def look(self) -> None:
        """Find a limit that is broken by now."""
        self.births = 0
        if sum(name.isdigit() for name in os.listdir("/proc")) > self.limits["processes"] + 1:
            self.code = self.code or "OOM_KILLED"
            return
        threads, used, ticks = _everybody()
        space = os.statvfs(OUTPUT)
        written = (space.f_blocks - space.f_bfree) * space.f_frsize
        self.peak_bytes = max(self.peak_bytes, used)
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.ended_ticks = max(self.ended_ticks, reaped.ru_utime + reaped.ru_stime + ticks / TICK)
        for is_broken, code in (
            (threads > self.limits["processes"], "OOM_KILLED"),
            (used > self.limits["memory_bytes"] and _exactly() > self.limits["memory_bytes"], "OOM_KILLED"),
            (written > self.limits["output_bytes"], "OUTPUT_TOO_LARGE"),
            (space.f_files - space.f_ffree > self.limits["output_files"] + 2, "OUTPUT_TOO_LARGE"),
            (self.printed > self.limits["output_bytes"], "OUTPUT_TOO_LARGE"),
            (time.monotonic() - self.began > self.limits["seconds"], "TIMEOUT"),
            (self.ended_ticks > self.limits["cpu_seconds"], "TIMEOUT"),
        ):
            if is_broken and not self.code:
                self.code = code

    def hear(self, pipe: int) -> None:
        """Take what was printed."""
        try:
            text = os.read(pipe, 65_536)
        except BlockingIOError:
            return
        self.printed += len(text)
        self.tail = (self.tail + text)[-KEPT_BYTES:]


def main(words: list[str]) -> int:
    """Run the command, watch it, and hand out what it left.

    Its words are `name=value` until `--`, then the command: the limits, the two filters in hex, and where
    `first_process` lies. An `x` keeps a filter from being read as a number.
    """
    end = words.index("--")
    setup = dict(word.split("=", 1) for word in words[:end])
    limits = {name: int(value) for name, value in setup.items() if value.isdigit()}
    sys.path.insert(0, setup["first"])
    import first_process  # type: ignore[import-not-found]  # noqa: PLC0415 - from the folder that was just named

    first_process.limit({name.removeprefix("kept_"): size for name, size in limits.items() if name.startswith("kept_")})
    first_process.close_doors(bytes.fromhex(setup["filter"][1:]))
    _take_in()
    watch = Watch(limits)
    pipe, theirs = os.pipe()
    os.set_blocking(pipe, False)
    mine, other = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        _send_listener(other, _listen(bytes.fromhex(setup["watch"][1:])))
        _become(words[end + 1 :], theirs)
    os.close(theirs)
    other.close()
    listener = _received(mine)
    os.write(1, b"began\n")
    status = _follow(watch, child, listener, pipe)
    _end_everybody()
    # Whatever was printed last, as far as a pipe holds it.
    for _ in range(20):
        watch.hear(pipe)
    _hand_out(watch, status)
    return 0


def _take_in() -> None:
    """Write the files that were given: a line with their number, one with size and path of each, then the bytes."""
    with os.fdopen(0, "rb", closefd=False) as given:
        lines = [given.readline().decode().rstrip("\n") for _ in range(int(given.readline()))]
        for size, path in (line.split(" ", 1) for line in lines):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            left = int(size)
            with open(path, "wb") as file:
                while left > 0:
                    part = given.read(min(left, MIB))
                    if not part:
                        sys.exit(1)
                    file.write(part)
                    left -= len(part)


def _listen(program: bytes) -> int:
    """Put this process under the filter that asks, and give the file on which its listener is asked."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    steps = Program(len(program) // 8, program)
    listener = int(libc.syscall(SECCOMP_CALL[os.uname().machine], SET_FILTER, NEW_LISTENER, ctypes.byref(steps)))
    if listener < 0:
        os.write(2, f"this kernel does not tell about system calls ({os.strerror(ctypes.get_errno())})".encode())
        os._exit(1)
    return listener


def _send_listener(line: _socket.socket, listener: int) -> None:
    line.sendmsg([b"."], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))], UNASKED_FLAGS)
    os.close(listener)


def _received(line: _socket.socket) -> int:
    """Give the listener that the child sends before it becomes the command."""
    parts = line.recvmsg(1, _socket.CMSG_SPACE(4))[1]
    line.close()
    if not parts:
        sys.exit(1)
    listener: int = struct.unpack("i", parts[0][2])[0]
    os.set_inheritable(listener, False)
    return listener


def _become(command: list[str], printed: int) -> None:
    """Turn this child into the command."""
    try:
        os.setpgid(0, 0)
        nothing = os.open("/dev/null", os.O_RDONLY)
        for theirs, number in ((nothing, 0), (printed, 1), (printed, 2)):
            os.dup2(theirs, number)
        os.execv(command[0], command)  # noqa: S606 - the evaluator's own words, no shell
    except OSError as problem:
        os.write(2, f"{problem.strerror}\n".encode())
    os._exit(STARTUP_FAILED)


def _follow(watch: Watch, child: int, listener: int, pipe: int) -> int:
    """Wait until the command ends or breaks a limit; give its status as `waitpid` tells it, -1 when it was ended."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    for number in (ended, listener, pipe):
        poll.register(number, select.POLLIN)
    next_look = 0.0
    while True:
        ready = dict(poll.poll(LOOK_S * 1000))
        if pipe in ready:
            watch.hear(pipe)
            if ready[pipe] & select.POLLHUP and not ready[pipe] & select.POLLIN:
                poll.unregister(pipe)
        if listener in ready and _is_network(listener, watch):
            watch.code = "NETWORK_ATTEMPT_DETECTED"
        is_due = time.monotonic() >= next_look or watch.births > watch.limits["processes"] // 4
        if ended in ready or is_due:
            watch.look()
            next_look = time.monotonic() + LOOK_S
        if watch.code:
            return -1
        if ended in ready:
            return os.waitpid(child, 0)[1]


def _is_network(listener: int, watch: Watch) -> bool:
    """Answer one question of the filter, and tell whether it was about somebody outside."""
    asked = bytearray(80)
    try:
        fcntl.ioctl(listener, RECEIVE, asked)
    except OSError:
        return False  # who asked has ended
    question, process, _, number = struct.unpack_from("<QIIi", asked)
    is_birth = number in BIRTHS
    watch.births += is_birth
    is_network = not is_birth and _leads_out(process, number, struct.unpack_from("<6Q", asked, 32))
    answer = struct.pack("<QqiI", question, 0, -errno.EPERM if is_network else 0, 0 if is_network else GO_ON)
    try:
        fcntl.ioctl(listener, ANSWER, answer)
    except OSError:
        return is_network
    return is_network


def _leads_out(process: int, number: int, words: tuple[int, ...]) -> bool:
    """Read the address that a call names from the caller's memory; one that cannot be read leads out."""
    try:
        with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
            if number in CONNECT:
                place, size = words[1], words[2]
            elif number in SENDTO:
                place, size = words[4], words[5]
            else:  # sendmsg and sendmmsg begin with a msghdr: a pointer to the address, and its length
                memory.seek(words[1])
                place, size = struct.unpack("<QI", memory.read(12))
            if not place:
                return False
            memory.seek(place)
            return is_outside(memory.read(min(size, 28)))
    except (OSError, ValueError, OverflowError, struct.error):
        return True


def is_outside(address: bytes) -> bool:
    """Tell whether a socket address is a host's, other than this sandbox's own loopback; a name lookup is, too."""
    if len(address) < 2:
        return False
    family = int.from_bytes(address[:2], sys.byteorder)
    if family not in (IPV4, IPV6):
        return False
    port = int.from_bytes(address[2:4], "big")
    if family == IPV4:
        is_own = address[4:5] in (b"\x7f", b"\x00")
    else:
        host = address[8:24]
        is_own = host in (bytes(16), bytes(15) + b"\1") or host[:13] == bytes(10) + b"\xff\xff\x7f"
    return port == NAMES_PORT or not is_own


def _everybody() -> tuple[int, int, int]:
    """Give threads, bytes of memory and clock ticks of all processes but this one, which is process 1."""
    threads = used = ticks = 0
    for name in os.listdir("/proc"):
        if not name.isdigit() or name == "1":
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open(f"/proc/{name}/statm") as file:
                resident, shared = (int(word) for word in file.read().split()[1:3])
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
        threads += int(fields[17])
        # Its own, and those of its children that it buried.
        ticks += sum(int(field) for field in fields[11:15])
        used += max(resident - shared, 0) * resource.getpagesize()
    return threads, used + _scratch(), ticks


def _exactly() -> int:
    """Give the bytes of memory with pages that processes share since a fork counted once; it costs more to ask for."""
    used = _scratch()
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/smaps_rollup") as lines:
                    used += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss_Anon:"))
            except OSError:
                continue
    return used


def _scratch() -> int:
    spaces = [os.statvfs(folder) for folder in ("/tmp", "/dev/shm")]  # noqa: S108 - the sandbox's own, which are memory
    return sum((space.f_blocks - space.f_bfree) * space.f_frsize for space in spaces)


def _end_everybody() -> None:
    """End all that is left, and wait for it: afterwards nobody changes the output."""
    while True:
        try:
            os.kill(-1, SIGKILL)
        except ProcessLookupError:
            pass  # nobody runs; there may still be some to bury
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        # Somebody may have been born between the signal and the burial, so the signal is sent again.
        time.sleep(0.002)


def _code(watch: Watch, status: int) -> str:
    """Give the code of how it ended, or nothing for a good end."""
    if watch.code:
        return watch.code
    if os.WIFEXITED(status):
        exit_status = os.WEXITSTATUS(status)
        return STATUS.get(exit_status, "NONZERO_EXIT") if exit_status else ""
    # The machine itself ends what is too large by SIGKILL; a small program did that to itself, or somebody outside did.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    was_large = os.WTERMSIG(status) == SIGKILL and largest > watch.limits["memory_bytes"] // 2
    return "OOM_KILLED" if was_large else "NONZERO_EXIT"


def _hand_out(watch: Watch, status: int) -> None:
    code = _code(watch, status)
    files: list[tuple[str, bytes]] = []
    if not code:
        found = _output_files(watch.limits["output_bytes"])
        code, files = ("OUTPUT_TOO_LARGE", []) if found is None else ("", found)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [
        f"code {code}", f"cpu {used.ru_utime + used.ru_stime}", f"wall {time.monotonic() - watch.began}",
        f"peak {watch.peak_bytes}", f"signal {os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}",
        f"printed {watch.tail.hex()}",
        *(f"file {len(content)} {os.fsencode(name).hex()}" for name, content in files),
    ]  # fmt: skip
    with os.fdopen(1, "wb", closefd=False) as out:
        out.write("\n".join([*lines, "", ""]).encode())
        for _, content in files:
            out.write(content)


def _output_files(most: int) -> list[tuple[str, bytes]] | None:
    """Give the plain files at the top of the output, None when they are too large; no link is followed."""
    found, room = [], most
    for name in sorted(os.listdir(OUTPUT)):
        try:
            handle = os.open(f"{OUTPUT}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                continue
            # A file with holes takes no room in the output but would take memory here.
            if about.st_size > room:
                return None
            with os.fdopen(handle, "rb", closefd=False) as file:
                found.append((name, file.read(room)))
            room -= about.st_size
        finally:
            os.close(handle)
    return found
