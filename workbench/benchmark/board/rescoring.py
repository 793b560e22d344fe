"""Re-scoring: the same stored predictions, measured again by an evaluator process, must give the same bytes.

It is how an author appeals, and how whoever answers for the hidden data checks that a number still follows from what
was sent. Compared are the scores as canonical JSON and the draws; what the run cost is kept apart from them.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from workbench.benchmark.submissions.records import find_row
from workbench.benchmark.submissions.states import UNDER_WAY
from workbench.benchmark.submissions.taking import again
from workbench.errors import Conflict, NotFound
from workbench.governance.store import Store

RESCORE = "rescore"


def begin(store: Store, person: str, submission: str) -> str:
    """Queue the re-scoring of a scored submission and give the evaluation's id.

    Raises
    ------
    Conflict
        When it has no score, its predictions are not kept, or one is under way.
    """
    row = find_row(store, submission)
    if row["state"] != "scored":
        raise Conflict(f"{submission} is {row['state']}; only what was scored is scored again.", code="wrong-state")
    if row["intent"] == RESCORE:
        raise Conflict(f"{submission} is a re-scoring itself; have {row['origin']} scored again.", code="wrong-state")
    waiting = store.read().execute(
        "SELECT id FROM submissions WHERE origin = ? AND intent = 'rescore' AND state IN ('queued', 'running')",
        (submission,),
    ).fetchone()  # fmt: skip
    if waiting is not None:
        # Two people who ask at once are answered by one run.
        return str(waiting["id"])
    return again(store, submission, RESCORE, person)


def compare(store: Store, submission: str, evaluation: str) -> dict[str, Any]:
    """Compare a submission's score with that of one of its re-scorings.

    Returns
    -------
    dict
        `submission`, `evaluation`, `state` of the evaluation; once it has ended `identical` (None when it failed, with
        `code` and `message`), `first_sha256` and `second_sha256` over scores and draws.

    Raises
    ------
    NotFound
        When the evaluation is none of this submission.
    """
    first, second = find_row(store, submission), find_row(store, evaluation)
    if (second["intent"], second["origin"]) != (RESCORE, submission):
        raise NotFound(f"{evaluation} is no re-scoring of {submission}; `workbench rescore` makes one.")
    known = {"submission": submission, "evaluation": evaluation, "state": second["state"]}
    if second["state"] in UNDER_WAY:
        return {**known, "identical": None}
    if second["state"] != "scored":
        return {
            **known, "identical": None, "code": second["code"], "message": second["message"],
            "first_sha256": digest(first), "second_sha256": None,
        }  # fmt: skip
    one, other = digest(first), digest(second)
    return {**known, "identical": one == other, "first_sha256": one, "second_sha256": other}


def digest(row: sqlite3.Row) -> str:
    """Give the SHA-256 of a row's scores and draws.

    With the draws among what is hashed, the digest of a score that is not shown cannot be found by trying values.
    """
    return hashlib.sha256(row["scores"].encode() + b"\x00" + (row["draws"] or b"")).hexdigest()
