"""The facts of a question, read from the store and kept in memory until the store changes.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from typing import Any

from workbench.governance.evidence.records import read_asked, read_person, remember
from workbench.governance.evidence.standing import Standing, standing
from workbench.governance.policy.situation import DATASET, IN_POLICIES, NAME, RESOURCES, Situation
from workbench.governance.policy.texts import policy_text
from workbench.governance.question import Question
from workbench.governance.store import Store

# Whose thing it is, and the dataset whose custodian answers for it; the airlock keeps its offers itself.
_OWNERS = {
    "Request": ("requests", "person, dataset"),
    "Grant": ("grants", "person, dataset"),
    "Submission": ("submissions", "person, hidden AS dataset"),
    "Final": ("finals", "person, dataset"),
    "Packages": ("package_requests", "person, NULL AS dataset"),
    "Release": ("offers", "person, NULL AS dataset"),
    "Cluster": ("clusters", "person, NULL AS dataset"),
}


def read_roles(store: Store, person: str) -> frozenset[str] | None:
    """Give the roles that a person holds now, or None when nobody has the account."""
    return remember(store, ("policy-roles", person), lambda: _roles(store, person))


def gather(ask: Question) -> tuple[Situation, Standing | None, str] | None:
    """Give the facts of a question, the person's standing and the dataset's own policy text.

    Returns
    -------
    tuple or None
        None when there is no such dataset, request or grant.
    """
    kind, context = RESOURCES[ask.action], ask.context
    situation = Situation(
        ask.person, ask.roles, IN_POLICIES.get(ask.action, ask.action), kind, ask.resource,
        kind=context.kind, sandbox=context.isolation == "bubblewrap", purpose=context.purpose, task=context.task,
        now=ask.now,
    )  # fmt: skip
    if kind == DATASET:
        return _about_dataset(ask, situation)
    if kind not in _OWNERS:
        return situation, None, ""
    row = remember(ask.store, ("policy-owner", kind, ask.resource), lambda: _owner(ask.store, kind, ask.resource))
    if row is None:
        # Whoever offers or votes on a release that is not there is told so by the airlock.
        return (situation, None, "") if kind == "Release" else None
    return situation._replace(owner=row["person"], custodian=row["custodian"] or ""), None, ""


def _about_dataset(ask: Question, situation: Situation) -> tuple[Situation, Standing | None, str] | None:
    store = ask.store
    row = remember(store, ("policy-dataset", ask.resource), lambda: _dataset(store, ask.resource))
    if row is None:
        return (situation._replace(type=NAME), None, "") if ask.action == "dataset.ingest" else None
    grants = read_asked(store, ask.person, ask.resource).grants
    situation = situation._replace(
        tier=row["tier"], custodian=row["custodian"], uploader=row["uploader"] or "",
        discoverable=bool(row["discoverable"]), published=bool(row["is_out"]), waiting=row["uploader"] is not None,
        held=any(grant["revoked"] is None and grant["ends"] > ask.now for grant in grants),
    )  # fmt: skip
    if situation.action not in ("read", "request"):
        return situation, None, ""
    found = standing(store, ask.person, ask.resource, purpose=ask.context.purpose or None, now=ask.now)
    brought = read_person(store, ask.person)
    situation = situation._replace(
        institution=brought.institution if brought else "", country=brought.country if brought else "",
        projects=brought.projects if brought else frozenset(),
        agreement=found.agreement, training=found.training, use=found.use, grant=found.grant is not None,
        held=situation.held or found.grant is not None,
        purpose=situation.purpose or (found.grant["purpose"] if found.grant else ""),
    )  # fmt: skip
    if ask.action == "dataset.view":
        situation = situation._replace(looking=True, view=_has_open_view(ask))
    return situation, found, policy_text(store, ask.resource)


def _roles(store: Store, person: str) -> frozenset[str] | None:
    found = store.read().execute("SELECT role FROM people LEFT JOIN roles ON person = id WHERE id = ?", (person,))
    rows = found.fetchall()
    return frozenset(row["role"] for row in rows if row["role"]) if rows else None


def _dataset(store: Store, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = store.read().execute(
        "SELECT tier, custodian, discoverable, EXISTS (SELECT 1 FROM published WHERE dataset = name) AS is_out, "
        "(SELECT uploader FROM versions WHERE dataset = name AND status = 'waiting') AS uploader "
        "FROM datasets WHERE name = ?", (name,),
    ).fetchone()  # fmt: skip
    return row


def _owner(store: Store, kind: str, name: str) -> dict[str, Any] | None:
    table, columns = _OWNERS[kind]
    db = store.read()
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
        return None
    row = db.execute(
        f"SELECT *, (SELECT custodian FROM datasets WHERE name = dataset) AS custodian "  # noqa: S608 - own names
        f"FROM (SELECT {columns} FROM {table} WHERE id = ?)",
        (name,),
    ).fetchone()
    return dict(row) if row else None


def _has_open_view(ask: Question) -> bool:
    def read() -> bool:
        row = ask.store.read().execute(
            "SELECT 1 FROM views JOIN kernels ON kernels.id = views.kernel "
            "WHERE views.person = ? AND views.dataset = ? AND kernels.person = views.person AND kernels.ended IS NULL",
            (ask.person, ask.resource),
        )
        return row.fetchone() is not None

    return remember(ask.store, ("policy-view", ask.person, ask.resource), read)
