"""Access requests and the grants they lead to: ask, approve, refuse, revoke.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from workbench.errors import AccessDenied, Conflict, InvalidInput
from workbench.governance.canonical import day, stamp
from workbench.governance.decide import authorise, decide
from workbench.governance.people import find_purpose, roles_of
from workbench.governance.store import Store

MAX_DAYS = 365
MAX_TEXT = 2000
ASKERS = frozenset({"researcher", "custodian"})

_NO_REQUEST_NEEDED = {
    "open": "“{name}” is open: you may read it now, without a request.",
    "registered": "“{name}” is registered: you are signed in, so you may read it now, without a request.",
}


def submit_request(store: Store, person: str, dataset: str, purpose: str, days: int, note: str = "") -> dict[str, Any]:
    """Ask for access to a dataset for a purpose.

    Parameters
    ----------
    store : Store
        The home's store.
    person, dataset : str
        Who asks for what.
    purpose : str
        A purpose of this home, by id or label.
    days : int
        How long, 1 to 365 days from the approval.
    note : str, default ""
        Anything the custodian should know, up to 2000 characters.

    Returns
    -------
    dict
        The request, as `list_requests` gives it.

    Raises
    ------
    NotFound
        When there is no such dataset, or this person may not know of it.
    InvalidInput
        When the purpose is unknown or the days are out of range.
    Conflict
        When nothing needs asking: the dataset is open, the same request waits, or the grant still runs.
    AccessDenied
        When nobody may ever have it (undisclosed), or the person's roles do not read data.
    """
    authorise(store, person, "dataset.request", dataset)
    tier = store.read().execute("SELECT tier FROM datasets WHERE name = ?", (dataset,)).fetchone()["tier"]
    if tier in _NO_REQUEST_NEEDED:
        raise Conflict(_NO_REQUEST_NEEDED[tier].format(name=dataset))
    if tier == "undisclosed":
        _deny(store, person, dataset, decide(store, person, "dataset.read", dataset).reason, "undisclosed")
    if not roles_of(store, person) & ASKERS:
        text = "Only researchers and custodians ask for data, and you hold neither role; ask an administrator for it."
        _deny(store, person, dataset, text, "wrong-role")
    chosen = find_purpose(store, purpose)
    _check_days(days)
    note = _text(note, "note")
    _refuse_duplicates(store, person, dataset, chosen)
    now = stamp(store.now())
    try:
        with store.change(person, "request.submit", dataset, purpose=chosen, days=days) as db:
            request = db.details["request"] = db.next_id("requests", "R")
            db.execute(
                "INSERT INTO requests (id, dataset, person, purpose, days, note, status, created) "
                "VALUES (?, ?, ?, ?, ?, ?, 'submitted', ?)",
                (request, dataset, person, chosen, days, note, now),
            )
    except sqlite3.IntegrityError:
        raise Conflict(f"You asked for “{dataset}” a moment ago; `workbench requests` shows it.") from None
    return get_request(store, request)


def approve(store: Store, person: str, request_id: str, reason: str = "") -> dict[str, Any]:
    """Approve a request: the grant starts now and lasts the days that were asked for.

    Raises
    ------
    AccessDenied, NotFound
        When this person may not decide it; nobody decides their own.
    Conflict
        When it has been decided already.
    """
    authorise(store, person, "request.decide", request_id)
    reason = _text(reason, "reason")
    now = store.now()
    with store.change(person, "request.approve", request_id, reason=reason) as db:
        row = db.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        _check_waiting(row)
        ends = stamp(now + timedelta(days=row["days"]))
        grant = db.next_id("grants", "G")
        db.execute(
            "UPDATE requests SET status = 'granted', decided = ?, decided_by = ?, reason = ? WHERE id = ?",
            (stamp(now), person, reason, request_id),
        )
        db.execute(
            "INSERT INTO grants (id, request, dataset, person, purpose, starts, ends, approved_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (grant, request_id, row["dataset"], row["person"], row["purpose"], stamp(now), ends, person),
        )
        db.details |= {"grant": grant, "dataset": row["dataset"], "person": row["person"], "until": ends}
    return get_request(store, request_id)


def refuse(store: Store, person: str, request_id: str, reason: str = "") -> dict[str, Any]:
    """Refuse a request; the person may ask again. Raises as `approve` does."""
    authorise(store, person, "request.decide", request_id)
    reason = _text(reason, "reason")
    with store.change(person, "request.refuse", request_id, reason=reason) as db:
        row = db.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        _check_waiting(row)
        db.execute(
            "UPDATE requests SET status = 'refused', decided = ?, decided_by = ?, reason = ? WHERE id = ?",
            (stamp(store.now()), person, reason, request_id),
        )
        db.details |= {"dataset": row["dataset"], "person": row["person"]}
    return get_request(store, request_id)


def revoke(store: Store, person: str, grant_id: str, reason: str = "") -> dict[str, Any]:
    """End a grant now; the next read under it is refused.

    Returns
    -------
    dict
        The request that the grant came from.

    Raises
    ------
    AccessDenied, NotFound
        When this person may not revoke it.
    Conflict
        When it has ended already.
    """
    authorise(store, person, "grant.revoke", grant_id)
    reason = _text(reason, "reason")
    now = stamp(store.now())
    with store.change(person, "grant.revoke", grant_id, reason=reason) as db:
        row = db.execute("SELECT * FROM grants WHERE id = ?", (grant_id,)).fetchone()
        if row["revoked"] is not None or row["ends"] <= now:
            raise Conflict(
                f"Grant {grant_id} ended on {day(row['revoked'] or row['ends'])}; there is nothing to revoke."
            )
        db.execute(
            "UPDATE grants SET revoked = ?, revoked_by = ?, revoke_reason = ? WHERE id = ?",
            (now, person, reason, grant_id),
        )
        db.details |= {"dataset": row["dataset"], "person": row["person"], "request": row["request"]}
    return get_request(store, row["request"])


def list_requests(store: Store, person: str) -> list[dict[str, Any]]:
    """Give this person's own requests and those they may decide, newest first, each with `may_decide`."""
    ids = store.read().execute("SELECT id, person FROM requests ORDER BY number DESC").fetchall()
    found = []
    for row in ids:
        may_decide = decide(store, person, "request.decide", row["id"]).allowed
        if may_decide or row["person"] == person:
            found.append({**get_request(store, row["id"]), "may_decide": may_decide})
    return found


