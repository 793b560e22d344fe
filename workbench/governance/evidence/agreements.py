"""Agreements: what a custodian asks people to accept before they read a dataset, each version by each person.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.decide import authorise
from workbench.governance.evidence.records import read_dataset, read_person
from workbench.governance.store import Store, stamped

MOST_TITLE, MOST_TEXT = 200, 100_000


def get_agreement(store: Store, person: str, dataset: str) -> dict[str, Any]:
    """Give the newest agreement of a dataset, and when this person accepted it.

    Returns
    -------
    dict
        `dataset`, and where there is an agreement `version, title, text, sha256, author, created, accepted`.

    Raises
    ------
    NotFound
        When there is no such dataset, or this person may not know of it.
    """
    authorise(store, person, "dataset.see", dataset)
    record, holder = read_dataset(store, dataset), read_person(store, person)
    if record is None or record.agreement is None:
        return {"dataset": dataset}
    found = {name: value for name, value in record.agreement.items() if name != "number"}
    return {**found, "accepted": holder.accepted.get((dataset, found["version"])) if holder else None}


def set_agreement(store: Store, person: str, dataset: str, title: str, text: str) -> dict[str, Any]:
    """Ask for an agreement, or for its next version, which everybody has to accept anew.

    Raises
    ------
    AccessDenied, NotFound
        When this person is neither custodian of the dataset nor administrator.
    InvalidInput, Conflict
        When the text is empty or too long, or the agreement says just this already.
    """
    authorise(store, person, "dataset.govern", dataset)
    title, text = title.strip(), text.strip()
    if not 0 < len(title) <= MOST_TITLE or not 0 < len(text) <= MOST_TEXT:
        raise InvalidInput(f"An agreement has a title (at most {MOST_TITLE} characters) and a text ({MOST_TEXT}).")
    digest = hashlib.sha256(f"{title}\n\n{text}".encode()).hexdigest()
    record = read_dataset(store, dataset)
    if record and record.agreement and record.agreement["sha256"] == digest:
        raise Conflict(f"Version {record.agreement['version']} of the agreement says just this; nothing was changed.")
    with store.change(person, "agreement.set", dataset, sha256=digest) as db:
        last = db.execute("SELECT COALESCE(MAX(version), 0) FROM agreements WHERE dataset = ?", (dataset,)).fetchone()
        db.details["version"] = last[0] + 1
        db.execute(
            "INSERT INTO agreements (dataset, version, title, text, sha256, author, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (dataset, last[0] + 1, title, text, digest, person, stamped(store)),
        )
    return get_agreement(store, person, dataset)


def accept_agreement(store: Store, person: str, dataset: str, version: int) -> dict[str, Any]:
    """Accept the newest agreement; whoever read an older one is told to read again.

    Raises
    ------
    NotFound
        When the dataset has no agreement, or this person may not know of it.
    Conflict
        When the version is not the newest, or was accepted before.
    """
    found = get_agreement(store, person, dataset)
    if "version" not in found:
        raise NotFound(f"“{dataset}” asks for no agreement; there is nothing to accept.")
    if version != found["version"]:
        raise Conflict(f"The agreement is at version {found['version']} now; read that one, then accept it.")
    if found["accepted"]:
        raise Conflict(f"You accepted version {version} of this agreement already.")
    with store.change(person, "agreement.accept", dataset, version=version, sha256=found["sha256"]) as db:
        db.execute(
            "INSERT INTO acceptances (person, dataset, version, accepted) VALUES (?, ?, ?, ?)",
            (person, dataset, version, stamped(store)),
        )
    return get_agreement(store, person, dataset)
