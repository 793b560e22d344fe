"""The record of who did what: append-only, hash-chained, sealed, and checked by one function.

Runs in: gateway
Source: the chain is SHA-256 over canonical JSON, each event holding the hash of the one before it (Haber and
Stornetta, "How to time-stamp a digital document", 1991).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.errors import IntegrityError
from workbench.governance.canonical import canonical_json
from workbench.governance.record.sealing import Head, Sealer

if TYPE_CHECKING:
    from workbench.governance.store import Store

GENESIS = "0" * 64
# What a store notes when it opens a log without its signed head: from then on its end before that is unsure for ever.
HEAD_LOST = "audit.head-lost"
NO_HEAD = "The signed head of the audit log is missing, so its end cannot be checked."
COLUMNS = "seq, time, actor, action, resource, outcome, reason, details, previous, hash, seal"
_PLACES = ", ".join(f":{name}" for name in COLUMNS.split(", "))


@dataclass(frozen=True)
class Event:
    """One thing somebody did, or was refused."""

    actor: str
    action: str
    resource: str
    outcome: str = "done"
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an event that does not say who did what to which thing."""
        for name in ("actor", "action", "resource", "outcome"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"An audit event needs its {name}; {value!r} says nothing.")


def append(db: sqlite3.Connection, events: Sequence[Event], sealer: Sealer, time: str) -> Head:
    """Add events to the chain inside the caller's transaction and give the new head."""
    head = newest(db)
    if sealer.newest is not None and sealer.newest.seq > head.seq:
        # The log was cut. It goes on after the event that was signed for, so that the gap stays for ever.
        head = sealer.newest
    rows = []
    for event in events:
        row = {**vars(event), "details": canonical_json(event.details).decode()}
        row |= {"seq": head.seq + 1, "time": time, "previous": head.hash}
        head = Head(head.seq + 1, _hash(row))
        rows.append({**row, "hash": head.hash, "seal": sealer.seal(head.hash)})
    db.executemany(f"INSERT INTO audit ({COLUMNS}) VALUES ({_PLACES})", rows)  # noqa: S608 - constant columns
    return head


def newest(db: sqlite3.Connection) -> Head:
    """Give the number and hash of the newest event in the table."""
    last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(last["seq"], last["hash"]) if last else Head(0, GENESIS)


def list_events(store: Store, *, limit: int = 100, since: int = 0) -> list[dict[str, Any]]:
    """Give events newer than number `since`, oldest first; of many, the newest `limit`."""
    rows = store.read().execute(
        f"SELECT * FROM (SELECT {COLUMNS} FROM audit WHERE seq > ? ORDER BY seq DESC LIMIT ?) ORDER BY seq",  # noqa: S608
        (since, limit),
    )
    return [{**dict(row), "details": json.loads(row["details"])} for row in rows]


def verify(store: Store) -> dict[str, Any]:
    """Check every event, the chain and the signed head.

    Returns
    -------
    dict
        `events` (how many), `head` (hash of the newest), `ok`, and, when not ok, `first_bad` (the number of the
        first event that is edited, missing, inserted or out of order) and `reason`.
    """
    # The head is read before the table: it is written after each commit, so the table can only be ahead of it.
    db, forged = store.read(), ""
    try:
        signed = store.sealer.read_head()
    except IntegrityError as error:
        signed, forged = None, error.message
    last, fault = Head(0, GENESIS), ""
    for row in db.execute(f"SELECT {COLUMNS} FROM audit ORDER BY seq"):  # noqa: S608 - constant columns
        fault = _fault(row, last, signed, store.sealer)
        if fault:
            break
        last = Head(row["seq"], row["hash"])
    fault = fault or forged or _cut(last, signed)
    total = db.execute("SELECT COUNT(*) FROM audit").fetchone()[0]
    first_bad = last.seq + 1 if fault else None
    return {"events": total, "head": last.hash, "ok": not fault, "first_bad": first_bad, "reason": fault}


def _fault(row: sqlite3.Row, last: Head, signed: Head | None, sealer: Sealer) -> str:
    """Say what is wrong with an event, given the one before it, or nothing."""
    expected = last.seq + 1
    if row["seq"] != expected:
        return f"Event {expected} is missing: after event {last.seq} the log goes on with event {row['seq']}."
    if row["hash"] != _hash({name: row[name] for name in row.keys() if name not in ("hash", "seal")}):
        return f"Event {expected} is not what was written: its content does not give its hash."
    if row["previous"] != last.hash:
        return f"Event {expected} does not follow event {last.seq}: something was inserted, dropped or moved here."
    if row["seal"] != sealer.seal(row["hash"]):
        return f"Event {expected} was written without this home's audit key."
    if signed and signed.seq == expected and signed.hash != row["hash"]:
        return f"Event {expected} is not the one that was signed for."
    if row["action"] == HEAD_LOST:
        return f"Events may be missing before event {expected}. {row['reason']}"
    return ""


def _cut(last: Head, signed: Head | None) -> str:
    """Say what is wrong with the end of the log, given its signed head, or nothing."""
    if signed is None:
        return NO_HEAD if last.seq else ""
    if signed.seq > last.seq:
        return f"The log was cut after event {last.seq}: the signed head names event {signed.seq}."
    return ""


def _hash(event: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(event)).hexdigest()


def iterate(store: Store) -> Iterator[dict[str, Any]]:
    """Give every event, oldest first, one at a time."""
    for row in store.read().execute(f"SELECT {COLUMNS} FROM audit ORDER BY seq"):  # noqa: S608 - constant columns
        yield {**dict(row), "details": json.loads(row["details"])}
