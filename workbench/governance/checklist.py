"""The checklist of a dataset for a purpose, with what declared facts would make of it.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.governance.canonical import stamp
from workbench.governance.decide import authorise
from workbench.governance.duo.facts import read_facts
from workbench.governance.evidence.standing import standing, standing_if
from workbench.governance.people import find_purpose
from workbench.governance.store import Store


def checklist(store: Store, person: str, dataset: str, purpose: str | None, facts: object = None) -> dict[str, Any]:
    """Give what a person has and lacks for a dataset.

    Parameters
    ----------
    store : Store
        The home's store.
    person, dataset : str
        Who, and for which dataset.
    purpose : str, optional
        A purpose of this home, by id or label.
    facts : mapping, optional
        What the person would declare with a request: the list is then the one they would see after asking.

    Returns
    -------
    dict
        `dataset, purpose, items` (each `key, label, met, text, until, next`), `is_complete` and `match`.

    Raises
    ------
    NotFound
        When there is no such dataset, or this person may not know of it.
    InvalidInput
        When the purpose or a fact is unknown.
    """
    authorise(store, person, "dataset.see", dataset)
    chosen = find_purpose(store, purpose) if purpose else None
    declared, now = read_facts(facts or {}), stamp(store.now())
    if chosen and declared:
        found = standing_if(store, person, dataset, chosen, declared, now=now)
    else:
        found = standing(store, person, dataset, purpose=chosen, now=now)
    return {
        "dataset": dataset,
        "purpose": chosen,
        "items": [item.as_dict() for item in found.items],
        "is_complete": not found.missing,
        "match": found.match.as_dict() if found.match else None,
    }
