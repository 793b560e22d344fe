"""Reviews: two output checkers vote without knowing each other's vote, and the gravest of the votes decides.

Checkers may read the audit log, so a vote stands there sealed (its hash, with a salt) until both have voted; the
event of the second vote opens both.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from workbench.airlock.contents import refuse_stops, shown_tables, with_differences
from workbench.airlock.deeds import Deeds, check_text
from workbench.airlock.ledger import Row
from workbench.airlock.states import NEEDED_VOTES, VOTES, next_state, outcome_of
from workbench.errors import Conflict, InvalidInput
from workbench.governance.store import stamped


class Reviews(Deeds):
    """What output checkers do."""

    def vote(self, person: str, offer: str, vote: str, comment: str, *, revision: int | None = None) -> dict[str, Any]:
        """Vote as an output checker; the second vote decides.

        Parameters
        ----------
        person, offer : str
        vote : {"approve", "changes", "reject"}
        comment : str
            Needed unless the vote is to approve; the author reads it.
        revision : int, optional
            Which revision was looked at; a vote on an older one is refused.

        Raises
        ------
        AccessDenied, NotFound
            When the person is no output checker or is the author.
        Conflict
            When the person voted before or the release is not under review.
        """
        if vote not in VOTES:
            raise InvalidInput(f"A vote is one of {', '.join(VOTES)}; got “{vote[:40]}”.")
        check_text("comment", comment, needed=vote != "approve")
        row = self._ledger.row(offer)
        with self._audited(person, "vote", offer):
            self._require_checker(person, row)
            next_state(row["state"], "vote")
            if revision not in (None, row["revision"]):
                raise Conflict(f"The files of {offer} were changed since you looked at them; look again, then vote.")
            if any(cast["person"] == person for cast in self._votes(offer)):
                raise Conflict(f"You have already voted on {offer}; another output checker has to vote now.")
            if vote == "approve":
                self._refuse_new_differences(row)
        salt = secrets.token_hex(16)
        with self._store.change(person, "release.vote", offer, sealed=_sealed(salt, vote, comment)) as change:
            # The state is asked again inside the transaction: the other vote may have come in between.
            now = change.execute("SELECT * FROM offers WHERE id = ?", (offer,)).fetchone()
            state, time = next_state(now["state"], "vote"), stamped(self._store)
            if now["revision"] != row["revision"]:
                raise Conflict(f"The files of {offer} were changed since you looked at them; look again, then vote.")
            if change.execute("SELECT 1 FROM offer_votes WHERE offer = ? AND person = ?", (offer, person)).fetchone():
                raise Conflict(f"You have already voted on {offer}; another output checker has to vote now.")
            change.execute(
                "INSERT INTO offer_votes VALUES (?, ?, ?, ?, ?, ?)", (offer, person, vote, comment, time, salt)
            )
            self._to(change, now, state)
            self._move(change, offer, person, "vote", state, comment)
            votes = change.execute("SELECT * FROM offer_votes WHERE offer = ? ORDER BY time", (offer,)).fetchall()
            if len(votes) == NEEDED_VOTES:
                verb = outcome_of([cast["vote"] for cast in votes])
                self._to(change, {**dict(now), "state": state}, next_state(state, verb))
                state = next_state(state, verb)
                self._move(change, offer, "system", verb, state)
                opened = ("person", "vote", "comment", "salt")
                change.details["votes"] = [{key: cast[key] for key in opened} for cast in votes]
            change.details["state"] = state
        return self.get(person, offer)

    def reject(self, person: str, offer: str, comment: str) -> dict[str, Any]:
        """Stop, as an output checker, what was approved and has not left, or what was returned; for good."""
        check_text("comment", comment, needed=True)
        row = self._ledger.row(offer)
        with self._audited(person, "reject", offer):
            self._require_checker(person, row)
            state = next_state(row["state"], "reject")
        self._change(person, row, "reject", state, comment)
        return self.get(person, offer)

    def _refuse_new_differences(self, row: Row) -> None:
        """Refuse an approval when something that left since would give a small group away."""
        files = self._ledger.files(row["id"])
        if shown_tables(row["id"], files, is_new=True):
            refuse_stops(with_differences(row["id"], files, self._before(row)))

    def _votes(self, offer: str) -> list[Row]:
        return self._store.read().execute("SELECT * FROM offer_votes WHERE offer = ?", (offer,)).fetchall()


def _sealed(salt: str, vote: str, comment: str) -> str:
    """Give the hash that stands in the log for a vote until both are open."""
    return hashlib.sha256("\0".join((salt, vote, comment)).encode()).hexdigest()
