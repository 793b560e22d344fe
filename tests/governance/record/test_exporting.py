"""The second place: it only grows, it survives crashes, and what stops it is on record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import IntegrityError
from workbench.governance.record import exporting
from workbench.governance.record.audit import list_events, verify
from workbench.governance.record.checkpoints import checkpoint_now
from workbench.governance.record.exporting import EXPORTED, Exporter, read_witness
from workbench.governance.store import Store


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Store]:
    """Give the store of an empty home."""
    store = Store(tmp_path / "home" / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "second-place"


def note(store: Store, count: int = 3) -> None:
    for number in range(count):
        store.note("researcher", "dataset.read", f"scan-{number}")


def exports(store: Store, place: Path) -> list[dict[str, Any]]:
    """Export as a gateway does that starts and stops; give the events that say so."""
    Exporter(store, place, period_s=3600).close()
    return list_events(store, action=EXPORTED)


def test_an_export_holds_the_hash_of_every_event(log: Store, place: Path) -> None:
    note(log)
    (event,) = exports(log, place)
    witness = read_witness(place / log.tree.name)
    assert (witness.problem, witness.size, event["details"]["size"]) == ("", 3, 3)
    assert [witness.hash_of(seq) for seq in (1, 2, 3)] == [row["hash"] for row in list_events(log)[:3]]


def test_nothing_new_is_not_exported_again(log: Store, place: Path) -> None:
    note(log)
    assert len(exports(log, place)) == len(exports(log, place)) == 1


def test_what_happens_is_exported_within_the_period(log: Store, place: Path) -> None:
    exporter = Exporter(log, place, period_s=0.02)
    note(log)
    deadline = time.monotonic() + 120
    while read_witness(place / log.tree.name).size < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    exporter.close()
    assert read_witness(place / log.tree.name).size >= 3
    assert verify(log, place)["ok"]


def test_what_happens_while_an_export_is_written_is_in_the_next(
    log: Store, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*words: Any) -> None:
        note(log, 1)
        really(*words)

    note(log)
    really = exporting._replace
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_replace", replace)
        sizes = [event["details"]["size"] for event in exports(log, place)]
    assert (sizes, len(list_events(log))) == ([3], 6)
    assert [event["details"]["size"] for event in exports(log, place)] == [3, 6]
    assert read_witness(place / log.tree.name).size == 6
    assert len(exports(log, place)) == 2


def test_half_a_hash_that_a_crash_left_is_written_anew(log: Store, place: Path) -> None:
    note(log)
    exports(log, place)
    with (place / log.tree.name / "hashes").open("ab") as hashes:
        hashes.write(b"half")
    note(log)
    assert len(exports(log, place)) == 2
    assert verify(log, place)["ok"]


def test_only_the_owner_reads_the_second_place(log: Store, place: Path) -> None:
    note(log)
    exports(log, place)
    assert (place / log.tree.name).stat().st_mode & 0o777 == 0o700


def test_an_export_that_the_log_no_longer_fits_is_never_overwritten(log: Store, place: Path) -> None:
    note(log)
    exports(log, place)
    hashes = place / log.tree.name / "hashes"
    hashes.write_bytes(bytes(96))
    note(log)
    assert [event["outcome"] for event in exports(log, place)] == ["done", "failed"]
    assert hashes.read_bytes() == bytes(96)
    assert verify(log, place)["ok"] is False


def test_a_place_that_cannot_be_written_is_noted_once_and_names_no_path(log: Store, place: Path) -> None:
    place.write_text("a file")
    note(log)
    exporter = Exporter(log, place, period_s=3600)
    exporter.export()
    exporter.close()
    (event,) = list_events(log, action=EXPORTED)
    assert event["outcome"] == "failed"
    assert str(place) not in str(event)


def test_nothing_is_signed_for_events_that_were_changed(log: Store) -> None:
    note(log)
    log._writer.execute("DROP TRIGGER audit_is_never_edited")
    log._writer.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    with pytest.raises(IntegrityError, match="Event 2"):
        checkpoint_now(log)
