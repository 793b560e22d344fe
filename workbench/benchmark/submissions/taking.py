"""Takes a submission in: what is sent anew, and what was scored once and is evaluated again.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Any

from workbench.benchmark.submissions.leases import WAITING
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.submissions.quota import reserve
from workbench.benchmark.submissions.records import AGAIN, INTENTS, KINDS, find_row, keep_version, next_change, pins
from workbench.benchmark.submissions.states import QUEUED_FOR, SENT, next_state
from workbench.benchmark.tasks.definition import SplitName, TaskDefinition
from workbench.errors import Conflict, InvalidInput, SubmissionRefused
from workbench.governance.canonical import stamp
from workbench.governance.store import Change, Store, stamped

MIB = 2**20
MAX_NOTE = 120
PUBLIC: SplitName = "public_test"
FINAL: SplitName = "final_test"
VALID = "Its form is right and it can be scored; nothing was measured."


@dataclass(frozen=True)
class Sending:
    """What somebody sends to a task.

    Parameters
    ----------
    task : TaskDefinition
        As it is now.
    kind, intent, note : str
        One of `KINDS` and of `INTENTS`, and a line for the leaderboard.
    content : bytes
        The file.
    refusal : SubmissionRefused, optional
        For predictions: why they cannot be scored. They are checked before they are taken in.
    """

    task: TaskDefinition
    kind: str
    intent: str
    content: bytes
    note: str = ""
    refusal: SubmissionRefused | None = None


def check_sending(sent: Sending) -> None:
    """Refuse what needs no second look: an unknown kind or intent, a long note, an empty or too large file.

    Raises
    ------
    InvalidInput, SubmissionRefused
        Nothing is kept then, and nothing is counted.
    """
    if sent.intent not in INTENTS:
        raise InvalidInput(f"intent must be {' or '.join(INTENTS)}, not “{sent.intent[:40]}”.")
    if sent.kind not in KINDS:
        raise InvalidInput(f"kind must be {', '.join(KINDS)}, not “{sent.kind[:40]}”.")
    if len(sent.note) > MAX_NOTE or not sent.note.isprintable():
        raise InvalidInput(f"The note must be one line of at most {MAX_NOTE} characters.")
    if sent.kind not in sent.task.submissions:
        raise SubmissionRefused(
            f"{sent.task.id} takes {', '.join(sent.task.submissions)}, not {sent.kind}; `workbench tasks` says so too.",
            code="MODEL_REFUSED",
        )  # fmt: skip
    limits = sent.task.limits
    is_predictions, size = sent.kind == "predictions", len(sent.content)
    most = (limits.output_mib if is_predictions else limits.model_mib) * MIB
    if not 0 < size <= most:
        code = "MODEL_REFUSED" if not is_predictions else "OUTPUT_TOO_LARGE" if size else "MALFORMED_OUTPUT"
        raise SubmissionRefused(f"The file has {size} bytes; it must have 1 to {most}.", code=code)


def submit(store: Store, payloads: Payloads, person: str, sent: Sending) -> str:
    """Take a submission in and give its id; one whose check is over has ended when this returns.

    Raises
    ------
    InvalidInput, SubmissionRefused
        As `check_sending`; with QUOTA when the person's quota is used up, with CLOSED when the final split was opened.
    Conflict
        When the hidden test is not filled yet, or too many submissions wait.
    """
    check_sending(sent)
    data, now = pins(store, sent.task), store.now()
    staged = payloads.stage(sent.content)
    digest = hashlib.sha256(sent.content).hexdigest()
    try:
        with store.change(person, "task.submit", sent.task.id, intent=sent.intent, kind=sent.kind) as db:
            version = keep_version(db, store, sent.task, data)
            _check_open(db, sent, version)
            reserve(db.execute, person, sent.task, version, intent=sent.intent, now=now)
            submission = db.next_id("submissions", "B")
            state, code, message = _first_state(sent)
            _insert(db, store, {
                "id": submission, "task": sent.task.id, "task_version": version,
                "hidden": sent.task.splits[PUBLIC].dataset, "person": person, "kind": sent.kind,
                "intent": sent.intent, "split": PUBLIC if sent.intent == "scored" else "", "note": sent.note,
                "sha256": digest, "state": state, "code": code, "message": message,
                "ended": None if state == "queued" else stamp(now),
            })  # fmt: skip
            db.details.update(submission=submission, sha256=digest, state=state)
            if state == "queued":
                payloads.place(staged, payloads.sent(submission, sent.kind))
    finally:
        staged.unlink(missing_ok=True)
    return submission


def again(store: Store, submission: str, intent: str, person: str) -> str:
    """Have a scored submission evaluated again and give the id of the evaluation, a row of its own.

    Parameters
    ----------
    store : Store
        The home's store.
    submission : str
        One that is scored.
    intent : str
        ``rescore`` (its stored predictions once more, on the same split) or ``final`` (on the final split).
    person : str
        Who asks; whether they may is asked before.

    Raises
    ------
    Conflict
        When it has no score, or its final run is there already.
    """
    if intent not in AGAIN:
        raise InvalidInput(f"intent must be {' or '.join(AGAIN)}, not “{intent[:40]}”.")
    row = find_row(store, submission)
    if row["state"] != "scored" or (intent == "final" and row["intent"] != "scored"):
        raise Conflict(f"{submission} is {row['state']} ({row['intent']}); only what was scored is evaluated again.")
    with store.change(person, f"submission.{intent}", submission) as db:
        made = db.next_id("submissions", "B")
        db.details["evaluation"] = made
        same = ("task", "task_version", "hidden", "person", "kind", "note", "sha256")
        try:
            _insert(db, store, {
                **{name: row[name] for name in same}, "id": made, "intent": intent, "origin": submission,
                "split": FINAL if intent == "final" else row["split"], "state": "queued", "message": WAITING,
            })  # fmt: skip
        except sqlite3.IntegrityError:
            raise Conflict(f"The final run of {submission} is there already; it is done once.") from None
    return made


def _check_open(db: Change, sent: Sending, version: str) -> None:
    closed = db.execute("SELECT closed FROM task_versions WHERE version = ?", (version,)).fetchone()["closed"]
    if closed and sent.intent == "scored":
        raise SubmissionRefused(
            f"This version of {sent.task.id} was closed for its final test on {closed[:10]} and takes no more scored "
            "submissions; --validate still works.", code="CLOSED",
        )  # fmt: skip


def _first_state(sent: Sending) -> tuple[str, str | None, str]:
    if sent.kind != "predictions":
        return next_state(SENT, "queue"), None, WAITING
    if sent.refusal is not None:
        return next_state(SENT, "fail"), sent.refusal.code, sent.refusal.message
    if sent.intent == "validation":
        return next_state(SENT, "accept"), None, VALID
    return next_state(SENT, "queue"), None, WAITING


def _insert(db: Change, store: Store, row: dict[str, Any]) -> None:
    full = {
        **row, "created": stamped(store), "deadline": stamp(store.now() + QUEUED_FOR), "changed": next_change(db),
    }  # fmt: skip
    marks = ", ".join(f":{name}" for name in full)
    db.execute(f"INSERT INTO submissions ({', '.join(full)}) VALUES ({marks})", full)  # noqa: S608 - own names
