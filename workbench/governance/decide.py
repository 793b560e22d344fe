"""The one place that says whether a person may do a thing, and why (not).

The answer is that of the policies: those of the house in `policy/house.cedar` and, for a dataset's data, its
custodian's own. Deny by default: an action without a policy, a person without an account and a dataset that may not
be seen are all refused. Roles and grants are looked up live, so a revoked grant is refused at the next question.

Runs in: gateway
"""

from __future__ import annotations

from workbench.governance.canonical import stamp
from workbench.governance.decision import Context, Decision, unknown_dataset
from workbench.governance.policy.gathering import gather, read_roles
from workbench.governance.policy.reasons import decision_of
from workbench.governance.policy.settling import settle
from workbench.governance.policy.situation import DATASET, RESOURCES
from workbench.governance.question import Case, Question, no_such
from workbench.governance.store import Store

__all__ = ["ACTIONS", "Context", "Decision", "authorise", "decide", "find_case"]

# Everything that can be asked.
ACTIONS = frozenset(RESOURCES)


def decide(store: Store, person: str, action: str, resource: str, context: Context | None = None) -> Decision:
    """Say whether a person may do an action to a resource.

    Parameters
    ----------
    store : Store
        The home's store.
    person : str
        Who asks.
    action : str
        Such as ``dataset.read``; see `ACTIONS`.
    resource : str
        A dataset's name, a request's, grant's or task's id; for the log and the home, its own name.
    context : Context, optional
        The kind of token, the isolation, the purpose, the moment.

    Returns
    -------
    Decision
        Never raises for a refusal; `.require()` does.
    """
    found = find_case(store, person, action, resource, context)
    return decision_of(found) if isinstance(found, Case) else found


def find_case(store: Store, person: str, action: str, resource: str, context: Context | None = None) -> Case | Decision:
    """Give a question with its facts and what the policies said; or the refusal, where they need not be asked."""
    context = context or Context()
    roles = read_roles(store, person)
    if roles is None:
        return Decision(False, f"Nobody named “{person}” has an account here; sign in again.", "unknown-person")
    if action not in ACTIONS:
        return Decision(False, f"No policy allows “{action}”, so it is refused.", "no-policy")
    if not roles:
        return Decision(False, "Your account holds no role any more; ask an administrator for one.", "no-role")
    ask = Question(store, person, roles, action, resource, context, stamp(context.now or store.now()))
    gathered = gather(ask)
    if gathered is None:
        kind = RESOURCES[action]
        return unknown_dataset(resource) if kind == DATASET else no_such(kind.lower(), resource)
    situation, standing, text = gathered
    return Case(ask, situation, standing, settle(situation, text))


def authorise(store: Store, person: str, action: str, resource: str, context: Context | None = None) -> Decision:
    """Decide, record a refusal with the policy that refused, and raise it.

    Raises
    ------
    AccessDenied, NotFound
        When the decision is no.
    """
    decision = decide(store, person, action, resource, context)
    if not decision.allowed:
        store.note(
            person, action, resource,
            outcome="denied", reason=decision.reason, code=decision.code, policy=decision.policy,
        )  # fmt: skip
    decision.require()
    return decision
