"""Talks to the gateway about tasks: send a model, wait for its score, read the leaderboard.

Runs in: kernel | terminal
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from workbench.benchmark.board.table import Leaderboard
from workbench.benchmark.results import Entry
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


def list_submissions(line: Connection, task: str = "", *, since: int = 0) -> dict[str, Any]:
    """Give one's own submissions, newest first, and a `cursor`; with `since`, those that changed after an earlier one.

    Parameters
    ----------
    line : Connection
        Of a person or a kernel.
    task : str
        Only those to this task; all when left out.
    since : int
        The `cursor` of an earlier answer.
    """
    reply: dict[str, Any] = line.get(f"/v1/submissions?{urlencode({'task': task, 'since': since})}")
    return reply


def withdraw(line: Connection, submission: str) -> dict[str, Any]:
    """Take back one's own submission that waits or runs; it uses up no quota."""
    reply: dict[str, Any] = line.post(f"/v1/submissions/{_quoted(submission)}/withdraw")
    return reply


def read_items(line: Connection, task: str) -> list[str]:
    """Give the ids that predictions of a task's hidden test must name, sorted."""
    items: list[str] = line.get(f"/v1/tasks/{_quoted(task)}/items")["items"]
    return items


def read_leaderboard(line: Connection, task: str) -> Leaderboard:
    """Read a task's leaderboard."""
    return Leaderboard.from_reply(line.get(f"/v1/tasks/{_quoted(task)}/leaderboard"))


def _quoted(name: str) -> str:
    return quote(name, safe="")
