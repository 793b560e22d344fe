"""Access requests and the grants they lead to: ask, approve, refuse, revoke.

A request carries what the person declares of the planned use. Terms of use that forbid it refuse the request at the
door; where they leave something open, the approval records that somebody looked at it.

Runs in: gateway
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from workbench.errors import AccessDenied, Conflict, InvalidInput
from workbench.governance.canonical import canonical_json, day, stamp
from workbench.governance.decide import authorise, decide
from workbench.governance.duo.facts import read_facts
from workbench.governance.duo.matching import Match
from workbench.governance.evidence.planned import forbidding, judge_use, to_review
from workbench.governance.evidence.records import read_dataset, read_person
from workbench.governance.evidence.standing import standing
from workbench.governance.people import find_purpose, roles_of
from workbench.governance.store import Store

MAX_DAYS = 365
MAX_TEXT = 2000
ASKERS = frozenset({"researcher", "custodian"})
NOT_PERMITTED = "use-not-permitted"

_NO_REQUEST_NEEDED = {
    "open": "“{name}” is open: you may read it now, without a request.",
    "registered": "“{name}” is registered: you are signed in, so you may read it now, without a request.",
}


def submit_request(
    store: Store,
    person: str,
    dataset: str,
    purpose: str,
    days: int,
    note: str = "",
    *,
    attestations: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
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
    attestations : mapping, optional
        What the person declares of the planned use, such as ``{"is_commercial": False}``; see `PurposeFacts`.

    Returns
    -------
    dict
        The request, as `list_requests` gives it.

    Raises
    ------
    NotFound
        When there is no such dataset, or this person may not know of it.
    InvalidInput
        When the purpose or a declared fact is unknown, or the days are out of range.
    Conflict
        When nothing needs asking: the dataset is open, the same request waits, or the grant still runs.
    AccessDenied
        When nobody may ever have it (undisclosed), the person's roles do not read data, or the terms of use forbid it.
    """
    authorise(store, person, "dataset.request", dataset)
    tier = _tier_to_ask(store, person, dataset)
    chosen = find_purpose(store, purpose)
    _check_days(days)
    note = _text(note, "note")
    declared = _declared(store, person, attestations)
    now = store.now()
    found = judge_use(store, person, dataset, chosen, declared, starts=now, until=now + timedelta(days=days))
    if tier in _NO_REQUEST_NEEDED and (found is None or found.answer == "yes"):
        raise Conflict(_NO_REQUEST_NEEDED[tier].format(name=dataset))
    if found and found.answer == "no":
        _deny(store, person, dataset, forbidding(found, dataset), NOT_PERMITTED)
    _refuse_duplicates(store, person, dataset, chosen)
    row = (dataset, person, chosen, days, note, stamp(now), _text_of(declared), _text_of(found and found.as_dict()))
    return get_request(store, _insert_request(store, row, found))


def _insert_request(store: Store, row: tuple[Any, ...], found: Match | None) -> str:
    dataset, person, purpose, days = row[:4]
    try:
        with store.change(person, "request.submit", dataset, purpose=purpose, days=days) as db:
            request = db.details["request"] = db.next_id("requests", "R")
            db.details["match"] = found.answer if found else None
            db.execute(
                "INSERT INTO requests (id, status, dataset, person, purpose, days, note, created, facts, matched) "
                "VALUES (?, 'submitted', ?, ?, ?, ?, ?, ?, ?, ?)",
                (request, *row),
            )
    except sqlite3.IntegrityError:
        raise Conflict(f"You asked for “{dataset}” a moment ago; `workbench requests` shows it.") from None
    return request


def approve(store: Store, person: str, request_id: str, reason: str = "", *, days: int | None = None) -> dict[str, Any]:
    """Approve a request: the grant starts now and lasts the days that were asked for, or fewer.

    Terms of use that the custodian has to look at count as looked at from now on, as they are today.

    Raises
    ------
    AccessDenied, NotFound
        When this person may not decide it (nobody decides their own), or the terms of use forbid it by now.
    InvalidInput
        When the days are more than were asked for.
    Conflict
        When it has been decided already.
    """
    authorise(store, person, "request.decide", request_id)
    reason = _text(reason, "reason")
    now = store.now()
    asked = store.read().execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
    _check_waiting(asked)
    given = asked["days"] if days is None else days
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= asked["days"]:
        raise InvalidInput(f"Approve 1 to {asked['days']} days: as many as were asked for, or fewer.")
    ends = now + timedelta(days=given)
    declared = json.loads(asked["facts"])
    found = judge_use(
        store, asked["person"], asked["dataset"], asked["purpose"], declared, starts=now, until=ends
    )  # fmt: skip
    if found and found.answer == "no":
        text = forbidding(found, asked["dataset"])
        store.note(person, "request.approve", request_id, outcome="denied", reason=text, code=NOT_PERMITTED)
        raise AccessDenied(text, code=NOT_PERMITTED)
    reviewed = to_review(found)
    with store.change(person, "request.approve", request_id, reason=reason) as db:
        row = db.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        _check_waiting(row)
        grant = db.next_id("grants", "G")
        db.execute(
            "UPDATE requests SET status = 'granted', decided = ?, decided_by = ?, reason = ?, reviewed = ?, "
            "matched = ? WHERE id = ?",
            (stamp(now), person, reason, _text_of(reviewed), _text_of(found and found.as_dict()), request_id),
        )
        db.execute(
            "INSERT INTO grants (id, request, dataset, person, purpose, starts, ends, approved_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (grant, request_id, row["dataset"], row["person"], row["purpose"], stamp(now), stamp(ends), person),
        )
        db.details |= {"grant": grant, "dataset": row["dataset"], "person": row["person"], "until": stamp(ends)}
        db.details |= {"reviewed": reviewed} if reviewed else {}
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
    """Give this person's own requests and those they may decide, newest first.

    Returns
    -------
    list of dict
        As `get_request` gives them, with `may_decide` and, while it is of use, `checklist`: what the person who asks
        has and lacks.
    """
    rows = store.read().execute(
        "SELECT id, requests.person FROM requests JOIN datasets ON name = dataset WHERE requests.person = :person OR "
        "custodian = :person OR EXISTS (SELECT 1 FROM roles WHERE person = :person AND role = 'administrator') "
        "ORDER BY number DESC",
        {"person": person},
    )
    found = []
    for row in rows.fetchall():
        may_decide = decide(store, person, "request.decide", row["id"]).allowed
        if may_decide or row["person"] == person:
            found.append({**get_request(store, row["id"]), "may_decide": may_decide})
    now = stamp(store.now())
    for request in found:
        is_open = request["status"] in ("submitted", "granted")
        asker, dataset, purpose = request["person"], request["dataset"], request["purpose"]
        items = standing(store, asker, dataset, purpose=purpose, now=now).items if is_open else ()
        request["checklist"] = [item.as_dict() for item in items]
    return found


