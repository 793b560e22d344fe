"""Routes of the tasks: what they are, and how custodians publish and retire those of this home.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.submissions.quota import quota_of
from workbench.benchmark.submissions.records import pins
from workbench.benchmark.tasks import published
from workbench.benchmark.tasks.card import card
from workbench.benchmark.tasks.definition import OPEN_SPLITS, TaskDefinition
from workbench.benchmark.tasks.documents import MAX_CHARACTERS
from workbench.errors import Conflict
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.hidden_items import items_of
from workbench.gateway.state import State
from workbench.gateway.task_fit import check_fit

PEOPLE, PERSON = ("person", "kernel"), ("person",)
NOTEBOOK_FOLDER = "benchmark"


def list_tasks(call: Call) -> dict[str, Any]:
    """List the tasks with their present versions, and what the caller has left of each quota."""
    return {"tasks": [described(call.state, task, call.person) for task in published.tasks_of(call.state.store)]}


def get_task(call: Call) -> dict[str, Any]:
    """Give one task, also when it was retired: all that its file says, and how it came to this home."""
    store = call.state.store
    task = published.task_of(store, call.path["task"])
    history = published.published(store, task.id)
    shown = described(call.state, task, call.person)
    text = published.text_of(store, task.id)
    return {**shown, "content": task.as_dict(), "text": text, "history": history, "card": card(task)}


def publish_task(call: Call) -> dict[str, Any]:
    """Publish a task, or a new version of one, on hidden data that the caller answers for."""
    text, counts = call.text("text", longest=MAX_CHARACTERS), {}

    def look(task: TaskDefinition) -> None:
        for dataset in {task.splits[name].dataset for name in OPEN_SPLITS if name in task.splits}:
            guard.require(call, "dataset.see", dataset)
        pins(call.state.store, task)
        counts.update(check_fit(call.state, task))

    done = published.publish(call.state.store, call.person, text, look=look, context=guard.context_of(call.token))
    task = published.task_of(call.state.store, done["task"])
    return {**done, "version": version_of(call.state, task), "counts": counts}


def retire_task(call: Call) -> dict[str, Any]:
    """End what can be submitted to a task of this home."""
    reason, context = call.text("reason", longest=200), guard.context_of(call.token)
    return published.retire(call.state.store, call.person, call.path["task"], reason, context)


def version_of(state: State, task: TaskDefinition) -> str:
    """Give a task's present version; empty while its data are not filled."""
    try:
        return task.version(pins(state.store, task))
    except Conflict:
        return ""


def described(state: State, task: TaskDefinition, person: str) -> dict[str, Any]:
    """Give what a list and a page show of a task."""
    meaning, version = definition(task.metric), version_of(state, task)
    entries = state.store.read().execute(
        "SELECT COUNT(DISTINCT person) FROM submissions WHERE task = ? AND task_version = ? AND intent = 'scored' "
        "AND state = 'scored'", (task.id, version),
    ).fetchone()[0]  # fmt: skip
    shipped = published.is_shipped(task.id)
    # Ids that predictions must name are no secret; which of them belong to the final test is.
    items = len(items_of(state.archive, task, pins(state.store, task))) if version else 0
    return {
        "task": task.id, "title": task.title, "question": task.question, "kind": task.kind, "version": version,
        "metric": task.metric, "metric_name": meaning.name, "definition": meaning.text,
        "metrics": list(task.metrics), "higher_is_better": meaning.higher_is_better,
        "label": task.label.says, "label_verified": task.label.verified, "synthetic": task.synthetic,
        "splits": {name: place.model_dump() for name, place in task.splits.items()},
        "submissions": list(task.submissions), "missing": task.missing, "unit": task.unit, "items": items,
        "entries": entries, "quota": quota_of(state.store, person, task, version), "shipped": shipped,
        "notebook": f"{NOTEBOOK_FOLDER}/{task.id}.ipynb" if shipped else "",
    }  # fmt: skip


ROUTES = (
    Route("GET", "/v1/tasks", list_tasks, PEOPLE, "tasks.list"),
    Route("GET", "/v1/tasks/{task}", get_task, PEOPLE, "tasks.list"),
    Route("POST", "/v1/tasks", publish_task, PERSON, "task.publish"),
    Route("POST", "/v1/tasks/{task}/retire", retire_task, PERSON, "task.retire"),
)
