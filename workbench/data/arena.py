"""Volumes out of the gateway's shared memory: the fast way, taken where there is one.

A thread of a process has a connection and an arena of its own: two on one line would get each other's blocks, so a
forked process or a DataLoader worker opens its own. While one slot of the arena is decoded the gateway fills the
other. The bytes are those of the HTTP ranges, to the last one; where there is no arena, those are read instead.

Runs in: kernel
Source: `workbench.data.block_wire` says what the two ends say to each other.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE
from workbench.data.block_wire import (
    ARENA_BYTES,
    BLOCK_BYTES,
    HEADER_BYTES,
    MOST_OPEN,
    MOST_PACKET_BYTES,
    PROTOCOL,
    SEALS,
    SLOT_BLOCKS,
    SLOTS,
    Address,
    Ask,
    Filled,
    pack,
    pack_ask,
    read_filled,
    slot_start,
    write_address,
)
from workbench.data.shard import AnyVoxels, Box, Chunk, Shard
from workbench.errors import GatewayUnavailable, IntegrityError, WorkbenchError, error_from_dict
from workbench.settings import ARENA_NAME

# Decoding waits for the first request alone, so that one is short; the others are long, since each costs a change of
# processes. A 96³ patch of 35 blocks took 1.46 times the mmap reader's time so, 1.51 in requests of 24 blocks, 1.49 in
# one of 63, and 1.64 with a first request of 4.
FIRST_BLOCKS, BATCH_BLOCKS = 16, SLOT_BLOCKS - 1
# A slot that was wiped while it was decoded is asked for again; the answer brings the reason, or the bytes.
TRIES = 8
TIMEOUT_S = 120.0
# Where there is no arena, nobody asks again for this long.
MISSING_S = 5.0
# What ends in a new connection and not in an error.
_LOST, _FORGOTTEN = "arena-lost", "arena-reopen"


class Batch(NamedTuple):
    """Blocks of one request and what lies in them: the number of a piece, and its bytes once they lie side by side."""

    blocks: Sequence[int]
    pieces: Sequence[tuple[int, int, int]]


class Handle(NamedTuple):
    """An open shard: its number on this connection and its size, bytes."""

    number: int
    size: int


# Is given a batch and the bytes of its blocks, which may vanish while it looks.
Use = Callable[[Batch, memoryview], None]


class ArenaLine:
    """One connection to the gateway's arena; of one thread of one process.

    Parameters
    ----------
    path : Path
        The arena's socket.
    token : str
        The token of this kernel.

    Raises
    ------
    OSError
        When nobody listens there.
    WorkbenchError
        When the gateway gives no arena, with its reason.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._handles: OrderedDict[Address, Handle] = OrderedDict()
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._line.settimeout(TIMEOUT_S)
            self._line.connect(str(path))
            self._line.send(pack({"protocol": PROTOCOL, "token": token}))
            self._memory = self._receive_arena()
        except BaseException:
            self._line.close()
            raise
        self._words = np.frombuffer(self._memory[:HEADER_BYTES], np.uint64)

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def __del__(self) -> None:
        """Hang up a line that nobody holds any more, such as that of a thread that has ended."""
        self._line.close()

    def open(self, address: Address) -> Handle:
        """Give an open shard; opening it asks the policy and puts the answer on record."""
        known = self._handles.get(address)
        if known is None:
            self._line.send(pack(write_address(address)))
            answer = _message(self._line.recv(MOST_PACKET_BYTES))
            known = self._handles[address] = Handle(int(answer["handle"]), int(answer["size"]))
            if len(self._handles) > MOST_OPEN:
                # The gateway forgets the same one.
                self._handles.popitem(last=False)
        return known

    def read(self, handle: Handle, batches: Sequence[Batch], use: Use) -> None:
        """Have every batch of blocks used once, whole and unchanged."""
        for _ in range(TRIES):
            batches = self._pass(handle, batches, use)
            if not batches:
                return
        raise IntegrityError(
            "The gateway took its bytes back again and again while they were decoded, so nothing was read; "
            "read again when fewer things change at once."
        )

    def _pass(self, handle: Handle, batches: Sequence[Batch], use: Use) -> list[Batch]:
        """Use every batch once, and give those whose bytes vanished meanwhile."""
        vanished = []
        for number, batch in enumerate(batches[:SLOTS]):
            self._ask(handle, number, batch)
        for number, batch in enumerate(batches):
            filled = self._filled(handle, number, batch)
            # The next batch was asked for before this one is decoded, into the other slot.
            if not self._try(batch, filled, use):
                vanished.append(batch)
            if number + SLOTS < len(batches):
                self._ask(handle, number + SLOTS, batches[number + SLOTS])
        return vanished

    def _try(self, batch: Batch, filled: Filled, use: Use) -> bool:
        """Use a batch; say whether its bytes were there all the while."""
        start = slot_start(filled.slot)
        if not self._is_still(filled):
            return False
        try:
            use(batch, self._memory[start : start + len(batch.blocks) * BLOCK_BYTES])
        except IntegrityError:
            # Wiped bytes do not decode either; bytes that stayed and do not decode are damaged.
            if self._is_still(filled):
                raise
        return self._is_still(filled)

    def _is_still(self, filled: Filled) -> bool:
        return int(self._words[filled.slot]) == filled.generation

    def _ask(self, handle: Handle, number: int, batch: Batch) -> None:
        self._line.send(pack_ask(Ask(number % SLOTS, handle.number, batch.blocks)))

    def _filled(self, handle: Handle, number: int, batch: Batch) -> Filled:
        packet = self._line.recv(MOST_PACKET_BYTES)
        filled = read_filled(packet)
        if filled is None:
            _message(packet)
        wanted = (number % SLOTS, len(batch.blocks), handle.number)
        if filled is None or filled[:3] != wanted:
            raise GatewayUnavailable("The gateway answered another question than was asked; read again.")
        return filled

    def _receive_arena(self) -> memoryview:
        """Map the arena that comes with the answer to the hello."""
        packet, descriptors, _, _ = socket.recv_fds(self._line, MOST_PACKET_BYTES, 1)
        try:
            _message(packet)
            # Without the seals the mapping could shrink under this process, which kills it.
            if not descriptors or fcntl.fcntl(descriptors[0], fcntl.F_GET_SEALS) & SEALS != SEALS:
                raise GatewayUnavailable("The gateway sent no sealed memory; read over HTTP.")
            return memoryview(mmap.mmap(descriptors[0], ARENA_BYTES, mmap.MAP_SHARED, mmap.PROT_READ))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


