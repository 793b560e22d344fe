"""Routes of submissions: send one, see one's own, take one back, and the ids that predictions must name.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from typing import Any

from workbench.benchmark.board.climbing import shown_cost
from workbench.benchmark.board.ladder import shown
from workbench.benchmark.submissions import ending, records, taking
from workbench.benchmark.submissions.quota import quota_of
from workbench.benchmark.submissions.states import verbs_for
from workbench.benchmark.submissions.taking import Sending
from workbench.benchmark.submissions.validation import check_predictions, kind_of
from workbench.benchmark.tasks.published import open_task, task_of
from workbench.errors import InvalidInput, NotFound
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.evaluating import payloads_of
from workbench.gateway.hidden_items import items_of
from workbench.governance.decide import decide

PEOPLE = ("person", "kernel")
MAX_BYTES = 256 * 2**20
MOST_LISTED = 200


def submit(call: Call) -> dict[str, Any]:
    """Take a submission in; predictions are checked at once, everything else by the evaluator."""
    state, query = call.state, call.query
    task = open_task(state.store, call.path["task"])
    guard.require(call, "task.submit", task.id)
    sent = Sending(
        task, query.get("kind") or kind_of(call.body), query.get("intent", "scored"), call.body, query.get("note", "")
    )
    taking.check_sending(sent)
    if sent.kind == "predictions":
        data = records.pins(state.store, task)
        refusal = check_predictions(task, call.body, items_of(state.archive, task, data))
        sent = Sending(task, sent.kind, sent.intent, sent.content, sent.note, refusal)
    submission = taking.submit(state.store, payloads_of(state), call.person, sent)
    state.heartbeats.ring()
    return _shown(call, records.find_row(state.store, submission))


def get_submission(call: Call) -> dict[str, Any]:
    """Give a submission to its author and to whoever answers for the hidden test."""
    guard.require(call, "submission.read", call.path["submission"])
    return _shown(call, records.find_row(call.state.store, call.path["submission"]))


def list_submissions(call: Call) -> dict[str, Any]:
    """List one's own submissions, newest first; with `since`, those that changed after an earlier answer's cursor."""
    since, task, store = call.number("since", 0), call.query.get("task", ""), call.state.store
    rows = store.read().execute(
        "SELECT * FROM submissions WHERE person = ? AND (? = '' OR task = ?) AND changed > ? "
        "AND intent IN ('scored', 'validation') ORDER BY number DESC LIMIT ?",
        (call.person, task, task, since, MOST_LISTED),
    ).fetchall()  # fmt: skip
    cursor = max([since, *(row["changed"] for row in rows)])
    return {"submissions": [_shown(call, row) for row in rows], "cursor": cursor}


def withdraw(call: Call) -> dict[str, Any]:
    """Take back a submission that has not ended."""
    submission, store = call.path["submission"], call.state.store
    guard.require(call, "submission.withdraw", submission)
    ending.withdraw(store, payloads_of(call.state), submission, call.person)
    return _shown(call, records.find_row(store, submission))


def list_items(call: Call) -> dict[str, Any]:
    """List the ids of a task's hidden items, of both hidden splits together; predictions name these."""
    task = task_of(call.state.store, call.path["task"])
    return {"items": items_of(call.state.archive, task, records.pins(call.state.store, task))}


def _shown(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    """Give what the caller may see of a submission: its author the Ladder's answer, who answers for the test all."""
    store = call.state.store
    found = {**records.body(store, row), "may": []}
    if call.person == row["person"]:
        found["may"] = verbs_for(row["state"], "author")
    if not _may_see_exact(call, row):
        found["cost"], found["scores"] = shown_cost(row["cost"]), shown(store, row["id"])
        if row["intent"] == "scored" and found["scores"] is not None:
            found["message"] = found["scores"]["message"]
    try:
        task = records.definition_of(store, row["task_version"], row["task"])
        found["quota"] = quota_of(store, row["person"], task, row["task_version"])
    except (InvalidInput, NotFound):
        found["quota"] = None  # the task is no longer there, or is one that this release does not read
    return found


def _may_see_exact(call: Call, row: sqlite3.Row) -> bool:
    context = guard.context_of(call.token)
    return decide(call.state.store, call.person, "score.read", row["hidden"], context).allowed


ROUTES = (
    Route("POST", "/v1/tasks/{task}/submissions", submit, PEOPLE, "task.submit", max_body=MAX_BYTES),
    Route("GET", "/v1/tasks/{task}/items", list_items, PEOPLE, "tasks.list"),
    Route("GET", "/v1/submissions", list_submissions, PEOPLE, "submission.list"),
    Route("GET", "/v1/submissions/{submission}", get_submission, PEOPLE, "submission.read"),
    Route("POST", "/v1/submissions/{submission}/withdraw", withdraw, PEOPLE, "submission.withdraw"),
)
