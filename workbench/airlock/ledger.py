"""The airlock's ledger: what was offered, by whom it was voted on, what left, and the files themselves.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.airlock.contents import EVIDENCE, Kept, shown_tables
from workbench.airlock.differencing import Shown
from workbench.airlock.kinds import kind_of
from workbench.airlock.sidecar import ENDING
from workbench.airlock.states import NEEDED_VOTES, verbs_for
from workbench.errors import IntegrityError, NotFound
from workbench.governance.canonical import canonical_json
from workbench.governance.store import Change, Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people, reason TEXT NOT NULL,
  controls TEXT NOT NULL, state TEXT NOT NULL, created TEXT NOT NULL, project TEXT NOT NULL DEFAULT '',
  datasets TEXT NOT NULL DEFAULT '[]', revision INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE IF NOT EXISTS offer_files (
  offer TEXT NOT NULL REFERENCES offers (id), name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  findings TEXT NOT NULL, PRIMARY KEY (offer, name)) STRICT;
CREATE TABLE IF NOT EXISTS offer_votes (
  offer TEXT NOT NULL REFERENCES offers (id), person TEXT NOT NULL REFERENCES people, vote TEXT NOT NULL,
  comment TEXT NOT NULL, time TEXT NOT NULL, salt TEXT NOT NULL DEFAULT '', PRIMARY KEY (offer, person)) STRICT;
CREATE TABLE IF NOT EXISTS offer_moves (
  number INTEGER PRIMARY KEY, offer TEXT NOT NULL REFERENCES offers (id), time TEXT NOT NULL, actor TEXT NOT NULL,
  verb TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, comment TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX IF NOT EXISTS moves_of_offer ON offer_moves (offer);
CREATE TABLE IF NOT EXISTS offer_entries (
  number INTEGER PRIMARY KEY, offer TEXT NOT NULL UNIQUE REFERENCES offers (id), entry TEXT NOT NULL,
  sha256 TEXT NOT NULL, checkpoint TEXT NOT NULL DEFAULT '{}') STRICT;
"""

Row = Mapping[str, Any]


