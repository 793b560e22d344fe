"""What a dataset may be used for, and which training it asks for, as its custodian set it.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from workbench.errors import InvalidInput
from workbench.governance.canonical import canonical_json
from workbench.governance.decide import authorise
from workbench.governance.duo.terms import Term, find_term, read_terms, vocabulary
from workbench.governance.evidence.records import read_dataset
from workbench.governance.evidence.training import KIND
from workbench.governance.store import Store, stamped

MOST_KINDS = 20


def get_usage(store: Store, person: str, dataset: str) -> dict[str, Any]:
    """Give the terms of use of a dataset and the training it asks for, with every term there is to choose from.

    Returns
    -------
    dict
        `dataset, terms` (each `code, short, label, value, note`; the note says why a term is always for a person),
        `training` (kinds), `known` (each `code, short, label, definition, kind, parameter`).

    Raises
    ------
    NotFound
        When there is no such dataset, or this person may not know of it.
    """
    authorise(store, person, "dataset.see", dataset)
    record = read_dataset(store, dataset)
    return {
        "dataset": dataset,
        "terms": [_shown(term) for term in record.usage] if record else [],
        "training": list(record.training) if record else [],
        "known": [
            {
                "code": term.code, "short": term.short, "label": term.label, "definition": term.definition,
                "kind": term.kind, "parameter": term.parameter or "",
            }
            for term in vocabulary().values()
            if term.kind != "investigation"
        ],
    }  # fmt: skip


def set_usage(store: Store, person: str, dataset: str, terms: object = None, training: object = None) -> dict[str, Any]:
    """Replace the terms of use of a dataset, the kinds of training it asks for, or both; None leaves as it is.

    Raises
    ------
    AccessDenied, NotFound
        When this person is neither custodian of the dataset nor administrator.
    InvalidInput
        When a term or a kind is odd; nothing is changed then.
    """
    authorise(store, person, "dataset.govern", dataset)
    chosen = None if terms is None else read_terms(terms)
    kinds = None if training is None else _kinds(training)
    if chosen is None and kinds is None:
        raise InvalidInput("Give “terms”, “training” or both: lists, which may be empty.")
    with store.change(person, "usage.set", dataset) as db:
        if chosen is not None:
            db.details["terms"] = [term.key for term in chosen]
            db.execute(
                "INSERT INTO usage_terms (dataset, terms, author, created) VALUES (?, ?, ?, ?)",
                (dataset, canonical_json([asdict(term) for term in chosen]).decode(), person, stamped(store)),
            )
        if kinds is not None:
            db.details["training"] = kinds
            db.execute("DELETE FROM requirements WHERE dataset = ?", (dataset,))
            db.executemany("INSERT INTO requirements (dataset, kind) VALUES (?, ?)", [(dataset, one) for one in kinds])
    return get_usage(store, person, dataset)


def card_terms(store: Store, dataset: str) -> list[dict[str, str]]:
    """Give the terms of use as a card says them: `code, label, parameter`."""
    record = read_dataset(store, dataset)
    shown = [_shown(term) for term in record.usage] if record else []
    return [{"code": one["code"], "label": one["label"], "parameter": one["value"]} for one in shown]


def _shown(term: Term) -> dict[str, str]:
    known, note = find_term(term.code), ""
    if known is None or known.kind == "investigation":
        note = "This code is not matched, so every request needs a look."
    elif known.parameter and not term.value:
        note = f"Its {known.parameter} is missing, so every request needs a look."
    short, label = (known.short, known.label) if known else (term.code, "unknown term")
    return {"code": term.code, "short": short, "label": label, "value": term.value, "note": note}


def _kinds(value: object) -> list[str]:
    if (
        isinstance(value, list)
        and len(value) <= MOST_KINDS
        and all(isinstance(one, str) and KIND.fullmatch(one) for one in value)
    ):
        return sorted(set(value))
    raise InvalidInput(
        f"“training” is a list of at most {MOST_KINDS} kinds, each of small letters, digits and hyphens."
    )
