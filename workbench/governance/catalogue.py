"""The datasets that exist, their versions, and what each person is shown of them.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.access import active_grant, get_request
from workbench.governance.canonical import canonical_json, stamp
from workbench.governance.card import build_card, check_card
from workbench.governance.decide import Context, decide
from workbench.governance.decision import unknown_dataset
from workbench.governance.people import whoami
from workbench.governance.store import Change, Store

TIERS = ("open", "registered", "controlled", "undisclosed")
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


@dataclass(frozen=True)
class NewVersion:
    """An immutable version of a dataset: its id is the Merkle root of its manifest.

    Parameters
    ----------
    dataset, version : str
        The dataset's name and the version's id.
    scans, subjects, size_bytes : int
        How many of each.
    manifest : str
        What the vault needs to find the manifest.
    card : mapping
        What ingest adds to the card; see `build_card`.
    note : str, default ""
        What changed, in the custodian's words.
    """

    dataset: str
    version: str
    scans: int
    subjects: int
    size_bytes: int
    manifest: str
    card: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


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
        _insert_version(store, db, version)


def publish(store: Store, actor: str, dataset: NewDataset, version: NewVersion) -> None:
    """Add a version, and the dataset too when it is new, in one transaction."""
    check_card(version.card)
    is_new = find_dataset(store, dataset.name) is None
    if is_new:
        _check(store, dataset)
    facts: dict[str, Any] = {"version": version.version, "scans": version.scans, "tier": dataset.tier, "new": is_new}
    with store.change(actor, "dataset.publish", dataset.name, **facts) as db:
        if is_new:
            _insert_dataset(store, db, dataset)
        _insert_version(store, db, version)


def list_datasets(store: Store, person: str, context: Context | None = None) -> list[dict[str, Any]]:
    """Give every dataset this person may know of, with whether they may read it and why; see `get_dataset`."""
    rows = store.read().execute("SELECT name FROM datasets ORDER BY name").fetchall()
    names = [row["name"] for row in rows]
    return [
        _describe(store, person, name, context or Context())
        for name in names
        if decide(store, person, "dataset.see", name, context).allowed
    ]


def get_dataset(store: Store, person: str, name: str, context: Context | None = None) -> dict[str, Any]:
    """Give one dataset with its card, versions and this person's requests.

    Returns
    -------
    dict
        `name, title, tier, custodian, description, version, created, scans, subjects, modality, allowed, reason,
        status, until, purpose, request`, and `card, versions, requests`.

    Raises
    ------
    NotFound
        When there is none, or this person may not know of it: the same sentence.
    """
    decide(store, person, "dataset.see", name, context).require()
    found = _describe(store, person, name, context or Context())
    db = store.read()
    versions = db.execute(
        "SELECT version, created, scans, subjects, bytes, note FROM versions WHERE dataset = ? ORDER BY number DESC",
        (name,),
    )
    own = db.execute("SELECT id FROM requests WHERE dataset = ? AND person = ? ORDER BY number DESC", (name, person))
    card = json.loads(db.execute("SELECT card FROM datasets WHERE name = ?", (name,)).fetchone()["card"])
    found |= {"card": card, "versions": [dict(row) for row in versions.fetchall()]}
    found["requests"] = [get_request(store, row["id"]) for row in own.fetchall()]
    return found


def find_dataset(store: Store, name: str) -> dict[str, Any] | None:
    """Give the bare row of a dataset, whoever asks; callers decide first."""
    row = store.read().execute("SELECT * FROM datasets WHERE name = ?", (name,)).fetchone()
    return dict(row) if row else None


def find_version(store: Store, dataset: str, version: str | None = None) -> dict[str, Any]:
    """Give the row of a version, or of the newest.

    Raises
    ------
    NotFound
        When there is no such dataset or version.
    """
    row = store.read().execute(
        "SELECT * FROM versions WHERE dataset = ? AND (version = ? OR ? IS NULL) ORDER BY number DESC LIMIT 1",
        (dataset, version, version),
    )
    found = row.fetchone()
    if found is None:
        if version is None or find_dataset(store, dataset) is None:
            raise NotFound(unknown_dataset(dataset).reason)
        raise NotFound(f"“{dataset}” has no version {version[:12]}; `workbench datasets {dataset}` lists its versions.")
    return dict(found)


def _describe(store: Store, person: str, name: str, context: Context) -> dict[str, Any]:
    db = store.read()
    dataset = db.execute("SELECT * FROM datasets WHERE name = ?", (name,)).fetchone()
    newest = db.execute("SELECT * FROM versions WHERE dataset = ? ORDER BY number DESC LIMIT 1", (name,)).fetchone()
    # A list in a terminal or sidebar reads nothing itself: it says what this person's governed kernel would be told.
    if context.kind in ("person", "operator"):
        context = replace(context, kind="kernel", isolation="bubblewrap")
    decision = decide(store, person, "dataset.read", name, context)
    found = {key: dataset[key] for key in ("name", "title", "tier", "custodian", "description", "created")}
    found |= {
        "version": newest["version"] if newest else None,
        "scans": newest["scans"] if newest else 0,
        "subjects": newest["subjects"] if newest else 0,
        "modality": json.loads(dataset["card"]).get("modality", "CT"),
        "allowed": decision.allowed,
        "reason": decision.reason,
    }
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


def _insert_version(store: Store, db: Change, version: NewVersion) -> None:
    row = db.execute("SELECT * FROM datasets WHERE name = ?", (version.dataset,)).fetchone()
    if row is None:
        raise NotFound(unknown_dataset(version.dataset).reason)
    values = (version.dataset, version.version, stamp(store.now()), version.scans, version.subjects)
    try:
        db.execute(
            "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, note) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, version.size_bytes, version.manifest, version.note),
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"Nothing new: “{version.dataset}” already has version {version.version[:12]}.") from None
    facts = {**dict(row), **asdict(version), "bytes": version.size_bytes}
    card = build_card(facts, version.card)
    db.execute("UPDATE datasets SET card = ? WHERE name = ?", (canonical_json(card).decode(), version.dataset))
