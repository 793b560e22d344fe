"""The states of a submission as one table: who may do what in which state, where it leads, and how long it may last.

The table is all there is: every change of state asks `next_state`, a page asks `verbs_for`, the manual shows `diagram`.

Runs in: anywhere
Source: the states and failure codes of the ITU/WHO AI-for-Health benchmarking platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from workbench.errors import Conflict

# What is being taken in; it is never stored.
SENT = "sent"
QUEUED, RUNNING = "queued", "running"
SCORED, VALID, FAILED, WITHDRAWN = "scored", "valid", "failed", "withdrawn"
UNDER_WAY = (QUEUED, RUNNING)
ENDED = (SCORED, VALID, FAILED, WITHDRAWN)

# A queue that nobody works off is a failure of the house, and its submissions end like every other.
QUEUED_FOR = timedelta(hours=6)
# Reading and preparing the hidden scans comes before what was submitted runs.
PREPARING_FOR = timedelta(minutes=10)
# The evaluator says this often that it lives, and is given up after this silence.
HEARTBEAT_S, SILENCE_S = 5.0, 60.0
# The first start, and one more when it was lost.
MOST_ATTEMPTS = 2


@dataclass(frozen=True)
class Move:
    """One allowed move: from a state, by whom (`author`, `gateway`, `evaluator` or `clock`), to a state."""

    state: str
    verb: str
    owner: str
    leads_to: str


MOVES = (
    Move(SENT, "queue", "gateway", QUEUED),
    Move(SENT, "accept", "gateway", VALID),
    Move(SENT, "fail", "gateway", FAILED),
    Move(QUEUED, "start", "gateway", RUNNING),
    Move(QUEUED, "withdraw", "author", WITHDRAWN),
    Move(QUEUED, "expire", "clock", FAILED),
    Move(RUNNING, "score", "evaluator", SCORED),
    Move(RUNNING, "accept", "evaluator", VALID),
    Move(RUNNING, "fail", "evaluator", FAILED),
    Move(RUNNING, "withdraw", "author", WITHDRAWN),
    Move(RUNNING, "queue again", "gateway", QUEUED),
    Move(RUNNING, "give up", "gateway", FAILED),
    Move(RUNNING, "expire", "clock", FAILED),
)


def next_state(state: str, verb: str) -> str:
    """Give the state that a verb leads to.

    Raises
    ------
    Conflict
        When the table has no such move; the message names the verbs that the state allows.

    Examples
    --------
    >>> next_state("running", "score")
    'scored'
    """
    for move in MOVES:
        if (move.state, move.verb) == (state, verb):
            return move.leads_to
    possible = [f"{move.verb} ({move.owner})" for move in MOVES if move.state == state]
    raise Conflict(
        f"A submission that is {state} cannot be changed by “{verb}”; possible now: "
        f"{', '.join(possible) or 'nothing, it has ended'}.",
        code="wrong-state",
    )


def verbs_for(state: str, owner: str) -> list[str]:
    """Give what an owner may do in a state, in the order of the table."""
    return [move.verb for move in MOVES if (move.state, move.owner) == (state, owner)]


def diagram() -> str:
    """Give the table as the Mermaid text of a state diagram.

    Source: Mermaid, state diagrams (stateDiagram-v2).
    """
    lines = ["stateDiagram-v2", f"    [*] --> {SENT}"]
    lines += [f"    {move.state} --> {move.leads_to}: {move.verb} ({move.owner})" for move in MOVES]
    return "\n".join([*lines, *(f"    {state} --> [*]" for state in ENDED)])
