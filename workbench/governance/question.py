"""A question to the policy, as its rules see it, and answers that several rules give.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.governance.decision import Context, Decision
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


def needs(role: str, deed: str) -> Decision:
    """Refuse for want of a role."""
    return Decision(False, f"To {deed} you need the role {role}, which you do not hold.", "wrong-role")


def no_such(thing: str, name: str) -> Decision:
    """Refuse as if the thing did not exist, whether it does or not."""
    return Decision(
        False, f"No {thing} “{name}” that you may decide about; `workbench requests` lists them.", f"unknown-{thing}"
    )
