"""Unfinished ingests: objects that lie encrypted in the vault but belong to no version until the commit.

An ingest begun with a resume key is kept in the store: each scan that has arrived whole is recorded with its objects
in one transaction, so that whoever is killed, client or gateway, begins again with the same key and goes on after the
last whole scan. What lies in the vault and is neither in a version nor recorded here belongs to nobody and is swept.

Runs in: gateway
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from workbench.errors import Conflict, GatewayUnavailable, NotFound
from workbench.gateway.archive import Archive
from workbench.gateway.known import Known
from workbench.gateway.objects import PART, REPORT, check_object
from workbench.gateway.tokens import new_id
from workbench.governance.canonical import canonical_json, stamp
from workbench.governance.store import Change, Store, stamped
from workbench.vault.vault import ObjectEntry, Vault

# Without a resume key nobody can come back to it; with one, a hospital has its weekend to mend what stopped it.
FORGET_AFTER_S = 3600.0
FORGET_RESUMABLE_AFTER = timedelta(days=7)

SCHEMA = """
CREATE TABLE IF NOT EXISTS ingests (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, dataset TEXT NOT NULL, resume_key TEXT NOT NULL, facts TEXT NOT NULL,
  touched TEXT NOT NULL, answer TEXT, UNIQUE (owner, dataset, resume_key)) STRICT;
CREATE TABLE IF NOT EXISTS staged_objects (
  ingest TEXT NOT NULL REFERENCES ingests ON DELETE CASCADE, path TEXT NOT NULL, entry TEXT NOT NULL,
  PRIMARY KEY (ingest, path)) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Terms:
    """What an ingest is agreed to be when it begins.

    Parameters
    ----------
    owner, uploader : str
        Who may send to it (the empty text for the owner of the home), and who counts as having brought it in.
    custodian, dataset, title, description, tier : str
        What the dataset is, or will be when it is new.
    is_phantoms : bool
        Whether there is no patient behind it.
    base : str, optional
        The version that the new one continues.
    resume_key : str, default ""
        By which its client finds it again; empty when it cannot be resumed.
    """

    owner: str
    uploader: str
    custodian: str
    dataset: str
    title: str
    description: str
    tier: str
    is_phantoms: bool
    base: str | None
    resume_key: str = ""


@dataclass
class Ingest:
    """One unfinished ingest, or one whose client has not yet heard that it was committed (`answer`)."""

    id: str
    terms: Terms
    known: Known
    entries: dict[str, ObjectEntry] = field(default_factory=dict)
    answer: dict[str, Any] | None = None
    touched: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_open: bool = True


