"""The states of a submission as one table: who may do what in which state, where it leads, and how long it may last.

The table is all there is: every change of state asks `next_state`, a page asks `verbs_for`, the manual shows `diagram`.

Runs in: anywhere
Source: the states and failure codes of the ITU/WHO AI-for-Health benchmarking platform.
"""

from __future__ import annotations

from datetime import timedelta

from workbench.governance.state_table import Move, StateTable

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


# Owners are `author`, `gateway`, `evaluator` and `clock`.
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


TABLE = StateTable("A submission", MOVES)
next_state, verbs_for = TABLE.next_state, TABLE.verbs_for


def diagram() -> str:
    """Give the table as the Mermaid text of a state diagram."""
    return TABLE.diagram(SENT)