def get_request(store: Store, request_id: str) -> dict[str, Any]:
    """Give a request with its grant; callers check first who may see it.

    Returns
    -------
    dict
        `id, dataset, person, purpose, days, note, status, created, decided, decided_by, reason, grant, until`,
        `attestations` (what was declared), `match` (what the terms of use say to it, or None) and `reviewed` (the
        terms that an approval looked at); the status is ``submitted``, ``granted``, ``refused`` or, when the grant is
        over, ``ended``.
    """
    row = store.read().execute(
        "SELECT requests.*, grants.id AS grant_id, ends, revoked, revoke_reason FROM requests "
        "LEFT JOIN grants ON grants.request = requests.id WHERE requests.id = ?",
        (request_id,),
    )
    now, found = store.now(), row.fetchone()
    request = _as_dict(found, stamp(now))
    if found["status"] == "submitted":
        until = now + timedelta(days=found["days"])
        asked = request["person"], request["dataset"], request["purpose"], request["attestations"]
        live = judge_use(store, *asked, starts=now, until=until)
        request["match"] = live.as_dict() if live else None
    return request


def list_grants(store: Store, person: str) -> list[dict[str, Any]]:
    """Give one's own grants and those one may end, newest first.

    Returns
    -------
    list of dict
        `id, request, dataset, person, purpose, label, starts, ends, approved_by, revoked, revoked_by, revoke_reason`,
        `is_active` and `may_revoke`.
    """
    rows = store.read().execute(
        "SELECT grants.id, request, dataset, grants.person, purpose, label, starts, ends, approved_by, revoked, "
        "revoked_by, revoke_reason FROM grants JOIN datasets ON name = dataset JOIN purposes ON purposes.id = purpose "
        "WHERE grants.person = :person OR custodian = :person OR EXISTS (SELECT 1 FROM roles WHERE person = :person "
        "AND role = 'administrator') ORDER BY grants.number DESC",
        {"person": person},
    )
    now, found = stamp(store.now()), []
    for row in rows.fetchall():
        may_revoke = decide(store, person, "grant.revoke", row["id"]).allowed
        if may_revoke or row["person"] == person:
            is_active = row["revoked"] is None and row["starts"] <= now < row["ends"]
            found.append({**dict(row), "is_active": is_active, "may_revoke": may_revoke and is_active})
    return found


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
    request |= {"attestations": json.loads(row["facts"]), "reviewed": json.loads(row["reviewed"])}
    request["match"] = json.loads(row["matched"]) if row["matched"] else None
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
    use = standing(store, person, dataset, purpose=purpose, now=stamp(store.now())).use
    # A grant whose use is not permitted any more (other terms, an ethics approval that ended) reads nothing.
    if grant and grant["purpose"] == purpose and use:
        raise Conflict(
            f"You hold grant {grant['id']} for “{dataset}” until {day(grant['ends'])}; ask again after that."
        )


def _tier_to_ask(store: Store, person: str, dataset: str) -> str:
    """Give the tier of a dataset that this person may ask for; say why where nobody asks, or this person does not."""
    tier = str(store.read().execute("SELECT tier FROM datasets WHERE name = ?", (dataset,)).fetchone()["tier"])
    if tier == "undisclosed":
        _deny(store, person, dataset, decide(store, person, "dataset.read", dataset).reason, "undisclosed")
    if tier in _NO_REQUEST_NEEDED and not _has_terms(store, dataset):
        raise Conflict(_NO_REQUEST_NEEDED[tier].format(name=dataset))
    if not roles_of(store, person) & ASKERS:
        text = "Only researchers and custodians ask for data, and you hold neither role; ask an administrator for it."
        _deny(store, person, dataset, text, "wrong-role")
    return tier


def _text_of(value: object) -> str | None:
    return None if value is None else canonical_json(value).decode()


def _has_terms(store: Store, dataset: str) -> bool:
    record = read_dataset(store, dataset)
    return bool(record and record.usage)


def _declared(store: Store, person: str, attestations: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give the declared facts, checked; a project must be one of the person's."""
    declared, holder = read_facts(attestations or {}), read_person(store, person)
    project = declared.get("project")
    if project and (holder is None or project not in holder.projects):
        raise InvalidInput(f"You are not a member of a project “{project[:64]}”; `workbench project` lists yours.")
    return declared


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
