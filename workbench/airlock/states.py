"""The states of a release as one table: who may do what in which state, and where it leads.

The table is all there is: the ledger asks `next_state`, a page asks `verbs_for`, the manual shows `diagram`.

Runs in: anywhere
Source: the four-eyes output checking of trusted research environments (SACRO guidelines; opensafely-core/airlock).
"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.governance.state_table import Move, StateTable

NEEDED_VOTES = 2
# From the mildest to the gravest; the gravest vote decides.
VOTES = {"approve": "approve", "changes": "return", "reject": "reject"}


MOVES = (
    Move("draft", "edit", "author", "draft"),
    Move("draft", "submit", "author", "submitted"),
    Move("draft", "withdraw", "author", "withdrawn"),
    Move("submitted", "vote", "checker", "partially reviewed"),
    Move("submitted", "edit", "author", "submitted"),
    Move("submitted", "withdraw", "author", "withdrawn"),
    Move("partially reviewed", "vote", "checker", "reviewed"),
    Move("partially reviewed", "edit", "author", "submitted"),
    Move("partially reviewed", "withdraw", "author", "withdrawn"),
    Move("reviewed", "approve", "system", "approved"),
    Move("reviewed", "return", "system", "returned"),
    Move("reviewed", "reject", "system", "rejected"),
    Move("approved", "release", "author", "released"),
    Move("approved", "edit", "author", "submitted"),
    Move("approved", "withdraw", "author", "withdrawn"),
    Move("approved", "reject", "checker", "rejected"),
    Move("approved", "return", "system", "returned"),
    Move("returned", "edit", "author", "submitted"),
    Move("returned", "submit", "author", "submitted"),
    Move("returned", "withdraw", "author", "withdrawn"),
    Move("returned", "reject", "checker", "rejected"),
)


TABLE = StateTable("A release", MOVES)
next_state, verbs_for = TABLE.next_state, TABLE.verbs_for


def outcome_of(votes: Sequence[str]) -> str:
    """Give the verb of the system once every checker voted: the gravest vote decides.

    >>> outcome_of(["approve", "changes"])
    'return'
    """
    order = list(VOTES)
    return VOTES[max(votes, key=order.index)]


def diagram() -> str:
    """Give the table as the Mermaid text of a state diagram."""
    return TABLE.diagram("draft: offer --draft (author)", "submitted: offer (author)")
