"""Submissions in the store: the tables, one row read back, and what is shown of it.

A re-scoring and the run on the final split are rows of the same table (`intent` rescore and final, `origin` the
submission they are about), so the same leases, deadlines and results hold for them. What may change a row is in
`states`; who does it is in `taking`, `leases` and `ending`.

Runs in: gateway
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.errors import Conflict, NotFound
from workbench.governance.canonical import canonical_json
from workbench.governance.store import Change, Store, stamped

KINDS = ("onnx", "predictions", "folder")
# What a person sends, and what is done again with what they sent.
INTENTS, AGAIN = ("validation", "scored"), ("rescore", "final")

SCHEMA = """
CREATE TABLE IF NOT EXISTS submissions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL,
  hidden TEXT NOT NULL, person TEXT NOT NULL REFERENCES people,
  kind TEXT NOT NULL CHECK (kind IN ('onnx', 'predictions', 'folder')),
  intent TEXT NOT NULL CHECK (intent IN ('validation', 'scored', 'rescore', 'final')),
  origin TEXT, split TEXT NOT NULL, note TEXT NOT NULL, sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'scored', 'valid', 'failed', 'withdrawn')), code TEXT,
  message TEXT NOT NULL, scores TEXT, draws BLOB, cost TEXT, predictions TEXT,
  created TEXT NOT NULL, deadline TEXT NOT NULL, started TEXT, ended TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, changed INTEGER NOT NULL,
  CHECK ((state = 'running') = (lease IS NOT NULL)),
  CHECK ((state = 'scored') = (scores IS NOT NULL)),
  CHECK ((state IN ('queued', 'running')) = (ended IS NULL)),
  CHECK ((state = 'failed') = (code IS NOT NULL)),
  CHECK ((intent IN ('rescore', 'final')) = (origin IS NOT NULL))) STRICT;
CREATE INDEX IF NOT EXISTS submissions_of_task ON submissions (task, state);
CREATE INDEX IF NOT EXISTS submissions_of_person ON submissions (person, task);
CREATE INDEX IF NOT EXISTS submissions_changed ON submissions (changed);
CREATE INDEX IF NOT EXISTS submissions_under_way ON submissions (state) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX IF NOT EXISTS one_final_run ON submissions (origin)
  WHERE intent = 'final' AND state IN ('queued', 'running', 'scored');
CREATE TABLE IF NOT EXISTS task_versions (
  version TEXT PRIMARY KEY, task TEXT NOT NULL, definition TEXT NOT NULL, data TEXT NOT NULL, created TEXT NOT NULL,
  closed TEXT) STRICT;
CREATE TABLE IF NOT EXISTS baselines (
  task_version TEXT NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL, scores TEXT NOT NULL, draws BLOB,
  created TEXT NOT NULL, PRIMARY KEY (task_version, split, name)) STRICT, WITHOUT ROWID;
"""


def find_row(store: Store, submission: str, person: str | None = None) -> sqlite3.Row:
    """Give the row of one submission; with `person`, only when it is theirs.

    Raises
    ------
    NotFound
        When there is none, or it belongs to somebody else.
    """
    row: sqlite3.Row | None = store.read().execute(
        "SELECT * FROM submissions WHERE id = ?", (submission,)
    ).fetchone()  # fmt: skip
    if row is None or person not in (None, row["person"]):
        raise NotFound(
            f"You have no submission “{submission[:32]}”; `workbench submissions` lists those you have sent."
        )
    return row


def read(store: Store, submission: str, person: str | None = None) -> dict[str, Any]:
    """Give one submission as `body` shows it; with `person`, only when it is theirs.

    Raises
    ------
    NotFound
        When there is none, or it belongs to somebody else.
    """
    return body(store, find_row(store, submission, person))


def body(store: Store, row: sqlite3.Row) -> dict[str, Any]:
    """Give what a submission's row says, with exact scores: what of them a person sees is decided where it is shown."""
    return {
        "submission": row["id"], "task": row["task"], "task_version": row["task_version"], "person": row["person"],
        "kind": row["kind"], "intent": row["intent"], "origin": row["origin"], "note": row["note"],
        "sha256": row["sha256"], "state": row["state"], "code": row["code"], "message": row["message"],
        "metric": metric_of(store, row), "scores": json.loads(row["scores"]) if row["scores"] else None,
        "cost": json.loads(row["cost"]) if row["cost"] else None,
        "created": row["created"], "started": row["started"], "ended": row["ended"], "deadline": row["deadline"],
        "attempts": row["attempts"], "changed": row["changed"],
    }  # fmt: skip


def definition_of(store: Store, task_version: str, task: str) -> TaskDefinition:
    """Give a task as it was when a version of it was submitted to; its present definition where that is not kept."""
    row = store.read().execute("SELECT definition FROM task_versions WHERE version = ?", (task_version,)).fetchone()
    return task_definition(task) if row is None else TaskDefinition.from_dict(json.loads(row["definition"]))


def metric_of(store: Store, row: sqlite3.Row) -> str:
    """Give the metric that a submission is ranked by; empty when its task is no longer there."""
    try:
        return definition_of(store, row["task_version"], row["task"]).metric
    except NotFound:
        return ""


def keep_version(db: Change, store: Store, task: TaskDefinition, data: Mapping[str, str]) -> str:
    """Keep a task and the versions of its data under their hash, once, and give the hash."""
    version = task.version(data)
    db.execute(
        "INSERT OR IGNORE INTO task_versions (version, task, definition, data, created) VALUES (?, ?, ?, ?, ?)",
        (version, task.id, canonical_json(task.as_dict()).decode(),
         canonical_json(dict(data)).decode(), stamped(store)),
    )  # fmt: skip
    return version


def next_change(db: Change) -> int:
    """Give the number of the next change of any submission; `since` counts by it."""
    return int(db.execute("SELECT COALESCE(MAX(changed), 0) + 1 FROM submissions").fetchone()[0])


def pins(store: Store, task: TaskDefinition) -> dict[str, str]:
    """Give the version of each of the task's datasets: the one the task pins, else the newest.

    Raises
    ------
    Conflict
        When one of them has no version yet.
    """
    found = task.pinned()
    for dataset in sorted(set(task.datasets()) - set(found)):
        row = store.read().execute(
            "SELECT version FROM published WHERE dataset = ? ORDER BY number DESC LIMIT 1", (dataset,)
        ).fetchone()  # fmt: skip
        if row is None:
            raise Conflict(f"The data of {task.id} are not filled in this home yet; `workbench demo` fills them.")
        found[dataset] = row["version"]
    return found
