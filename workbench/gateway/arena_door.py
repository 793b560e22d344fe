"""The second socket of the gateway, by which volumes leave in shared memory.

A few threads serve every connection: each takes the connection that has waited longest, answers at most one request
per slot and goes on to the next, so twenty readers share the gateway evenly however much one of them asks for.

Runs in: gateway
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from workbench.data.block_wire import MOST_PACKET_BYTES, SLOTS, pack
from workbench.errors import Conflict, InvalidInput, WorkbenchError
from workbench.gateway.arena import Arena
from workbench.gateway.arena_visit import CREDENTIALS, Visit
from workbench.gateway.state import State
from workbench.gateway.tokens import Token

# Each holds its arena: 8 MiB of the gateway's memory once both slots were used.
MOST_VISITS = 128
MOST_VISITS_OF_ONE = 32
# Connections, those that have not said hello included.
MOST_WAITING = 512
HELLO_S = 20.0
# Nothing stays readable for longer than this after it was asked for, or after anything changed in the store.
KEPT_S = 5.0
TICK_S = 0.1

log = logging.getLogger("workbench.gateway")


class ArenaDoor:
    """Serves the arena of a home from `start` to `close`.

    Parameters
    ----------
    state : State
        The home, opened.
    path : Path
        Where the socket lies; its folder is the one that a sandbox sees.
    """

    def __init__(self, state: State, path: Path) -> None:
        self._state, self._path = state, path
        self._visits: dict[int, Visit] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def start(self) -> bool:
        """Listen and serve; say False, having put the reason in the log, where this system has no sealed memory."""
        try:
            Arena().hand_over()
        except (OSError, AttributeError) as problem:
            log.warning("No arena: this system has no sealed shared memory (%s); volumes go out over HTTP.", problem)
            return False
        self._ready = select.epoll()
        self._wake, self._woken = socket.socketpair()
        self._ready.register(self._woken.fileno(), select.EPOLLIN)
        self._listener = _listen(self._path)
        self._ready.register(self._listener.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
        workers = max(4, (os.cpu_count() or 1) + 2)
        self._threads = [threading.Thread(target=self._work, name=f"arena-{n}", daemon=True) for n in range(workers)]
        self._threads.append(threading.Thread(target=self._keep_watch, name="arena-watch", daemon=True))
        for thread in self._threads:
            thread.start()
        return True

    def close(self) -> None:
        """Hang up on everybody."""
        if self._listener is None:
            return
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._stop.set()
        self._wake.send(b".")
        for thread in self._threads:
            thread.join()
        for visit in list(self._visits.values()):
            self._end(visit)
        for held in (self._listener, self._wake, self._woken, self._ready):
            held.close()
        self._listener = None

    def _work(self) -> None:
        while not self._stop.is_set():
            for number, _ in self._ready.poll(maxevents=1):
                if self._listener is not None and number == self._listener.fileno():
                    self._accept(self._listener)
                elif number in self._visits:
                    self._serve(self._visits[number])

    def _accept(self, listener: socket.socket) -> None:
        try:
            line, _ = listener.accept()
        except OSError as problem:
            # Out of descriptors, or the caller is gone already: those who are in are served on.
            log.warning("The arena could not let somebody in: %s", problem.strerror)
            time.sleep(TICK_S)
        else:
            line.setblocking(False)
            if len(self._visits) >= MOST_WAITING:
                line.close()
                return self._ready.modify(listener.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
            visit = Visit(self._state, line)
            self._visits[line.fileno()] = visit
            self._ready.register(line.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
        self._ready.modify(listener.fileno(), select.EPOLLIN | select.EPOLLONESHOT)

    def _serve(self, visit: Visit) -> None:
        """Answer what waits, at most one packet per slot; whoever hung up or does not read answers is hung up on."""
        goes_on, answered = True, 0
        try:
            # A reader asks for two slots at once: answered by one thread, they cost no change of threads.
            while goes_on and answered < SLOTS and (answered == 0 or _has_packet(visit.line)):
                goes_on, answered = self._answer(visit), answered + 1
        except OSError:
            goes_on = False
        except Exception:
            goes_on = False
            log.exception("The arena failed at a request")
        if goes_on:
            self._ready.modify(visit.line.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
        else:
            self._end(visit)

    def _answer(self, visit: Visit) -> bool:
        packet, process, is_whole = _receive(visit.line)
        if not packet:
            return False
        is_new = visit.arena is None
        try:
            visit.check_process(process)
            if not is_whole:
                raise InvalidInput(f"A packet has at most {MOST_PACKET_BYTES} bytes.")
            reply = visit.greet(packet, self._admit) if is_new else visit.answer(packet)
        except WorkbenchError as refused:
            visit.line.send(pack(refused.as_dict()))
            # Whoever is not let in, or uses another process's line, has nothing more to say.
            return not is_new and process == visit.process
        if is_new and visit.arena is not None:
            socket.send_fds(visit.line, [reply], [visit.arena.descriptor])
            visit.arena.hand_over()
        else:
            visit.line.send(reply)
        return True

    def _admit(self, token: Token) -> None:
        """Refuse an arena when there are too many, or too many of this kernel's."""
        held = [other.token.id for other in list(self._visits.values()) if other.arena and other.token]
        if len(held) >= MOST_VISITS:
            raise _full(f"all {MOST_VISITS} arenas of this gateway are in use")
        if held.count(token.id) >= MOST_VISITS_OF_ONE:
            raise _full(f"this kernel holds {MOST_VISITS_OF_ONE} arenas already")

    def _end(self, visit: Visit) -> None:
        with self._lock:
            if self._visits.pop(visit.line.fileno(), None) is None:
                return
            # Closing takes it out of what is polled; only then may another connection get its number.
            visit.close()

    def _keep_watch(self) -> None:
        """Wipe what was read before the store last changed, or long ago, and send away who does not say hello."""
        while not self._stop.wait(TICK_S):
            known, now = self._state.store.generation, time.monotonic()
            for visit in list(self._visits.values()):
                if visit.arena is not None:
                    visit.arena.wipe_older(known, now - KEPT_S)
                elif now - visit.since > HELLO_S:
                    with suppress(OSError):
                        visit.line.shutdown(socket.SHUT_RDWR)


def _listen(path: Path) -> socket.socket:
    """Give a listening socket that only the owner of the home reaches, and that tells who sends each packet."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    listener.listen(MOST_VISITS)
    listener.setblocking(False)
    return listener


def _has_packet(line: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(line, select.POLLIN)
    return bool(waiting.poll(0))


def _receive(line: socket.socket) -> tuple[bytes, int, bool]:
    """Give one packet, the process that sent it, and whether it was not cut short."""
    packet, notes, flags, _ = line.recvmsg(MOST_PACKET_BYTES, socket.CMSG_SPACE(CREDENTIALS.size))
    process = 0
    for level, kind, data in notes:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            process = CREDENTIALS.unpack(data[: CREDENTIALS.size])[0]
    return packet, process, not flags & socket.MSG_TRUNC


def _full(why: str) -> Conflict:
    return Conflict(f"No arena for this connection: {why}. Read over HTTP, or close some.", code="arena-full")
