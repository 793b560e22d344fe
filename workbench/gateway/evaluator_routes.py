"""The doors through which an evaluator works: what to evaluate, its bytes, that it lives, and the result.

Each asks for the lease: an evaluator whose submission was given to another, or has ended, is let in no more.

Runs in: gateway
"""

from __future__ import annotations

import json
from sqlite3 import Row
from typing import Any

from starlette.responses import Response

from workbench.benchmark.submissions import ending
from workbench.benchmark.submissions.leases import holds
from workbench.benchmark.submissions.records import find_row
from workbench.benchmark.submissions.states import HEARTBEAT_S, SILENCE_S
from workbench.errors import NotFound
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.evaluating import payloads_of

EVALUATOR = ("evaluator",)
MAX_PREDICTIONS_BYTES = 256 * 2**20


def get_evaluation(call: Call) -> dict[str, Any]:
    """Tell the evaluator what it evaluates, on which data, and what of it is there already."""
    row = _own_job(call)
    db = call.state.store.read()
    version = db.execute("SELECT * FROM task_versions WHERE version = ?", (row["task_version"],)).fetchone()
    baselines = db.execute(
        "SELECT name FROM baselines WHERE task_version = ? AND split = ?", (row["task_version"], row["split"])
    )
    return {
        "submission": row["id"], "origin": row["origin"], "task": row["task"], "task_version": row["task_version"],
        "definition": None if version is None else json.loads(version["definition"]),
        "data": {} if version is None else json.loads(version["data"]),
        "kind": row["kind"], "intent": row["intent"], "split": row["split"] or None, "sha256": row["sha256"],
        "predictions": _source(call, row)["predictions"], "baselines": sorted(one["name"] for one in baselines),
        "attempt": row["attempts"], "deadline": row["deadline"], "heartbeat_s": HEARTBEAT_S, "silence_s": SILENCE_S,
    }  # fmt: skip


def get_payload(call: Call) -> Response:
    """Give the evaluator the submitted bytes; for what is evaluated again, those that were sent first."""
    first = _own_job(call)
    while first["origin"]:
        first = find_row(call.state.store, first["origin"])
    payloads = payloads_of(call.state)
    return Response(payloads.read(payloads.sent(first["id"], first["kind"])), media_type="application/octet-stream")


def get_predictions(call: Call) -> Response:
    """Give the evaluator the stored predictions: those of the submission that is evaluated again, or its own."""
    payloads = payloads_of(call.state)
    source = _source(call, _own_job(call))
    return Response(payloads.read(payloads.predictions(source["id"])), media_type="application/octet-stream")


def put_predictions(call: Call) -> dict[str, Any]:
    """Keep the canonical predictions of an evaluation, from which it can be scored again."""
    row = _own_job(call)
    digest = ending.keep_predictions(call.state.store, payloads_of(call.state), row["id"], call.token.id, call.body)
    return {"sha256": digest}


def post_heartbeat(call: Call) -> dict[str, Any]:
    """Note that an evaluator lives, and tell it until when it may work."""
    return {"deadline": _own_job(call)["deadline"]}


def post_result(call: Call) -> dict[str, Any]:
    """Take the aggregate scores, or the failure, of an evaluation."""
    row = _own_job(call)
    outcome = ending.outcome_of(call.json())
    ending.finish(call.state.store, row["id"], call.token.id, outcome)
    if outcome.state != "scored" and row["origin"] is None:
        payloads_of(call.state).drop(row["id"], row["kind"])
    return {"submission": row["id"], "state": outcome.state}


def _own_job(call: Call) -> Row:
    """Give the running submission whose lease the token is; asking counts as a sign of life."""
    submission = call.path["submission"]
    if call.token.submission != submission:
        raise NotFound("This evaluator was not started for that submission.")
    guard.require(call, "task.evaluate", call.token.task or "")
    row = find_row(call.state.store, submission)
    if not holds(row, call.token.id):
        raise ending.lease_lost(submission)
    call.state.heartbeats.beat(call.token.id)
    return row


def _source(call: Call, row: Row) -> Row:
    """Give the row whose predictions count: its own when it has some, to go on with them, else the first one's."""
    return find_row(call.state.store, row["origin"]) if row["origin"] and not row["predictions"] else row


ROUTES = (
    Route("GET", "/v1/evaluations/{submission}", get_evaluation, EVALUATOR, "task.evaluate"),
    Route("GET", "/v1/evaluations/{submission}/payload", get_payload, EVALUATOR, "task.evaluate"),
    Route("GET", "/v1/evaluations/{submission}/predictions", get_predictions, EVALUATOR, "task.evaluate"),
    Route("PUT", "/v1/evaluations/{submission}/predictions", put_predictions, EVALUATOR, "task.evaluate",
          max_body=MAX_PREDICTIONS_BYTES),
    Route("POST", "/v1/evaluations/{submission}/heartbeat", post_heartbeat, EVALUATOR, "task.evaluate"),
    Route("POST", "/v1/evaluations/{submission}/result", post_result, EVALUATOR, "task.evaluate"),
)  # fmt: skip
