"""Group commit: events that many threads note at the same time share one transaction and one flush to the disk.

The first thread that brings events to an empty batch leads it: it waits for the store, closes the batch, and writes
all that gathered meanwhile. The others wait for the leader. Nobody returns before their event is on the disk.

Runs in: gateway
Source: DeWitt et al., "Implementation techniques for main memory database systems", SIGMOD 1984, section 5.2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]


class _Batch:
    """Events that are written together."""

    def __init__(self) -> None:
        self.rows: Rows = []
        # Held until the batch is written; whoever waits takes it and gives it on, which costs half of an Event.
        self.writing = threading.Lock()
        self.writing.acquire()
        self.error: BaseException | None = None


class Batches:
    """Gathers rows from many threads and hands them to `write` in batches.

    Parameters
    ----------
    lock : context manager
        Held while a batch is written; whatever else writes holds it too, and meanwhile the next batch gathers.
    write : callable
        Writes rows durably, or raises.
    """

    def __init__(self, lock: threading.RLock, write: Callable[[Rows], None]) -> None:
        self._lock, self._write = lock, write
        self._gate = threading.Lock()
        self._open = _Batch()

    def add(self, rows: Rows) -> None:
        """Have rows written; when this returns they are, and when it raises none of the batch is."""
        with self._gate:
            batch = self._open
            is_leader = not batch.rows
            batch.rows += rows
        if is_leader:
            self._lead(batch)
        else:
            with batch.writing:
                pass
        if batch.error is not None:
            raise batch.error

    def _lead(self, batch: _Batch) -> None:
        try:
            with self._lock:
                self._close(batch)
                self._write(batch.rows)
        except BaseException as error:
            batch.error = error
            raise
        finally:
            # Also when the leader was interrupted before it began: nobody may join or wait for it any more.
            self._close(batch)
            batch.writing.release()

    def _close(self, batch: _Batch) -> None:
        with self._gate:
            if self._open is batch:
                self._open = _Batch()
