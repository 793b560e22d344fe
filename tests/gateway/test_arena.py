"""The arena gives what the ranges give, to whom they are given, on record, and to nobody else."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from arenas import Raw, arena
from homes import Lines, fill

from workbench.connection import Connection
from workbench.data.block_wire import ARENA_BYTES, BLOCK_BYTES, SEALS, slot_start
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, NotSignedIn, WorkbenchError
from workbench.gateway import arena_door
from workbench.gateway.tokens import Token, Tokens

SHARD = "/v1/datasets/{}/scans/S0001/zarr/0/c/0/0/0"


@pytest.fixture
def reader(arena_home: Lines) -> Iterator[Raw]:
    """Give a connection of the researcher's kernel."""
    with arena(arena_home.settings.arena_socket, arena_home.kernel().token) as raw:
        yield raw


@pytest.fixture
def granted(arena_home: Lines) -> Iterator[str]:
    """Let the researcher read `clinic-ct` during a test; give the grant."""
    made = arena_home.grant("researcher", "clinic-ct")["grant"]
    grant = str(made["id"] if isinstance(made, dict) else made)
    yield grant
    with suppress(WorkbenchError):
        # Unless the test revoked it already.
        revoke(arena_home, grant)


def revoke(lines: Lines, grant: str) -> None:
    lines.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "a test"})


def refused(raw: Raw, *words: Any) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as caught:
        raw.hello(*words)
    return caught.value


def test_blocks_are_the_bytes_of_the_range(arena_home: Lines, reader: Raw) -> None:
    whole = arena_home.kernel().request("GET", SHARD.format("open-ct"))[2]
    handle = reader.open("open-ct")
    filled = reader.ask(handle, 1, 2, 5, slot=1)
    wanted = whole[BLOCK_BYTES : 3 * BLOCK_BYTES] + whole[5 * BLOCK_BYTES : 6 * BLOCK_BYTES]
    assert reader.slot(1, 3 * BLOCK_BYTES) == wanted
    assert reader.word(1) == filled.generation and filled.generation % 2 == 0


def test_last_block_is_as_long_as_what_is_left_and_nothing_stays_behind_it(arena_home: Lines, reader: Raw) -> None:
    whole = arena_home.kernel().request("GET", SHARD.format("open-ct"))[2]
    handle, last = reader.open("open-ct"), (len(whole) - 1) // BLOCK_BYTES
    reader.ask(handle, 0)
    reader.ask(handle, last)
    assert reader.slot(0) == whole[last * BLOCK_BYTES :].ljust(BLOCK_BYTES, b"\0")


@pytest.mark.parametrize("token", [None, "", "x.y", 7, ["a"], "x" * 9000])
def test_arena_refuses_a_stranger(arena_home: Lines, token: object) -> None:
    with arena(arena_home.settings.arena_socket) as raw:
        assert refused(raw, token).status == 401
        assert raw.is_hung_up()


@pytest.mark.parametrize("age_s, key", [(-1, "ours"), (60, "foreign")], ids=["expired", "foreign"])
def test_arena_refuses_an_expired_and_a_foreign_token(arena_home: Lines, age_s: int, key: str) -> None:
    kernel = arena_home.kernel()
    ours = bytes.fromhex((arena_home.settings.keys / "token.key").read_text())
    tokens = Tokens(ours if key == "ours" else b"another key", "another operator")
    token = Token("researcher", "kernel", kernel.kernel, "bubblewrap", time.time() + age_s)  # type: ignore[attr-defined]
    with arena(arena_home.settings.arena_socket) as raw:
        assert isinstance(refused(raw, tokens.make(token)), NotSignedIn)


def test_token_that_expires_meanwhile_ends_reading(arena_home: Lines) -> None:
    kernel = arena_home.kernel()
    tokens = Tokens(bytes.fromhex((arena_home.settings.keys / "token.key").read_text()), "x")
    short = tokens.make(Token("researcher", "kernel", kernel.kernel, "bubblewrap", time.time() + 6))  # type: ignore[attr-defined]
    with arena(arena_home.settings.arena_socket, short) as raw:
        handle = raw.open("open-ct")
        with pytest.raises(NotSignedIn, match="expired"):
            wait_for(lambda: not raw.ask(handle, 0))
        assert raw.is_blank()


def test_arena_is_not_for_the_operator(arena_home: Lines) -> None:
    with arena(arena_home.settings.arena_socket) as raw:
        assert refused(raw, arena_home.operator().token).status == 403


