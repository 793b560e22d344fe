"""How long a person waits: predictions validated through the gateway, and a small file scored in its own process.

`python tests/bench/submissions.py` prints the rows; `run.py` collects them with those of the other benches.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workbench.benchmark.client import read_entry, send, wait_for
from workbench.benchmark.results import Entry
from workbench.connection import Connection, running_gateway
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))
from homes import lines_of
from submission_homes import ITEMS, TASK, fill_tasks, marks

# As many marks as LUNA16's candidates of the false-positive track that its script is measured with.
MARKS, ROUNDS = 55_677, 5


def run() -> list[dict[str, Any]]:
    """Measure in a home of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load_settings(Path(folder) / "home")
        with running_gateway(settings), lines_of(settings) as lines:
            fill_tasks(lines)
            line = lines.person("researcher")
            small = _validate(line, marks())
            large = _validate(line, many(MARKS))
            scored = _score(line)
    return [
        _row("5 marks validated", small * 1000, "ms", 1000.0),
        _row(f"{MARKS:,} marks validated", large * 1000, "ms", 1000.0),
        _row("5 marks scored, own process", scored, "s", None),
    ]


def many(count: int) -> bytes:
    """Give a predictions file of many marks on the hidden scans."""
    rows = (f"{ITEMS[n % len(ITEMS)]},{n % 97},{n % 89},{n % 83},{(n % 1000) / 1000}" for n in range(count))
    return "\n".join(["scan,x_mm,y_mm,z_mm,probability", *rows]).encode()


def _validate(line: Connection, content: bytes) -> float:
    """Give the median seconds of a whole validation, request and answer."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        entry = send(line, TASK, content, kind="predictions", intent="validation")
        taken.append(time.perf_counter() - began)
        if entry.state != "valid":
            raise RuntimeError(f"this should have been valid: {entry.message}")
    return statistics.median(taken)


def _score(line: Connection) -> float:
    """Give the seconds until a second submission is scored; the first measures the baselines."""

    def once() -> Entry:
        entry = wait_for(line, send(line, TASK, marks(), kind="predictions"))
        if entry.state != "scored":
            raise RuntimeError(f"this should have been scored: {entry.message}")
        return entry

    once()
    began = time.perf_counter()
    read_entry(line, once().submission)
    return time.perf_counter() - began


def _row(subject: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "bench": "submissions", "subject": subject, "value": value, "unit": unit,
        "peer": "the promise" if goal else None, "peer_value": goal, "ratio": value / goal if goal else None,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
