"""The rules for what people do besides reading: ingest, decide requests, revoke, audit, submit, vote, teach.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable

from workbench.governance.dataset_rules import visible
from workbench.governance.decision import Decision, unknown_dataset
from workbench.governance.question import Question, needs, no_such


def ingest(ask: Question) -> Decision:
    """Say whether the person may add a version to a dataset, or make a dataset of that name."""
    row = ask.store.read().execute("SELECT custodian FROM datasets WHERE name = ?", (ask.resource,)).fetchone()
    if "custodian" not in ask.roles:
        return needs("custodian", f"bring data in as “{ask.resource}”")
    if row is not None and row["custodian"] != ask.person:
        return Decision(
            False, f"“{ask.resource}” belongs to another custodian; choose another name or ask them.", "wrong-custodian"
        )
    return Decision(True, "A custodian brings data in.", "custodian")


def decide_request(ask: Question) -> Decision:
    """Say whether the person may approve or refuse an access request."""
    row = ask.store.read().execute("SELECT * FROM requests WHERE id = ?", (ask.resource,)).fetchone()
    if row is None:
        return no_such("request", ask.resource)
    if row["person"] == ask.person:
        return Decision(
            False,
            f"{ask.resource} is your own request, and nobody decides their own; somebody else must.",
            "own-request",
        )
    return _answers_for(ask, row["dataset"], f"decide request {ask.resource}", "request")


def revoke_grant(ask: Question) -> Decision:
    """Say whether the person may end a grant."""
    row = ask.store.read().execute("SELECT * FROM grants WHERE id = ?", (ask.resource,)).fetchone()
    if row is None:
        return no_such("grant", ask.resource)
    if row["person"] == ask.person:
        return Decision(True, f"{ask.resource} is your own grant, and you may give it back.", "own-grant")
    return _answers_for(ask, row["dataset"], f"revoke grant {ask.resource}", "grant")


def _answers_for(ask: Question, dataset: str, deed: str, thing: str) -> Decision:
    """Allow the dataset's custodian and administrators; to a stranger the thing does not exist."""
    row = ask.store.read().execute("SELECT custodian FROM datasets WHERE name = ?", (dataset,)).fetchone()
    if "custodian" in ask.roles and row["custodian"] == ask.person:
        return Decision(True, f"You answer for “{dataset}”, so you may {deed}.", "custodian")
    if "administrator" in ask.roles:
        return Decision(True, f"You are an administrator, so you may {deed}.", "administrator")
    if not {"custodian", "administrator"} & ask.roles:
        return needs("custodian", deed)
    return no_such(thing, ask.resource)


def govern(ask: Question) -> Decision:
    """Say whether the person sets a dataset's terms: agreement, training, permitted use, policy, trusted visas."""
    dataset = visible(ask)
    if dataset is None:
        return unknown_dataset(ask.resource)
    deed = f"set the terms of “{ask.resource}”"
    if "custodian" in ask.roles and dataset["custodian"] != ask.person and "administrator" not in ask.roles:
        return Decision(False, f"Only its own custodian and administrators may {deed}.", "wrong-custodian")
    return _answers_for(ask, ask.resource, deed, "dataset")


def govern_home(ask: Question) -> Decision:
    """Say whether the person sets what counts for the whole home."""
    if "administrator" in ask.roles:
        return Decision(True, "You are an administrator.", "administrator")
    return needs("administrator", "set what counts for the whole home")


def record_training(ask: Question) -> Decision:
    """Say whether the person records, or ends, a training of the person who is the resource; never their own."""
    if "administrator" in ask.roles:
        return Decision(True, "Administrators record training.", "administrator")
    if "custodian" not in ask.roles:
        return needs("custodian", "record a training")
    if ask.resource == ask.person:
        return Decision(False, "Nobody records their own training; another custodian or an administrator must.", "own")
    return Decision(True, "Custodians record the training of others.", "custodian")


def manage_projects(ask: Question) -> Decision:
    """Say whether the person makes projects and names their members."""
    if {"custodian", "administrator"} & ask.roles:
        return Decision(True, "Custodians and administrators make projects.", "custodian")
    return needs("custodian", "make a project or change its members")


def role_rule(role: str, deed: str) -> Callable[[Question], Decision]:
    """Make the rule that the holders of one role may do a deed."""

    def rule(ask: Question) -> Decision:
        if role in ask.roles:
            return Decision(True, f"You hold the role {role}, so you may {deed}.", role)
        return needs(role, deed)

    return rule


def read_audit(ask: Question) -> Decision:
    """Say whether the person may read the log."""
    if {"custodian", "administrator", "checker"} & ask.roles:
        return Decision(True, "Custodians, checkers and administrators may read the log.", "auditor")
    return needs("custodian", "read the audit log")


def evaluate(ask: Question) -> Decision:
    """Say whether this is the evaluator of a submission to the task."""
    if ask.context.kind == "evaluator" and ask.context.task == ask.resource:
        return Decision(True, f"The evaluator scores a submission to “{ask.resource}”.", "evaluator")
    return Decision(
        False, "Only the evaluator of a submission does this, for the task it was started for.", "evaluator"
    )
