"""Releases: files offered by an author, two output checkers blind to each other, and the way out.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.airlock.scan import scan_file
from workbench.airlock.states import NEEDED_VOTES, next_state, outcome_of
from workbench.errors import AccessDenied, Conflict, IntegrityError, InvalidInput, NotFound
from workbench.governance.store import Store, stamped

MAX_FILES = 20
MAX_TEXT = 2_000
VOTES = ("approve", "changes")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,119}")

SCHEMA = """
CREATE TABLE IF NOT EXISTS offers (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people, reason TEXT NOT NULL,
  controls TEXT NOT NULL, state TEXT NOT NULL, created TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS offer_files (
  offer TEXT NOT NULL REFERENCES offers (id), name TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  findings TEXT NOT NULL, PRIMARY KEY (offer, name)) STRICT;
CREATE TABLE IF NOT EXISTS offer_votes (
  offer TEXT NOT NULL REFERENCES offers (id), person TEXT NOT NULL REFERENCES people, vote TEXT NOT NULL,
  comment TEXT NOT NULL, time TEXT NOT NULL, PRIMARY KEY (offer, person)) STRICT;
"""


class Releases:
    """The airlock's ledger and the files in it.

    Parameters
    ----------
    store : Store
        Opened with this module's `SCHEMA`.
    folder : Path
        Where offered files are kept, named by their SHA-256; never inside a workspace.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def offer(self, person: str, files: Mapping[str, bytes], *, reason: str, controls: str = "") -> dict[str, Any]:
        """Offer files for release; they are copied, so what is checked is what leaves.

        Raises
        ------
        InvalidInput
            When there is no file or no reason, a name is odd, or a file cannot be judged.
        """
        _check_text("reason", reason, needed=True)
        _check_text("controls", controls, needed=False)
        if not 1 <= len(files) <= MAX_FILES:
            raise InvalidInput(f"A release holds 1 to {MAX_FILES} files; {len(files)} were offered.")
        odd = next((name for name in files if not _NAME.fullmatch(name)), None)
        if odd is not None:
            raise InvalidInput(f"The file name {odd!r} is not plain letters, digits, dots and dashes; rename the file.")
        findings = {name: [f.as_dict() for f in scan_file(name, content)] for name, content in files.items()}
        digests = {name: self._keep(content) for name, content in files.items()}
        with self._store.change(person, "release.offer", "release", files=len(files)) as change:
            offer = change.next_id("offers", "X")
            change.details.update(release=offer, sha256=sorted(digests.values()))
            change.execute(
                "INSERT INTO offers (id, person, reason, controls, state, created) VALUES (?, ?, ?, ?, 'submitted', ?)",
                (offer, person, reason, controls, stamped(self._store)),
            )
            change.executemany(
                "INSERT INTO offer_files VALUES (?, ?, ?, ?, ?)",
                [(offer, name, digests[name], len(files[name]), json.dumps(findings[name])) for name in files],
            )
        return self.get(person, offer)

    def vote(self, person: str, offer: str, vote: str, comment: str) -> dict[str, Any]:
        """Vote as an output checker; the second vote decides.

        Raises
        ------
        AccessDenied
            When the person is no output checker or is the author.
        Conflict
            When the person voted before or the release is not under review.
        """
        if vote not in VOTES:
            raise InvalidInput(f"A vote is one of {', '.join(VOTES)}; got {vote!r}.")
        _check_text("comment", comment, needed=vote == "changes")
        row = self._row(offer)
        self._require_checker(person, row["person"], offer)
        with self._store.change(person, "release.vote", offer, vote=vote) as change:
            now = change.execute("SELECT state FROM offers WHERE id = ?", (offer,)).fetchone()["state"]
            state = next_state(now, "vote")
            votes = [r["vote"] for r in change.execute("SELECT vote FROM offer_votes WHERE offer = ?", (offer,))]
            if change.execute("SELECT 1 FROM offer_votes WHERE offer = ? AND person = ?", (offer, person)).fetchone():
                raise Conflict(f"You have already voted on {offer}; another output checker has to vote now.")
            change.execute(
                "INSERT INTO offer_votes VALUES (?, ?, ?, ?, ?)", (offer, person, vote, comment, stamped(self._store))
            )
            if len(votes) + 1 == NEEDED_VOTES:
                state = next_state(state, outcome_of([*votes, vote]))
            change.details["state"] = state
            change.execute("UPDATE offers SET state = ? WHERE id = ?", (state, offer))
        return self.get(person, offer)

    def release(self, person: str, offer: str) -> dict[str, Any]:
        """Take an approved release out; its author alone can."""
        return self._move(person, offer, "release")

    def withdraw(self, person: str, offer: str) -> dict[str, Any]:
        """Take an offer back before it is released; its author alone can."""
        return self._move(person, offer, "withdraw")

    def read_file(self, person: str, offer: str, name: str) -> bytes:
        """Give a file: to a checker who reviews it, or to the author once released; every look is an event."""
        row = self._row(offer)
        if row["person"] == person:
            if row["state"] != "released":
                raise AccessDenied(
                    f"{offer} is {row['state']}; its files leave when two checkers approved and you release it."
                )
        else:
            self._require_checker(person, row["person"], offer)
        found = self._store.read().execute(
            "SELECT sha256 FROM offer_files WHERE offer = ? AND name = ?", (offer, name)
        ).fetchone()  # fmt: skip
        if found is None:
            raise NotFound(f"{offer} holds no file “{name}”.")
        self._store.note(person, "release.look", offer, file=found["sha256"])
        content: bytes = (self._folder / found["sha256"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != found["sha256"]:
            raise IntegrityError(f"A file of {offer} is not what was offered; tell the custodian, and offer it again.")
        return content

    def get(self, person: str, offer: str) -> dict[str, Any]:
        """Give one release as this person may see it: the other checker's vote stays hidden until both voted."""
        row = self._row(offer)
        if row["person"] != person:
            self._require_checker(person, row["person"], offer)
        db = self._store.read()
        votes = [
            dict(v) for v in db.execute("SELECT person, vote, comment, time FROM offer_votes WHERE offer = ?", (offer,))
        ]
        files = [
            dict(f)
            for f in db.execute("SELECT name, sha256, bytes, findings FROM offer_files WHERE offer = ?", (offer,))
        ]
        for file in files:
            file["findings"] = json.loads(file["findings"])
        shown = votes if len(votes) >= NEEDED_VOTES else [vote for vote in votes if vote["person"] == person]
        body = {key: row[key] for key in ("id", "person", "reason", "controls", "state", "created")}
        return {**body, "files": files, "votes": shown, "votes_given": len(votes), "votes_needed": NEEDED_VOTES}

    def list_for(self, person: str) -> list[dict[str, Any]]:
        """List a person's own releases and those they may check, newest first."""
        rows = self._store.read().execute("SELECT id, person FROM offers ORDER BY number DESC").fetchall()
        is_checker = self._is_checker(person)
        return [self.get(person, row["id"]) for row in rows if is_checker or row["person"] == person]

    def _move(self, person: str, offer: str, verb: str) -> dict[str, Any]:
        row = self._row(offer)
        if row["person"] != person:
            raise AccessDenied(f"Only the author of {offer} can {verb} it.")
        state = next_state(row["state"], verb)
        with self._store.change(person, f"release.{verb}", offer, state=state) as change:
            moved = change.execute(
                "UPDATE offers SET state = ? WHERE id = ? AND state = ?", (state, offer, row["state"])
            )
            if moved.rowcount != 1:
                raise Conflict(f"{offer} changed at the same moment; look at it again.")
        return self.get(person, offer)

    def _row(self, offer: str) -> Any:
        row = self._store.read().execute("SELECT * FROM offers WHERE id = ?", (offer,)).fetchone()
        if row is None:
            raise NotFound(f"There is no release “{offer}”; `workbench offers` lists yours.")
        return row

    def _is_checker(self, person: str) -> bool:
        found = self._store.read().execute("SELECT 1 FROM roles WHERE person = ? AND role = 'checker'", (person,))
        return found.fetchone() is not None

    def _require_checker(self, person: str, author: str, offer: str) -> None:
        if not self._is_checker(person):
            raise NotFound(f"There is no release “{offer}”; `workbench offers` lists yours.")
        if person == author:
            raise AccessDenied("Nobody checks their own release; two other output checkers have to.")

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{digest}.part"
        part.write_bytes(content)
        part.replace(self._folder / digest)
        return digest


def _check_text(name: str, text: str, *, needed: bool) -> None:
    if needed and not text.strip():
        raise InvalidInput(f"Say the {name}: an output checker judges with it.")
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"The {name} has {len(text):,} characters; at most {MAX_TEXT:,} are kept.")
