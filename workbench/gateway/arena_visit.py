"""One kernel's connection to the arena: hello, open, and blocks by number, each through the one guard.

Opening asks the policy and puts its answer on record; every request for blocks passes the same guard again, where it
costs a look-up as long as nothing has changed. So a grant that was revoked is refused at the next request.

Runs in: gateway
"""

from __future__ import annotations

import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams

from workbench.data.block_wire import (
    ARENA_BYTES,
    BLOCK_BYTES,
    MOST_OPEN,
    PROTOCOL,
    SLOTS,
    Address,
    Ask,
    Filled,
    is_ask,
    pack,
    pack_filled,
    read_address,
    read_ask,
    read_message,
)
from workbench.errors import AccessDenied, InvalidInput, NotFound, NotSignedIn, WorkbenchError
from workbench.gateway import guard
from workbench.gateway.arena import Arena
from workbench.gateway.call import Answer, Call, Route, dataset_in_path
from workbench.gateway.reading_routes import READERS, asked_version, record
from workbench.gateway.state import State
from workbench.gateway.tokens import Token
from workbench.governance.obligations import NONE, Obligations
from workbench.vault.vault import ObjectEntry

CREDENTIALS = struct.Struct("3i")
# What a client opened too long ago is opened again; the code says so.
REOPEN = "arena-reopen"


@dataclass
class Opened:
    """One shard that a client reads: the call that stands for its requests, and what was found for it."""

    call: Call
    what: str
    path: str
    known: int = -1
    obligations: Obligations = NONE
    version: str = ""
    entry: ObjectEntry | None = None


class Visit:
    """One connection, served by one thread at a time.

    Parameters
    ----------
    state : State
        The home.
    line : socket
        The accepted connection.
    """

    def __init__(self, state: State, line: socket.socket) -> None:
        self.line = line
        self.since = time.monotonic()
        self.arena: Arena | None = None
        self.token: Token | None = None
        self._state = state
        self.process = CREDENTIALS.unpack(
            line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        )[0]  # fmt: skip
        self._opened: OrderedDict[int, Opened] = OrderedDict()
        self._handles = 0
        self._asked: Ask | None = None
        self._generation = 0
        self._open_route = Route("ARENA", "open", self._resolve, READERS, "dataset.read", dataset_in_path)
        self._read_route = Route("ARENA", "blocks", self._read, READERS, "dataset.read", dataset_in_path)

    def check_process(self, process: int) -> None:
        """Refuse whoever inherited the connection: two processes on one line get each other's blocks."""
        if process != self.process:
            raise AccessDenied(
                "This connection belongs to the process that opened it; after a fork each opens its own.",
                code="arena-foreign-process",
            )

    def greet(self, packet: bytes, admit: Callable[[Token], None]) -> bytes:
        """Let somebody in by their token, unless `admit` objects; give the answer that goes with the arena."""
        hello = read_message(packet)
        token = hello.get("token")
        if hello.get("protocol") != PROTOCOL:
            raise InvalidInput(f"This gateway speaks protocol {PROTOCOL} of the arena; use the release that it runs.")
        self.token = self._state.tokens.read(token if isinstance(token, str) else None)
        guard.check_kind(self._open_route, self.token)
        self._state.leases.check_holder(self.token, self._check_holder)
        admit(self.token)
        self.arena = Arena()
        return pack({"protocol": PROTOCOL, "slots": SLOTS, "block_bytes": BLOCK_BYTES, "arena_bytes": ARENA_BYTES})

    def answer(self, packet: bytes) -> bytes:
        """Give the answer to one request; what is refused takes along what the slots still hold."""
        try:
            self._require_token()
            if is_ask(packet):
                return self._fill(read_ask(packet))
            return self._open(read_address(read_message(packet).get("open")))
        except WorkbenchError:
            if self.arena is not None:
                self.arena.wipe()
            raise

    def close(self) -> None:
        """Leave nothing behind for a client that kept its mapping, then hang up: who sees the end finds nothing."""
        if self.arena is not None:
            self.arena.wipe()
            self.arena.hand_over()
        self.line.close()

    def _require_token(self) -> Token:
        if self.token is None:
            raise NotSignedIn("The first packet of a connection carries the token; open it again.")
        if self.token.expires <= time.time():
            raise NotSignedIn("This token has expired. Sign in again, or restart the kernel.")
        return self.token

    def _check_holder(self) -> None:
        guard.check_holder(self._state.store, self._require_token())

    def _open(self, address: Address) -> bytes:
        token, place = self._require_token(), {"dataset": address.dataset, "scan": address.scan}
        query = QueryParams({"version": address.version})
        call = Call(self._state, token, place, query, Headers({}), b"", "GET")
        folder = f"labels/{address.labels}.zarr" if address.labels else "image.zarr"
        what = f"label {address.labels} of {address.scan}" if address.labels else address.scan
        opened = Opened(call, what, f"{folder}/{address.level}/c/0/0/0")
        call.found["opened"] = opened
        self._guarded(self._open_route, call)
        self._handles += 1
        self._opened[self._handles] = opened
        if len(self._opened) > MOST_OPEN:
            self._opened.popitem(last=False)
        return pack({"handle": self._handles, "size": self._entry(opened).size})

    def _fill(self, ask: Ask) -> bytes:
        opened = self._opened.get(ask.handle)
        if opened is None:
            raise NotFound(f"Nothing is open under {ask.handle} here; open it again.", code=REOPEN)
        self._asked = ask
        self._guarded(self._read_route, opened.call)
        return pack_filled(Filled(ask.slot, len(ask.numbers), ask.handle, self._generation))

    def _guarded(self, route: Route, call: Call) -> None:
        # The number is read before anybody is asked: a change in between makes the answer old, never the reverse.
        call.found["known"] = self._state.store.generation
        guard.run(route, call)

    def _resolve(self, call: Call) -> Answer:
        """Find the object again, unless nothing has changed since it was last found."""
        opened: Opened = call.found["opened"]
        known: int = call.found["known"]
        if opened.known != known or opened.obligations != call.obligations:
            version = asked_version(call)
            opened.entry = call.shown(version).entry(call.path["scan"], opened.path)
            opened.version, opened.obligations, opened.known = version, call.obligations, known
        elif call.lease is not None:
            # A lease that was renewed by the clock is an opening of its own.
            self._state.leases.open(call.lease, opened.version)
        return {}

    def _read(self, call: Call) -> Answer:
        self._resolve(call)
        opened, ask, arena = call.found["opened"], self._asked, self.arena
        if ask is None or arena is None:
            raise NotSignedIn("The first packet of a connection carries the token; open it again.")
        entry = self._entry(opened)
        record(call, opened.version, opened.what, _size(entry.size, ask))
        vault = self._state.vault
        self._generation = arena.fill(
            ask.slot, opened.known, lambda room: vault.read_blocks(call.dataset, entry, ask.numbers, room)
        )
        return {}

    def _entry(self, opened: Opened) -> ObjectEntry:
        if opened.entry is None:
            raise NotFound("This object is not open; open it again.", code=REOPEN)
        return opened.entry


def _size(size: int, ask: Ask) -> int:
    """Give how many bytes an answer has; refuse blocks that the object does not have, before they are on record."""
    last = max(0, size - 1) // BLOCK_BYTES
    if ask.numbers[-1] > last:
        raise InvalidInput(f"This object has blocks 0 to {last}; there is no block {ask.numbers[-1]}.")
    missing = BLOCK_BYTES * (last + 1) - size if ask.numbers[-1] == last else 0
    return BLOCK_BYTES * len(ask.numbers) - missing
