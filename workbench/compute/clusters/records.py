"""The record of clusters: who has which, in which kernel, since when; every start, change and end with its event.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workbench.compute.clusters.quotas import check_hours, check_workers, read_quota
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.canonical import moment, stamp
from workbench.governance.decide import authorise
from workbench.governance.decision import Context
from workbench.governance.store import Store, stamped
from workbench.settings import Settings

MAX_WORKERS = 64
MAX_HOURS = 24.0
MAX_IDLE_MINUTES = 24 * 60.0
# How long one that has ended is still listed, with the reason.
LISTED = timedelta(hours=24)
MOST_ENDED = 10
RESOURCE = "clusters"
HOURS_OVER, KERNEL_ENDED = "its hours ran out", "its kernel ended"
SILENT = "its kernel was not heard of any more"

SCHEMA = """
CREATE TABLE IF NOT EXISTS clusters (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people,
  kernel TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('cpu', 'gpu')), workers INTEGER NOT NULL,
  idle_minutes REAL NOT NULL, started TEXT NOT NULL, ends TEXT NOT NULL, changed TEXT NOT NULL,
  used_worker_s REAL NOT NULL DEFAULT 0, stop_by TEXT, ended TEXT, why TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX IF NOT EXISTS clusters_of_person ON clusters (person, ended);
CREATE TABLE IF NOT EXISTS cluster_quotas (
  person TEXT PRIMARY KEY REFERENCES people, workers INTEGER NOT NULL, gpus INTEGER NOT NULL, hours REAL NOT NULL,
  set_by TEXT NOT NULL, changed TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True)
class Asked:
    """What a kernel wants to start.

    Parameters
    ----------
    kind : str
        ``cpu`` or ``gpu``.
    workers : int
        How many, 1–64.
    hours, idle_minutes : float
        After how long it closes by itself: in all, and with nothing to do.
    is_at_most : bool
        Whether fewer workers will do when the quota has fewer left.
    """

    kind: str
    workers: int
    hours: float
    idle_minutes: float
    is_at_most: bool = False

    def check(self) -> None:
        """Refuse numbers out of their range."""
        if self.kind not in ("cpu", "gpu") or not 1 <= self.workers <= MAX_WORKERS:
            raise InvalidInput(f"A cluster is of kind cpu or gpu and has 1 to {MAX_WORKERS} workers.")
        if not 0 < self.hours <= MAX_HOURS or not 0 < self.idle_minutes <= MAX_IDLE_MINUTES:
            raise InvalidInput(f"hours lie above 0 and up to {MAX_HOURS:g}, idle minutes up to {MAX_IDLE_MINUTES:g}.")


def begin(store: Store, settings: Settings, person: str, asked: Asked, context: Context) -> dict[str, Any]:
    """Record that a kernel starts a cluster.

    Raises
    ------
    InvalidInput
        When a number is out of its range.
    AccessDenied
        With ``cluster-quota`` when it is more than the person's quota has left.
    """
    asked.check()
    authorise(store, person, "cluster.start", RESOURCE, context)
    start = store.now()
    try:
        with store.change(person, "cluster.start", RESOURCE, kernel=context.kernel, kind=asked.kind) as db:
            quota = read_quota(db.execute, settings, person, start)
            workers = check_workers(quota, asked.kind, asked.workers, is_at_most=asked.is_at_most)
            check_hours(quota, workers * asked.hours)
            cluster = db.next_id("clusters", "CL")
            db.details.update(cluster=cluster, workers=workers, hours=asked.hours, idle_minutes=asked.idle_minutes)
            db.execute(
                "INSERT INTO clusters (id, person, kernel, kind, workers, idle_minutes, started, ends, changed) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (cluster, person, context.kernel, asked.kind, workers, asked.idle_minutes, stamp(start),
                 stamp(start + timedelta(hours=asked.hours)), stamp(start)),
            )  # fmt: skip
    except AccessDenied as refused:
        _note_denied(store, person, "cluster.start", RESOURCE, refused)
        raise
    return shown(find(store, cluster))