def test_nothing_is_opened_without_a_grant(arena_home: Lines, reader: Raw) -> None:
    with pytest.raises(AccessDenied):
        reader.open("clinic-ct")


@pytest.mark.parametrize(
    "dataset, kind", [("no-such-ct", NotFound), ("a" * 199, NotFound), ("hidden-ct", AccessDenied)]
)
def test_arena_refuses_with_the_sentence_of_the_ranges(
    arena_home: Lines, reader: Raw, dataset: str, kind: type[WorkbenchError]
) -> None:
    with pytest.raises(kind) as over_http:
        arena_home.kernel().request("GET", SHARD.format(dataset))
    with pytest.raises(kind) as over_arena:
        reader.open(dataset)
    assert (over_arena.value.code, over_arena.value.message) == (over_http.value.code, over_http.value.message)


def test_a_kernel_without_isolation_reads_no_controlled_data(arena_home: Lines, granted: str) -> None:
    kernel = arena_home.kernel("researcher", "none")
    with arena(arena_home.settings.arena_socket, kernel.token) as raw:
        assert raw.open("open-ct")
        with pytest.raises(AccessDenied):
            raw.open("clinic-ct")


def test_a_kernel_of_another_purpose_reads_nothing_granted(arena_home: Lines, granted: str) -> None:
    with arena(arena_home.settings.arena_socket, arena_home.kernel(purpose="teaching").token) as raw:
        with pytest.raises(AccessDenied, match="another purpose"):
            raw.open("clinic-ct")


def test_revoked_grant_is_refused_at_the_next_request_and_takes_its_bytes_along(
    arena_home: Lines, granted: str, reader: Raw
) -> None:
    handle = reader.open("clinic-ct")
    before = reader.ask(handle, 0).generation
    assert not reader.is_blank()
    revoke(arena_home, granted)
    with pytest.raises(AccessDenied, match="revoked"):
        reader.ask(handle, 1, slot=1)
    assert reader.is_blank() and reader.word(0) != before


def test_what_was_read_before_a_change_is_wiped_without_any_request(
    arena_home: Lines, granted: str, reader: Raw
) -> None:
    before = reader.ask(reader.open("clinic-ct"), 0).generation
    revoke(arena_home, granted)
    wait_for(reader.is_blank)
    assert reader.word(0) != before and reader.word(0) % 2 == 0


def test_scan_that_a_policy_withholds_ends_like_one_that_never_was(
    arena_home: Lines, granted: str, reader: Raw
) -> None:
    custodian, url = arena_home.person("custodian"), "/v1/datasets/clinic-ct/policy"
    handle = reader.open("clinic-ct")
    reader.ask(handle, 0)
    rule = '@id("x") @rows("scans.split = final_test") permit (principal, action == Action::"read", resource);'
    custodian.post(url, {"text": rule})
    try:
        said = []
        for ask in (lambda: reader.ask(handle, 0), lambda: reader.open("clinic-ct", "S0009")):
            with pytest.raises(NotFound) as refused_there:
                ask()
            said.append(refused_there.value.message.replace("S0009", "S0001"))
        assert said[0] == said[1]
        assert reader.is_blank()
    finally:
        custodian.post(url, {"text": ""})
    assert reader.ask(handle, 0)


def test_subject_that_withdrew_is_read_no_more_and_nothing_of_it_stays(arena_home: Lines, reader: Raw) -> None:
    fill(arena_home.operator(), "leaving-ct", "open", seeds=(6, 7))
    handle, other = reader.open("leaving-ct"), reader.open("leaving-ct", "S0002")
    reader.ask(handle, 0)
    url = "/v1/datasets/leaving-ct/subjects/P0001/withdraw"
    arena_home.person("custodian").post(url, {"reason": "a test"})
    wait_for(reader.is_blank)
    with pytest.raises(NotFound, match="withdrawn"):
        reader.ask(handle, 0)
    assert reader.ask(other, 0)


def test_kernel_that_ended_reads_no_more(arena_home: Lines) -> None:
    kernel = arena_home.kernel()
    with arena(arena_home.settings.arena_socket, kernel.token) as raw:
        handle = raw.open("open-ct")
        raw.ask(handle, 0)
        arena_home.operator().delete(f"/v1/kernels/{kernel.kernel}")  # type: ignore[attr-defined]
        with pytest.raises(NotSignedIn, match="ended"):
            raw.ask(handle, 0)


