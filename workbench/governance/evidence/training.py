"""Training records: who was trained in what, by whom, until when; written by others, never by oneself.

Runs in: gateway
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.decide import authorise
from workbench.governance.people import roles_of, whoami
from workbench.governance.store import Store, stamped

MOST_PROVIDER = 200
KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SHOWN = "id, person, kind, provider, issued, ends, recorded_by, recorded, ended, ended_by"


def record_training(
    store: Store, actor: str, person: str, kind: str, *, provider: str, issued: str, ends: str
) -> dict[str, Any]:
    """Record that a person was trained.

    Parameters
    ----------
    store : Store
        The home's store.
    actor, person : str
        Who records it for whom.
    kind : str
        Such as ``gcp`` or ``data-protection``: small letters, digits, hyphens.
    provider : str
        Who gave the training.
    issued, ends : str
        First and last day on which it counts, YYYY-MM-DD.

    Raises
    ------
    AccessDenied
        When the actor records no training, or it would be their own.
    InvalidInput, NotFound
        When a value is odd, or nobody has the account.
    """
    authorise(store, actor, "training.record", person)
    whoami(store, person)
    first, last = _day(issued, "issued"), _day(ends, "ends")
    if not KIND.fullmatch(kind) or not 0 < len(provider.strip()) <= MOST_PROVIDER:
        raise InvalidInput("A training has a kind (small letters, digits, hyphens) and a provider.")
    if last < first:
        raise InvalidInput(f"The training would end on {last} before it begins on {first}.")
    with store.change(actor, "training.record", person, kind=kind, ends=ends) as db:
        record = db.details["training"] = db.next_id("training", "T")
        db.execute(
            "INSERT INTO training (id, person, kind, provider, issued, ends, recorded_by, recorded) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (record, person, kind, provider.strip(), issued, ends, actor, stamped(store)),
        )
    return _get(store, record)


def end_training(store: Store, actor: str, record: str) -> dict[str, Any]:
    """End a training record now, such as one that was a mistake.

    Raises
    ------
    AccessDenied, NotFound
        When the actor may not, or there is no such record.
    Conflict
        When it was ended before.
    """
    row = store.read().execute("SELECT person, ended FROM training WHERE id = ?", (record,)).fetchone()
    authorise(store, actor, "training.record", row["person"] if row else "somebody")
    if row is None:
        raise NotFound(f"No training record “{record[:20]}”; `workbench training` lists them.")
    if row["ended"]:
        raise Conflict(f"{record} was ended before.")
    with store.change(actor, "training.end", row["person"], training=record) as db:
        db.execute("UPDATE training SET ended = ?, ended_by = ? WHERE id = ?", (stamped(store), actor, record))
    return _get(store, record)


def list_training(store: Store, person: str) -> list[dict[str, Any]]:
    """Give one's own records, or everybody's to those who record them."""
    everybody = bool(roles_of(store, person) & {"custodian", "administrator"})
    rows = store.read().execute(
        f"SELECT {_SHOWN} FROM training WHERE ? OR person = ? ORDER BY number DESC",  # noqa: S608 - constant columns
        (everybody, person),
    )
    return [dict(row) for row in rows]


def _get(store: Store, record: str) -> dict[str, Any]:
    row = store.read().execute(f"SELECT {_SHOWN} FROM training WHERE id = ?", (record,))  # noqa: S608 - constant
    return dict(row.fetchone())


def _day(text: str, name: str) -> date:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(f"“{name}” is a day, written YYYY-MM-DD.")