_lines = threading.local()
_missing: dict[str, float] = {}


def arena_line() -> ArenaLine | None:
    """Give this thread's connection to the arena, or None where there is none for this kernel."""
    gateway, token = os.environ.get(SOCKET_VARIABLE), os.environ.get(TOKEN_VARIABLE)
    if not gateway or not token:
        return None
    signed = (gateway, token, os.getpid())
    if getattr(_lines, "signed", None) != signed:
        drop_line()
        if time.monotonic() < _missing.get(gateway, 0.0):
            return None
        try:
            _lines.line, _lines.signed = ArenaLine(Path(gateway).with_name(ARENA_NAME), token), signed
        except (OSError, WorkbenchError):
            # No arena here, or none for this connection; whoever may not read is told so over HTTP.
            _missing[gateway] = time.monotonic() + MISSING_S
            return None
    line: ArenaLine = _lines.line
    return line


def drop_line() -> None:
    """Let go of this thread's connection; the next read opens another."""
    line: ArenaLine | None = getattr(_lines, "line", None)
    if line is not None:
        line.close()
    _lines.line = _lines.signed = None


def read_through_arena(address: Address, batches: Sequence[Batch] | None, use: Use) -> bool:
    """Have batches of a shard's blocks used through the arena.

    Parameters
    ----------
    address : Address
        The shard.
    batches : sequence of Batch or None
        What to read; None where it does not fit into a slot.
    use : callable
        Given each batch and its bytes; a batch may come again when its bytes vanished while it was used.

    Returns
    -------
    bool
        False when there is no arena, or it went away; then nothing of `use` counts.

    Raises
    ------
    AccessDenied, NotFound, NotSignedIn
        When this kernel may not read it, or not any more.
    IntegrityError
        When the bytes are damaged.
    """
    for _ in range(2 if batches is not None else 0):
        line = arena_line()
        if line is None:
            return False
        try:
            line.read(line.open(address), batches or (), use)
        except BaseException as problem:
            # An answer may be on its way still, so this line would mix answers from now on.
            drop_line()
            is_lost = isinstance(problem, OSError) or getattr(problem, "code", "") in (_LOST, _FORGOTTEN)
            if not is_lost:
                raise
        else:
            return True
    return False


