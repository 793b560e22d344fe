"""The rules for a version between its commit and its publication, and for a subject who withdraws.

Runs in: gateway
"""

from __future__ import annotations

from workbench.governance.dataset_rules import REVIEWERS, visible
from workbench.governance.decision import Decision, unknown_dataset
from workbench.governance.question import Question


def review(ask: Question) -> Decision:
    """Say whether the person may see a version that waits, and its report."""
    if visible(ask) is None:
        return unknown_dataset(ask.resource)
    if not ask.roles & REVIEWERS:
        return Decision(
            False, "Ingest reports are for custodians, output checkers and administrators; you are none of them.",
            "wrong-role",
        )  # fmt: skip
    return Decision(True, "Custodians, output checkers and administrators review versions that wait.", "reviewer")


def publish(ask: Question) -> Decision:
    """Say whether the person may sign off the version that waits: a reviewer other than who brought it in."""
    reviewing = review(ask)
    if not reviewing.allowed:
        return reviewing
    row = ask.store.read().execute(
        "SELECT uploader FROM versions WHERE dataset = ? AND status = 'waiting'", (ask.resource,)
    ).fetchone()  # fmt: skip
    if row is not None and row["uploader"] == ask.person:
        return Decision(
            False,
            f"You brought this version of “{ask.resource}” in, and nobody signs off their own; another custodian, an "
            "output checker or an administrator must.",
            "own-version",
        )
    return reviewing


def withdraw(ask: Question) -> Decision:
    """Say whether the person may make a subject of the dataset unreadable: its custodian alone."""
    row = visible(ask)
    if row is None:
        return unknown_dataset(ask.resource)
    if "custodian" in ask.roles and row["custodian"] == ask.person:
        return Decision(True, f"You answer for “{ask.resource}”, so you may withdraw its subjects.", "custodian")
    return Decision(
        False, f"Only the custodian of “{ask.resource}” withdraws a subject, because it cannot be undone; ask them.",
        "wrong-custodian",
    )  # fmt: skip
