"""The one place that says whether a person may do a thing, and why (not).

Deny by default: an action that is not in the table, a person without an account and a dataset that may not be seen
are all refused. Roles and grants are looked up live, so a revoked grant is refused at the next question.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from workbench.governance.canonical import day, stamp
from workbench.governance.decision import Context, Decision, unknown_dataset
from workbench.governance.people import find_person, roles_of
from workbench.governance.store import Store

__all__ = ["Context", "Decision", "authorise", "decide"]

NO_SANDBOX = (
    "“{name}” is controlled: its scans are read only inside an isolated kernel, and this one is not isolated. "
    "Install bubblewrap (`apt-get install bubblewrap`) where the notebooks run and start the kernel again."
)


@dataclass(frozen=True)
class _Question:
    store: Store
    person: str
    roles: frozenset[str]
    action: str
    resource: str
    context: Context
    now: str


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
    if find_person(store, person) is None:
        return Decision(False, f"Nobody named “{person}” has an account here; sign in again.", "unknown-person")
    rule = ACTIONS.get(action)
    if rule is None:
        return Decision(False, f"No policy allows “{action}”, so it is refused.", "no-policy")
    now = stamp(context.now or store.now())
    return rule(_Question(store, person, roles_of(store, person), action, resource, context, now))


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


def _see(ask: _Question) -> Decision:
    dataset = _dataset(ask)
    if dataset is None:
        return unknown_dataset(ask.resource)
    return Decision(True, "Its card is open to everybody who may know of it.", "visible")


def _read(ask: _Question) -> Decision:
    dataset = _dataset(ask)
    if dataset is None:
        return unknown_dataset(ask.resource)
    return _TIERS[dataset["tier"]](ask, dataset)


def _read_open(ask: _Question, dataset: sqlite3.Row) -> Decision:
    return Decision(True, f"“{ask.resource}” is open: everybody who is signed in may read it.", "open")


def _read_registered(ask: _Question, dataset: sqlite3.Row) -> Decision:
    return Decision(True, f"“{ask.resource}” is registered: you are signed in, so you may read it.", "registered")


def _read_undisclosed(ask: _Question, dataset: sqlite3.Row) -> Decision:
    if ask.context.kind == "evaluator":
        return Decision(True, "The evaluator reads the undisclosed test data to score a submission.", "evaluator")
    return Decision(
        False,
        f"“{ask.resource}” is undisclosed: only the evaluator reads it, never a person or a kernel. "
        "Submit a model to its task to be scored on it.",
        "undisclosed",
    )


def _read_controlled(ask: _Question, dataset: sqlite3.Row) -> Decision:
    granted = _granted(ask, dataset)
    if not granted.allowed:
        return granted
    if ask.action == "dataset.view" and ask.context.kind == "person":
        if _has_open_view(ask):
            return granted
        return Decision(
            False, f"You have no open view of “{ask.resource}”; show the scan in a running notebook first.", "no-view"
        )
    if ask.context.kind == "kernel" and ask.context.isolation == "bubblewrap":
        return granted
    return Decision(False, NO_SANDBOX.format(name=ask.resource), "no-sandbox")


def _granted(ask: _Question, dataset: sqlite3.Row) -> Decision:
    """Answer from the newest grant of this person to this dataset; several may run side by side."""
    rows = ask.store.read().execute(
        "SELECT * FROM grants WHERE person = ? AND dataset = ? ORDER BY number DESC", (ask.person, ask.resource)
    )
    grants = rows.fetchall()
    for grant in grants:
        if grant["revoked"] is None and grant["starts"] <= ask.now < grant["ends"]:
            return Decision(
                True,
                f"Granted by {grant['approved_by']} for “{grant['purpose']}” until {day(grant['ends'])}.",
                "granted",
            )
    again = f"ask again with `workbench request {ask.resource} --purpose … --days …`."
    if not grants:
        waiting = ask.store.read().execute(
            "SELECT id FROM requests WHERE person = ? AND dataset = ? AND status = 'submitted'",
            (ask.person, ask.resource),
        )
        row = waiting.fetchone()
        if row:
            text = f"Your request {row['id']} waits for {dataset['custodian']}, the custodian of “{ask.resource}”."
            return Decision(False, text, "waiting")
        text = f"No grant for “{ask.resource}”: it is controlled and you have not been given access; {again}"
        return Decision(False, text.replace("ask again", "ask"), "no-grant")
    newest = grants[0]
    if newest["revoked"] is not None:
        text = f"No grant for “{ask.resource}”: yours was revoked on {day(newest['revoked'])}"
        why = f" ({newest['revoke_reason']})" if newest["revoke_reason"] else ""
        return Decision(False, f"{text}{why}; {again}", "grant-revoked")
    return Decision(
        False, f"No grant for “{ask.resource}”: yours ended on {day(newest['ends'])}; {again}", "grant-ended"
    )


def _has_open_view(ask: _Question) -> bool:
    row = ask.store.read().execute(
        "SELECT 1 FROM views JOIN kernels ON kernels.id = views.kernel "
        "WHERE views.person = ? AND views.dataset = ? AND kernels.person = views.person AND kernels.ended IS NULL",
        (ask.person, ask.resource),
    )
    return row.fetchone() is not None


def _ingest(ask: _Question) -> Decision:
    row = ask.store.read().execute("SELECT custodian FROM datasets WHERE name = ?", (ask.resource,)).fetchone()
    if "custodian" not in ask.roles:
        return _needs("custodian", f"bring data in as “{ask.resource}”")
    if row is not None and row["custodian"] != ask.person:
        return Decision(
            False, f"“{ask.resource}” belongs to another custodian; choose another name or ask them.", "wrong-custodian"
        )
    return Decision(True, "A custodian brings data in.", "custodian")


def _decide_request(ask: _Question) -> Decision:
    row = ask.store.read().execute("SELECT * FROM requests WHERE id = ?", (ask.resource,)).fetchone()
    if row is None:
        return _no_such("request", ask.resource)
    if row["person"] == ask.person:
        return Decision(
            False,
            f"{ask.resource} is your own request, and nobody decides their own; somebody else must.",
            "own-request",
        )
    return _answers_for(ask, row["dataset"], f"decide request {ask.resource}", "request")


def _revoke_grant(ask: _Question) -> Decision:
    row = ask.store.read().execute("SELECT * FROM grants WHERE id = ?", (ask.resource,)).fetchone()
    if row is None:
        return _no_such("grant", ask.resource)
    if row["person"] == ask.person:
        return Decision(True, f"{ask.resource} is your own grant, and you may give it back.", "own-grant")
    return _answers_for(ask, row["dataset"], f"revoke grant {ask.resource}", "grant")


def _answers_for(ask: _Question, dataset: str, deed: str, thing: str) -> Decision:
    """Allow the dataset's custodian and administrators; to a stranger the thing does not exist."""
    row = ask.store.read().execute("SELECT custodian FROM datasets WHERE name = ?", (dataset,)).fetchone()
    if "custodian" in ask.roles and row["custodian"] == ask.person:
        return Decision(True, f"You answer for “{dataset}”, so you may {deed}.", "custodian")
    if "administrator" in ask.roles:
        return Decision(True, f"You are an administrator, so you may {deed}.", "administrator")
    if not {"custodian", "administrator"} & ask.roles:
        return _needs("custodian", deed)
    return _no_such(thing, ask.resource)


