"""Routes of leaderboards, and of what a kernel read, for the crates of reports.

Runs in: gateway
"""

from __future__ import annotations

import json
from typing import Any

from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.submissions.records import pins
from workbench.benchmark.tasks.published import task_of
from workbench.errors import Conflict, IntegrityError, NotFound
from workbench.gateway.call import Call, Route
from workbench.governance.record.checkpoints import checkpoint_now

PEOPLE = ("person", "kernel")


def get_leaderboard(call: Call) -> dict[str, Any]:
    """Give a task's leaderboard: the best of each person, and the baselines."""
    store = call.state.store
    task = task_of(store, call.path["task"])
    meaning = definition(task.metric)
    try:
        version = task.version(pins(store, task))
    except Conflict:
        version = ""
    rows = store.read().execute(
        "SELECT 'submission' AS kind, id AS submission, person, note, scores, created, number FROM submissions "
        "WHERE task_version = :version AND intent = 'scored' AND state = 'scored' UNION ALL "
        "SELECT 'baseline', name, name, '', scores, created, 0 FROM baselines "
        "WHERE task_version = :version AND split = 'public_test' ORDER BY number", {"version": version},
    ).fetchall()  # fmt: skip
    sign = -1 if meaning.higher_is_better else 1
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        scores = json.loads(row["scores"])
        entry = {
            "submission": row["submission"], "person": row["person"], "note": row["note"], "kind": row["kind"],
            "value": scores["value"], "interval": scores["interval"], "final": None, "created": row["created"],
        }  # fmt: skip
        key = (row["kind"], row["person"])
        if key not in best or sign * entry["value"] < sign * best[key]["value"]:
            best[key] = entry
    entries = sorted(best.values(), key=lambda entry: sign * entry["value"])
    for entry in entries:
        entry["rank"] = 1 + sum(sign * other["value"] < sign * entry["value"] for other in entries)
    return {
        "task": task.id, "title": task.title, "question": task.question, "metric": task.metric,
        "metric_name": meaning.name, "definition": meaning.text, "version": version, "synthetic": task.synthetic,
        "closed": False, "entries": entries,
    }  # fmt: skip


def kernel_reads(call: Call) -> dict[str, Any]:
    """Tell the owner of the home which dataset versions a kernel read, from the audit log, and the log's head."""
    store, kernel = call.state.store, call.path["kernel"]
    started = store.read().execute("SELECT started FROM kernels WHERE id = ?", (kernel,)).fetchone()
    if started is None:
        raise NotFound("There is no such kernel.")
    call.state.reads.flush()
    rows = store.read().execute(
        "SELECT DISTINCT resource, json_extract(details, '$.version') AS version FROM audit "
        "WHERE action = 'dataset.read' AND outcome = 'allowed' AND json_extract(details, '$.token') = ?", (kernel,),
    ).fetchall()  # fmt: skip
    head = store.sealer.read_head()
    signed = None if head is None else {"seq": head.seq, "hash": head.hash}
    reads = {row["resource"]: row["version"] for row in rows}
    try:
        checkpoint = checkpoint_now(store)
    except IntegrityError:
        # Nothing is signed for a log that was tampered with, and the report says so by having none.
        checkpoint = None
    return {"reads": reads, "head": signed, "checkpoint": checkpoint}


ROUTES = (
    Route("GET", "/v1/tasks/{task}/leaderboard", get_leaderboard, PEOPLE, "tasks.list"),
    Route("GET", "/v1/kernels/{kernel}/reads", kernel_reads, ("operator",), "kernel.reads"),
)
