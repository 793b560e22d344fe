"""The chain of events: how one is written after another, and what is wrong with one that was not written so.

Runs in: gateway, terminal
Source: the chain is SHA-256 over canonical JSON, each event holding the hash of the one before it (Haber and
Stornetta, "How to time-stamp a digital document", 1991).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring as quoted
from typing import Any

from workbench.governance.canonical import canonical_json
from workbench.governance.record.sealing import Head, Sealer

GENESIS = "0" * 64
START = Head(0, GENESIS)
# What a store notes when it opens a log without its signed head: from then on its end before that is unsure for ever.
HEAD_LOST = "audit.head-lost"
NO_HEAD = "The signed head of the audit log is missing, so its end cannot be checked."
KEY_LOST = "The key of the audit log was missing, so a new one was made; it cannot check what came before."
COLUMNS = "seq, time, actor, action, resource, outcome, reason, details, previous, hash, seal"
SELECT_ALL = f"SELECT {COLUMNS} FROM audit"  # noqa: S608 - constant columns
_INSERT = f"INSERT INTO audit ({COLUMNS}) VALUES ({', '.join(f':{name}' for name in COLUMNS.split(', '))})"  # noqa: S608
_TEXTS = ("actor", "action", "resource", "outcome", "reason")
HASHED = ("seq", "time", *_TEXTS, "details", "previous")
# In the order of canonical JSON; `seq`, the one number, stands before the last.
_QUOTED = tuple(sorted({*HASHED} - {"seq"}))
_SEQ_AT = sorted(HASHED).index("seq")


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

    def row(self) -> dict[str, Any]:
        """Give the event as the columns it fills; text that is no Unicode is kept readable, never refused."""
        row = {name: _unicode(getattr(self, name)) for name in _TEXTS}
        return {**row, "details": _json_text(self.details)}


def append(db: sqlite3.Connection, rows: Sequence[dict[str, Any]], sealer: Sealer, time: str) -> Head:
    """Add events to the chain inside the caller's transaction and give the new head."""
    head = newest(db)
    if sealer.newest is not None and sealer.newest.seq > head.seq:
        # The log was cut. It goes on after the event that was signed for, so that the gap stays for ever.
        head = sealer.newest
    full = []
    for row in rows:
        row = {**row, "seq": head.seq + 1, "time": time, "previous": head.hash}
        head = Head(head.seq + 1, event_hash(row))
        full.append({**row, "hash": head.hash, "seal": sealer.seal(head.hash)})
    db.executemany(_INSERT, full)
    return head


def newest(db: sqlite3.Connection) -> Head:
    """Give the number and hash of the newest event in the table."""
    last = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(last["seq"], last["hash"]) if last else START


def event_hash(event: Mapping[str, Any] | sqlite3.Row) -> str:
    """Give the hash of an event, which binds every column and the event before it.

    It is the SHA-256 of the canonical JSON of these columns, written out because a log is read by the million.
    """
    texts = [f'"{name}":{quoted(event[name])}' for name in _QUOTED]
    texts.insert(_SEQ_AT, f'"seq":{event["seq"]}')
    return hashlib.sha256(f"{{{','.join(texts)}}}".encode()).hexdigest()


def fault_of(row: sqlite3.Row, last: Head) -> str:
    """Say what is wrong with an event as the one that follows `last`, or nothing; seals are another question."""
    expected = last.seq + 1
    if row["seq"] < expected:
        return f"Event {row['seq']} stands before the first one: it was inserted."
    if row["seq"] > expected:
        return f"Event {expected} is missing: after event {last.seq} the log goes on with event {row['seq']}."
    if row["hash"] != event_hash(row):
        return f"Event {expected} is not what was written: its content does not give its hash."
    if row["previous"] != last.hash:
        return f"Event {expected} does not follow event {last.seq}: something was inserted, dropped or moved here."
    return ""


def as_event(row: sqlite3.Row) -> dict[str, Any]:
    """Give a row of the log as plain JSON values."""
    try:
        details = json.loads(row["details"])
    except ValueError:
        # Somebody changed it; the auditor must still see the event.
        details = {"unreadable": row["details"]}
    return {**dict(row), "details": details}


def _unicode(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()


def _json_text(value: dict[str, Any]) -> str:
    try:
        return canonical_json(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
