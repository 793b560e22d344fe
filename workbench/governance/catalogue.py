"""The datasets that exist, their versions, and what each person is shown of them.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.access import active_grant, get_request
from workbench.governance.canonical import canonical_json, stamp
from workbench.governance.card import build_card, check_card, usage_info
from workbench.governance.decide import Context, decide
from workbench.governance.decision import Decision, unknown_dataset
from workbench.governance.evidence.standing import Item, standing
from workbench.governance.evidence.usage import card_terms
from workbench.governance.obligations import Obligations
from workbench.governance.people import whoami
from workbench.governance.store import Change, Store
from workbench.governance.versions import (
    PHANTOMS,
    PUBLISHED,
    NewVersion,
    insert_version,
    list_signings,
    waiting_version,
)
from workbench.governance.withdrawals import list_withdrawals

TIERS = ("open", "registered", "controlled", "undisclosed")
# How many scans and subjects of a version there are under obligations; the gateway counts, since it holds the data.
Count = Callable[[str, str, Obligations], tuple[int, int]]
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class NewDataset:
    """What a custodian says about a dataset when it is registered."""

    name: str
    title: str
    tier: str
    custodian: str
    description: str = ""
    discoverable: bool = True


def register_dataset(store: Store, actor: str, dataset: NewDataset) -> None:
    """Add a dataset, which is empty until its first version.

    Raises
    ------
    InvalidInput
        When its name or tier is not usable.
    Conflict
        When the name is taken.
    """
    _check(store, dataset)
    with store.change(actor, "dataset.register", dataset.name, tier=dataset.tier) as db:
        _insert_dataset(store, db, dataset)


def add_version(store: Store, actor: str, version: NewVersion) -> None:
    """Add a version to a registered dataset. Raises Conflict when it already has this very version."""
    check_card(version.card)
    with store.change(actor, "dataset.version", version.dataset, version=version.version, scans=version.scans) as db:
        _require_dataset(db, version.dataset)
        insert_version(store, db, version)


def commit_version(
    store: Store,
    actor: str,
    dataset: NewDataset,
    version: NewVersion,
    *,
    within: Callable[[Change], None] | None = None,
) -> None:
    """Add a version, and the dataset too when it is new, in one transaction in which `within` may do more."""
    check_card(version.card)
    is_new = find_dataset(store, dataset.name) is None
    if is_new:
        _check(store, dataset)
    facts: dict[str, Any] = {"version": version.version, "scans": version.scans, "tier": dataset.tier, "new": is_new}
    if version.status == PUBLISHED:
        facts["signed"] = PHANTOMS
    action = "dataset.publish" if version.status == PUBLISHED else "version.submit"
    with store.change(actor, action, dataset.name, **facts) as db:
        if is_new:
            _insert_dataset(store, db, dataset)
        _require_dataset(db, version.dataset)
        insert_version(store, db, version)
        if within is not None:
            within(db)


def list_datasets(
    store: Store, person: str, context: Context | None = None, count: Count | None = None
) -> list[dict[str, Any]]:
    """Give every dataset this person may know of, with whether they may read it and why; see `get_dataset`."""
    rows = store.read().execute("SELECT name FROM datasets ORDER BY name").fetchall()
    names = [row["name"] for row in rows]
    return [
        _describe(store, person, name, context or Context(), count)
        for name in names
        if decide(store, person, "dataset.see", name, context).allowed
    ]


def get_dataset(
    store: Store, person: str, name: str, context: Context | None = None, count: Count | None = None
) -> dict[str, Any]:
    """Give one dataset with its card, versions and this person's requests.

    Where the person reads under obligations, the numbers are those of what there is for them.

    Returns
    -------
    dict
        `name, title, tier, custodian, description, version, created, scans, subjects, modality, allowed, reason, code,
        obligations` (sentences), `missing` (items of the checklist), `status, until, purpose, request`, and `card,
        versions, requests`; for those who may sign versions off also `waiting` (the id of the version that waits, or
        None), `signings, withdrawals`.

    Raises
    ------
    NotFound
        When there is none, or this person may not know of it: the same sentence.
    """
    decide(store, person, "dataset.see", name, context).require()
    context = context or Context()
    found = _describe(store, person, name, context, count)
    db = store.read()
    versions = db.execute(
        "SELECT version, created, scans, subjects, bytes, note FROM published WHERE dataset = ? ORDER BY number DESC",
        (name,),
    )
    own = db.execute("SELECT id FROM requests WHERE dataset = ? AND person = ? ORDER BY number DESC", (name, person))
    card = json.loads(db.execute("SELECT card FROM datasets WHERE name = ?", (name,)).fetchone()["card"])
    if terms := usage_info(card_terms(store, name)):
        card["usageInfo"] = terms
    found |= {"card": card, "versions": [dict(row) for row in versions.fetchall()]}
    decision = _reading(store, person, name, context)
    if decision.allowed and decision.obligations:
        for row in found["versions"]:
            seen = _seen(decision, name, row["version"], count)
            row |= {"scans": seen["scans"], "subjects": seen["subjects"], "bytes": None}
        numbers = {"wb:scans": found["scans"], "wb:subjects": found["subjects"], "wb:contentSize": None}
        found["card"] = card | {key: value for key, value in numbers.items() if key in card}
    found["requests"] = [get_request(store, row["id"]) for row in own.fetchall()]
    if decide(store, person, "version.review", name, context).allowed:
        found |= {"signings": list_signings(store, name), "withdrawals": list_withdrawals(store, name)}
    return found


def find_dataset(store: Store, name: str) -> dict[str, Any] | None:
    """Give the bare row of a dataset, whoever asks; callers decide first."""
    row = store.read().execute("SELECT * FROM datasets WHERE name = ?", (name,)).fetchone()
    return dict(row) if row else None


def _reading(store: Store, person: str, name: str, context: Context) -> Decision:
    """Say whether this person reads the dataset: in a list or sidebar, what their governed kernel would be told."""
    if context.kind in ("person", "operator"):
        context = replace(context, kind="kernel", isolation="bubblewrap")
    return decide(store, person, "dataset.read", name, context)


def _missing(store: Store, person: str, name: str, context: Context) -> tuple[Item, ...]:
    """Give what of the checklist is not met, for the purpose that is asked about or for any."""
    now = stamp(context.now or store.now())
    return standing(store, person, name, purpose=context.purpose or None, now=now).missing


def _seen(decision: Decision, name: str, version: str, count: Count | None) -> dict[str, Any]:
    """Give the numbers under obligations; none where nobody counts, or where the obligations cannot be met."""
    try:
        scans, subjects = count(name, version, decision.obligations) if count else (None, None)
    except AccessDenied as unmet:
        return {"scans": None, "subjects": None, "allowed": False, "reason": unmet.message, "code": unmet.code}
    return {"scans": scans, "subjects": subjects}


def _describe(store: Store, person: str, name: str, context: Context, count: Count | None) -> dict[str, Any]:
    db = store.read()
    dataset = db.execute("SELECT * FROM datasets WHERE name = ?", (name,)).fetchone()
    newest = db.execute("SELECT * FROM published WHERE dataset = ? ORDER BY number DESC LIMIT 1", (name,)).fetchone()
    decision = _reading(store, person, name, context)
    found = {key: dataset[key] for key in ("name", "title", "tier", "custodian", "description", "created")}
    found |= {
        "version": newest["version"] if newest else None,
        "scans": newest["scans"] if newest else 0,
        "subjects": newest["subjects"] if newest else 0,
        "modality": json.loads(dataset["card"]).get("modality", "CT"),
        "allowed": decision.allowed,
        "reason": decision.reason,
        "code": decision.code,
        "obligations": list(decision.obligations.sentences()),
        "missing": [item.as_dict() for item in _missing(store, person, name, context)],
    }
    if newest and decision.allowed and decision.obligations:
        found |= _seen(decision, name, newest["version"], count)
    if decide(store, person, "version.review", name, context).allowed:
        waits = waiting_version(store, name)
        found["waiting"] = waits["version"] if waits else None
    return found | _standing(store, person, dataset)


def _standing(store: Store, person: str, dataset: sqlite3.Row) -> dict[str, Any]:
    """Say where this person stands with the dataset: open, undisclosed, none, submitted, granted, refused, ended."""
    standing: dict[str, Any] = {"status": "none", "until": None, "purpose": None, "request": None}
    if dataset["tier"] in ("open", "registered"):
        return standing | {"status": "open"}
    if dataset["tier"] == "undisclosed":
        return standing | {"status": "undisclosed"}
    grant = active_grant(store, person, dataset["name"])
    row = store.read().execute(
        "SELECT id FROM requests WHERE dataset = ? AND person = ? ORDER BY number DESC LIMIT 1",
        (dataset["name"], person),
    )
    newest = row.fetchone()
    request = grant["request"] if grant else newest["id"] if newest else None
    if request is None:
        return standing
    found = get_request(store, request)
    return {"status": found["status"], "until": found["until"], "purpose": found["purpose"], "request": request}


def _check(store: Store, dataset: NewDataset) -> None:
    if not _NAME.fullmatch(dataset.name):
        raise InvalidInput(
            f"“{dataset.name[:64]}” is not a usable dataset name; take at most 64 lower-case letters, digits, hyphens."
        )
    if dataset.tier not in TIERS:
        raise InvalidInput(f"“{dataset.tier}” is not a tier; choose one of {', '.join(TIERS)}.")
    if "custodian" not in whoami(store, dataset.custodian)["roles"]:
        raise InvalidInput(f"“{dataset.custodian}” does not hold the role custodian, so cannot answer for a dataset.")


def _insert_dataset(store: Store, db: Change, dataset: NewDataset) -> None:
    created = stamp(store.now())
    card = build_card({**asdict(dataset), "created": created})
    try:
        db.execute(
            "INSERT INTO datasets (name, title, tier, custodian, description, card, discoverable, created) "
            "VALUES (:name, :title, :tier, :custodian, :description, :card, :discoverable, :created)",
            {**asdict(dataset), "card": canonical_json(card).decode(), "created": created},
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"There is already a dataset “{dataset.name}”; choose another name or add a version.") from None


def _require_dataset(db: Change, name: str) -> None:
    if db.execute("SELECT 1 FROM datasets WHERE name = ?", (name,)).fetchone() is None:
        raise NotFound(unknown_dataset(name).reason)
