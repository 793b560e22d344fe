"""A lease is one decision on record; what ends its right ends it at the next request, or the next piece."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homes import Lines, begin, scan_facts, send, volume_of

from workbench.connection import Connection
from workbench.errors import AccessDenied, NotSignedIn
from workbench.gateway import leases
from workbench.gateway.leases import Key, Leases
from workbench.gateway.tokens import Token
from workbench.governance.decision import Decision
from workbench.governance.obligations import obligations_of
from workbench.governance.store import Store

KEY = Key(Token("ada", "kernel", "k1", "bubblewrap", purpose="p"), "dataset.read", "clinic-ct", "p")
YES = Decision(True, "Granted.", "granted", policy="house/read", grant="G1", purpose="p")
SHARD = "/v1/datasets/clinic-ct/scans/{}/zarr/0/c/0/0/0"


class Policy:
    """Answers that a test sets, and how often they were asked for."""

    def __init__(self) -> None:
        self.answer, self.asked = YES, 0

    def ask(self) -> Decision:
        self.asked += 1
        self.answer.require()
        return self.answer


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite")


def touch(store: Store) -> None:
    with store.change("somebody", "thing.change", "thing"):
        pass


def opened(store: Store) -> list[dict[str, Any]]:
    rows = store.read().execute("SELECT details FROM audit WHERE action = 'dataset.open' ORDER BY seq")
    return [json.loads(row["details"]) for row in rows.fetchall()]


def test_an_answer_is_looked_up_while_nothing_changes(store: Store) -> None:
    held, policy = Leases(store), Policy()
    assert len({id(held.hold(KEY, policy.ask)) for _ in range(100)}) == 1
    store.note("somebody", "thing.look", "thing")
    held.hold(KEY, policy.ask)
    assert policy.asked == 1


def test_any_change_has_the_policy_asked_again(store: Store) -> None:
    held, policy = Leases(store), Policy()
    lease = held.hold(KEY, policy.ask)
    touch(store)
    assert held.hold(KEY, policy.ask) is lease
    assert policy.asked == 2


def test_time_alone_has_the_policy_asked_again(store: Store) -> None:
    held, policy = Leases(store, fresh_s=0.0), Policy()
    for _ in range(3):
        held.hold(KEY, policy.ask)
    assert policy.asked == 3


def test_a_no_ends_the_lease_at_once(store: Store) -> None:
    held, policy = Leases(store), Policy()
    lease = held.hold(KEY, policy.ask)
    policy.answer = Decision(False, "Revoked.", "grant-revoked")
    held.check(lease)
    touch(store)
    for _ in range(2):
        with pytest.raises(AccessDenied, match="Revoked"):
            held.check(lease)
        with pytest.raises(AccessDenied, match="Revoked"):
            held.hold(KEY, policy.ask)


def test_another_purpose_kernel_or_dataset_is_another_lease(store: Store) -> None:
    held, policy = Leases(store), Policy()
    others = [
        KEY, Key(KEY.token, "dataset.view", "clinic-ct", "p"), Key(KEY.token, "dataset.read", "open-ct", "p"),
        Key(KEY.token, "dataset.read", "clinic-ct", ""),
        Key(Token("ada", "kernel", "k2", "bubblewrap", purpose="p"), "dataset.read", "clinic-ct", "p"),
    ]  # fmt: skip
    assert len({id(held.hold(key, policy.ask)) for key in others}) == policy.asked == 5


def test_the_opening_of_a_version_is_on_record_once_with_its_right(store: Store) -> None:
    held, policy = Leases(store), Policy()
    lease = held.hold(KEY, policy.ask)
    for version in ("v1", "v1", "v2"):
        held.open(lease, version)
    assert [event["version"] for event in opened(store)] == ["v1", "v2"]
    assert opened(store)[0] == {
        "version": "v1", "kind": "kernel", "token": "k1", "purpose": "p", "grant": "G1", "policy": "house/read",
        "obligations": [], "seconds": 300.0,
    }  # fmt: skip


def test_another_right_is_another_opening(store: Store) -> None:
    held, policy = Leases(store), Policy()
    held.open(held.hold(KEY, policy.ask), "v1")
    policy.answer = Decision(True, "Granted.", "granted", obligations_of({"drop": "people.age"}))
    touch(store)
    held.open(held.hold(KEY, policy.ask), "v1")
    assert [event["obligations"] for event in opened(store)] == [[], ["people.age is left out."]]


def test_a_lease_is_opened_anew_after_some_minutes(store: Store) -> None:
    held, policy = Leases(store, lease_s=0.0), Policy()
    for _ in range(2):
        held.open(held.hold(KEY, policy.ask), "v1")
    assert len(opened(store)) == policy.asked == 2


def test_leases_that_ended_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "MANY", 10)
    held, policy = Leases(store, lease_s=0.0), Policy()
    for number in range(50):
        held.hold(Key(KEY.token, "dataset.read", f"set-{number}", ""), policy.ask)
    assert len(held._leases) <= 12


# --- through a real gateway ---


@pytest.fixture
def large(lines: Lines) -> Lines:
    """Give lines to a gateway with a controlled dataset whose one scan has some 8 MB."""
    begun = begin(lines.person("custodian"), "clinic-ct")
    voxels = volume_of(7, (64, 256, 256))
    facts = scan_facts(voxels, 1)
    line, url = lines.person("custodian"), f"/v1/ingests/{begun['ingest']}"
    send(line, begun["ingest"], voxels, facts)
    line.request("PUT", f"{url}/objects/report.html", body=b"<p>report</p>")
    line.post(f"{url}/commit", {"scans": [facts], "card": {}, "note": "", "findings": []})
    lines.sign_off("clinic-ct")
    return lines


def size_of(line: Connection) -> int:
    return int(line.request("HEAD", SHARD.format("S0001"))[1]["content-length"])


def begin_reading(lines: Lines, token: str, headers: str = "") -> tuple[socket.socket, int]:
    """Ask for the whole shard and take only its first bytes; gives the line and how many bytes came."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(60)
    line.connect(str(lines.settings.socket))
    path = SHARD.format("S0001")
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n".encode())
    first = line.recv(4096)
    assert first.split(b" ")[1] in (b"200", b"206")
    return line, len(first)


