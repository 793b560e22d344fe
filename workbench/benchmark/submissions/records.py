"""Submissions in the store: who sent what to which task, the state it is in, and the leaderboard.

Every state but the last ones has a deadline, so nothing waits for ever; a failure never uses up quota.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.errors import Conflict, InvalidInput, NotFound, SubmissionRefused
from workbench.governance.canonical import stamp
from workbench.governance.store import Change, Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS submissions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL,
  person TEXT REFERENCES people, kind TEXT NOT NULL CHECK (kind IN ('submission', 'baseline')),
  intent TEXT NOT NULL CHECK (intent IN ('scored', 'validation')), note TEXT NOT NULL, sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'scored', 'valid', 'failed')), code TEXT,
  message TEXT NOT NULL, scores TEXT, created TEXT NOT NULL, deadline TEXT NOT NULL, ended TEXT) STRICT;
CREATE INDEX IF NOT EXISTS submissions_of_task ON submissions (task, state);
"""

INTENTS = ("scored", "validation")
MAX_NOTE = 120
MAX_WAITING = 20
QUEUED_FOR = timedelta(minutes=30)
# Reading and preparing the hidden scans comes before the model runs.
PREPARING_FOR = timedelta(minutes=10)
COLUMNS = "id, task, task_version, person, kind, intent, note, sha256, state, code, message, scores, created, ended"


@dataclass(frozen=True)
class Outcome:
    """How an evaluation ended: `state`, for a failure its `code`, and for a scored one its aggregate `scores`."""

    state: str
    code: str | None = None
    scores: dict[str, Any] | None = None
    message: str = ""


def submit(
    store: Store, folder: Path, person: str, task: str, model: bytes, *, intent: str = "scored", note: str = ""
) -> dict[str, Any]:
    """Take a model in and queue it.

    Raises
    ------
    InvalidInput
        For an unknown intent or a note that is too long.
    SubmissionRefused
        When the model is empty or too large, or the person's quota is used up.
    Conflict
        When the hidden test is not filled yet, or too many submissions wait.
    """
    wanted = task_definition(task)
    if intent not in INTENTS:
        raise InvalidInput(f"intent must be {' or '.join(INTENTS)}, not “{intent}”.")
    if len(note) > MAX_NOTE or not note.isprintable():
        raise InvalidInput(f"The note must be one line of at most {MAX_NOTE} characters.")
    limit = wanted.limits.model_mib * 2**20
    if not 0 < len(model) <= limit:
        raise SubmissionRefused(f"The model has {len(model)} bytes; it must have 1 to {limit}.", code="MODEL_REFUSED")
    version = wanted.version(pins(store, wanted))
    now = store.now()
    with store.change(person, "task.submit", task, intent=intent) as db:
        _check_room(db, person, wanted, intent, now)
        submission = db.next_id("submissions", "B")
        digest = hashlib.sha256(model).hexdigest()
        db.execute(
            "INSERT INTO submissions (id, task, task_version, person, kind, intent, note, sha256, state, message, "
            "created, deadline) VALUES (?, ?, ?, ?, 'submission', ?, ?, ?, 'queued', ?, ?, ?)",
            (submission, task, version, person, intent, note, digest, "Waiting for the evaluator.", stamp(now),
             stamp(now + QUEUED_FOR)),
        )  # fmt: skip
        db.details.update(submission=submission, sha256=digest)
        _keep(model_file(folder, submission), model)
    return read(store, submission)


def start(store: Store, submission: str) -> dict[str, Any]:
    """Let a queued submission run, until a deadline."""
    row = _row(store, submission)
    limits = task_definition(row["task"]).limits
    now = store.now()
    with store.change(row["person"], "submission.start", submission) as db:
        changed = db.execute(
            "UPDATE submissions SET state = 'running', message = ?, deadline = ? WHERE id = ? AND state = 'queued'",
            ("Running on the hidden test.", stamp(now + PREPARING_FOR + timedelta(seconds=limits.seconds)), submission),
        )
        if changed.rowcount != 1:
            raise Conflict(f"Submission {submission} is not waiting any more.")
    return read(store, submission)