def test_opening_is_on_record_before_a_byte_leaves_and_refusals_are(arena_home: Lines, granted: str) -> None:
    kernel = arena_home.kernel()
    with arena(arena_home.settings.arena_socket, kernel.token) as raw:
        handle = raw.open("clinic-ct")
        (opened,) = events_of(arena_home, kernel, "dataset.open")
        assert (opened["grant"], opened["kind"]) == (granted, "kernel")
        raw.ask(handle, 0, 1, 2)
        (read,) = events_of(arena_home, kernel, "dataset.read")
        assert (read["scan"], read["reads"], read["bytes"]) == ("S0001", 1, 3 * BLOCK_BYTES)
        revoke(arena_home, granted)
        with pytest.raises(AccessDenied):
            raw.ask(handle, 0)
    denied = arena_home.person("custodian").get("/v1/audit?limit=20&action=dataset.read&outcome=denied")["events"]
    assert any(one["resource"] == "clinic-ct" for one in denied)


def test_memory_that_was_passed_on_can_be_written_by_nobody_who_holds_it(reader: Raw) -> None:
    held, path = reader.descriptor, f"/proc/self/fd/{reader.descriptor}"
    assert fcntl.fcntl(held, fcntl.F_GET_SEALS) & SEALS == SEALS
    again = os.open(path, os.O_RDWR)
    try:
        for descriptor in (held, again):
            with pytest.raises(PermissionError):
                os.pwrite(descriptor, b"x", slot_start(0))
            with pytest.raises(PermissionError):
                mmap.mmap(descriptor, ARENA_BYTES, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            for size in (0, 2 * ARENA_BYTES):
                with pytest.raises(PermissionError):
                    os.ftruncate(descriptor, size)
            with pytest.raises(PermissionError):
                fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    finally:
        os.close(again)


def test_two_connections_never_share_memory_even_of_one_person(arena_home: Lines) -> None:
    path = arena_home.settings.arena_socket
    tokens = (arena_home.kernel().token, arena_home.kernel().token, arena_home.kernel("reviewer").token)
    with arena(path, tokens[0]) as one, arena(path, tokens[0]) as two, arena(path, tokens[2]) as three:
        assert len({os.fstat(raw.descriptor).st_ino for raw in (one, two, three)}) == 3
        one.ask(one.open("open-ct"), 0)
        assert two.is_blank() and three.is_blank()


def test_memory_that_somebody_kept_is_zeroed_and_never_handed_to_the_next(arena_home: Lines) -> None:
    path = arena_home.settings.arena_socket
    kept = Raw(path)
    kept.hello(arena_home.kernel().token)
    kept.ask(kept.open("open-ct"), 0, 1)
    number = os.fstat(kept.descriptor).st_ino
    kept.line.close()
    wait_for(kept.is_blank)
    with arena(path, arena_home.kernel("reviewer").token) as other:
        other.ask(other.open("open-ct"), 0)
        assert os.fstat(other.descriptor).st_ino != number
        assert kept.is_blank()
    kept.close()


def test_memory_is_passed_once(reader: Raw, arena_home: Lines) -> None:
    with pytest.raises(InvalidInput):
        reader.hello(arena_home.kernel().token)


def test_one_kernel_cannot_take_every_arena(arena_home: Lines) -> None:
    path, token, held = arena_home.settings.arena_socket, arena_home.kernel().token, []
    try:
        for _ in range(arena_door.MOST_VISITS_OF_ONE):
            held.append(Raw(path))
            held[-1].hello(token)
        with arena(path) as raw:
            with pytest.raises(Conflict, match="holds 32 arenas"):
                raw.hello(token)
        with arena(path, arena_home.kernel().token) as other:
            assert other.open("open-ct")
    finally:
        for raw in held:
            raw.close()


def test_gateway_takes_its_second_socket_along_when_it_ends(arena_home: Lines, tmp_path_factory: Any) -> None:
    from workbench.connection import running_gateway
    from workbench.settings import load_settings

    settings = load_settings(tmp_path_factory.mktemp("gone") / "home")
    with running_gateway(settings):
        assert settings.arena_socket.is_socket()
    wait_for(lambda: not settings.arena_socket.exists())
    assert not settings.socket.exists()


def events_of(lines: Lines, kernel: Connection, action: str) -> list[dict[str, Any]]:
    events = lines.person("custodian").get(f"/v1/audit?limit=200&action={action}")["events"]
    return [one["details"] for one in events if one["details"].get("token") == kernel.kernel]  # type: ignore[attr-defined]


def wait_for(is_so: Any) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
