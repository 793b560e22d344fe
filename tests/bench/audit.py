"""Recording events from many threads in shared commits beside a commit for each, and verifying the log."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from workbench.governance.record.audit import verify
from workbench.governance.record.checkpoints import checkpoint_now
from workbench.governance.store import Store

THREADS, EACH, ALONE, ROUNDS = 256, 80, 400, 3


def run() -> list[dict[str, Any]]:
    """Measure in turn, each on a store of its own, and give the rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rounds = [_round(Path(folder) / str(number)) for number in range(ROUNDS)]
    together, alone, verified, signed = (median(rates) for rates in zip(*rounds, strict=True))
    return [
        {"bench": "audit", "subject": f"events noted, {THREADS} threads", "value": together, "unit": "events/s",
         "peer": "one commit for each event", "peer_value": alone, "ratio": together / alone},
        {"bench": "audit", "subject": "events verified", "value": verified, "unit": "events/s"},
        {"bench": "audit", "subject": "events taken into the signed tree", "value": signed, "unit": "events/s"},
    ]  # fmt: skip


def _round(folder: Path) -> tuple[float, float, float, float]:
    store = Store(folder / "store.sqlite")
    try:
        alone = ALONE / _seconds(lambda: _note(store, ALONE))
        together = THREADS * EACH / _seconds(lambda: _note_together(store))
        events = ALONE + THREADS * EACH
        verified = events / _seconds(lambda: verify(store))
        signed = events / _seconds(lambda: checkpoint_now(store))
    finally:
        store.close()
    return together, alone, verified, signed


def _note(store: Store, count: int) -> None:
    for number in range(count):
        store.note("researcher", "dataset.read", "clinic-ct", reason="granted by custodian", reads=number)


def _note_together(store: Store) -> None:
    threads = [threading.Thread(target=_note, args=(store, EACH)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(*run(), sep="\n")
