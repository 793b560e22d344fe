"""Leases: an evaluator works on a submission for as long as it holds its lease, and nobody else can end it.

A lease is a name that is drawn when a submission starts and stands in its row. Whoever does not hold it changes
nothing: a result that comes after the lease was lost is refused, so nothing is scored twice. A submission whose lease
is lost starts once more, and then fails without costing anything.

Runs in: gateway
"""

from __future__ import annotations

import secrets
import sqlite3
from datetime import timedelta
from typing import Any

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.submissions.records import definition_of, next_change
from workbench.benchmark.submissions.states import MOST_ATTEMPTS, PREPARING_FOR, QUEUED_FOR, next_state
from workbench.errors import Conflict
from workbench.governance.canonical import stamp
from workbench.governance.store import Change, Store, stamped

LOST = "INTERNAL_ERROR"
WAITING = "Waiting for the evaluator."
RUNNING_TEXT = {
    "validation": "Being checked.", "scored": "Running on the hidden test.", "rescore": "Being scored again.",
    "final": "Running on the final test.",
}  # fmt: skip
NOT_STARTED = "No evaluator was free for hours; this does not count, submit it again."


def take_next(store: Store) -> dict[str, Any] | None:
    """Start the submission whose turn it is and give its row with the lease, or None when nothing waits.

    Validations come first, for they are short; then whoever has the fewest running; then the oldest.
    """
    if store.read().execute("SELECT 1 FROM submissions WHERE state = 'queued' LIMIT 1").fetchone() is None:
        return None
    for row in _waiting(store):
        limits = definition_of(store, row["task_version"], row["task"]).limits
        lease = f"{row['id']}-{row['attempts'] + 1}-{secrets.token_hex(8)}"
        deadline = stamp(store.now() + PREPARING_FOR + timedelta(seconds=limits.seconds))
        try:
            with store.change(row["person"], "submission.start", row["id"], attempt=row["attempts"] + 1) as db:
                _move(db, row, "start", (
                    "lease = ?, attempts = attempts + 1, deadline = ?, started = ?, message = ?",
                    (lease, deadline, stamped(store), RUNNING_TEXT[row["intent"]]),
                ))  # fmt: skip
        except Conflict:
            continue  # it was withdrawn, or another worker took it
        return dict(store.read().execute("SELECT * FROM submissions WHERE id = ?", (row["id"],)).fetchone())
    return None


def holds(row: sqlite3.Row | dict[str, Any], lease: str) -> bool:
    """Whether a submission runs under this very lease."""
    return row["state"] == "running" and row["lease"] is not None and secrets.compare_digest(row["lease"], lease)


def lose(store: Store, submission: str, lease: str, why: str) -> str:
    """Take a lease away whose holder is gone: the submission waits once more, or fails; give its state.

    Nothing happens when the submission has ended or runs under another lease.
    """
    row = _row(store, submission)
    if not holds(row, lease):
        return str(row["state"])
    verb = "queue again" if row["attempts"] < MOST_ATTEMPTS else "give up"
    return _settle(store, row, verb, why)


def hand_back(store: Store, submission: str, lease: str) -> None:
    """Let a submission wait again as if it had not started, because the gateway stops in good order."""
    row = _row(store, submission)
    if holds(row, lease):
        _settle(store, row, "queue again", "the gateway stops", less=1)


def expire(store: Store) -> list[str]:
    """Fail what is past its deadline; give their ids."""
    now = stamp(store.now())
    late = store.read().execute(
        "SELECT * FROM submissions WHERE state IN ('queued', 'running') AND deadline < ?", (now,)
    ).fetchall()  # fmt: skip
    return [row["id"] for row in late if _settle(store, row, "expire", "its deadline is past") == "failed"]


def recover(store: Store) -> None:
    """Take up what was under way when the gateway stopped: the queue goes on, what ran has lost its evaluator."""
    for row in store.read().execute("SELECT * FROM submissions WHERE state = 'running'").fetchall():
        lose(store, row["id"], row["lease"], "the gateway stopped")
    queued = store.read().execute("SELECT id FROM submissions WHERE state = 'queued'").fetchall()
    if queued:
        # The hours in which no gateway was there do not count as waiting.
        with store.change("system", "submission.recover", "submissions", queued=len(queued)) as db:
            db.execute("UPDATE submissions SET deadline = ? WHERE state = 'queued'", (stamp(store.now() + QUEUED_FOR),))


def _waiting(store: Store) -> list[sqlite3.Row]:
    return store.read().execute(
        "SELECT * FROM submissions AS one WHERE state = 'queued' ORDER BY intent <> 'validation', "
        "(SELECT COUNT(*) FROM submissions AS other WHERE other.state = 'running' AND other.person = one.person), "
        "number LIMIT 20"
    ).fetchall()  # fmt: skip


def _settle(store: Store, row: sqlite3.Row, verb: str, why: str, *, less: int = 0) -> str:
    """Let a submission that nobody works on wait again, or fail; give its state, whoever made it so."""
    state = next_state(row["state"], verb)
    now = store.now()
    sets: tuple[str, tuple[Any, ...]]
    if state == "queued":
        sets = ("lease = NULL, started = NULL, attempts = attempts - ?, deadline = ?, message = ?",
                (less, stamp(now + QUEUED_FOR), WAITING))  # fmt: skip
    else:
        code = "TIMEOUT" if verb == "expire" and row["state"] == "running" else LOST
        text = NOT_STARTED if row["state"] == "queued" else FAILURES[code]
        sets = ("lease = NULL, code = ?, ended = ?, message = ?", (code, stamp(now), text))
    try:
        with store.change("system", "submission.lose", row["id"], reason=why, state=state) as db:
            _move(db, row, verb, sets)
    except Conflict:
        return str(_row(store, row["id"])["state"])
    return state


def _move(db: Change, row: sqlite3.Row, verb: str, sets: tuple[str, tuple[Any, ...]]) -> None:
    """Make one move of the table, if the row is still as it was seen: in the same state and under the same lease."""
    assigned, values = sets
    done = db.execute(
        f"UPDATE submissions SET state = ?, changed = ?, {assigned} "  # noqa: S608 - own words
        "WHERE id = ? AND state = ? AND lease IS ?",
        (next_state(row["state"], verb), next_change(db), *values, row["id"], row["state"], row["lease"]),
    )
    if done.rowcount != 1:
        raise Conflict(f"Submission {row['id']} has changed in the meantime.", code="lease-lost")


def _row(store: Store, submission: str) -> sqlite3.Row:
    row: sqlite3.Row = store.read().execute("SELECT * FROM submissions WHERE id = ?", (submission,)).fetchone()
    return row