def rest_of(line: socket.socket) -> int:
    count = 0
    while data := line.recv(1 << 20):
        count += len(data)
    line.close()
    return count


def revoke(lines: Lines, granted: dict[str, Any]) -> None:
    grant = granted["grant"]
    name = grant["id"] if isinstance(grant, dict) else grant
    lines.person("custodian").post(f"/v1/grants/{name}/revoke", {"reason": "a test"})


ENDINGS: dict[str, Callable[[Lines, dict[str, Any], Connection], object]] = {
    "a revoked grant": lambda lines, granted, _: revoke(lines, granted),
    "an ended kernel": lambda lines, _, line: lines.operator().delete(f"/v1/kernels/{line.kernel}"),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
@pytest.mark.parametrize("several", [False, True], ids=["one range", "several ranges"])
def test_what_ends_the_right_stops_a_volume_that_is_being_read(
    large: Lines, end: Callable[[Lines, dict[str, Any], Connection], object], several: bool
) -> None:
    granted = large.grant("researcher", "clinic-ct")
    kernel = large.kernel()
    size = size_of(kernel)
    half = f"Range: bytes=0-{size // 2},{size // 2 + 1}-{size - 1}\r\n" if several else ""
    line, count = begin_reading(large, kernel.token, half)
    end(large, granted, kernel)
    assert count + rest_of(line) < size - 2**20
    with pytest.raises((AccessDenied, NotSignedIn), match="revoked|ended"):
        kernel.request("GET", SHARD.format("S0001"))


def test_a_client_cut_off_in_the_middle_is_told_why(large: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = large.grant("researcher", "clinic-ct")
    kernel = large.kernel()
    read = http.client.HTTPResponse.read

    def read_late(self: http.client.HTTPResponse, amount: int | None = None) -> bytes:
        if granted and (self.length or 0) > 2**20:
            revoke(large, granted)
            granted.clear()
        return read(self, amount)

    monkeypatch.setattr(http.client.HTTPResponse, "read", read_late)
    with pytest.raises(AccessDenied, match="revoked"):
        kernel.request("GET", SHARD.format("S0001"))
