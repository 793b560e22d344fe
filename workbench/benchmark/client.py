"""Talks to the gateway about tasks: send a model, wait for its score, read the leaderboard.

Runs in: kernel | terminal
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

from workbench.benchmark.results import Entry, Leaderboard
from workbench.connection import Connection

POLL_S = 0.5
ENDED = ("scored", "failed", "valid", "withdrawn")
BYTES = {"Content-Type": "application/octet-stream"}


def send(
    line: Connection, task: str, content: bytes, *, kind: str = "onnx", note: str = "", intent: str = "scored"
) -> Entry:
    """Send a model, predictions or a zipped folder to a task's hidden test and give its entry as it stands."""
    query = urlencode({"kind": kind, "intent": intent, "note": note})
    url = f"/v1/tasks/{_quoted(task)}/submissions?{query}"
    return Entry.from_reply(json.loads(line.request("POST", url, body=content, headers=BYTES)[2]))


def read_entry(line: Connection, submission: str) -> Entry:
    """Read a submission's state."""
    return Entry.from_reply(line.get(f"/v1/submissions/{_quoted(submission)}"))


def wait_for(line: Connection, entry: Entry, watch: Callable[[Entry], None] | None = None) -> Entry:
    """Wait until a submission has ended; the gateway gives every state a deadline, so it does end."""
    while entry.state not in ENDED:
        time.sleep(POLL_S)
        entry = read_entry(line, entry.submission)
        if watch is not None:
            watch(entry)
    return entry


def read_leaderboard(line: Connection, task: str) -> Leaderboard:
    """Read a task's leaderboard."""
    return Leaderboard.from_reply(line.get(f"/v1/tasks/{_quoted(task)}/leaderboard"))


def _quoted(name: str) -> str:
    return quote(name, safe="")