def scale(store: Store, settings: Settings, cluster: str, workers: int) -> dict[str, Any]:
    """Record that a cluster has another number of workers from now on.

    Raises
    ------
    InvalidInput
        When the number is out of its range.
    Conflict
        When the cluster has ended.
    AccessDenied
        With ``cluster-quota`` when it is more than the person's quota has left.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise InvalidInput(f"A cluster has 1 to {MAX_WORKERS} workers; close it to have none.")
    row = _running(find(store, cluster))
    now = store.now()
    try:
        with store.change(row["person"], "cluster.scale", cluster, before=row["workers"], workers=workers) as db:
            quota = read_quota(db.execute, settings, row["person"], now, leave_out=cluster)
            check_workers(quota, row["kind"], workers)
            used = _used_s(row, now)
            check_hours(quota, used / 3600 + workers * max((moment(row["ends"]) - now).total_seconds(), 0) / 3600)
            db.execute(
                "UPDATE clusters SET workers = ?, used_worker_s = ?, changed = ? WHERE id = ?",
                (workers, used, stamp(now), cluster),
            )
    except AccessDenied as refused:
        _note_denied(store, row["person"], "cluster.scale", cluster, refused)
        raise
    return shown(find(store, cluster))


def end(store: Store, cluster: str, why: str) -> dict[str, Any]:
    """Record that a cluster has ended, and how many worker hours it used; doing it twice is fine."""
    row = find(store, cluster)
    if row["ended"] is None:
        now = store.now()
        used = _used_s(row, min(now, moment(row["ends"])))
        hours = round(used / 3600, 4)
        with store.change(row["person"], "cluster.end", cluster, reason=why, worker_hours=hours) as db:
            db.execute(
                "UPDATE clusters SET ended = ?, why = ?, used_worker_s = ? WHERE id = ? AND ended IS NULL",
                (stamp(now), why, used, cluster),
            )
    return shown(find(store, cluster))


def ask_to_stop(store: Store, person: str, cluster: str) -> dict[str, Any]:
    """Record that somebody wants a cluster to end; its kernel hears of it with its next word to the gateway."""
    row = _running(find(store, cluster))
    if row["stop_by"] is None:
        with store.change(person, "cluster.stop", cluster) as db:
            db.execute("UPDATE clusters SET stop_by = ? WHERE id = ?", (person, cluster))
    return shown(find(store, cluster))


def end_of_kernel(store: Store, kernel: str) -> None:
    """Close in the record what ran in a kernel that has ended."""
    rows = store.read().execute("SELECT id FROM clusters WHERE kernel = ? AND ended IS NULL", (kernel,)).fetchall()
    for row in rows:
        end(store, row["id"], KERNEL_ENDED)


def find(store: Store, cluster: str) -> sqlite3.Row:
    """Give the row of a cluster."""
    row: sqlite3.Row | None = store.read().execute("SELECT * FROM clusters WHERE id = ?", (cluster,)).fetchone()
    if row is None:
        raise NotFound(f"There is no cluster “{cluster}”; `workbench cluster list` lists yours.")
    return row


def running(store: Store) -> list[sqlite3.Row]:
    """Give the rows of all clusters that run."""
    return store.read().execute("SELECT * FROM clusters WHERE ended IS NULL").fetchall()


def list_clusters(store: Store, person: str) -> list[dict[str, Any]]:
    """List a person's clusters, newest first: those that run, and what ended within a day."""
    since = stamp(store.now() - LISTED)
    rows = store.read().execute(
        "SELECT * FROM clusters WHERE person = ? AND (ended IS NULL OR ended > ?) ORDER BY number DESC", (person, since)
    )
    found = [shown(row) for row in rows.fetchall()]
    ended = [one for one in found if one["ended"]][:MOST_ENDED]
    return [one for one in found if not one["ended"] or one in ended]


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """Give the facts of a cluster as its person sees them."""
    names = ("id", "person", "kernel", "kind", "workers", "idle_minutes", "started", "ends", "ended", "why")
    state = "ended" if row["ended"] else "stopping" if row["stop_by"] else "running"
    return {**{name: row[name] for name in names}, "state": state}


def set_quota(store: Store, actor: str, person: str, *, workers: int, gpus: int, hours: float) -> None:
    """Record what a person may have from now on; what runs already goes on.

    Raises
    ------
    InvalidInput
        When a number is below 0 or absurd.
    """
    if not (0 <= workers <= 10_000 and 0 <= gpus <= 10_000 and 0 <= hours <= 1_000_000):
        raise InvalidInput("A quota has 0 to 10000 workers and GPUs, and 0 to 1000000 worker hours a week.")
    with store.change(actor, "cluster.quota", person, workers=workers, gpus=gpus, hours=hours) as db:
        db.execute(
            "INSERT OR REPLACE INTO cluster_quotas VALUES (?, ?, ?, ?, ?, ?)",
            (person, workers, gpus, hours, actor, stamped(store)),
        )


def _running(row: sqlite3.Row) -> sqlite3.Row:
    if row["ended"]:
        raise Conflict(f"{row['id']} has ended: {row['why']}. Start a new one with wb.cluster().", code="cluster-ended")
    return row


def _used_s(row: sqlite3.Row, until: datetime) -> float:
    passed_s: float = max((until - moment(row["changed"])).total_seconds(), 0.0)
    return float(row["used_worker_s"]) + float(row["workers"]) * passed_s


def _note_denied(store: Store, person: str, action: str, resource: str, refused: AccessDenied) -> None:
    store.note(person, action, resource, outcome="denied", reason=refused.message, code=refused.code)
