"""The audit log: whatever is done to it behind the workbench's back, verification names the first bad event."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from workbench.governance.record.audit import list_events, verify
from workbench.governance.record.chain import COLUMNS, Event, append
from workbench.governance.record.sealing import Sealer
from workbench.governance.store import Store


def _log(tmp_path: Path, events: int = 10) -> Path:
    """Give the path of a store with this many events."""
    path = tmp_path / "home" / "store.sqlite"
    store = Store(path)
    store.note_many([Event("researcher", "dataset.read", "clinic-ct", details={"reads": n}) for n in range(events)])
    store.close()
    return path


def _tamper(path: Path, *statements: str) -> None:
    """Change the file as somebody would who can write it: the triggers are no defence against that."""
    db = sqlite3.connect(path)
    db.executescript("DROP TRIGGER audit_is_never_edited; DROP TRIGGER audit_is_never_shortened;")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def _verdict(path: Path) -> dict[str, object]:
    store = Store(path)
    verdict = verify(store)
    store.close()
    return verdict


def test_an_untouched_log_verifies(tmp_path: Path) -> None:
    verdict = _verdict(_log(tmp_path))
    assert (verdict["ok"], verdict["events"], verdict["first_bad"]) == (True, 10, None)


def test_an_empty_log_verifies(tmp_path: Path) -> None:
    assert _verdict(tmp_path / "store.sqlite")["ok"]


@pytest.mark.parametrize("column", ["time", "actor", "action", "resource", "outcome", "reason", "details", "seal"])
def test_an_edited_event_is_named(tmp_path: Path, column: str) -> None:
    path = _log(tmp_path)
    _tamper(path, f"UPDATE audit SET {column} = 'other' WHERE seq = 4")  # noqa: S608 - a column of ours
    assert _verdict(path)["first_bad"] == 4


def test_a_deleted_event_is_named(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq = 4")
    verdict = _verdict(path)
    assert verdict["first_bad"] == 4
    assert "missing" in str(verdict["reason"])


def test_a_deleted_event_is_named_even_when_the_rest_is_renumbered(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = seq - 1 WHERE seq > 4")
    assert _verdict(path)["first_bad"] == 4


def test_a_log_that_lost_its_beginning_is_named(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq <= 3")
    assert _verdict(path)["first_bad"] == 1


def test_an_inserted_event_is_named(tmp_path: Path) -> None:
    path = _log(tmp_path)
    others = COLUMNS.removeprefix("seq, ")
    _tamper(
        path,
        "UPDATE audit SET seq = seq + 1000 WHERE seq > 4",
        "UPDATE audit SET seq = seq - 999 WHERE seq > 1000",
        f"INSERT INTO audit ({COLUMNS}) SELECT 5, {others} FROM audit WHERE seq = 2",  # noqa: S608 - columns of ours
    )
    assert _verdict(path)["first_bad"] == 5


def test_two_exchanged_events_are_named(tmp_path: Path) -> None:
    path = _log(tmp_path)
    swaps = ("UPDATE audit SET seq = 99 WHERE seq = 6", "UPDATE audit SET seq = 6 WHERE seq = 7")
    _tamper(path, *swaps, "UPDATE audit SET seq = 7 WHERE seq = 99")
    assert _verdict(path)["first_bad"] == 6


@pytest.mark.parametrize("left", [9, 5, 0])
def test_a_log_cut_short_is_named(tmp_path: Path, left: int) -> None:
    path = _log(tmp_path)
    _tamper(path, f"DELETE FROM audit WHERE seq > {left}")  # noqa: S608 - a number
    verdict = _verdict(path)
    assert verdict["first_bad"] == left + 1
    assert "cut" in str(verdict["reason"])


def test_a_chain_computed_again_without_the_key_is_named(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq > 3")
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    forger = Sealer(tmp_path / "other-keys", tmp_path / "other.head")
    append(db, [Event("researcher", "dataset.read", "other").row()] * 7, forger, "2026-05-03T12:00:00.000000Z")
    db.commit()
    db.close()
    verdict = _verdict(path)
    assert verdict["first_bad"] == 4
    assert "audit key" in str(verdict["reason"])


def test_a_cut_log_stays_bad_however_much_is_written_after_it(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq > 3")
    store = Store(path)
    store.note_many([Event("researcher", "dataset.read", "clinic-ct")] * 20)
    store.close()
    assert _verdict(path)["first_bad"] == 4


def test_a_log_cut_under_a_running_store_stays_bad(tmp_path: Path) -> None:
    store = Store(_log(tmp_path))
    _tamper(store.path, "DELETE FROM audit WHERE seq > 3")
    store.note("researcher", "dataset.read", "clinic-ct")
    assert verify(store)["first_bad"] == 4
    store.close()


def test_a_log_emptied_together_with_its_head_is_named(store: Store) -> None:
    store.close()
    _tamper(store.path, "DELETE FROM audit")
    (store.path.parent / "audit.head").unlink()
    assert _verdict(store.path)["first_bad"] == 1


@pytest.mark.parametrize("forged", [b"", b"{}", b'{"hash":"00","seq":3,"signature":"00"}'])
def test_a_forged_head_does_not_hide_a_cut(tmp_path: Path, forged: bytes) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq > 3")
    (path.parent / "audit.head").write_bytes(forged)
    assert (_verdict(path)["ok"], _verdict(path)["first_bad"]) == (False, 4)


def test_a_removed_head_does_not_hide_a_cut(tmp_path: Path) -> None:
    path = _log(tmp_path)
    _tamper(path, "DELETE FROM audit WHERE seq > 3")
    (path.parent / "audit.head").unlink()
    assert (_verdict(path)["ok"], _verdict(path)["first_bad"]) == (False, 4)


def test_an_older_head_is_what_a_crash_leaves_and_still_verifies(tmp_path: Path) -> None:
    path = _log(tmp_path)
    head = (path.parent / "audit.head").read_bytes()
    store = Store(path)
    store.note("researcher", "dataset.read", "clinic-ct")
    store.close()
    (path.parent / "audit.head").write_bytes(head)
    assert _verdict(path)["ok"]


def test_the_head_names_the_newest_event_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    path = _log(tmp_path)
    assert json.loads((path.parent / "audit.head").read_text())["seq"] == 10
    assert (path.parent / "keys" / "audit.key").stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o600


def test_events_are_listed_oldest_first_within_a_limit(tmp_path: Path) -> None:
    store = Store(_log(tmp_path))
    assert [event["seq"] for event in list_events(store, limit=3)] == [8, 9, 10]
    assert [event["seq"] for event in list_events(store, since=8)] == [9, 10]
    store.close()
