"""A client of the arena that does as it is told, however hostile, and shows the memory that it was given."""

from __future__ import annotations

import json
import mmap
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from workbench.connection import Connection
from workbench.data.block_wire import (
    ARENA_BYTES,
    HEADER_BYTES,
    MOST_PACKET_BYTES,
    PROTOCOL,
    Address,
    Ask,
    Filled,
    pack,
    pack_ask,
    read_filled,
    slot_start,
    write_address,
)
from workbench.errors import WorkbenchError, error_from_dict
from workbench.settings import SOCKET_NAME


class Raw:
    """One connection, packet by packet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.settimeout(60)
        self.line.connect(str(path))
        self.descriptor = -1

    def hello(self, token: object, protocol: object = PROTOCOL) -> dict[str, Any]:
        self.line.send(pack({"protocol": protocol, "token": token}))
        self.token = str(token)
        packet, found, _, _ = socket.recv_fds(self.line, MOST_PACKET_BYTES, 4)
        answer = message(packet)
        (self.descriptor,) = found
        self.memory = mmap.mmap(self.descriptor, ARENA_BYTES, mmap.MAP_SHARED, mmap.PROT_READ)
        return answer

    def say(self, packet: bytes) -> bytes:
        self.line.send(packet)
        return self.line.recv(MOST_PACKET_BYTES)

    def open(self, dataset: str, scan: str = "S0001", **more: Any) -> int:
        version = more.pop("version", None) or self.newest(dataset)
        address = Address(dataset, version, scan, **more)
        return int(message(self.say(pack(write_address(address))))["handle"])

    def newest(self, dataset: str) -> str:
        with closing(Connection(self.path.with_name(SOCKET_NAME), self.token)) as line:
            try:
                return str(line.get(f"/v1/datasets/{quote(dataset, safe='')}")["version"])
            except WorkbenchError:
                return "0" * 64

    def ask(self, handle: int, *numbers: int, slot: int = 0) -> Filled:
        packet = self.say(pack_ask(Ask(slot, handle, numbers)))
        filled = read_filled(packet)
        if filled is None:
            message(packet)
        assert filled is not None
        return filled

    def slot(self, slot: int, size: int = 65536) -> bytes:
        return self.memory[slot_start(slot) : slot_start(slot) + size]

    def word(self, slot: int) -> int:
        return int(np.frombuffer(self.memory, np.uint64, 2)[slot])

    def is_blank(self) -> bool:
        return not np.frombuffer(self.memory, np.uint8)[HEADER_BYTES:].any()

    def is_hung_up(self) -> bool:
        try:
            return self.line.recv(MOST_PACKET_BYTES) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.line.close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def message(packet: bytes) -> dict[str, Any]:
    """Give the gateway's message, or raise its refusal."""
    assert packet, "the gateway hung up"
    value: dict[str, Any] = json.loads(packet)
    if "message" in value:
        raise error_from_dict(value)
    return value


@contextmanager
def arena(path: Path, token: str | None = None) -> Iterator[Raw]:
    """Have a connection; with a token also its arena."""
    raw = Raw(path)
    try:
        if token is not None:
            raw.hello(token)
        yield raw
    finally:
        raw.close()
