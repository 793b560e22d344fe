"""Group commit: many threads, few commits, and nobody goes on before their own event is on the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from workbench.governance.record.audit import list_events, verify
from workbench.governance.record.batches import Batches, Rows
from workbench.governance.record.chain import Event
from workbench.governance.store import Store

THREADS = 16


def _together(do: Callable[[int], object], count: int = 200) -> list[object]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(do, range(count)))


def test_every_event_is_on_record_when_its_own_note_returns(store: Store) -> None:
    def note(number: int) -> bool:
        store.note("researcher", "dataset.read", f"scan-{number}")
        query = "SELECT 1 FROM audit WHERE resource = ?"
        return store.read().execute(query, (f"scan-{number}",)).fetchone() is not None

    assert all(_together(note))
    assert verify(store)["ok"]


def test_events_of_many_threads_share_commits() -> None:
    written: list[int] = []
    gate = threading.Event()

    def write(rows: Rows) -> None:
        gate.wait(5)
        written.append(len(rows))

    batches = Batches(threading.RLock(), write)
    with ThreadPoolExecutor(THREADS) as threads:
        done = [threads.submit(batches.add, [{"n": number}]) for number in range(THREADS)]
        while len(batches._open.rows) < THREADS - 1:
            pass
        gate.set()
    assert [one.result() for one in done] == [None] * THREADS
    assert written == [1, THREADS - 1]


def test_an_event_that_cannot_be_written_fails_alone(store: Store) -> None:
    def note(number: int) -> str:
        try:
            store.note("researcher", "dataset.read", f"scan-{number}", what=object() if number == 50 else 1)
        except TypeError:
            return "refused"
        return "noted"

    assert _together(note).count("refused") == 1
    assert len(list_events(store, limit=1000, resource="scan-51")) == 1
    assert verify(store)["ok"]


def test_a_disk_that_is_full_fails_everybody_who_waits_and_the_next_batch_begins_anew() -> None:
    broken = [True]

    def write(rows: Rows) -> None:
        if broken[0]:
            raise sqlite3.OperationalError("database or disk is full")

    batches = Batches(threading.RLock(), write)
    with pytest.raises(sqlite3.OperationalError):
        batches.add([{"n": 1}])
    broken[0] = False
    batches.add([{"n": 2}])


def test_a_leader_that_is_interrupted_leaves_nobody_waiting() -> None:
    def write(rows: Rows) -> None:
        raise KeyboardInterrupt

    batches = Batches(threading.RLock(), write)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            batches.add([{"n": 1}])


def test_noting_inside_a_change_is_refused_and_a_change_of_another_thread_is_waited_for(store: Store) -> None:
    with ThreadPoolExecutor(1) as thread:
        with store.change("custodian", "purpose.add", "new"):
            with pytest.raises(ValueError, match="A change is open"):
                store.note("custodian", "purpose.look", "new")
            waiting = thread.submit(store.note, "researcher", "dataset.read", "clinic-ct")
            assert not waiting.done()
        waiting.result(timeout=60)
    assert [event["action"] for event in list_events(store, limit=2)] == ["purpose.add", "dataset.read"]


def test_text_that_is_no_unicode_is_recorded_all_the_same(store: Store) -> None:
    store.note_many([Event("researcher", "dataset.see", "\ud800", "denied", "no “\udfff”", {"asked": "\ud800"})])
    event = list_events(store)[-1]
    assert (event["resource"], event["details"]) == ("?", {"asked": "\ud800"})
    assert verify(store)["ok"]
