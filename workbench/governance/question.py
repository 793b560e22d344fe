"""A question to the policies, and the case it becomes: its facts, and what the policies said to them.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.governance.decision import Context, Decision
from workbench.governance.evidence.standing import Standing
from workbench.governance.policy.settling import Outcome
from workbench.governance.policy.situation import Situation
from workbench.governance.store import Store


@dataclass(frozen=True)
class Question:
    """Whether this person, who holds these roles, may do this to that, now and in this context."""

    store: Store
    person: str
    roles: frozenset[str]
    action: str
    resource: str
    context: Context
    now: str


@dataclass(frozen=True)
class Case:
    """A question with all that was looked at to answer it.

    Parameters
    ----------
    ask : Question
        What was asked.
    situation : Situation
        The facts that the policies looked at.
    standing : Standing, optional
        The person's checklist for the dataset, where it is about its data.
    outcome : Outcome
        What the policies said.
    """

    ask: Question
    situation: Situation
    standing: Standing | None
    outcome: Outcome


def needs(role: str, deed: str) -> Decision:
    """Refuse for want of a role."""
    return Decision(False, f"To {deed} you need the role {role}, which you do not hold.", "wrong-role")


# Where people find what they may decide about.
_LISTED = {"submission": "submissions", "final": "final TASK", "cluster": "cluster list"}


def no_such(thing: str, name: str) -> Decision:
    """Refuse as if the thing did not exist, whether it does or not."""
    verb = _LISTED.get(thing, "requests")
    return Decision(
        False, f"No {thing} “{name}” that you may decide about; `workbench {verb}` lists them.", f"unknown-{thing}"
    )