def read_box_through_arena(address: Address, shard: Shard, box: Box, out: AnyVoxels) -> bool:
    """Read a box of a shard into `out`, the array of the box; say False where there is no arena."""
    chunks = shard.chunks(box)

    def decode(batch: Batch, view: memoryview) -> None:
        shard.place_chunks({chunks[n].place: view[start:stop] for n, start, stop in batch.pieces}, box, out)

    return read_through_arena(address, batches_of(chunks, FIRST_BLOCKS, BATCH_BLOCKS), decode)


def read_bytes_through_arena(address: Address, start: int, stop: int) -> bytes | None:
    """Give bytes `start` to `stop` of a shard, or None where there is no arena."""
    whole = bytearray(stop - start)
    first, last = start // BLOCK_BYTES, -(-stop // BLOCK_BYTES)
    batches = [Batch(range(at, min(at + BATCH_BLOCKS, last)), [(at, 0, 0)]) for at in range(first, last, BATCH_BLOCKS)]

    def copy(batch: Batch, view: memoryview) -> None:
        begin = batch.blocks[0] * BLOCK_BYTES
        a, b = max(start, begin), min(stop, begin + len(view))
        whole[a - start : b - start] = view[a - begin : b - begin]

    return bytes(whole) if read_through_arena(address, batches, copy) else None


def batches_of(chunks: Sequence[Chunk], first: int, most: int) -> list[Batch] | None:
    """Cut chunks, sorted by their bytes, into requests of about so many blocks, each chunk whole in one of them.

    Parameters
    ----------
    chunks : sequence of Chunk
        What to read.
    first, most : int
        Blocks of the first request, and of each other.

    Returns
    -------
    list of Batch or None
        None when a chunk is larger than a slot, or the chunks overlap.
    """
    if any(chunk.stop - chunk.start > (SLOT_BLOCKS - 1) * BLOCK_BYTES for chunk in chunks):
        return None
    if any(latter.start < former.stop for former, latter in zip(chunks, chunks[1:], strict=False)):
        return None
    return list(_cut(chunks, first, most))


def _cut(chunks: Sequence[Chunk], limit: int, most: int) -> Iterator[Batch]:
    blocks: list[int] = []
    pieces: list[tuple[int, int, int]] = []
    for number, chunk in enumerate(chunks):
        first, last = chunk.start // BLOCK_BYTES, (chunk.stop - 1) // BLOCK_BYTES
        if blocks and len(blocks) + last - max(first, blocks[-1] + 1) + 1 > limit:
            yield Batch(blocks, pieces)
            blocks, pieces, limit = [], [], most
        # Chunks ascend, so of the blocks that a chunk needs at most its first one is there already.
        blocks.extend(range(max(first, blocks[-1] + 1) if blocks else first, last + 1))
        begin = (len(blocks) - (last - first + 1)) * BLOCK_BYTES + chunk.start - first * BLOCK_BYTES
        pieces.append((number, begin, begin + chunk.stop - chunk.start))
    if blocks:
        yield Batch(blocks, pieces)


def _message(packet: bytes) -> dict[str, Any]:
    """Give the gateway's message, or raise the refusal that it is."""
    if not packet:
        raise GatewayUnavailable("The gateway hung up; read again, or start it with `workbench serve`.", code=_LOST)
    try:
        value = json.loads(packet)
    except ValueError:
        value = {"message": "The gateway answered with something that is not its protocol; read again."}
    if not isinstance(value, dict) or "message" in value:
        raise error_from_dict(value if isinstance(value, dict) else {})
    return value
