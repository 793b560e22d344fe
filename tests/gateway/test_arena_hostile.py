"""Whatever a client sends and whatever happens to the files, the arena refuses in words and serves the others."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from arenas import Raw, arena, message
from homes import Lines, fill
from in_process import opened, token_of

from workbench.data.block_wire import (
    ARENA_BYTES,
    BLOCK_BYTES,
    MOST_OPEN,
    MOST_PACKET_BYTES,
    SLOT_BLOCKS,
    SLOTS,
    Ask,
    is_ask,
    pack,
    pack_ask,
    read_address,
    read_ask,
)
from workbench.errors import IntegrityError, InvalidInput, NotFound, NotSignedIn
from workbench.gateway import arena_door
from workbench.gateway.arena import Arena
from workbench.gateway.arena_door import ArenaDoor
from workbench.settings import load_settings
from workbench.vault.vault import Vault

ADDRESS = {"dataset": "open-ct", "version": "", "scan": "S0001", "labels": "", "level": 0}


def raw_ask(slot: int, count: int, handle: int, *numbers: int) -> bytes:
    return struct.pack("<BBHI", 1, slot, count, handle) + struct.pack(f"<{len(numbers)}I", *numbers)


@pytest.fixture
def reader(arena_home: Lines) -> Iterator[Raw]:
    with arena(arena_home.settings.arena_socket, arena_home.kernel().token) as raw:
        yield raw


HOSTILE_ASKS = {
    "a slot too many": raw_ask(SLOTS, 1, 1, 0),
    "a slot far off": raw_ask(255, 1, 1, 0),
    "no block": raw_ask(0, 0, 1),
    "more blocks than a slot holds": raw_ask(0, SLOT_BLOCKS + 1, 1, *range(SLOT_BLOCKS + 1)),
    "more than it counts": raw_ask(0, 1, 1, 0, 1),
    "fewer than it counts": raw_ask(0, 3, 1, 0, 1),
    "the largest count": raw_ask(0, 65535, 1, 0),
    "one block twice": raw_ask(0, 2, 1, 0, 0),
    "descending blocks": raw_ask(0, 2, 1, 1, 0),
    "half a number": raw_ask(0, 1, 1, 0)[:-2],
    "only a mark": b"\x01",
}
UNFIT = {
    "a block beyond the end": raw_ask(0, 1, 1, 4096),
    "the largest block": raw_ask(0, 1, 1, 2**32 - 1),
    "a good block and one beyond the end": raw_ask(0, 2, 1, 0, 2**31),
    "another's handle": raw_ask(0, 1, 2, 0),
    "the largest handle": raw_ask(0, 1, 2**32 - 1, 0),
}
NONSENSE = {
    "bytes": b"\xff\x00\x80",
    "a list": b"[]",
    "deep nesting": b"[" * 9000,
    "another question": b'{"close": 1}',
    "a number as an address": b'{"open": 7}',
    "a filled answer": b"\x02" + bytes(15),
    "too long a packet": b'{"open": "' + b"x" * (2 * MOST_PACKET_BYTES) + b'"}',
}
ADDRESSES = {
    "a name that is no text": {"scan": 7},
    "a level that is no number": {"level": "0"},
    "a level that is a truth": {"level": True},
    "a level below 0": {"level": -1},
    "a level far off": {"level": 10**9},
    "a name too long": {"dataset": "a" * 500},
    "a name with a control character": {"scan": "S0001\x00"},
    "one name more": {"path": "scan.json"},
}


@pytest.mark.parametrize("packet", [*HOSTILE_ASKS.values(), *NONSENSE.values()], ids=[*HOSTILE_ASKS, *NONSENSE])
def test_what_cannot_be_understood_is_refused_and_the_next_request_served(reader: Raw, packet: bytes) -> None:
    handle = reader.open("open-ct")
    with pytest.raises(InvalidInput):
        message(reader.say(packet))
    assert reader.is_blank()
    assert reader.ask(handle, 0).blocks == 1


@pytest.mark.parametrize("packet", UNFIT.values(), ids=UNFIT)
def test_blocks_and_handles_that_there_are_not_are_refused(reader: Raw, packet: bytes) -> None:
    assert reader.open("open-ct") == 1
    with pytest.raises((InvalidInput, NotFound)):
        message(reader.say(packet))
    assert reader.is_blank()


@pytest.mark.parametrize("change", ADDRESSES.values(), ids=ADDRESSES)
def test_addresses_are_checked_before_anything_is_looked_up(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        read_address({**ADDRESS, **change})


@pytest.mark.parametrize(
    "place", [{"scan": "../S0001"}, {"scan": "S0001/labels"}, {"labels": "../../S0002/image"}, {"level": 9}]
)
def test_an_address_leads_to_images_and_labels_only(reader: Raw, place: dict[str, object]) -> None:
    with pytest.raises(NotFound):
        reader.open("open-ct", str(place.get("scan", "S0001")), **{n: v for n, v in place.items() if n != "scan"})


def test_asking_before_the_hello_is_refused(arena_home: Lines) -> None:
    for packet in (pack({"open": ADDRESS}), raw_ask(0, 1, 1, 0), b"\x00"):
        with arena(arena_home.settings.arena_socket) as raw:
            with pytest.raises((InvalidInput, NotSignedIn)):
                message(raw.say(packet))
            assert raw.is_hung_up()


def test_another_protocol_is_refused(arena_home: Lines) -> None:
    with arena(arena_home.settings.arena_socket) as raw:
        with pytest.raises(InvalidInput, match="protocol"):
            raw.hello(arena_home.kernel().token, protocol=2)


def test_what_was_opened_first_is_forgotten_first_and_said_so(reader: Raw) -> None:
    version = reader.newest("open-ct")
    handles = [reader.open("open-ct", version=version) for _ in range(MOST_OPEN + 1)]
    assert reader.ask(handles[-1], 0)
    with pytest.raises(NotFound) as refused:
        reader.ask(handles[0], 0)
    assert refused.value.code == "arena-reopen"


def test_client_that_reads_no_answers_is_hung_up_on(arena_home: Lines, reader: Raw) -> None:
    handle = reader.open("open-ct")
    reader.line.settimeout(0.2)
    with pytest.raises((BrokenPipeError, ConnectionResetError, TimeoutError)):
        for _ in range(100_000):
            reader.line.send(pack_ask(Ask(0, handle, (0,))))
    with arena(arena_home.settings.arena_socket, arena_home.kernel().token) as other:
        assert other.ask(other.open("open-ct"), 0)


def test_process_that_inherits_a_connection_is_refused_and_the_line_ends(reader: Raw) -> None:
    handle = reader.open("open-ct")
    reader.ask(handle, 0)
    child = os.fork()
    if child == 0:
        try:
            answer = json.loads(reader.say(pack_ask(Ask(0, handle, (1,)))))
            os._exit(0 if answer["code"] == "arena-foreign-process" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert reader.is_hung_up()
    assert reader.is_blank()


def shard_of(lines: Lines, dataset: str) -> Path:
    """Give the file of a dataset's only image."""
    return max((lines.settings.vault / dataset).rglob("*"), key=lambda file: file.stat().st_size * file.is_file())