def get_request(store: Store, request_id: str) -> dict[str, Any]:
    """Give a request with its grant; callers check first who may see it.

    Returns
    -------
    dict
        `id, dataset, person, purpose, days, note, status, created, decided, decided_by, reason, grant, until`;
        the status is ``submitted``, ``granted``, ``refused`` or, when the grant is over, ``ended``.
    """
    row = store.read().execute(
        "SELECT requests.*, grants.id AS grant_id, ends, revoked, revoke_reason FROM requests "
        "LEFT JOIN grants ON grants.request = requests.id WHERE requests.id = ?",
        (request_id,),
    )
    return _as_dict(row.fetchone(), stamp(store.now()))


def active_grant(store: Store, person: str, dataset: str, now: datetime | None = None) -> dict[str, Any] | None:
    """Give the grant under which a person may read a dataset at a moment, or None."""
    at = stamp(now or store.now())
    row = store.read().execute(
        "SELECT * FROM grants WHERE person = ? AND dataset = ? AND revoked IS NULL AND starts <= ? AND ends > ? "
        "ORDER BY ends DESC LIMIT 1",
        (person, dataset, at, at),
    )
    found = row.fetchone()
    return dict(found) if found else None


def _as_dict(row: sqlite3.Row, now: str) -> dict[str, Any]:
    kept = (
        "id",
        "dataset",
        "person",
        "purpose",
        "days",
        "note",
        "status",
        "created",
        "decided",
        "decided_by",
        "reason",
    )
    request = {name: row[name] for name in kept}
    request |= {"grant": row["grant_id"], "until": row["revoked"] or row["ends"]}
    if row["grant_id"] and (row["revoked"] or row["ends"] <= now):
        request["status"] = "ended"
        request["reason"] = row["revoke_reason"] or request["reason"]
    return request


def _refuse_duplicates(store: Store, person: str, dataset: str, purpose: str) -> None:
    waiting = store.read().execute(
        "SELECT id FROM requests WHERE person = ? AND dataset = ? AND status = 'submitted'", (person, dataset)
    )
    row = waiting.fetchone()
    if row:
        raise Conflict(f"Your request {row['id']} for “{dataset}” still waits for its custodian; no need to ask again.")
    grant = active_grant(store, person, dataset)
    if grant and grant["purpose"] == purpose:
        raise Conflict(
            f"You hold grant {grant['id']} for “{dataset}” until {day(grant['ends'])}; ask again after that."
        )


def _check_days(days: int) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"Access lasts 1 to {MAX_DAYS} days, and {days!r} is not a number of days in that range.")


def _text(text: str, name: str) -> str:
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InvalidInput(f"The {name} must be text of at most {MAX_TEXT} characters; shorten it.")
    return text.strip()


def _check_waiting(row: sqlite3.Row) -> None:
    if row["status"] != "submitted":
        raise Conflict(f"Request {row['id']} was {row['status']} by {row['decided_by']} on {day(row['decided'])}.")


def _deny(store: Store, person: str, dataset: str, reason: str, code: str) -> None:
    store.note(person, "dataset.request", dataset, outcome="denied", reason=reason, code=code)
    raise AccessDenied(reason, code=code)
