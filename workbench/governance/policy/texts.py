"""The policy text that a custodian gives a dataset: kept in every version, and only ever whole and without mistakes.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
from typing import Any

from workbench.errors import InvalidInput
from workbench.governance.evidence.records import remember
from workbench.governance.policy.checking import check_text
from workbench.governance.store import Store, stamped


def policy_text(store: Store, dataset: str) -> str:
    """Give the text that holds for a dataset now; empty when it has no policy of its own."""
    return str(remember(store, ("policy-text", dataset), lambda: show_policy(store, dataset))["text"])


def set_policy(store: Store, author: str, dataset: str, text: str) -> dict[str, Any]:
    """Have a text hold for a dataset from the next question on; an empty one takes its policy away.

    Callers have asked ``dataset.govern`` first.

    Raises
    ------
    InvalidInput
        When the text has a mistake or one of its examples comes out otherwise; nothing is changed then.
    """
    purposes = [row["id"] for row in store.read().execute("SELECT id FROM purposes")]
    found = check_text(text, dataset=dataset, purposes=purposes) if text.strip() else None
    if found is not None and not found.ok:
        raise InvalidInput(f"The policy is not set: {'; '.join(found.sentences())}", code="bad-policy")
    text = text if text.strip() else ""
    digest = hashlib.sha256(text.encode()).hexdigest()
    with store.change(author, "policy.set", dataset, sha256=digest, policies=len(found.policies) if found else 0) as db:
        db.execute(
            "INSERT INTO policies (dataset, text, sha256, author, created) VALUES (?, ?, ?, ?, ?)",
            (dataset, text, digest, author, stamped(store)),
        )
    return show_policy(store, dataset)


def show_policy(store: Store, dataset: str) -> dict[str, Any]:
    """Give `dataset, number, text, sha256, author, created` of the newest text; number 0 while there is none."""
    row = store.read().execute(
        "SELECT dataset, number, text, sha256, author, created FROM policies WHERE dataset = ? "
        "ORDER BY number DESC LIMIT 1",
        (dataset,),
    ).fetchone()  # fmt: skip
    none = {"dataset": dataset, "number": 0, "text": "", "sha256": "", "author": "", "created": None}
    return dict(row) if row else none
