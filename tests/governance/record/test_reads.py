"""The record of reads: before the first byte, then counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from workbench.governance.record.audit import list_events, verify
from workbench.governance.record.reads import Reading, ReadLog
from workbench.governance.store import Store

READING = Reading("researcher", "token-1", "clinic-ct", "ab" * 32, "S0001")


@pytest.fixture
def log(store: Store) -> Iterator[ReadLog]:
    opened = ReadLog(store, period_s=3600)
    yield opened
    opened.close()


def _reads(store: Store) -> list[tuple[str, int, int]]:
    events = [event["details"] for event in list_events(store) if event["action"] == "dataset.read"]
    return [(details["scan"], details["reads"], details["bytes"]) for details in events]


def test_the_first_read_is_on_record_when_record_returns(store: Store, log: ReadLog) -> None:
    log.record(READING, 100)
    assert _reads(store) == [("S0001", 1, 100)]


def test_later_reads_are_counted_into_one_event(store: Store, log: ReadLog) -> None:
    for _ in range(1001):
        log.record(READING, 10)
    assert len(_reads(store)) == 1
    log.flush()
    assert _reads(store) == [("S0001", 1, 10), ("S0001", 1000, 10_000)]


@pytest.mark.parametrize(
    "change", [{"scan": "S0002"}, {"token": "token-2"}, {"person": "reviewer"}, {"reason": "new grant"}]
)
def test_another_scan_token_person_or_grant_is_a_first_read(store: Store, log: ReadLog, change: dict[str, str]) -> None:
    log.record(READING, 1)
    log.record(replace(READING, **change), 1)
    assert len(_reads(store)) == 2


def test_closing_records_what_is_left(store: Store) -> None:
    log = ReadLog(store, period_s=3600)
    log.record(READING, 1)
    log.record(READING, 2)
    log.close()
    assert _reads(store) == [("S0001", 1, 1), ("S0001", 1, 2)]
    assert verify(store)["ok"]
