"""The states of a release as one table: who may do what in which state, and where it leads.

Runs in: anywhere
Source: the four-eyes output checking of trusted research environments (SACRO guidelines; opensafely-core/airlock).
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import Conflict

NEEDED_VOTES = 2


@dataclass(frozen=True)
class Move:
    """One allowed move: from a state, by whom, to a state."""

    state: str
    verb: str
    owner: str
    leads_to: str


MOVES = (
    Move("submitted", "vote", "checker", "partially reviewed"),
    Move("partially reviewed", "vote", "checker", "reviewed"),
    Move("reviewed", "approve", "system", "approved"),
    Move("reviewed", "return", "system", "returned"),
    Move("approved", "release", "author", "released"),
    Move("submitted", "withdraw", "author", "withdrawn"),
    Move("partially reviewed", "withdraw", "author", "withdrawn"),
    Move("approved", "withdraw", "author", "withdrawn"),
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
        f"{', '.join(possible) or 'nothing, it has ended'}."
    )


def outcome_of(votes: list[str]) -> str:
    """Give the verb of the system once every checker voted: one wish for changes returns the release."""
    return "approve" if all(vote == "approve" for vote in votes) else "return"
