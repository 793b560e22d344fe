"""How many scored submissions a person has: a week's and all; failures, withdrawn ones and validations cost nothing.

What waits or runs counts, or a person could send more than the quota before the first one ends; it is given back when
that one fails or is withdrawn.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from sqlite3 import Cursor
from typing import Any

from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.errors import Conflict, SubmissionRefused
from workbench.governance.canonical import stamp
from workbench.governance.store import Store

WEEK = timedelta(days=7)
# Of one person and of all, at the same time: what one sends never keeps the others from being evaluated.
MOST_WAITING_EACH, MOST_WAITING = 20, 500
# Validations cost no quota, so that they are tried often; this is only against a loop that never stops.
MOST_A_MINUTE = 60
MINUTE = timedelta(minutes=1)

Execute = Callable[[str, Sequence[Any]], Cursor]
_COUNTED = "person = ? AND task = ? AND intent = 'scored' AND state IN ('queued', 'running', 'scored')"


def quota_of(store: Store, person: str, task: TaskDefinition, version: str) -> dict[str, int]:
    """Give what a person has used of a task's quota: `week_used`, `week`, `total_used` and `total`.

    The week's counts every version of the task, the total those to this version: new hidden data are a new test.
    """
    return _used(store.read().execute, person, task, version, store.now())


def reserve(execute: Execute, person: str, task: TaskDefinition, version: str, *, intent: str, now: datetime) -> None:
    """Refuse one submission more, inside the transaction that would take it in.

    Raises
    ------
    SubmissionRefused
        With QUOTA when the week's or all scored submissions are used up.
    Conflict
        With ``too-many`` when too many wait, or came within a minute.
    """
    _check_crowd(execute, person, now)
    if intent != "scored":
        return
    used = _used(execute, person, task, version, now)
    if used["total_used"] >= used["total"]:
        raise SubmissionRefused(
            f"You have {used['total_used']} scored submissions to this version of {task.id}, which is all there are; "
            "failed ones did not count. Check a file as often as you like with --validate.", code="QUOTA",
        )  # fmt: skip
    if used["week_used"] >= used["week"]:
        raise SubmissionRefused(
            f"You have {used['week_used']} scored submissions to {task.id} in the last 7 days, which is all; failed "
            f"ones did not count. Check a file with --validate, or wait: {_next(execute, person, task, now)}.",
            code="QUOTA",
        )


def _used(execute: Execute, person: str, task: TaskDefinition, version: str, now: datetime) -> dict[str, int]:
    who = (person, task.id)
    week = execute(f"SELECT COUNT(*) FROM submissions WHERE {_COUNTED} AND created > ?", (*who, stamp(now - WEEK)))  # noqa: S608 - own words
    total = execute(f"SELECT COUNT(*) FROM submissions WHERE {_COUNTED} AND task_version = ?", (*who, version))  # noqa: S608 - the same
    return {
        "week_used": week.fetchone()[0], "week": task.quota.scored_per_week,
        "total_used": total.fetchone()[0], "total": task.quota.scored_in_all,
    }  # fmt: skip


def _next(execute: Execute, person: str, task: TaskDefinition, now: datetime) -> str:
    oldest = execute(
        f"SELECT MIN(created) FROM submissions WHERE {_COUNTED} AND created > ?",  # noqa: S608 - own words
        (person, task.id, stamp(now - WEEK)),
    ).fetchone()[0]
    return f"the oldest of them was sent at {oldest} and counts for 7 days"


def _check_crowd(execute: Execute, person: str, now: datetime) -> None:
    waiting = execute(
        "SELECT COUNT(*) AS everybody, COALESCE(SUM(person = ?), 0) AS own FROM submissions "
        "WHERE state IN ('queued', 'running')", (person,),
    ).fetchone()  # fmt: skip
    if waiting["own"] >= MOST_WAITING_EACH or waiting["everybody"] >= MOST_WAITING:
        whose = f"{waiting['own']} of yours" if waiting["own"] >= MOST_WAITING_EACH else f"{waiting['everybody']}"
        raise Conflict(f"{whose} wait already; send it again when some of them have ended.", code="too-many")
    sent = execute(
        "SELECT COUNT(*) FROM submissions WHERE person = ? AND created > ?", (person, stamp(now - MINUTE))
    ).fetchone()[0]  # fmt: skip
    if sent >= MOST_A_MINUTE:
        raise Conflict(f"You sent {sent} submissions within a minute; wait one before the next.", code="too-many")
