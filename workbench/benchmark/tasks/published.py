"""The tasks of one home: those of the package, and those that custodians publish on hidden data of their own.

A published task is kept as the text that was sent; publishing the same id again makes a new version of the task, and
retiring it ends what can be submitted, not what stands on its board.

Runs in: gateway
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from workbench.benchmark.tasks.definition import TaskDefinition, definitions, parse, shipped_text
from workbench.benchmark.tasks.wording import did_you_mean
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.canonical import day
from workbench.governance.decide import authorise
from workbench.governance.decision import Context
from workbench.governance.store import Store, stamped

SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL, datasets TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES people, published TEXT NOT NULL, retired TEXT, retired_by TEXT REFERENCES people,
  reason TEXT NOT NULL DEFAULT '', CHECK ((retired IS NULL) = (retired_by IS NULL))) STRICT;
CREATE INDEX IF NOT EXISTS tasks_by_id ON tasks (id, number);
"""

PUBLISH = "task.publish"
HIDDEN_TIER = "undisclosed"

log = logging.getLogger("workbench.benchmark.tasks")


def tasks_of(store: Store) -> list[TaskDefinition]:
    """Give the tasks that can be submitted to: the package's, then the home's own, by id."""
    rows = store.read().execute(
        "SELECT id, text FROM tasks WHERE retired IS NULL AND number IN (SELECT MAX(number) FROM tasks GROUP BY id) "
        "ORDER BY id"
    )
    own = []
    for row in rows.fetchall():
        try:
            own.append(_read(row["text"], row["id"]))
        except InvalidInput as problem:
            # Published under the rules of an older release; the others are there all the same.
            log.warning("task %s is not listed: %s", row["id"], problem.message)
    return [*definitions().values(), *own]


def task_of(store: Store, task: str) -> TaskDefinition:
    """Give one task's newest definition, also when it was retired.

    Raises
    ------
    NotFound
        When there is none of this id; the message names the nearest.
    """
    if task in definitions():
        return definitions()[task]
    row = _newest(store, task)
    if row is None:
        near = did_you_mean(task, (one.id for one in tasks_of(store)))
        raise NotFound(f"There is no task “{task[:64]}”{near}.")
    return _read(row["text"], row["id"])


def open_task(store: Store, task: str) -> TaskDefinition:
    """Give a task that takes submissions.

    Raises
    ------
    NotFound
        When there is none of this id.
    Conflict
        When it was retired.
    """
    found = task_of(store, task)
    row = None if task in definitions() else _newest(store, task)
    if row is not None and row["retired"] is not None:
        raise Conflict(
            f"The task “{task}” was retired on {day(row['retired'])}: {row['reason'] or 'no reason was given'}. Its "
            "board stays; `workbench tasks` lists the tasks that take submissions.", code="task-retired",
        )  # fmt: skip
    return found


def is_shipped(task: str) -> bool:
    """Whether a task belongs to the package."""
    return task in definitions()


