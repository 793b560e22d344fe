"""What every deed on a release has in common: who may, the move in the ledger, and refusals that are recorded.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.airlock.differencing import Shown
from workbench.airlock.ledger import Ledger, Row, no_such_offer
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, OutputNotClean
from workbench.governance.store import Change, Store, stamped

MAX_TEXT = 2_000


class Deeds:
    """The base of what authors and checkers do.

    Parameters
    ----------
    store : Store
        Opened with the ledger's `SCHEMA`.
    folder : Path
        Where offered files are kept; never inside a workspace.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._ledger = Ledger(store, folder)

    def get(self, person: str, offer: str) -> dict[str, Any]:
        """Give one release as this person may see it."""
        row = self._ledger.row(offer)
        if row["person"] != person:
            self._require_checker(person, row)
        return self._ledger.body(row, person)

    @contextmanager
    def _audited(self, person: str, verb: str, offer: str) -> Iterator[None]:
        """Record a refusal, with its reason and code, before it is raised."""
        try:
            yield
        except (AccessDenied, NotFound, Conflict, OutputNotClean) as refused:
            self._store.note(
                person, f"release.{verb}", offer, outcome="denied", reason=refused.message, code=refused.code
            )
            raise

    def _require_author(self, person: str, row: Row, verb: str) -> None:
        if row["person"] == person:
            return
        if not self._was_handed_in(row) or not self._is_checker(person):
            raise no_such_offer(row["id"])
        raise AccessDenied(f"Only the author of {row['id']} can {verb} it.", code="not-author")

    def _require_checker(self, person: str, row: Row) -> None:
        if row["person"] == person:
            raise AccessDenied(
                "Nobody checks their own release; two other output checkers have to.", code="own-release"
            )
        if not self._was_handed_in(row) or not self._is_checker(person):
            raise no_such_offer(row["id"])

    def _was_handed_in(self, row: Row) -> bool:
        """Whether the offer is, or once was, more than its author's draft: nobody else knows of it before."""
        if row["state"] not in ("draft", "withdrawn"):
            return True
        moved = self._store.read().execute(
            "SELECT 1 FROM offer_moves WHERE offer = ? AND state NOT IN ('draft', 'withdrawn')", (row["id"],)
        )
        return moved.fetchone() is not None

    def _is_checker(self, person: str) -> bool:
        found = self._store.read().execute("SELECT 1 FROM roles WHERE person = ? AND role = 'checker'", (person,))
        return found.fetchone() is not None

    def _before(self, row: Row) -> list[Shown]:
        return self._ledger.shown_before(row["project"], json.loads(row["datasets"]), row["id"])

    def _change(
        self, person: str, row: Row, verb: str, state: str, comment: str = "", *, actor: str = ""
    ) -> None:  # fmt: skip
        with self._store.change(actor or person, f"release.{verb}", row["id"], state=state, comment=comment) as change:
            self._to(change, row, state)
            self._move(change, row["id"], actor or person, verb, state, comment)

    def _to(self, change: Change, row: Row, state: str, *, revision: int | None = None) -> None:
        """Bring an offer from the state and revision that were looked at to the next."""
        revised = row["revision"] if revision is None else revision
        moved = change.execute(
            "UPDATE offers SET state = ?, revision = ? WHERE id = ? AND state = ? AND revision = ?",
            (state, revised, row["id"], row["state"], row["revision"]),
        )
        if moved.rowcount != 1:
            raise Conflict(f"{row['id']} changed at the same moment; look at it again.")

    def _move(
        self, change: Change, offer: str, actor: str, verb: str, state: str, comment: str = ""
    ) -> None:  # fmt: skip
        change.execute(
            "INSERT INTO offer_moves (offer, time, actor, verb, state, revision, comment)"
            " SELECT id, ?, ?, ?, ?, revision, ? FROM offers WHERE id = ?",
            (stamped(self._store), actor, verb, state, comment, offer),
        )


def check_text(name: str, text: str, *, needed: bool) -> None:
    """Refuse a text that is too long, or missing where people judge with it."""
    if needed and not text.strip():
        raise InvalidInput(f"Say the {name}: an output checker judges with it.")
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"The {name} has {len(text):,} characters; at most {MAX_TEXT:,} are kept.")
