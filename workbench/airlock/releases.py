"""Releases: files offered by an author, two output checkers blind to each other, and the way out.

What may be done in which state stands in `airlock/states.py`; every deed asks that table and writes its audit event
in the same transaction.

Runs in: gateway
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.airlock.contents import MAX_FILES, Kept, checked, refuse_stops, stops_in, with_differences
from workbench.airlock.deeds import check_text
from workbench.airlock.ledger import SCHEMA
from workbench.airlock.reviews import Reviews
from workbench.airlock.sidecar import sidecar_name
from workbench.airlock.states import next_state
from workbench.errors import AccessDenied
from workbench.governance.evidence.records import read_person
from workbench.governance.record.checkpoints import checkpoint_now
from workbench.governance.store import stamped

_LEAVING = threading.Lock()

__all__ = ["MAX_FILES", "SCHEMA", "Releases"]


class Releases(Reviews):
    """What authors do, and what everybody sees."""

    def offer(
        self, person: str, files: Mapping[str, bytes], *, reason: str, controls: str,
        project: str = "", is_draft: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Offer files for release; they are copied, so what is checked is what leaves.

        Raises
        ------
        InvalidInput
            When there is no file, reason or controls, a name is odd, or a file cannot be judged.
        OutputNotClean
            When an automatic check refuses a file; as a draft it is kept, to be changed.
        """
        check_text("reason", reason, needed=not is_draft)
        check_text("controls", controls, needed=not is_draft)
        with self._audited(person, "offer", "release"):
            project, datasets = self._project(person, project), self._datasets(person)
            kept = checked(files, [*files], {})
            kept = with_differences("this offer", kept, self._ledger.shown_before(project, datasets, ""))
            if not is_draft:
                refuse_stops(kept)
        state = "draft" if is_draft else "submitted"
        digests = sorted(self._ledger.keep(file.content) for file in kept)
        with self._store.change(person, "release.offer", "release", files=len(kept)) as change:
            offer = change.next_id("offers", "X")
            change.details.update(release=offer, sha256=digests, state=state)
            change.execute(
                "INSERT INTO offers (id, person, reason, controls, state, created, project, datasets)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (offer, person, reason, controls, state, stamped(self._store), project, json.dumps(datasets)),
            )
            self._ledger.put(change, offer, kept)
            self._move(change, offer, person, "offer", state)
        return self.get(person, offer)

    def replace(self, person: str, offer: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Add files, or put new content under their names; votes given so far no longer count.

        A table that comes without its sidecar loses the one it had, which was written for other bytes.
        """
        return self._edit(person, offer, files, ())

    def remove(self, person: str, offer: str, name: str) -> dict[str, Any]:
        """Take a file out of an offer; votes given so far no longer count."""
        return self._edit(person, offer, {}, (name,))

    def _edit(self, person: str, offer: str, new: Mapping[str, bytes], gone: Sequence[str]) -> dict[str, Any]:
        row = self._ledger.row(offer)
        with self._audited(person, "edit", offer):
            self._require_author(person, row, "edit")
            state = next_state(row["state"], "edit")
            old = {file.name: file for file in self._ledger.files(offer)}
            for name in gone:
                self._ledger.file(offer, name)
            gone = [*gone, *(sidecar_name(name) for name in (*new, *gone) if sidecar_name(name) not in new)]
            files = {name: file.content for name, file in old.items() if name not in gone} | dict(new)
            touched = [*new, *(name for name in files if sidecar_name(name) in (*new, *gone) and name not in new)]
            kept = checked(files, touched, old)
            kept = with_differences(offer, kept, self._before(row))
            if state != "draft":
                refuse_stops(kept)
        digests = {file.name: self._ledger.keep(file.content) for file in kept if file.name in touched}
        with self._store.change(
            person, "release.edit", offer, state=state, sha256=digests, removed=len({*old} & {*gone})
        ) as change:
            self._to(change, row, state, revision=row["revision"] + 1)
            self._ledger.put(change, offer, kept)
            change.execute("DELETE FROM offer_votes WHERE offer = ?", (offer,))
            self._move(change, offer, person, "edit", state)
        return self.get(person, offer)

    def submit(self, person: str, offer: str, *, reason: str = "", controls: str = "") -> dict[str, Any]:
        """Hand a draft, or what was returned, to the output checkers; texts that are given replace the old ones."""
        row = self._ledger.row(offer)
        reason, controls = reason or row["reason"], controls or row["controls"]
        check_text("reason", reason, needed=True)
        check_text("controls", controls, needed=True)
        with self._audited(person, "submit", offer):
            self._require_author(person, row, "submit")
            state = next_state(row["state"], "submit")
            kept = with_differences(offer, self._ledger.files(offer), self._before(row))
            refuse_stops(kept)
        with self._store.change(person, "release.submit", offer, state=state) as change:
            self._to(change, row, state, revision=row["revision"] + 1)
            change.execute("UPDATE offers SET reason = ?, controls = ? WHERE id = ?", (reason, controls, offer))
            self._ledger.put(change, offer, kept)
            change.execute("DELETE FROM offer_votes WHERE offer = ?", (offer,))
            self._move(change, offer, person, "submit", state)
        return self.get(person, offer)

    def release(self, person: str, offer: str) -> dict[str, Any]:
        """Take an approved release out; its author alone can.

        Raises
        ------
        OutputNotClean
            When, since the votes, another release went out from which a small group would follow; it is returned.
        """
        # One after the other, or two that give a group away together could both leave.
        with _LEAVING:
            return self._release(person, offer)

    def _release(self, person: str, offer: str) -> dict[str, Any]:
        row = self._ledger.row(offer)
        with self._audited(person, "release", offer):
            self._require_author(person, row, "release")
            next_state(row["state"], "release")
        # Nothing leaves on the word of a log that was tampered with.
        checkpoint_now(self._store)
        kept = with_differences(offer, self._ledger.files(offer), self._before(row))
        stops = stops_in(kept)
        if stops:
            self._change(person, row, "return", next_state(row["state"], "return"), stops[0].reason, actor="system")
            refuse_stops(kept)
        with self._store.change(person, "release.release", offer, state="released") as change:
            time = stamped(self._store)
            self._to(change, row, next_state(row["state"], "release"))
            votes = change.execute("SELECT * FROM offer_votes WHERE offer = ? ORDER BY time", (offer,)).fetchall()
            change.details["entry"] = self._ledger.write_entry(change, row, kept, votes, time)
            self._move(change, offer, person, "release", "released")
        signed = checkpoint_now(self._store)
        with self._store.change("system", "release.checkpoint", offer, size=signed["size"]) as change:
            self._ledger.add_checkpoint(change, offer, signed)
        return self.get(person, offer)

    def withdraw(self, person: str, offer: str) -> dict[str, Any]:
        """Take an offer back before it is released; its author alone can."""
        row = self._ledger.row(offer)
        with self._audited(person, "withdraw", offer):
            self._require_author(person, row, "withdraw")
            state = next_state(row["state"], "withdraw")
        self._change(person, row, "withdraw", state)
        return self.get(person, offer)

    def read_file(self, person: str, offer: str, name: str) -> bytes:
        """Give a file, to a checker, or to the author once released; every look and every refusal is an event."""
        row = self._ledger.row(offer)
        with self._audited(person, "look", offer):
            if row["person"] != person:
                self._require_checker(person, row)
            elif row["state"] != "released":
                raise AccessDenied(
                    f"{offer} is {row['state']}; its files leave when two checkers approved and you release it."
                )
            found = self._ledger.file(offer, name)
            if row["person"] == person and Kept(name, b"").is_evidence:
                raise AccessDenied(f"“{name}” helps to judge another file and does not leave; your workspace has it.")
        self._store.note(person, "release.look", offer, file=found["sha256"])
        return self._ledger.content(offer, found["sha256"])

    def list_for(self, person: str) -> list[dict[str, Any]]:
        """List a person's own releases and those they may check, newest first."""
        rows = self._store.read().execute("SELECT * FROM offers ORDER BY number DESC").fetchall()
        is_checker = self._is_checker(person)
        seen = (row for row in rows if row["person"] == person or (is_checker and self._was_handed_in(row)))
        return [self._ledger.body(row, person) for row in seen]

    def scan(self, person: str, name: str, files: Mapping[str, bytes]) -> Kept:
        """Check one file as an offer would, beside the files that help to judge it, without offering it."""
        kept = checked(files, [name], {})
        before = self._ledger.shown_before(self._project(person, ""), self._datasets(person), "")
        return next(file for file in with_differences("this file", kept, before) if file.name == name)

    def _project(self, person: str, named: str) -> str:
        """Give the project of an offer: the one that is named, the person's only one, or their account."""
        record = read_person(self._store, person)
        own = sorted(record.projects) if record else []
        if named and named not in own and named != person:
            raise AccessDenied(f"You are no member of a project “{named[:80]}”; yours: {', '.join(own) or 'none'}.")
        return named or (own[0] if len(own) == 1 else person)

    def _datasets(self, person: str) -> list[str]:
        """Give the datasets that a person was ever granted, from which the files may be made."""
        rows = self._store.read().execute("SELECT DISTINCT dataset FROM grants WHERE person = ?", (person,))
        return sorted(row["dataset"] for row in rows)