@pytest.mark.parametrize("tier", ["cut", "changed"])
def test_file_that_is_cut_or_changed_under_the_gateway_gives_an_error_and_no_byte(arena_home: Lines, tier: str) -> None:
    name = f"{tier}-ct"
    fill(arena_home.operator(), name, "open", seeds=(5,))
    file = shard_of(arena_home, name)
    with arena(arena_home.settings.arena_socket, arena_home.kernel().token) as raw:
        handle = raw.open(name)
        assert raw.ask(handle, 1)
        if tier == "cut":
            os.truncate(file, 3 * BLOCK_BYTES)
        else:
            data = bytearray(file.read_bytes())
            data[BLOCK_BYTES + 5000] ^= 1
            file.write_bytes(data)
        with pytest.raises(IntegrityError, match="put the vault back"):
            raw.ask(handle, 0, 1, 2)
        assert raw.is_blank()
        assert raw.ask(raw.open("open-ct"), 0)


def test_unverified_bytes_reach_no_buffer(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", tmp_path / "keys")
    entry = vault.put("a-ct", "", "x", os.urandom(4 * BLOCK_BYTES))
    (file,) = [path for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    data = bytearray(file.read_bytes())
    # The last block's tag: AES-GCM has decrypted everything before it finds that it does not fit.
    data[-1] ^= 1
    file.write_bytes(data)
    room = memoryview(bytearray(b"?" * (4 * BLOCK_BYTES)))
    with pytest.raises(IntegrityError):
        vault.read_blocks("a-ct", entry, [1, 2, 3], room)
    assert bytes(room) == b"?" * (4 * BLOCK_BYTES)
    assert vault.read_blocks("a-ct", entry, [0, 2], room) == 2 * BLOCK_BYTES


@pytest.mark.parametrize("numbers", [[], [-1], [4], [0, 4], [1, 0], [2, 2], list(range(5))])
def test_vault_gives_blocks_that_it_has_in_the_room_there_is(tmp_path: Path, numbers: list[int]) -> None:
    vault = Vault(tmp_path / "vault", tmp_path / "keys")
    entry = vault.put("a-ct", "", "x", bytes(4 * BLOCK_BYTES))
    with pytest.raises(InvalidInput):
        vault.read_blocks("a-ct", entry, numbers, memoryview(bytearray(4 * BLOCK_BYTES)))


def test_a_failed_filling_leaves_nothing_in_the_slot() -> None:
    made, seen = Arena(), []

    def half(room: memoryview) -> int:
        room[:10] = b"x" * 10
        seen.append(room)
        raise InvalidInput("stopped half way")

    try:
        with pytest.raises(InvalidInput):
            made.fill(0, 0, half)
        assert bytes(seen[0][:10]) == bytes(10)
        assert made.fill(0, 0, lambda _: 0) % 2 == 0
    finally:
        made.hand_over()


def test_packets_read_as_they_were_written() -> None:
    ask = Ask(1, 77, (0, 5, 4_000_000_000))
    assert is_ask(pack_ask(ask)) and read_ask(pack_ask(ask)) == ask
    assert read_address(ADDRESS).scan == "S0001"
    assert ARENA_BYTES <= 16 * 1024 * 1024


def test_slots_are_wiped_after_a_change_or_a_while_and_not_before() -> None:
    made, now = Arena(), time.monotonic()

    def write(room: memoryview) -> int:
        room[:4] = b"data"
        return 4

    try:
        first, second = made.fill(0, 7, write), made.fill(1, 8, write)
        made.wipe_older(8, now - 5)
        assert made.fill(0, 8, write) > first + 2, "the wiped slot's word went on"
        made.wipe_older(8, now - 5)
        assert not made.is_empty() and made.fill(1, 8, write) == second + 2
        made.wipe_older(8, time.monotonic() + 1)
        assert made.is_empty()
    finally:
        made.hand_over()


def test_silent_callers_are_sent_away_and_idle_ones_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(tmp_path / "home")
    with opened(settings) as state:
        settings.gateway_folder.mkdir(parents=True)
        door = ArenaDoor(state, settings.arena_socket)
        assert door.start()
        try:
            with arena(settings.arena_socket) as silent, arena(settings.arena_socket) as idle:
                idle.hello(token_of(state, "researcher"))
                monkeypatch.setattr(arena_door, "HELLO_S", 0.2)
                assert silent.is_hung_up()
                with pytest.raises(NotFound):
                    message(idle.say(pack({"open": ADDRESS})))
        finally:
            door.close()
        assert not settings.arena_socket.exists()


def test_a_system_without_sealed_memory_has_no_arena(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "memfd_create", fails)
    path = tmp_path / "arena.sock"
    door = ArenaDoor(None, path)  # type: ignore[arg-type]
    assert door.start() is False
    assert not path.exists()
    door.close()
