"""What somebody does to a log who can write all the files of a home, with its keys or without."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

from workbench.governance.record.chain import HASHED, START, event_hash
from workbench.governance.record.exporting import Exporter
from workbench.governance.record.sealing import HEAD_FILE, Head, Sealer
from workbench.governance.store import Store

EVENTS = 12
Rows = list[dict[str, object]]


def make_log(home: Path, root: Path | None) -> Path:
    """Make a log of twelve events, exported where a root is given; give the store's path."""
    store = Store(home / "store.sqlite")
    for n in range(EVENTS):
        store.note("researcher", "dataset.read", "clinic-ct", reads=n)
    if root:
        # It exports when it stops; the event that says so is number 13.
        Exporter(store, root, period_s=3600).close()
    store.close()
    return store.path


def rewrite(path: Path, change: Callable[[Rows], Rows], sealer: Sealer | None = None) -> None:
    """Change the rows of a log; with a sealer, number, chain and seal them anew and sign a new head."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    db.executescript("DROP TRIGGER IF EXISTS audit_is_never_edited; DROP TRIGGER IF EXISTS audit_is_never_shortened;")
    rows = change([dict(row) for row in db.execute("SELECT * FROM audit ORDER BY seq")])
    last = START
    for row in rows if sealer else ():
        row |= {"seq": last.seq + 1, "previous": last.hash}
        digest = event_hash({name: row[name] for name in HASHED})
        row |= {"hash": digest, "seal": sealer.seal(digest) if sealer else ""}
        last = Head(last.seq + 1, digest)
    db.execute("DELETE FROM audit")
    for row in rows:
        db.execute(f"INSERT INTO audit ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608
    db.commit()
    db.close()
    if sealer:
        sealer.write_head(last)


def sealer_of(path: Path, keys: str = "keys") -> Sealer:
    """Give the sealer with the home's own keys, or with the keys of a folder of another name."""
    return Sealer(path.parent / keys, path.parent / HEAD_FILE)


def edit(rows: Rows) -> Rows:
    """Blame another person for event 5."""
    rows[4]["actor"] = "nobody"
    return rows


def edit_details(rows: Rows) -> Rows:
    rows[4]["details"] = json.dumps({"reads": 99})
    return rows


def drop(rows: Rows) -> Rows:
    return rows[:4] + rows[5:]


def insert(rows: Rows) -> Rows:
    return numbered([*rows[:4], dict(rows[7]), *rows[4:]])


def swap(rows: Rows) -> Rows:
    return numbered([*rows[:4], rows[5], rows[4], *rows[6:]])


def numbered(rows: Rows) -> Rows:
    return [{**row, "seq": seq} for seq, row in enumerate(rows, 1)]


def cut(rows: Rows) -> Rows:
    return rows[:4]


ATTACKS = (edit, edit_details, drop, insert, swap, cut)
