"""The states of a release as one table: who may do what in which state, and where it leads.

The table is all there is: the ledger asks `next_state`, a page asks `verbs_for`, the manual shows `diagram`.

Runs in: anywhere
Source: the four-eyes output checking of trusted research environments (SACRO guidelines; opensafely-core/airlock).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import Conflict

NEEDED_VOTES = 2
# From the mildest to the gravest; the gravest vote decides.
VOTES = {"approve": "approve", "changes": "return", "reject": "reject"}


@dataclass(frozen=True)
class Move:
    """One allowed move: from a state, by whom, to a state."""

    state: str
    verb: str
    owner: str
    leads_to: str


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


def next_state(state: str, verb: str) -> str:
    """Give the state that a verb leads to.

    Raises
    ------
    Conflict
        When the table has no such move; the message names the verbs that the state allows.

    Examples
    --------
    >>> next_state("approved", "release")
    'released'
    """
    for move in MOVES:
        if (move.state, move.verb) == (state, verb):
            return move.leads_to
    possible = [f"{move.verb} ({move.owner})" for move in MOVES if move.state == state]
    raise Conflict(
        f"A release that is {state} cannot be changed by “{verb}”; possible now: "
        f"{', '.join(possible) or 'nothing, it has ended'}.",
        code="wrong-state",
    )


def verbs_for(state: str, owner: str) -> list[str]:
    """Give what an owner (`author`, `checker` or `system`) may do in a state, in the order of the table."""
    return [move.verb for move in MOVES if (move.state, move.owner) == (state, owner)]


def outcome_of(votes: Sequence[str]) -> str:
    """Give the verb of the system once every checker voted: the gravest vote decides.

    >>> outcome_of(["approve", "changes"])
    'return'
    """
    order = list(VOTES)
    return VOTES[max(votes, key=order.index)]


def diagram() -> str:
    """Give the table as the Mermaid text of a state diagram.

    Source: Mermaid, state diagrams (stateDiagram-v2).
    """
    names = dict.fromkeys(move.state for move in MOVES) | dict.fromkeys(move.leads_to for move in MOVES)
    lines = ["stateDiagram-v2", "    [*] --> draft: offer --draft (author)", "    [*] --> submitted: offer (author)"]
    lines += [f"    state “{name}” as {_key(name)}".translate({8220: '"', 8221: '"'}) for name in names if " " in name]
    lines += [f"    {_key(m.state)} --> {_key(m.leads_to)}: {m.verb} ({m.owner})" for m in MOVES]
    ends = [name for name in names if not any(move.state == name for move in MOVES)]
    return "\n".join([*lines, *(f"    {_key(name)} --> [*]" for name in ends)])


def _key(name: str) -> str:
    return name.replace(" ", "_")
