"""Teaching cohorts: a teacher names members, datasets, exercises and an end; learners get and lose everything at once.

Open datasets need no approval. For each other dataset the custodian approves the cohort once, and every member then
holds a grant for the purpose “teaching” that ends with the cohort.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.canonical import moment, stamp
from workbench.governance.evidence.planned import forbidding, judge_use, to_review
from workbench.governance.people import find_person, roles_of
from workbench.governance.store import Change, Store, stamped

MAX_MEMBERS = 200
MAX_DAYS = 365
PURPOSE = "teaching"
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

SCHEMA = """
CREATE TABLE IF NOT EXISTS cohorts (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, teacher TEXT NOT NULL REFERENCES people,
  exercises TEXT NOT NULL, days INTEGER NOT NULL, created TEXT NOT NULL, ends TEXT NOT NULL, ended TEXT) STRICT;
CREATE TABLE IF NOT EXISTS cohort_members (
  cohort TEXT NOT NULL REFERENCES cohorts (id), person TEXT NOT NULL REFERENCES people,
  PRIMARY KEY (cohort, person)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cohort_datasets (
  cohort TEXT NOT NULL REFERENCES cohorts (id), dataset TEXT NOT NULL REFERENCES datasets, approved_by TEXT,
  PRIMARY KEY (cohort, dataset)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cohort_grants (
  cohort TEXT NOT NULL REFERENCES cohorts (id), grant_id TEXT NOT NULL REFERENCES grants (id),
  PRIMARY KEY (cohort, grant_id)) STRICT, WITHOUT ROWID;
"""


def create_cohort(
    store: Store, teacher: str, name: str, *, members: list[str], datasets: list[str], exercises: list[str], days: int
) -> dict[str, Any]:
    """Make a cohort; members without an account get one with the role researcher.

    Parameters
    ----------
    store : Store
        The home's store, opened with this module's `SCHEMA`.
    teacher : str
        Who answers for the cohort; needs the role teacher.
    name : str
        Such as “Radiology winter school”.
    members, datasets, exercises : list of str
        Account names, dataset names, and the notebooks to work on.
    days : int
        1–365, counted from now.

    Raises
    ------
    AccessDenied, InvalidInput, NotFound
        When the person is no teacher, a name is odd, a dataset is unknown or undisclosed.
    """
    if "teacher" not in roles_of(store, teacher):
        raise AccessDenied("To make a cohort you need the role teacher, which you do not hold.")
    if not name.strip() or len(name) > 200:
        raise InvalidInput("Name the cohort, in at most 200 characters.")
    if not 1 <= days <= MAX_DAYS or not 1 <= len(set(members)) <= MAX_MEMBERS:
        raise InvalidInput(f"A cohort has 1 to {MAX_MEMBERS} members and 1 to {MAX_DAYS} days.")
    odd = next((member for member in members if not _ACCOUNT.fullmatch(member)), None)
    if odd is not None:
        raise InvalidInput(f"{odd!r} is not an account name: small letters, digits, dots and dashes.")
    tiers = {dataset: _tier(store, dataset) for dataset in datasets}
    ends = stamp(store.now() + timedelta(days=days))
    new = [member for member in sorted(set(members)) if find_person(store, member) is None]
    with store.change(teacher, "cohort.create", name, members=len(set(members)), days=days) as change:
        cohort = change.next_id("cohorts", "C")
        change.details.update(cohort=cohort, datasets=sorted(tiers), accounts=new)
        created = stamped(store)
        for member in new:
            change.execute("INSERT INTO people (id, name, created) VALUES (?, ?, ?)", (member, member, created))
            change.execute("INSERT INTO roles (person, role) VALUES (?, 'researcher')", (member,))
        change.execute(
            "INSERT INTO cohorts (id, name, teacher, exercises, days, created, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (cohort, name, teacher, json.dumps(exercises), days, created, ends),
        )
        change.executemany("INSERT INTO cohort_members VALUES (?, ?)", [(cohort, m) for m in sorted(set(members))])
        change.executemany(
            "INSERT INTO cohort_datasets VALUES (?, ?, ?)",
            [(cohort, dataset, "open" if tier == "open" else None) for dataset, tier in tiers.items()],
        )
    return get_cohort(store, teacher, cohort)


def approve_cohort(store: Store, person: str, cohort: str) -> dict[str, Any]:
    """Give every member a grant for the datasets of this custodian that the cohort asks for.

    Raises
    ------
    AccessDenied
        When the person is the teacher or a member, or is custodian of none of its datasets.
    Conflict
        When the cohort has ended.
    """
    body = get_cohort(store, person, cohort)
    if body["ended"] or body["ends"] <= stamped(store):
        raise Conflict(f"{cohort} has ended; the teacher makes a new one.")
    if person == body["teacher"] or person in body["members"]:
        raise AccessDenied("Nobody approves access for themselves or for their own cohort; the custodian has to.")
    mine = [d["dataset"] for d in body["datasets"] if d["custodian"] == person and d["approved_by"] is None]
    if not mine:
        raise AccessDenied(f"No dataset of {cohort} waits for you; its custodians decide.")
    reviewed = {dataset: _reviewed(store, person, body, dataset) for dataset in mine}
    with store.change(person, "cohort.approve", cohort, datasets=mine) as change:
        for dataset in mine:
            change.execute(
                "UPDATE cohort_datasets SET approved_by = ? WHERE cohort = ? AND dataset = ?", (person, cohort, dataset)
            )
            for member in body["members"]:
                _grant(change, store, body, dataset=dataset, member=member, custodian=person)
            change.execute(
                "UPDATE requests SET reviewed = ? WHERE dataset = ? AND id IN (SELECT request FROM grants JOIN "
                "cohort_grants ON grant_id = grants.id WHERE cohort = ?)",
                (json.dumps(reviewed[dataset]), dataset, cohort),
            )
    return get_cohort(store, person, cohort)


def end_cohort(store: Store, person: str, cohort: str) -> dict[str, Any]:
    """End a cohort now: every grant it led to is revoked in the same transaction.

    Raises
    ------
    AccessDenied
        When the person is not its teacher.
    """
    body = get_cohort(store, person, cohort)
    if person != body["teacher"]:
        raise AccessDenied(f"Only the teacher of {cohort} ends it.")
    now = stamped(store)
    with store.change(person, "cohort.end", cohort) as change:
        change.execute("UPDATE cohorts SET ended = ? WHERE id = ? AND ended IS NULL", (now, cohort))
        revoked = change.execute(
            "UPDATE grants SET revoked = ?, revoked_by = ?, revoke_reason = 'the cohort ended' WHERE revoked IS NULL "
            "AND id IN (SELECT grant_id FROM cohort_grants WHERE cohort = ?)",
            (now, person, cohort),
        )
        change.details["grants"] = revoked.rowcount
    return get_cohort(store, person, cohort)


def get_cohort(store: Store, person: str, cohort: str) -> dict[str, Any]:
    """Give a cohort to its teacher, its members and the custodians of its datasets."""
    db = store.read()
    row = db.execute("SELECT * FROM cohorts WHERE id = ?", (cohort,)).fetchone()
    body = {} if row is None else {**dict(row), "exercises": json.loads(row["exercises"])}
    members = [r["person"] for r in db.execute("SELECT person FROM cohort_members WHERE cohort = ?", (cohort,))]
    datasets = [
        dict(r)
        for r in db.execute(
            "SELECT c.dataset, c.approved_by, d.custodian FROM cohort_datasets c "
            "JOIN datasets d ON d.name = c.dataset WHERE c.cohort = ?",
            (cohort,),
        )
    ]
    custodians = {dataset["custodian"] for dataset in datasets}
    if row is None or not (person == row["teacher"] or person in members or person in custodians):
        raise NotFound(f"There is no cohort “{cohort}”; `workbench cohort list` lists yours.")
    del body["number"]
    return {**body, "members": members, "datasets": datasets}


def list_cohorts(store: Store, person: str) -> list[dict[str, Any]]:
    """List the cohorts this person teaches, learns in, or answers for data of."""
    found = []
    for row in store.read().execute("SELECT id FROM cohorts ORDER BY number").fetchall():
        try:
            found.append(get_cohort(store, person, row["id"]))
        except NotFound:
            continue
    return found


def _tier(store: Store, dataset: str) -> str:
    row = store.read().execute("SELECT tier FROM datasets WHERE name = ?", (dataset,)).fetchone()
    if row is None:
        raise NotFound(f"No dataset “{dataset}” is known here; `workbench datasets` lists those you may see.")
    if row["tier"] == "undisclosed":
        raise InvalidInput(f"“{dataset}” is undisclosed: nobody's kernel reads it, a learner's neither.")
    return str(row["tier"])


def _reviewed(store: Store, person: str, body: dict[str, Any], dataset: str) -> list[str]:
    """Name the terms of use that the custodian looks at by approving; terms that forbid teaching refuse it."""
    terms, starts = set(), store.now()
    for member in body["members"]:
        found = judge_use(store, member, dataset, PURPOSE, {}, starts=starts, until=moment(body["ends"]))
        if found and found.answer == "no":
            text = forbidding(found, dataset)
            store.note(person, "cohort.approve", body["id"], outcome="denied", reason=text, code="use-not-permitted")
            raise AccessDenied(text, code="use-not-permitted")
        terms |= set(to_review(found))
    return sorted(terms)


def _grant(change: Change, store: Store, body: dict[str, Any], *, dataset: str, member: str, custodian: str) -> None:
    if member == custodian:
        return
    now, request = stamped(store), change.next_id("requests", "R")
    change.execute(
        "INSERT INTO requests (id, dataset, person, purpose, days, note, status, created, decided, decided_by, reason) "
        "VALUES (?, ?, ?, ?, ?, ?, 'granted', ?, ?, ?, 'for the cohort')",
        (request, dataset, member, PURPOSE, body["days"], f"cohort {body['id']}", now, now, custodian),
    )
    grant = change.next_id("grants", "G")
    change.execute(
        "INSERT INTO grants (id, request, dataset, person, purpose, starts, ends, approved_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (grant, request, dataset, member, PURPOSE, now, body["ends"], custodian),
    )
    change.execute("INSERT INTO cohort_grants VALUES (?, ?)", (body["id"], grant))
