"""What the gateway and a kernel say to each other when a volume goes out in shared memory.

One packet of a SEQPACKET unix socket is one message, so there is nothing to frame and nothing can be half read. A
connection begins with a hello that carries the token; its answer carries the arena, a sealed memfd. Then an object is
opened, which is where the policy is asked and the audit event written, and its blocks are asked for by number:
the gateway fills one of the arena's slots with them, side by side, and says under which generation.

The first page of the arena holds one 64-bit word for each slot. It is odd while the slot is written or wiped and even
when its bytes may be read; whoever decodes looks at it before and after, since bytes that vanish in between decode to
wrong voxels.

Runs in: anywhere
Source: unix(7), memfd_create(2), fcntl(2) (file seals).
"""

from __future__ import annotations

import fcntl
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from workbench.errors import InvalidInput

PROTOCOL = 1
BLOCK_BYTES = 64 * 1024
HEADER_BYTES = 4096
SLOTS = 2
SLOT_BLOCKS = 64
SLOT_BYTES = SLOT_BLOCKS * BLOCK_BYTES
ARENA_BYTES = HEADER_BYTES + SLOTS * SLOT_BYTES
# A token, a few names and numbers; nothing that is asked is longer.
MOST_PACKET_BYTES = 16 * 1024
# Objects that a connection keeps open; the one that was opened first goes first, on both sides.
MOST_OPEN = 64
# Python 3.11 knows the other seals by name; this one is linux/fcntl.h's.
SEAL_FUTURE_WRITE = 0x0010
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | SEAL_FUTURE_WRITE

_ASK = struct.Struct("<BBHI")
_FILLED = struct.Struct("<BBHIQ")
_ASK_MARK, _FILLED_MARK = 1, 2
_LONGEST_NAME = 200
_COARSEST = 31


@dataclass(frozen=True)
class Address:
    """Which shard: of a scan, or of a label set where `labels` names one, at a resolution level."""

    dataset: str
    version: str
    scan: str
    labels: str = ""
    level: int = 0


class Ask(NamedTuple):
    """Blocks that are asked for, and the slot they shall lie in."""

    slot: int
    handle: int
    numbers: Sequence[int]


class Filled(NamedTuple):
    """A slot that holds what was asked for, as long as its word is `generation`."""

    slot: int
    blocks: int
    handle: int
    generation: int


def pack(value: dict[str, Any]) -> bytes:
    """Give a message that is not about blocks."""
    return json.dumps(value).encode()


def pack_ask(ask: Ask) -> bytes:
    """Give the message that asks for blocks."""
    return _ASK.pack(_ASK_MARK, ask.slot, len(ask.numbers), ask.handle) + struct.pack(
        f"<{len(ask.numbers)}I", *ask.numbers
    )


def pack_filled(filled: Filled) -> bytes:
    """Give the message that says which slot was filled."""
    return _FILLED.pack(_FILLED_MARK, *filled)


def read_message(packet: bytes) -> dict[str, Any]:
    """Give a message that is not about blocks; raises InvalidInput for what is none."""
    try:
        value = json.loads(packet)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput("This packet is no message of the arena; see `workbench.data.block_wire`.")
    return value


def is_ask(packet: bytes) -> bool:
    """Whether a packet asks for blocks."""
    return packet[:1] == bytes([_ASK_MARK])


def read_ask(packet: bytes) -> Ask:
    """Give what a packet asks for.

    Raises
    ------
    InvalidInput
        When the slot, the count or the numbers cannot be; whether the object has such blocks is not known here.
    """
    if len(packet) < _ASK.size:
        raise InvalidInput("This packet ends before it says what it asks for.")
    _, slot, count, handle = _ASK.unpack_from(packet)
    if slot >= SLOTS or not 1 <= count <= SLOT_BLOCKS or len(packet) != _ASK.size + 4 * count:
        raise InvalidInput(
            f"Ask for 1 to {SLOT_BLOCKS} blocks, in slot 0 to {SLOTS - 1}, and for as many as you count."
        )
    numbers = struct.unpack_from(f"<{count}I", packet, _ASK.size)
    if any(latter <= former for former, latter in zip(numbers, numbers[1:], strict=False)):
        raise InvalidInput("Block numbers must ascend, each once.")
    return Ask(slot, handle, numbers)


def read_filled(packet: bytes) -> Filled | None:
    """Give which slot was filled, or None when the packet says something else."""
    if len(packet) != _FILLED.size or packet[0] != _FILLED_MARK:
        return None
    return Filled(*_FILLED.unpack(packet)[1:])


def write_address(address: Address) -> dict[str, Any]:
    """Give the message that opens a shard."""
    return {"open": asdict(address)}


def read_address(value: object) -> Address:
    """Give the shard that a message names; raises InvalidInput for what names none."""
    if isinstance(value, dict) and set(value) == {"dataset", "version", "scan", "labels", "level"}:
        *names, level = (value[name] for name in ("dataset", "version", "scan", "labels", "level"))
        if all(isinstance(name, str) and len(name) <= _LONGEST_NAME and name.isprintable() for name in names):
            if type(level) is int and 0 <= level <= _COARSEST:
                return Address(**value)
    raise InvalidInput("An address is {dataset, version, scan, labels, level}: four short names and a whole number.")


def slot_start(slot: int) -> int:
    """Give where a slot begins in the arena, bytes."""
    return HEADER_BYTES + slot * SLOT_BYTES
