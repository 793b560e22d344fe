"""A passage from one sandbox to another of the same account: what comes in here goes out there, byte for byte.

A cluster without a notebook listens on the loopback of its own sandbox, which nothing else reaches. A socket file in
the account's workspace, which only the sandboxes of that account see, leads there.

Runs in: kernel
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from workbench.compute.clusters.engines import LOOPBACK
from workbench.errors import NotFound

FOLDER = ".clusters"
WORKSPACE = "/workspace"
PIECE_BYTES = 2**18
ASK_S = 10.0

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Passage:
    """Serves until it is closed; in a thread of its own, so that a busy notebook does not hold it up.

    Parameters
    ----------
    connect : callable
        Gives the two ends of a new connection to where it leads.
    path : Path, optional
        The socket file that it serves; a free port of the loopback when left out.

    Attributes
    ----------
    port : int
        The port it serves; 0 with a socket file.
    """

    def __init__(self, connect: Callable[[], Awaitable[Ends]], path: Path | None = None) -> None:
        self._connect, self._path = connect, path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster-passage", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(ASK_S)
        self.port = 0 if path else int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Serve no more; what is under way is cut."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(ASK_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ASK_S)
        self._loop.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _listen(self) -> asyncio.Server:
        if self._path is None:
            return await asyncio.start_server(self._pass, LOOPBACK, 0)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._pass, self._path)
        finally:
            os.umask(before)

    async def _leave(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await self._connect()
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        except asyncio.CancelledError:
            # The passage is closed: both ends go, and the task ends as one that is done.
            return
        finally:
            writer.close()
            there[1].close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.close()


def open_way_in(cluster: str, address: str, workspace: Path) -> Passage:
    """Let the other sandboxes of the account in to a scheduler.

    Parameters
    ----------
    cluster : str
        Its id in the record.
    address : str
        Where it listens, as ``tcp://127.0.0.1:40123``.
    workspace : Path
        The account's.
    """
    port = int(address.rpartition(":")[2])
    return Passage(lambda: asyncio.open_connection(LOOPBACK, port), workspace / FOLDER / f"{cluster}.sock")


def open_way_out(cluster: str) -> Passage:
    """Have a port of this sandbox's loopback that leads to a cluster of the same account.

    Parameters
    ----------
    cluster : str
        Its id in the record.

    Raises
    ------
    NotFound
        When there is no way to it: it has ended, or runs in a notebook, which lets nobody in.
    """
    here = Path.cwd()
    for folder in (Path(WORKSPACE), here, *here.parents):
        path = folder / FOLDER / f"{cluster}.sock"
        if path.is_socket():
            return Passage(lambda path=path: asyncio.open_unix_connection(path))  # type: ignore[misc]
    raise NotFound(
        f"There is no way to the cluster “{cluster}”: one that a notebook started lets nobody else in, and one that "
        "`workbench cluster start` started does while it runs. `workbench cluster list` shows which there are."
    )
