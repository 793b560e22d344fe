"""Dataset versions: each waits until a second person signs it off, and only then is it read by anybody.

Runs in: gateway
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.canonical import canonical_json, stamp
from workbench.governance.card import build_card
from workbench.governance.decision import unknown_dataset
from workbench.governance.store import Change, Store

WAITING, PUBLISHED = "waiting", "published"
PUBLISH, REJECT = "publish", "reject"
PHANTOMS = "phantoms: no patient behind them"
MAX_COMMENT = 2000


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
    uploader : str, default ""
        Who brought it in, and so may not sign it off.
    findings : int, optional
        How many findings the verifier had; None when it was never asked.
    report : str, optional
        What the vault needs to find the ingest report.
    status : str, default "waiting"
        ``published`` only for phantoms, behind which there is no patient.
    """

    dataset: str
    version: str
    scans: int
    subjects: int
    size_bytes: int
    manifest: str
    card: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    uploader: str = ""
    findings: int | None = None
    report: str | None = None
    status: str = WAITING


def find_version(
    store: Store, dataset: str, version: str | None = None, *, also_waiting: bool = False
) -> dict[str, Any]:
    """Give the row of a published version, or of the newest; one that waits only when that is asked for.

    Raises
    ------
    NotFound
        When there is no such dataset or version, or it waits for its sign-off.
    """
    source = "versions" if also_waiting else "published"
    row = store.read().execute(
        f"SELECT * FROM {source} WHERE dataset = ? AND (version = ? OR ? IS NULL) "  # noqa: S608 - our two names
        "ORDER BY number DESC LIMIT 1",
        (dataset, version, version),
    )
    found = row.fetchone()
    if found is not None:
        return dict(found)
    if store.read().execute("SELECT 1 FROM datasets WHERE name = ?", (dataset,)).fetchone() is None:
        raise NotFound(unknown_dataset(dataset).reason)
    if version is None:
        raise NotFound(f"“{dataset}” has no published version yet; a version is read once a second person signed it.")
    raise NotFound(f"“{dataset}” has no version {version[:12]}; `workbench datasets {dataset}` lists its versions.")


def newest_version(store: Store, dataset: str) -> str | None:
    """Give the id of a dataset's newest published version, or None when it has none yet."""
    row = store.read().execute(
        "SELECT version FROM published WHERE dataset = ? ORDER BY number DESC LIMIT 1", (dataset,)
    ).fetchone()  # fmt: skip
    return str(row["version"]) if row else None


def waiting_version(store: Store, dataset: str) -> dict[str, Any] | None:
    """Give the row of the version of a dataset that waits for its sign-off; there is at most one."""
    row = store.read().execute("SELECT * FROM versions WHERE dataset = ? AND status = 'waiting'", (dataset,)).fetchone()
    return dict(row) if row else None


def list_waiting(store: Store) -> list[dict[str, Any]]:
    """Give every version that waits, oldest first, whoever asks; callers decide first."""
    rows = store.read().execute(
        "SELECT dataset, version, title, tier, custodian, uploader, versions.created AS created, scans, subjects, "
        "bytes, note, findings, report IS NOT NULL AS has_report FROM versions JOIN datasets ON name = dataset "
        "WHERE status = 'waiting' ORDER BY number"
    )
    return [{**dict(row), "has_report": bool(row["has_report"])} for row in rows.fetchall()]


def list_signings(store: Store, dataset: str) -> list[dict[str, Any]]:
    """Give who signed off or rejected which version of a dataset, newest first."""
    rows = store.read().execute(
        "SELECT version, decision, uploader, person, decided, comment FROM signings WHERE dataset = ? "
        "ORDER BY number DESC", (dataset,),
    )  # fmt: skip
    return [dict(row) for row in rows.fetchall()]


def insert_version(store: Store, db: Change, version: NewVersion) -> None:
    """Add a version inside a change; one that is published at once gets its signing and the dataset its card."""
    facts = {**asdict(version), "created": stamp(store.now()), "card": canonical_json(dict(version.card)).decode()}
    try:
        db.execute(
            "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, note, status, "
            "uploader, card, findings, report) VALUES (:dataset, :version, :created, :scans, :subjects, :size_bytes, "
            ":manifest, :note, :status, :uploader, :card, :findings, :report)", facts,
        )  # fmt: skip
    except sqlite3.IntegrityError:
        waits = db.execute("SELECT 1 FROM versions WHERE dataset = ? AND status = 'waiting'", (version.dataset,))
        if waits.fetchone() and version.status == WAITING:
            raise Conflict(still_waiting(version.dataset)) from None
        raise Conflict(f"Nothing new: “{version.dataset}” already has version {version.version[:12]}.") from None
    if version.status == PUBLISHED:
        row = {**facts, "person": "system", "comment": PHANTOMS}
        _record(store, db, row, PUBLISH)
        renew_card(db, version.dataset)


