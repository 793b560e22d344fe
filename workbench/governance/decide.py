"""The one place that says whether a person may do a thing, and why (not).

Deny by default: an action that is not in the table, a person without an account and a dataset that may not be seen
are all refused. Roles and grants are looked up live, so a revoked grant is refused at the next question.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable

from workbench.governance import dataset_rules, deed_rules, version_rules
from workbench.governance.canonical import stamp
from workbench.governance.decision import Context, Decision
from workbench.governance.question import Question
from workbench.governance.store import Store

__all__ = ["Context", "Decision", "authorise", "decide"]


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
        The kind of token, the isolation, the moment.

    Returns
    -------
    Decision
        Never raises for a refusal; `.require()` does.
    """
    context = context or Context()
    found = store.read().execute("SELECT role FROM people LEFT JOIN roles ON person = id WHERE id = ?", (person,))
    rows = found.fetchall()
    if not rows:
        return Decision(False, f"Nobody named “{person}” has an account here; sign in again.", "unknown-person")
    rule = ACTIONS.get(action)
    if rule is None:
        return Decision(False, f"No policy allows “{action}”, so it is refused.", "no-policy")
    roles = frozenset(row["role"] for row in rows if row["role"])
    if not roles:
        return Decision(False, "Your account holds no role any more; ask an administrator for one.", "no-role")
    now = stamp(context.now or store.now())
    return rule(Question(store, person, roles, action, resource, context, now))


def authorise(store: Store, person: str, action: str, resource: str, context: Context | None = None) -> Decision:
    """Decide, record a refusal, and raise it.

    Raises
    ------
    AccessDenied, NotFound
        When the decision is no.
    """
    decision = decide(store, person, action, resource, context)
    if not decision.allowed:
        store.note(person, action, resource, outcome="denied", reason=decision.reason, code=decision.code)
    decision.require()
    return decision


ACTIONS: dict[str, Callable[[Question], Decision]] = {
    "dataset.see": dataset_rules.see,
    "dataset.read": dataset_rules.read,
    "dataset.view": dataset_rules.read,
    "dataset.request": dataset_rules.see,
    "dataset.ingest": deed_rules.ingest,
    "dataset.govern": deed_rules.govern,
    "home.govern": deed_rules.govern_home,
    "training.record": deed_rules.record_training,
    "project.manage": deed_rules.manage_projects,
    "version.review": version_rules.review,
    "version.publish": version_rules.publish,
    "version.reject": version_rules.review,
    "subject.withdraw": version_rules.withdraw,
    "request.decide": deed_rules.decide_request,
    "grant.revoke": deed_rules.revoke_grant,
    "audit.read": deed_rules.read_audit,
    "task.submit": deed_rules.role_rule("researcher", "submit to a task"),
    "task.evaluate": deed_rules.evaluate,
    "release.offer": deed_rules.role_rule("researcher", "offer files for release"),
    "release.vote": deed_rules.role_rule("checker", "vote on a release"),
    "cohort.manage": deed_rules.role_rule("teacher", "manage a teaching cohort"),
}
