"""Where a person stands with a dataset: exactly what is there and what is missing, each with its own date.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workbench.governance.duo.matching import Match
from workbench.governance.store import Store


@dataclass(frozen=True)
class Item:
    """One line of the checklist.

    Parameters
    ----------
    key : str
        ``agreement``, ``training:KIND``, ``use``, ``approval`` or ``visa:ID``.
    label : str
        What it is, for people.
    met : bool, optional
        Whether it is there; None while somebody else has to look.
    text : str
        The state of it, in one sentence.
    until : str, optional
        When it ends (UTC stamp).
    next : str
        What to do next; empty when there is nothing to do.
    """

    key: str
    label: str
    met: bool | None
    text: str
    until: str | None = None
    next: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the item as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Standing:
    """Where a person stands with a dataset for a purpose at a moment.

    Parameters
    ----------
    items : tuple of Item
        The checklist; empty for what anybody may have.
    grant : mapping, optional
        The running grant (a row of `grants` with the purpose's `label`), or, with `visa`, what stands for it.
    agreement, training, use : bool
        Whether each is met: the newest agreement accepted (or none asked), every required training in date (or none
        asked), the purpose permitted (no terms, a yes, or a custodian who approved after looking).
    match : Match, optional
        What the terms of use say to the purpose; None without terms, or without a purpose to hold against them.
    """

    items: tuple[Item, ...]
    grant: Mapping[str, Any] | None
    agreement: bool
    training: bool
    match: Match | None
    use: bool = True

    @property
    def missing(self) -> tuple[Item, ...]:
        """Give the items that are not met."""
        return tuple(item for item in self.items if not item.met)


def standing(store: Store, person: str, dataset: str, *, purpose: str | None, now: str) -> Standing:
    """Say where a person stands with a dataset; callers have checked that the person may know of it.

    Parameters
    ----------
    store : Store
        The home's store.
    person, dataset : str
        Who, and with which dataset.
    purpose : str, optional
        A purpose's id: then only grants of that purpose count. None means any purpose somebody granted.
    now : str
        The moment, as `stamp` gives it.
    """
    row = store.read().execute(
        "SELECT grants.*, label FROM grants JOIN purposes ON purposes.id = purpose WHERE person = ? AND dataset = ? "
        "AND (purpose = ? OR ? IS NULL) AND revoked IS NULL AND starts <= ? AND ends > ? ORDER BY ends DESC LIMIT 1",
        (person, dataset, purpose, purpose, now, now),
    ).fetchone()  # fmt: skip
    return Standing((), dict(row) if row else None, agreement=True, training=True, match=None)