def finish(
    store: Store, submission: str, outcome: Outcome, *, baselines: tuple[tuple[str, dict[str, Any]], ...] = ()
) -> dict[str, Any]:
    """End a submission; one that has ended stays as it is.

    Parameters
    ----------
    store : Store
        The home's store.
    submission : str
        Its id.
    outcome : Outcome
        How it ended.
    baselines : tuple of (name, scores)
        Measured in the same pass; each is kept once per task version and stays on the board.
    """
    row = _row(store, submission)
    message = outcome.message or _message(outcome)
    with store.change(row["person"], "submission.finish", submission, code=outcome.code, state=outcome.state) as db:
        changed = db.execute(
            "UPDATE submissions SET state = ?, code = ?, message = ?, scores = ?, ended = ? "
            "WHERE id = ? AND state IN ('queued', 'running')",
            (outcome.state, outcome.code, message, _json(outcome.scores), stamp(store.now()), submission),
        )
        if changed.rowcount != 1:
            raise Conflict(f"Submission {submission} has ended already.")
        for name, scores in baselines:
            _keep_baseline(db, row, name, scores, stamp(store.now()))
    return read(store, submission)


def expire(store: Store) -> list[str]:
    """Fail what is past its deadline; give their ids."""
    now = stamp(store.now())
    rows = store.read().execute(
        "SELECT id FROM submissions WHERE state IN ('queued', 'running') AND deadline < ?", (now,)
    )
    late = [row["id"] for row in rows]
    for submission in late:
        _end_quietly(store, submission, Outcome("failed", "TIMEOUT"))
    return late


def abandon(store: Store) -> list[str]:
    """Fail what was under way when the gateway stopped; give their ids."""
    rows = store.read().execute("SELECT id FROM submissions WHERE state IN ('queued', 'running')")
    left = [row["id"] for row in rows]
    text = "The gateway stopped while this was under way; it does not count, submit it again."
    for submission in left:
        _end_quietly(store, submission, Outcome("failed", "INTERNAL_ERROR", message=text))
    return left


def read(store: Store, submission: str, person: str | None = None) -> dict[str, Any]:
    """Give one submission; with `person`, only when it is theirs.

    Raises
    ------
    NotFound
        When there is none, or it belongs to somebody else.
    """
    row = _row(store, submission)
    if person is not None and row["person"] != person:
        raise _unknown(submission)
    return {
        "submission": row["id"], "task": row["task"], "task_version": row["task_version"], "person": row["person"],
        "intent": row["intent"], "note": row["note"], "sha256": row["sha256"], "state": row["state"],
        "code": row["code"], "message": row["message"], "metric": task_definition(row["task"]).metric,
        "scores": json.loads(row["scores"]) if row["scores"] else None, "created": row["created"],
        "ended": row["ended"],
    }  # fmt: skip


def model_file(folder: Path, submission: str) -> Path:
    """Give where a submitted model lies."""
    return folder / f"{submission}.onnx"


def pins(store: Store, task: TaskDefinition) -> dict[str, str]:
    """Give the newest version of each of the task's datasets.

    Raises
    ------
    Conflict
        When one of them has no version yet.
    """
    found = {}
    for dataset in task.datasets():
        row = store.read().execute(
            "SELECT version FROM published WHERE dataset = ? ORDER BY number DESC LIMIT 1", (dataset,)
        ).fetchone()  # fmt: skip
        if row is None:
            raise Conflict(f"The data of {task.id} are not filled in this home yet; `workbench demo` fills them.")
        found[dataset] = row["version"]
    return found


