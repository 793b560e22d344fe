"""The record of reads: the first one is on the disk before its bytes leave, the rest are counted each second.

A volume is thousands of ranges; an event for each would cost a disk flush per range and bury everything else.

Runs in: gateway
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from workbench.governance.record.chain import Event
from workbench.governance.store import Store

# When this many (token, dataset, scan) were seen, the memory starts anew; then a first read is recorded again.
MOST_REMEMBERED = 50_000


@dataclass(frozen=True)
class Reading:
    """Who reads what: one line of the count."""

    person: str
    token: str
    dataset: str
    version: str
    scan: str
    reason: str = ""


class ReadLog:
    """Counts reads and records them.

    Parameters
    ----------
    store : Store
        Where the events go.
    period_s : float, default 1.0
        How often counts become events, seconds.
    """

    def __init__(self, store: Store, *, period_s: float = 1.0) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: set[Reading] = set()
        self._opening: dict[Reading, threading.Event] = {}
        self._counts: dict[Reading, list[int]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(period_s,), name="read-log", daemon=True)
        self._thread.start()

    def record(self, reading: Reading, size_bytes: int) -> None:
        """Record one read; when this returns for a first read, its event is on the disk."""
        while True:
            with self._lock:
                if reading in self._seen:
                    count = self._counts.setdefault(reading, [0, 0])
                    count[0] += 1
                    count[1] += size_bytes
                    return
                opening = self._opening.get(reading)
                if opening is None:
                    mine = self._opening[reading] = threading.Event()
                    break
            # A second read of the same scan does not overtake the record of the first; reads of others do not wait.
            opening.wait()
        try:
            self._store.note_many([_event(reading, 1, size_bytes)])
            with self._lock:
                if len(self._seen) >= MOST_REMEMBERED:
                    self._seen.clear()
                self._seen.add(reading)
        finally:
            with self._lock:
                del self._opening[reading]
            mine.set()

    def flush(self) -> None:
        """Turn the counts into events now."""
        with self._lock:
            counts, self._counts = self._counts, {}
        self._store.note_many([_event(reading, *count) for reading, count in counts.items()])

    def close(self) -> None:
        """Stop the clock and record what is left."""
        self._stop.set()
        self._thread.join()
        self.flush()

    def _run(self, period_s: float) -> None:
        while not self._stop.wait(period_s):
            self.flush()


def _event(reading: Reading, count: int, size_bytes: int) -> Event:
    details: dict[str, object] = {"token": reading.token, "version": reading.version, "scan": reading.scan}
    details |= {"reads": count, "bytes": size_bytes}
    return Event(reading.person, "dataset.read", reading.dataset, "allowed", reading.reason, details)
