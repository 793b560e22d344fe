"""The life of a gateway process: one per home, on a socket only its owner reaches, gone when nobody needs it.

Runs in: gateway
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

import uvicorn

from workbench.gateway.app import build_app
from workbench.gateway.arena_door import ArenaDoor
from workbench.gateway.evaluating import Evaluating
from workbench.gateway.protocol import GatewayProtocol
from workbench.gateway.routes import ROUTES, SCHEMAS
from workbench.gateway.state import open_state
from workbench.governance.record.exporting import Exporter
from workbench.settings import Settings

KEEP_ALIVE_S = 75
POLL_S = 0.5
# A gateway that was started for somebody waits this long for them; they hold the lock before they start it.
FIRST_CLIENT_S = 15.0
GOODBYE_S = 3

log = logging.getLogger("workbench.gateway")


@contextmanager
def only_gateway(settings: Settings) -> Iterator[bool]:
    """Have the right to be this home's gateway, or False when another process has it."""
    settings.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.run / "gateway.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def serve(settings: Settings, *, until_unused: bool = False) -> None:
    """Serve a home until the process is told to stop or, on request, until nobody uses it any more.

    The caller holds `only_gateway`.
    """
    state = open_state(settings, SCHEMAS)
    evaluating = Evaluating(state)
    exporter = Exporter(state.store, settings.checkpoints)
    config = uvicorn.Config(
        build_app(state, ROUTES), http=GatewayProtocol, ws="none", lifespan="off", loop="asyncio",
        log_config=None, access_log=False, server_header=False, date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=GOODBYE_S,
    )  # fmt: skip
    server = _Server(config, evaluating.stop)
    _end_in_good_order(server)
    arena = ArenaDoor(state, settings.arena_socket)
    listener = _listen(settings, arena)
    # Its evaluators come through the socket, which now takes them in.
    evaluating.start()
    if until_unused:
        leave = threading.Thread(
            target=_leave_when_unused, args=(settings, server, evaluating.is_busy), name="until-unused", daemon=True
        )
        leave.start()
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        _leave(settings)
        arena.close()
        # Once more, for a server that did not get as far as to hang up.
        evaluating.stop()
        state.reads.close()
        exporter.close()
        state.store.close()


class _Server(uvicorn.Server):
    """A server that ends its evaluators before it hangs up: one that found nobody there would have failed."""

    def __init__(self, config: uvicorn.Config, before: Callable[[], None]) -> None:
        super().__init__(config)
        self._before = before

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Do what comes before, still serving, and then stop."""
        await asyncio.to_thread(self._before)
        await super().shutdown(sockets)


def _end_in_good_order(server: uvicorn.Server) -> None:
    """See that SIGTERM and Ctrl-C end the server and not the process, so that what `serve` does at its end is done.

    uvicorn listens to them itself only while it serves, which is later than others find the socket, and raises them
    again when it has stopped; with the handlers that Python starts with, both would end in the middle.
    """

    def stop(_: int, __: object) -> None:
        server.should_exit = True

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)


def _listen(settings: Settings, arena: ArenaDoor) -> socket.socket:
    """Give a listening socket in a folder that only the owner enters; the arena's is there before it."""
    settings.gateway_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (settings.home, settings.run, settings.gateway_folder):
        folder.chmod(0o700)
    arena.start()
    settings.socket.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(settings.socket))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


def _leave_when_unused(settings: Settings, server: uvicorn.Server, is_busy: Callable[[], bool]) -> None:
    """End the server when no client holds the clients' lock any more and no submission waits or runs."""
    started, seen = time.monotonic(), False
    while not server.should_exit:
        # Asked before the first wait: whoever started this gateway may need it for less than one period.
        lock = _nobody_left(settings)
        if lock is None:
            seen = True
        elif is_busy():
            lock.close()
        elif seen or time.monotonic() - started > FIRST_CLIENT_S:
            # The lock stays held until the process is gone: whoever comes now waits for it and then starts afresh.
            _HELD.append(lock)
            _leave(settings)
            server.should_exit = True
        else:
            lock.close()
        time.sleep(POLL_S)


_HELD: list[IO[str]] = []


def _nobody_left(settings: Settings) -> IO[str] | None:
    """Give the clients' lock, held alone, or None while a client holds it."""
    lock = (settings.run / "clients.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _leave(settings: Settings) -> None:
    with suppress(OSError):
        settings.socket.unlink(missing_ok=True)