def publish(
    store: Store, person: str, text: str,
    *, look: Callable[[TaskDefinition], None] | None = None, context: Context | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Publish a task, or a new version of it, on hidden data that the person answers for.

    Parameters
    ----------
    store : Store
        The home's store.
    person, text : str
        Who publishes what.
    look : callable, optional
        Looks whether the task fits its data, once it is sure that the person answers for them.
    context : Context, optional
        The kind of token and the moment.

    Raises
    ------
    InvalidInput
        When the file is wrong: field, line and nearest word.
    AccessDenied
        When somebody else answers for one of the hidden datasets.
    Conflict
        When the id is that of a task of the package, or of one whose hidden data others answer for; when the hidden
        data could be read by people; when nothing changed.
    """
    task = parse(text, "the task")
    if task.id in definitions():
        raise Conflict(f"“{task.id}” is a task of the package; give yours another id.", code="task-shipped")
    before = _newest(store, task.id)
    for dataset in sorted({*task.hidden_datasets(), *(json.loads(before["datasets"]) if before else ())}):
        authorise(store, person, PUBLISH, dataset, context)
    for dataset in task.datasets():
        _check_tier(store, dataset, is_hidden=dataset in task.hidden_datasets())
    if before is not None and before["text"] == text and before["retired"] is None:
        raise Conflict(f"“{task.id}” is published just like this already.", code="task-unchanged")
    if look is not None:
        look(task)
    with store.change(person, PUBLISH, task.id) as db:
        db.execute(
            "INSERT INTO tasks (id, text, datasets, person, published) VALUES (?, ?, ?, ?, ?)",
            (task.id, text, json.dumps(task.hidden_datasets()), person, stamped(store)),
        )
        db.details.update(metrics=list(task.metrics), datasets=task.datasets())
    return published(store, task.id)


def retire(store: Store, person: str, task: str, reason: str, context: Context | None = None) -> dict[str, Any]:
    """End what can be submitted to a task of the home; its board stays.

    Raises
    ------
    NotFound
        When there is none of this id.
    Conflict
        When it belongs to the package, or was retired before.
    AccessDenied
        When somebody else answers for its hidden data.
    """
    if task in definitions():
        raise Conflict(f"“{task}” is a task of the package and is always there.", code="task-shipped")
    if not reason.strip() or not reason.isprintable() or len(reason) > 200:
        raise InvalidInput("Retiring a task needs a reason: one line of at most 200 characters.")
    task_of(store, task)
    row = _newest(store, task)
    for dataset in json.loads(row["datasets"]) if row else ():
        authorise(store, person, PUBLISH, dataset, context)
    with store.change(person, "task.retire", task, reason=reason) as db:
        done = db.execute(
            "UPDATE tasks SET retired = ?, retired_by = ?, reason = ? WHERE retired IS NULL AND number = "
            "(SELECT MAX(number) FROM tasks WHERE id = ?)", (stamped(store), person, reason, task),
        )  # fmt: skip
        if done.rowcount != 1:
            raise Conflict(f"“{task}” was retired already.", code="task-retired")
    return published(store, task)


def published(store: Store, task: str) -> dict[str, Any]:
    """Say how a task came to this home: with the package, or by whom and when each of its versions."""
    rows = store.read().execute("SELECT * FROM tasks WHERE id = ? ORDER BY number", (task,)).fetchall()
    newest = rows[-1] if rows else None
    return {
        "task": task, "shipped": task in definitions(), "retired": newest["retired"] if newest else None,
        "reason": newest["reason"] if newest else "",
        "published": [{"person": row["person"], "published": row["published"]} for row in rows],
    }  # fmt: skip


def text_of(store: Store, task: str) -> str:
    """Give the file of a task as it was written, by its newest version."""
    if task in definitions():
        return shipped_text(task)
    row = _newest(store, task)
    return str(row["text"]) if row is not None else ""


def _check_tier(store: Store, dataset: str, *, is_hidden: bool) -> None:
    row = store.read().execute("SELECT tier FROM datasets WHERE name = ?", (dataset,)).fetchone()
    tier = row["tier"] if row else None
    if is_hidden and tier is not None and tier != HIDDEN_TIER:
        raise Conflict(
            f"“{dataset}” is {tier}, so people can come to read the hidden test; put it into a dataset of the tier "
            f"“{HIDDEN_TIER}”, which the evaluator alone reads.", code="test-not-hidden",
        )  # fmt: skip
    if not is_hidden and tier == HIDDEN_TIER:
        raise Conflict(
            f"“{dataset}” is {tier}, so nobody can learn from it; name another one for train and validation."
        )


def _newest(store: Store, task: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = store.read().execute(
        "SELECT * FROM tasks WHERE id = ? ORDER BY number DESC LIMIT 1", (task,)
    ).fetchone()  # fmt: skip
    return row


@lru_cache(maxsize=256)
def _read(text: str, name: str) -> TaskDefinition:
    return parse(text, name)
