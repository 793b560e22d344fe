"""Subjects who withdrew: recorded first and for ever, so that whatever follows can be done again after a crash.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import Conflict, InvalidInput
from workbench.governance.canonical import day, stamp
from workbench.governance.store import Store
from workbench.governance.versions import renew_card

MAX_REASON = 2000


@dataclass(frozen=True)
class Withdrawal:
    """A subject as the dataset knows it, and what each version loses with them.

    Parameters
    ----------
    dataset, subject, pseudonym : str
        Who; the pseudonym is how a later ingest recognises the same patient (empty when it is not known).
    scans : tuple of str
        Their scans in any version.
    losses : mapping of str to (scans, bytes)
        By version id; versions that do not hold the subject are left out.
    keys : tuple of str
        Whose keys are destroyed: the subject's, and those of the reports that show them.
    reports : tuple of str
        The versions whose reports go with them.
    """

    dataset: str
    subject: str
    pseudonym: str
    scans: tuple[str, ...]
    losses: Mapping[str, tuple[int, int]]
    keys: tuple[str, ...]
    reports: tuple[str, ...] = ()


def record_withdrawal(store: Store, person: str, gone: Withdrawal, reason: str) -> dict[str, Any]:
    """Write the decision, correct every version's counts and end open views, in one transaction.

    Raises
    ------
    InvalidInput
        When no reason is given.
    Conflict
        When the subject was withdrawn before.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise InvalidInput(f"Say why the subject is withdrawn, in at most {MAX_REASON} characters; it is recorded.")
    facts: dict[str, Any] = {"subject": gone.subject, "scans": list(gone.scans), "versions": len(gone.losses)}
    with store.change(person, "subject.withdraw", gone.dataset, reason=reason, **facts) as db:
        known = db.execute(
            "SELECT decided FROM withdrawals WHERE dataset = ? AND subject = ?", (gone.dataset, gone.subject)
        ).fetchone()  # fmt: skip
        if known is not None:
            raise Conflict(f"{gone.subject} was withdrawn from “{gone.dataset}” on {day(known['decided'])} already.")
        decided = stamp(store.now())
        db.execute(
            "INSERT INTO withdrawals (dataset, subject, pseudonym, scans, keys, person, reason, decided) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                gone.dataset,
                gone.subject,
                gone.pseudonym,
                json.dumps(gone.scans),
                json.dumps(gone.keys),
                person,
                reason,
                decided,
            ),
        )
        reports = [(gone.dataset, version) for version in gone.reports]
        db.executemany("UPDATE versions SET report = NULL WHERE dataset = ? AND version = ?", reports)
        db.executemany(
            "UPDATE versions SET scans = scans - ?, subjects = subjects - 1, bytes = bytes - ? "
            "WHERE dataset = ? AND version = ?",
            [(scans, size, gone.dataset, version) for version, (scans, size) in gone.losses.items()],
        )
        db.executemany("DELETE FROM views WHERE dataset = ? AND scan = ?", [(gone.dataset, s) for s in gone.scans])
        renew_card(db, gone.dataset)
    return {"dataset": gone.dataset, **facts, "reason": reason, "withdrawn": decided, "by": person}


def withdrawn_subjects(store: Store, dataset: str) -> frozenset[str]:
    """Give the subjects of a dataset that nobody reads any more; asked at every read."""
    rows = store.read().execute("SELECT subject FROM withdrawals WHERE dataset = ?", (dataset,))
    return frozenset(row["subject"] for row in rows)


def list_withdrawals(store: Store, dataset: str) -> list[dict[str, Any]]:
    """Give who was withdrawn from a dataset, when, by whom and why; never the pseudonym."""
    rows = store.read().execute(
        "SELECT subject, scans, person, reason, decided FROM withdrawals WHERE dataset = ? ORDER BY decided, subject",
        (dataset,),
    )
    return [{**dict(row), "scans": json.loads(row["scans"])} for row in rows.fetchall()]


def withdrawn_pseudonyms(store: Store, dataset: str) -> frozenset[str]:
    """Give the pseudonyms of those who withdrew; for ingest alone, which refuses them."""
    rows = store.read().execute("SELECT pseudonym FROM withdrawals WHERE dataset = ? AND pseudonym <> ''", (dataset,))
    return frozenset(row["pseudonym"] for row in rows)


def keys_to_destroy(store: Store) -> list[tuple[str, str]]:
    """Give (dataset, key) of everything that withdrawals destroy, for a start that finishes what a crash cut short."""
    rows = store.read().execute("SELECT dataset, keys FROM withdrawals").fetchall()
    return [(row["dataset"], key) for row in rows for key in json.loads(row["keys"])]
