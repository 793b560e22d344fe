"""What a person may have: workers and GPUs at the same time, and worker hours within seven days.

A cluster that runs counts with all the hours it may still take, or a person could start more than the quota before the
first one ends; what it did not use is given back when it ends. A quota is a rule between people who share a machine;
what a kernel can take at most is bounded by its sandbox besides.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Cursor
from typing import Any

from workbench.errors import AccessDenied
from workbench.governance.canonical import moment, stamp
from workbench.settings import Settings

WEEK = timedelta(days=7)
CODE = "cluster-quota"
MORE = "or ask a custodian for more (`workbench cluster quota`)"

Execute = Callable[[str, Sequence[Any]], Cursor]


@dataclass(frozen=True)
class Quota:
    """What one person may have, and has.

    Parameters
    ----------
    workers, gpus : int
        CPU workers and GPUs (a GPU worker has one) at the same time.
    hours : float
        Worker hours within seven days.
    workers_used, gpus_used, hours_used : int, int, float
        Of these, what running clusters hold; and what was used this week or is held still.
    holders : tuple of str
        The clusters that run.
    """

    workers: int
    gpus: int
    hours: float
    workers_used: int = 0
    gpus_used: int = 0
    hours_used: float = 0.0
    holders: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "workers": self.workers, "workers_used": self.workers_used, "gpus": self.gpus, "gpus_used": self.gpus_used,
            "hours": self.hours, "hours_used": round(self.hours_used, 2),
        }  # fmt: skip


def read_quota(execute: Execute, settings: Settings, person: str, now: datetime, *, leave_out: str = "") -> Quota:
    """Give a person's quota with what is used of it.

    Parameters
    ----------
    execute : callable
        Of a reader, or of the open change that would use more of it.
    settings : Settings
        Whose `cluster_workers`, `cluster_gpus` and `cluster_hours` hold where nobody set another quota.
    person : str
        Whose.
    now : datetime
        The present moment.
    leave_out : str
        A cluster that does not count, since it is about to change.
    """
    row = execute("SELECT workers, gpus, hours FROM cluster_quotas WHERE person = ?", (person,)).fetchone()
    usual = {"workers": settings.cluster_workers, "gpus": settings.cluster_gpus, "hours": settings.cluster_hours}
    most = row or usual
    rows = execute(
        "SELECT * FROM clusters WHERE person = ? AND id <> ? AND (ended IS NULL OR ended > ?) ORDER BY number",
        (person, leave_out, stamp(now - WEEK)),
    ).fetchall()
    alive = [one for one in rows if one["ended"] is None]
    held_s = [one["workers"] * max((moment(one["ends"]) - moment(one["changed"])).total_seconds(), 0) for one in alive]
    return Quota(
        int(most["workers"]),
        int(most["gpus"]),
        float(most["hours"]),
        workers_used=sum(one["workers"] for one in alive if one["kind"] == "cpu"),
        gpus_used=sum(one["workers"] for one in alive if one["kind"] == "gpu"),
        hours_used=(sum(one["used_worker_s"] for one in rows) + sum(held_s)) / 3600,
        holders=tuple(one["id"] for one in alive),
    )


def check_workers(quota: Quota, kind: str, workers: int, *, is_at_most: bool = False) -> int:
    """Give how many workers somebody gets.

    Raises
    ------
    AccessDenied
        When the quota has fewer left, or none where fewer would do.
    """
    most, used, what = (
        (quota.gpus, quota.gpus_used, "GPUs") if kind == "gpu" else (quota.workers, quota.workers_used, "workers")
    )
    left = max(most - used, 0)
    if workers <= left:
        return workers
    if is_at_most and left:
        return left
    held = f", {used} of them in {', '.join(quota.holders)}" if used else ""
    closing = f"close one of your clusters (`workbench cluster stop {quota.holders[0]}`), " if quota.holders else ""
    fewer = f"ask for at most {left}, " if left else ""
    raise AccessDenied(
        f"Your quota is {most} {what} at the same time{held}, and {workers} were asked for: {fewer}{closing}{MORE}.",
        code=CODE,
    )


def check_hours(quota: Quota, hours: float) -> None:
    """Refuse more worker hours than the quota has left.

    Raises
    ------
    AccessDenied
        When it has fewer.
    """
    left = max(quota.hours - quota.hours_used, 0.0)
    if hours > left:
        raise AccessDenied(
            f"Your quota is {quota.hours:g} worker hours in 7 days, {left:.1f} of them left, and {hours:.1f} were "
            f"asked for (workers × hours): ask for fewer workers or hours, {MORE}.",
            code=CODE,
        )