def leaderboard(store: Store, task: str) -> dict[str, Any]:
    """Give the board of the task's present version: the best of each person, and the baselines."""
    wanted = task_definition(task)
    try:
        version = wanted.version(pins(store, wanted))
    except Conflict:
        version = ""
    rows = store.read().execute(
        f"SELECT {COLUMNS} FROM submissions WHERE task = ? AND task_version = ? AND state = 'scored' "  # noqa: S608
        "ORDER BY number", (task, version),
    )  # fmt: skip
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        entry = _board_entry(row)
        key = (entry["kind"], entry["person"])
        if key not in best or entry["value"] > best[key]["value"]:
            best[key] = entry
    entries = sorted(best.values(), key=lambda entry: -entry["value"])
    for entry in entries:
        entry["rank"] = 1 + sum(other["value"] > entry["value"] for other in entries)
    meaning = definition(wanted.metric)
    return {
        "task": task, "title": wanted.title, "question": wanted.question, "metric": wanted.metric,
        "metric_name": meaning.name, "definition": meaning.text, "version": version, "synthetic": wanted.synthetic,
        "closed": False, "entries": entries,
    }  # fmt: skip


def _board_entry(row: sqlite3.Row) -> dict[str, Any]:
    scores = json.loads(row["scores"])
    return {
        "submission": row["id"], "person": row["person"] or row["note"], "note": row["note"] if row["person"] else "",
        "kind": row["kind"], "value": scores["value"], "interval": scores["interval"], "final": None,
        "created": row["created"],
    }  # fmt: skip


def _check_room(db: Change, person: str, task: TaskDefinition, intent: str, now: datetime) -> None:
    """Refuse when too many wait, or the person's scored submissions of the last week fill the quota."""
    waiting = db.execute("SELECT COUNT(*) FROM submissions WHERE state IN ('queued', 'running')").fetchone()[0]
    if waiting >= MAX_WAITING:
        raise Conflict(f"{waiting} submissions wait already; try again when some have ended.")
    if intent != "scored":
        return
    used = db.execute(
        "SELECT COUNT(*) FROM submissions WHERE person = ? AND task = ? AND intent = 'scored' AND state <> 'failed' "
        "AND created > ?", (person, task.id, stamp(now - timedelta(days=7))),
    ).fetchone()[0]  # fmt: skip
    if used >= task.quota.scored_per_week:
        raise SubmissionRefused(
            f"You have {used} scored submissions to {task.id} in the last 7 days, which is all; failed ones did not "
            "count. Rehearse with intent “validation”, or wait.", code="QUOTA",
        )  # fmt: skip


def _keep_baseline(db: Change, row: sqlite3.Row, name: str, scores: dict[str, Any], now: str) -> None:
    known = db.execute(
        "SELECT 1 FROM submissions WHERE task = ? AND task_version = ? AND kind = 'baseline' AND note = ?",
        (row["task"], row["task_version"], name),
    ).fetchone()
    if known is None:
        db.execute(
            "INSERT INTO submissions (id, task, task_version, person, kind, intent, note, sha256, state, message, "
            "scores, created, deadline, ended) "
            "VALUES (?, ?, ?, NULL, 'baseline', 'scored', ?, '', 'scored', '', ?, ?, ?, ?)",
            (db.next_id("submissions", "B"), row["task"], row["task_version"], name, _json(scores), now, now, now),
        )


def _keep(file: Path, model: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as output:
        output.write(model)


def _end_quietly(store: Store, submission: str, outcome: Outcome) -> None:
    try:
        finish(store, submission, outcome)
    except Conflict:
        return  # it ended by itself in the meantime


def _message(outcome: Outcome) -> str:
    if outcome.state == "failed":
        return FAILURES.get(outcome.code or "", FAILURES["INTERNAL_ERROR"])
    return (
        "Scored on the public test." if outcome.state == "scored" else "The model can be scored; nothing was measured."
    )


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True)


def _row(store: Store, submission: str) -> sqlite3.Row:
    row: sqlite3.Row | None = store.read().execute(
        f"SELECT {COLUMNS} FROM submissions WHERE id = ?", (submission,)  # noqa: S608 - own column names
    ).fetchone()  # fmt: skip
    if row is None:
        raise _unknown(submission)
    return row


def _unknown(submission: str) -> NotFound:
    return NotFound(f"You have no submission “{submission}”; task.submit(model) gives the id of each.")