def _role_rule(role: str, deed: str) -> Callable[[_Question], Decision]:
    """Make the rule that the holders of one role may do a deed."""

    def rule(ask: _Question) -> Decision:
        if role in ask.roles:
            return Decision(True, f"You hold the role {role}, so you may {deed}.", role)
        return _needs(role, deed)

    return rule


def _read_audit(ask: _Question) -> Decision:
    if {"custodian", "administrator", "checker"} & ask.roles:
        return Decision(True, "Custodians, checkers and administrators may read the log.", "auditor")
    return _needs("custodian", "read the audit log")


def _evaluate(ask: _Question) -> Decision:
    if ask.context.kind == "evaluator" and ask.context.task == ask.resource:
        return Decision(True, f"The evaluator scores a submission to “{ask.resource}”.", "evaluator")
    return Decision(
        False, "Only the evaluator of a submission does this, for the task it was started for.", "evaluator"
    )


def _needs(role: str, deed: str) -> Decision:
    return Decision(False, f"To {deed} you need the role {role}, which you do not hold.", "wrong-role")


def _no_such(thing: str, name: str) -> Decision:
    return Decision(
        False, f"No {thing} “{name}” that you may decide about; `workbench requests` lists them.", f"unknown-{thing}"
    )


def _dataset(ask: _Question) -> sqlite3.Row | None:
    """Give the dataset if this person may know that it exists."""
    db = ask.store.read()
    row: sqlite3.Row | None = db.execute("SELECT * FROM datasets WHERE name = ?", (ask.resource,)).fetchone()
    if row is None or row["discoverable"] or row["custodian"] == ask.person or "administrator" in ask.roles:
        return row
    if ask.context.kind == "evaluator":
        return row
    held = db.execute(
        "SELECT 1 FROM grants WHERE person = ? AND dataset = ? AND revoked IS NULL AND ends > ?",
        (ask.person, ask.resource, ask.now),
    )
    return row if held.fetchone() else None


_TIERS: dict[str, Callable[[_Question, sqlite3.Row], Decision]] = {
    "open": _read_open,
    "registered": _read_registered,
    "controlled": _read_controlled,
    "undisclosed": _read_undisclosed,
}

ACTIONS: dict[str, Callable[[_Question], Decision]] = {
    "dataset.see": _see,
    "dataset.read": _read,
    "dataset.view": _read,
    "dataset.request": _see,
    "dataset.ingest": _ingest,
    "request.decide": _decide_request,
    "grant.revoke": _revoke_grant,
    "audit.read": _read_audit,
    "task.submit": _role_rule("researcher", "submit to a task"),
    "task.evaluate": _evaluate,
    "release.offer": _role_rule("researcher", "offer files for release"),
    "release.vote": _role_rule("checker", "vote on a release"),
    "cohort.manage": _role_rule("teacher", "manage a teaching cohort"),
}