def publish_version(store: Store, person: str, dataset: str, version: str, comment: str = "") -> dict[str, Any]:
    """Sign a version off: from now on it is read under the dataset's rules. Callers decide first who may.

    Raises
    ------
    Conflict
        When it does not wait, was never verified, or the verifier found something.
    """
    with store.change(person, "version.publish", dataset, reason=_checked(comment), version=version) as db:
        row = _waiting(db, dataset, version)
        if row["findings"] is None or row["report"] is None:
            raise Conflict(
                f"This version of “{dataset}” has no report, or the verifier never saw it, so nobody can vouch for it; "
                "reject it and ingest the source again."
            )
        if row["findings"]:
            raise Conflict(f"The verifier has {row['findings']} findings on this version of “{dataset}”; reject it.")
        db.execute("UPDATE versions SET status = 'published' WHERE dataset = ? AND version = ?", (dataset, version))
        _record(store, db, {**row, "person": person, "comment": comment.strip()}, PUBLISH)
        renew_card(db, dataset)
        db.details |= {"uploader": row["uploader"], "scans": row["scans"]}
    return {"dataset": dataset, "version": version, "status": PUBLISHED, "signed_by": person}


def reject_version(store: Store, person: str, dataset: str, version: str, reason: str) -> dict[str, Any]:
    """Reject a version that waits: its row goes, the signing stays. Callers sweep its objects afterwards.

    Raises
    ------
    InvalidInput
        When no reason is given.
    Conflict
        When it does not wait.
    """
    if not _checked(reason):
        raise InvalidInput("Say why the version is rejected; who brought it in reads the reason.")
    with store.change(person, "version.reject", dataset, reason=reason.strip(), version=version) as db:
        row = _waiting(db, dataset, version)
        db.execute("DELETE FROM versions WHERE dataset = ? AND version = ?", (dataset, version))
        _record(store, db, {**row, "person": person, "comment": reason.strip()}, REJECT)
        db.details["uploader"] = row["uploader"]
        _forget_empty_dataset(db, dataset)
    return {"dataset": dataset, "version": version, "status": "rejected", "signed_by": person}


def renew_card(db: Change, dataset: str) -> None:
    """Make the dataset's card that of its newest published version."""
    row = db.execute(
        "SELECT datasets.*, version, scans, subjects, bytes, published.card AS extra, published.created AS published, "
        "(SELECT COUNT(*) FROM published WHERE dataset = name) AS count FROM datasets "
        "JOIN published ON dataset = name WHERE name = ? ORDER BY number DESC LIMIT 1", (dataset,),
    ).fetchone()  # fmt: skip
    if row is not None:
        card = canonical_json(build_card(dict(row), json.loads(row["extra"]))).decode()
        db.execute("UPDATE datasets SET card = ? WHERE name = ?", (card, dataset))


def still_waiting(dataset: str) -> str:
    """Say why nothing more comes into a dataset now."""
    return (
        f"A version of “{dataset}” waits for its sign-off, and each sign-off is for one step at a time. Have it "
        f"published or rejected (`workbench sign-off {dataset}`, or the sidebar), then ingest again."
    )


def _waiting(db: Change, dataset: str, version: str) -> dict[str, Any]:
    row = db.execute("SELECT * FROM versions WHERE dataset = ? AND version = ?", (dataset, version)).fetchone()
    if row is None:
        raise NotFound(f"“{dataset}” has no version {version[:12]} that waits; the sidebar lists those that do.")
    if row["status"] != WAITING:
        raise Conflict(f"Version {version[:12]} of “{dataset}” has been published already.")
    return dict(row)


def _record(store: Store, db: Change, row: Mapping[str, Any], decision: str) -> None:
    db.execute(
        "INSERT INTO signings (dataset, version, decision, uploader, person, decided, comment) "
        "VALUES (:dataset, :version, :decision, :uploader, :person, :decided, :comment)",
        {**row, "decision": decision, "decided": stamp(store.now())},
    )


def _forget_empty_dataset(db: Change, dataset: str) -> None:
    """Forget a dataset whose only version was rejected, unless something else hangs on it."""
    held = "SELECT 1 FROM versions WHERE dataset = :name UNION SELECT 1 FROM requests WHERE dataset = :name UNION "
    held += "SELECT 1 FROM withdrawals WHERE dataset = :name UNION SELECT 1 FROM views WHERE dataset = :name"
    if db.execute(held, {"name": dataset}).fetchone() is None:
        db.execute("DELETE FROM datasets WHERE name = ?", (dataset,))


def _checked(comment: str) -> str:
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise InvalidInput(f"A comment is text of at most {MAX_COMMENT} characters; shorten it.")
    return comment.strip()