class Staging:
    """The unfinished ingests of one home."""

    def __init__(self, store: Store, vault: Vault, archive: Archive) -> None:
        self._store = store
        self._vault = vault
        self._archive = archive
        self._ingests: dict[str, Ingest] = {}
        self._lock = threading.RLock()

    def begin(self, terms: Terms, known: Known) -> Ingest:
        """Take an ingest up, or go on with the one of the same owner, dataset and resume key."""
        self.forget_abandoned()
        with self._lock:
            ingest = self._found(terms, known)
            if ingest is None:
                ingest = Ingest(new_id("ingest"), terms, known)
                self._record(ingest)
            ingest.touched = time.monotonic()
            return self._ingests.setdefault(ingest.id, ingest)

    def answered(self, owner: str, dataset: str, resume_key: str) -> tuple[str, Terms, dict[str, Any]] | None:
        """Give the id, terms and answer of an ingest that was committed and whose client never heard of it."""
        row = self._row(owner, dataset, resume_key)
        if row is None or row["answer"] is None:
            return None
        return row["id"], Terms(**json.loads(row["facts"])), json.loads(row["answer"])

    def is_settled(self, name: str, owner: str) -> bool:
        """Whether an ingest was committed and its client has yet to hear of it: it need not send anything again."""
        if name in self._ingests:
            return False
        row = self._store.read().execute("SELECT owner, answer FROM ingests WHERE id = ?", (name,)).fetchone()
        return row is not None and row["owner"] == owner and row["answer"] is not None

    def find(self, name: str, owner: str) -> Ingest:
        """Give an owner's unfinished ingest that was begun, or begun again, since this gateway started."""
        with self._lock:
            ingest = self._ingests.get(name)
        if ingest is not None and ingest.terms.owner == owner:
            ingest.touched = time.monotonic()
            return ingest
        row = self._store.read().execute("SELECT owner FROM ingests WHERE id = ?", (name,)).fetchone()
        if row is not None and row["owner"] == owner:
            raise GatewayUnavailable(
                "The gateway was started anew while this ingest was under way. Nothing is lost: give the same command "
                "again, and it goes on after the last whole scan.", code="begin-again",
            )  # fmt: skip
        raise NotFound("There is no such unfinished ingest; the gateway may have restarted. Ingest the folder again.")

    def put(self, ingest: Ingest, path: str, subject: str, data: bytes) -> ObjectEntry:
        """Keep one object of an ingest."""
        check_object(ingest.known, path, subject)
        with ingest.lock:
            if not ingest.is_open:
                raise Conflict("This ingest was dropped or committed while its object was on the way.")
            # A report shows slices, so it has a key of its own, which goes when one of those it shows withdraws.
            owner = ingest.id.replace("ingest-", "report-") if path == REPORT else subject
            entry = ingest.entries[path] = self._vault.put(ingest.terms.dataset, owner, path, data)
        return entry

    def mark_whole(self, ingest: Ingest, facts: dict[str, Any]) -> None:
        """Record that a scan has arrived whole, with every object that came so far."""
        path = f"scans/{facts['scan']}/scan.json"
        with ingest.lock:
            if not ingest.is_open:
                raise Conflict("This ingest was dropped or committed while its scan was on the way.")
            entry = self._vault.put(ingest.terms.dataset, str(facts["subject"]), path, canonical_json(facts))
            ingest.entries[path] = entry
            if not ingest.terms.resume_key:
                return
            rows = [(ingest.id, e.path, canonical_json(e.as_dict()).decode()) for e in ingest.entries.values()]
            with self._change(ingest, "ingest.scan", scan=facts["scan"]) as db:
                db.executemany("INSERT OR REPLACE INTO staged_objects (ingest, path, entry) VALUES (?, ?, ?)", rows)
                db.execute("UPDATE ingests SET touched = ? WHERE id = ?", (stamped(self._store), ingest.id))

    def whole_scans(self, ingest: Ingest) -> list[dict[str, Any]]:
        """Give what is known of each scan that has arrived whole."""
        with ingest.lock:
            paths = [
                e for e in ingest.entries.values() if e.path.startswith("scans/") and e.path.endswith("/scan.json")
            ]
        return [json.loads(self._vault.read(ingest.terms.dataset, entry)) for entry in paths]

    def settle(self, db: Change, ingest: Ingest, answer: dict[str, Any]) -> None:
        """Keep the answer to a commit, in the transaction that makes the version, until the client has heard it."""
        if ingest.terms.resume_key:
            text = canonical_json(answer).decode()
            db.execute(
                "UPDATE ingests SET answer = ?, touched = ? WHERE id = ?", (text, stamped(self._store), ingest.id)
            )
            db.execute("DELETE FROM staged_objects WHERE ingest = ?", (ingest.id,))

    def drop(self, name: str, owner: str) -> None:
        """Forget an ingest, with what only it had sent; or only its answer, when it was committed."""
        row = self._store.read().execute("SELECT owner, answer FROM ingests WHERE id = ?", (name,)).fetchone()
        with self._lock:
            ingest = self._ingests.get(name)
        holders = {row["owner"] if row else None, ingest.terms.owner if ingest else None}
        if owner not in holders:
            raise NotFound("There is no such unfinished ingest; nothing needs to be dropped.")
        if ingest is not None:
            self.close(ingest)
        if row is not None:
            self._erase([name])
        if row is None or row["answer"] is None:
            self.sweep()

    def finish(self, ingest: Ingest) -> None:
        """Forget an ingest that was committed; what was sent and written anew for the version is swept."""
        self.close(ingest)
        if any(path == REPORT or PART.fullmatch(path) for path in ingest.entries):
            self.sweep()

    def close(self, ingest: Ingest) -> None:
        """Take no more objects for an ingest."""
        with ingest.lock:
            ingest.is_open = False
        with self._lock:
            self._ingests.pop(ingest.id, None)

    def forget_abandoned(self, *, at_start: bool = False) -> None:
        """Drop what nobody has touched for too long; at the start also what nobody can resume."""
        before = stamp(self._store.now() - FORGET_RESUMABLE_AFTER)
        rows = self._store.read().execute("SELECT id FROM ingests WHERE touched < ?", (before,)).fetchall()
        with self._lock:
            old = [row["id"] for row in rows if row["id"] not in self._ingests]
            idle = [
                ingest for ingest in self._ingests.values()
                if not ingest.terms.resume_key and time.monotonic() - ingest.touched > FORGET_AFTER_S
            ]  # fmt: skip
        for ingest in idle:
            self.close(ingest)
        self._erase(old)
        if old or idle or at_start:
            self.sweep()

    def forget_outdated(self, dataset: str, base: str | None, *, rejected: str = "") -> None:
        """Drop what can never be committed: ingests that continue another version, and answers about a rejected one."""
        for row in self._store.read().execute("SELECT * FROM ingests WHERE dataset = ?", (dataset,)).fetchall():
            answer = json.loads(row["answer"] or "null")
            if answer["version"] == rejected if answer else json.loads(row["facts"])["base"] != base:
                with self._lock:
                    ingest = self._ingests.get(row["id"])
                if ingest is not None:
                    self.close(ingest)
                self._erase([row["id"]])

    def sweep(self) -> None:
        """Remove objects that belong to no version and to no unfinished ingest."""
        with self._lock, ExitStack() as held:
            # Nobody may write meanwhile: what is on its way is neither in a version nor in `entries` yet.
            for ingest in self._ingests.values():
                held.enter_context(ingest.lock)
            db = self._store.read()
            known = {e.object for ingest in self._ingests.values() for e in ingest.entries.values()}
            known |= {json.loads(row["entry"])["object"] for row in db.execute("SELECT entry FROM staged_objects")}
            for row in db.execute("SELECT dataset, version, manifest, report FROM versions").fetchall():
                known |= {json.loads(text)["object"] for text in (row["manifest"], row["report"]) if text}
                known |= {e.object for e in self._archive.manifest(row["dataset"], row["version"]).entries}
            self._vault.sweep(known)

    def _row(self, owner: str, dataset: str, resume_key: str) -> Any:
        return self._store.read().execute(
            "SELECT * FROM ingests WHERE owner = ? AND dataset = ? AND resume_key = ?", (owner, dataset, resume_key)
        ).fetchone()  # fmt: skip

    def _found(self, terms: Terms, known: Known) -> Ingest | None:
        """Give the ingest to go on with, from memory or from the store; one that can no longer be committed goes."""
        row = self._row(terms.owner, terms.dataset, terms.resume_key) if terms.resume_key else None
        if row is None:
            return None
        if row["answer"] is None and json.loads(row["facts"]) == asdict(terms):
            found = self._ingests.get(row["id"])
            if found is not None:
                return found
            staged = self._store.read().execute("SELECT entry FROM staged_objects WHERE ingest = ?", (row["id"],))
            entries = [ObjectEntry(**json.loads(one["entry"])) for one in staged.fetchall()]
            return Ingest(row["id"], terms, known, {entry.path: entry for entry in entries})
        stale = self._ingests.get(row["id"])
        if stale is not None:
            self.close(stale)
        self._erase([row["id"]])
        return None

    def _record(self, ingest: Ingest) -> None:
        terms = ingest.terms
        if not terms.resume_key:
            self._store.note(terms.uploader, "ingest.begin", terms.dataset, ingest=ingest.id)
            return
        facts = canonical_json(asdict(terms)).decode()
        with self._change(ingest, "ingest.begin") as db:
            db.execute(
                "INSERT INTO ingests (id, owner, dataset, resume_key, facts, touched) VALUES (?, ?, ?, ?, ?, ?)",
                (ingest.id, terms.owner, terms.dataset, terms.resume_key, facts, stamped(self._store)),
            )

    def _erase(self, names: list[str]) -> None:
        for name in names:
            with self._store.change("system", "ingest.forget", name) as db:
                db.execute("DELETE FROM staged_objects WHERE ingest = ?", (name,))
                db.execute("DELETE FROM ingests WHERE id = ?", (name,))

    def _change(self, ingest: Ingest, action: str, **details: Any) -> Any:
        return self._store.change(ingest.terms.uploader, action, ingest.terms.dataset, ingest=ingest.id, **details)