class Ledger:
    """What the store holds of the airlock, and the folder of its files.

    Parameters
    ----------
    store : Store
        Opened with this module's `SCHEMA`.
    folder : Path
        Where offered files are kept, named by their SHA-256; never inside a workspace.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._folder = folder

    def row(self, offer: str) -> Row:
        """Give an offer.

        Raises
        ------
        NotFound
            When there is none.
        """
        row: Row | None = self.store.read().execute("SELECT * FROM offers WHERE id = ?", (offer,)).fetchone()
        if row is None:
            raise no_such_offer(offer)
        return row

    def keep(self, content: bytes) -> str:
        """Keep a file's content and give its hash; it is on the disk when this returns."""
        digest = hashlib.sha256(content).hexdigest()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{digest}.{secrets.token_hex(4)}.part"
        with part.open("xb") as output:
            output.write(content)
            output.flush()
            os.fsync(output.fileno())
        part.replace(self._folder / digest)
        return digest

    def content(self, offer: str, digest: str) -> bytes:
        """Give a file's content, proved to be what was offered."""
        try:
            content = (self._folder / digest).read_bytes()
        except FileNotFoundError:
            content = b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise IntegrityError(f"A file of {offer} is not what was offered; tell the custodian, and offer it again.")
        return content

    def file(self, offer: str, name: str) -> Row:
        """Give the row of one file."""
        row: Row | None = self.store.read().execute(
            "SELECT * FROM offer_files WHERE offer = ? AND name = ?", (offer, name)
        ).fetchone()  # fmt: skip
        if row is None:
            raise NotFound(f"{offer} holds no file “{name[:120]}”; look at its list of files.")
        return row

    def files(self, offer: str, *, only_tables: bool = False) -> list[Kept]:
        """Give all files with their content, or the tables and their sidecars alone."""
        rows = self.store.read().execute("SELECT * FROM offer_files WHERE offer = ? ORDER BY rowid", (offer,))
        return [
            Kept(row["name"], self.content(offer, row["sha256"]), tuple(json.loads(row["findings"])))
            for row in rows.fetchall()
            if not only_tables or kind_of(row["name"]) == "table" or row["name"].lower().endswith(ENDING)
        ]

    def put(self, change: Change, offer: str, files: Sequence[Kept]) -> None:
        """Write the files of an offer in place of those it had."""
        change.execute("DELETE FROM offer_files WHERE offer = ?", (offer,))
        change.executemany(
            "INSERT INTO offer_files VALUES (?, ?, ?, ?, ?)",
            [(offer, f.name, f.sha256, len(f.content), json.dumps(f.findings)) for f in files],
        )

    def shown_before(self, project: str, datasets: Sequence[str], offer: str) -> list[Shown]:
        """Give the tables that went out of the same project, or from one of the same datasets."""
        rows = self.store.read().execute("SELECT id, project, datasets FROM offers WHERE state = 'released'").fetchall()
        tables: list[Shown] = []
        for row in rows:
            theirs = json.loads(row["datasets"])
            # Where it is not known what an offer was made from, it may have been made from anything.
            is_kin = row["project"] == project or not theirs or not datasets or set(theirs) & set(datasets)
            if row["id"] != offer and is_kin:
                tables += shown_tables(row["id"], self.files(row["id"], only_tables=True), is_new=False)
        return tables

    def entry(self, offer: str) -> dict[str, Any] | None:
        """Give the ledger's entry of a release: what left, its hash, and the signed checkpoint of the log."""
        row = self.store.read().execute("SELECT * FROM offer_entries WHERE offer = ?", (offer,)).fetchone()
        if row is None:
            return None
        return {
            "number": row["number"], "entry": json.loads(row["entry"]), "sha256": row["sha256"],
            "checkpoint": json.loads(row["checkpoint"]),
        }  # fmt: skip

    def write_entry(self, change: Change, row: Row, files: Sequence[Kept], votes: Sequence[Row], time: str) -> str:
        """Write what leaves, chained to the entry before, and give its hash."""
        before = change.execute("SELECT sha256 FROM offer_entries ORDER BY number DESC LIMIT 1").fetchone()
        leaving = [file for file in files if not file.is_evidence]
        entry = {
            "release": row["id"], "project": row["project"], "author": row["person"], "reason": row["reason"],
            "controls": row["controls"], "released": time, "previous": before["sha256"] if before else "",
            "files": [{"name": f.name, "sha256": f.sha256, "bytes": len(f.content)} for f in leaving],
            "votes": [{"person": v["person"], "vote": v["vote"], "time": v["time"]} for v in votes],
        }  # fmt: skip
        text = canonical_json(entry)
        digest = hashlib.sha256(text).hexdigest()
        change.execute(
            "INSERT INTO offer_entries (offer, entry, sha256) VALUES (?, ?, ?)", (row["id"], text.decode(), digest)
        )
        return digest

    def add_checkpoint(self, change: Change, offer: str, signed: Mapping[str, object]) -> None:
        """Put the signed checkpoint of the log beside the entry; it covers the event of the release."""
        change.execute("UPDATE offer_entries SET checkpoint = ? WHERE offer = ?", (json.dumps(signed), offer))

    def body(self, row: Row, person: str) -> dict[str, Any]:
        """Give an offer as one person may see it: votes of others stay hidden until everybody has voted."""
        db = self.store.read()
        votes = [dict(v) for v in db.execute("SELECT * FROM offer_votes WHERE offer = ? ORDER BY time", (row["id"],))]
        is_open = len(votes) >= NEEDED_VOTES
        files = db.execute("SELECT * FROM offer_files WHERE offer = ? ORDER BY rowid", (row["id"],)).fetchall()
        told = ("id", "person", "project", "reason", "controls", "state", "created", "revision")
        body = {key: row[key] for key in told}
        body["files"] = [
            {**_file(f), "kind": kind_of(f["name"]), "findings": json.loads(f["findings"])}
            for f in files
            if not f["name"].lower().endswith(EVIDENCE)
        ]
        body["evidence"] = [_file(f) for f in files if f["name"].lower().endswith(EVIDENCE)]
        body["votes"] = [
            {key: vote[key] for key in ("person", "vote", "comment", "time")}
            for vote in votes
            if is_open or vote["person"] == person
        ]
        body.update(votes_given=len(votes), votes_needed=NEEDED_VOTES, history=self._history(row, person))
        body["may"] = self._may(row, person, has_voted=any(vote["person"] == person for vote in votes))
        body["ledger"] = self.entry(row["id"]) if row["state"] == "released" else None
        return body

    def _history(self, row: Row, person: str) -> list[dict[str, Any]]:
        """Give the moves; a vote is told without its voter until both votes of its round are in, or for ever."""
        moves = self.store.read().execute("SELECT * FROM offer_moves WHERE offer = ? ORDER BY number", (row["id"],))
        rows = [dict(move) for move in moves.fetchall()]
        decided = {move["revision"] for move in rows if move["state"] in ("approved", "returned", "rejected")}
        for move in rows:
            if move["verb"] == "vote" and move["actor"] != person and move["revision"] not in decided:
                move.update(actor="an output checker", comment="")
        return [{key: move[key] for key in ("time", "actor", "verb", "state", "comment")} for move in rows]

    def _may(self, row: Row, person: str, *, has_voted: bool) -> list[str]:
        if row["person"] == person:
            return [*verbs_for(row["state"], "author"), *(["download"] if row["state"] == "released" else [])]
        verbs = [verb for verb in verbs_for(row["state"], "checker") if verb != "vote" or not has_voted]
        return ["look", *verbs]


def no_such_offer(offer: str) -> NotFound:
    """Give the one answer for an offer that does not exist and for one that this person may not know of."""
    return NotFound(f"There is no release “{offer[:40]}”; `workbench offers` lists yours.")


def _file(row: Row) -> dict[str, Any]:
    return {"name": row["name"], "bytes": row["bytes"], "sha256": row["sha256"]}
