"""The rules for datasets: who may know of one, and who may read it, by its tier.

Runs in: gateway
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from workbench.governance.canonical import day
from workbench.governance.decision import Decision, unknown_dataset
from workbench.governance.question import Question

# Whoever holds one of these looks at versions that wait, and signs them off.
REVIEWERS = frozenset({"custodian", "checker", "administrator"})
NO_SANDBOX = (
    "“{name}” is controlled: its scans are read only inside an isolated kernel, and this one is not isolated. "
    "Install bubblewrap (`apt-get install bubblewrap`) where the notebooks run and start the kernel again."
)


def see(ask: Question) -> Decision:
    """Say whether the person may know of the dataset, and so see its card and counts."""
    dataset = visible(ask)
    if dataset is None:
        return unknown_dataset(ask.resource)
    return Decision(True, "Its card is open to everybody who may know of it.", "visible")


def read(ask: Question) -> Decision:
    """Say whether the person may have the dataset's bytes here and now."""
    dataset = visible(ask)
    if dataset is None:
        return unknown_dataset(ask.resource)
    return _TIERS[dataset["tier"]](ask, dataset)


def _read_open(ask: Question, dataset: sqlite3.Row) -> Decision:
    return Decision(True, f"“{ask.resource}” is open: everybody who is signed in may read it.", "open")


def _read_registered(ask: Question, dataset: sqlite3.Row) -> Decision:
    return Decision(True, f"“{ask.resource}” is registered: you are signed in, so you may read it.", "registered")


def _read_undisclosed(ask: Question, dataset: sqlite3.Row) -> Decision:
    if ask.context.kind == "evaluator":
        return Decision(True, "The evaluator reads the undisclosed test data to score a submission.", "evaluator")
    return Decision(
        False,
        f"“{ask.resource}” is undisclosed: only the evaluator reads it, never a person or a kernel. "
        "Submit a model to its task to be scored on it.",
        "undisclosed",
    )


def _read_controlled(ask: Question, dataset: sqlite3.Row) -> Decision:
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


def _granted(ask: Question, dataset: sqlite3.Row) -> Decision:
    """Answer from this person's grants to this dataset, of which several may run side by side."""
    rows = ask.store.read().execute(
        "SELECT grants.*, label FROM grants JOIN purposes ON purposes.id = purpose "
        "WHERE person = ? AND dataset = ? ORDER BY number DESC",
        (ask.person, ask.resource),
    )
    grants = rows.fetchall()
    for grant in grants:
        if grant["revoked"] is None and grant["starts"] <= ask.now < grant["ends"]:
            text = f"Granted by {grant['approved_by']} for “{grant['label']}” until {day(grant['ends'])}."
            return Decision(True, text, "granted")
    return _why_not(ask, dataset, grants[0] if grants else None)


def _why_not(ask: Question, dataset: sqlite3.Row, grant: sqlite3.Row | None) -> Decision:
    """Say how it came that there is no grant, from the newest request and the newest grant."""
    name = ask.resource
    again = f"ask again with `workbench request {name} --purpose … --days …`."
    rows = ask.store.read().execute(
        "SELECT * FROM requests WHERE person = ? AND dataset = ? ORDER BY number DESC LIMIT 1", (ask.person, name)
    )
    request = rows.fetchone()
    if request is not None and request["status"] == "submitted":
        text = f"Your request {request['id']} for “{name}” waits for a decision by {dataset['custodian']}."
        return Decision(False, text, "waiting")
    if request is not None and request["status"] == "refused":
        text = f"Your request {request['id']} for “{name}” was refused on {day(request['decided'])}"
        return Decision(False, f"{text}{_because(request['reason'])}; {again}", "refused")
    if grant is None:
        text = f"No grant for “{name}”: it is controlled and you have not been given access; "
        return Decision(False, text + again.replace("ask again", "ask"), "no-grant")
    if grant["revoked"] is not None:
        text = f"No grant for “{name}”: yours was revoked on {day(grant['revoked'])}"
        return Decision(False, f"{text}{_because(grant['revoke_reason'])}; {again}", "grant-revoked")
    return Decision(False, f"No grant for “{name}”: yours ended on {day(grant['ends'])}; {again}", "grant-ended")


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _has_open_view(ask: Question) -> bool:
    row = ask.store.read().execute(
        "SELECT 1 FROM views JOIN kernels ON kernels.id = views.kernel "
        "WHERE views.person = ? AND views.dataset = ? AND kernels.person = views.person AND kernels.ended IS NULL",
        (ask.person, ask.resource),
    )
    return row.fetchone() is not None


def visible(ask: Question) -> sqlite3.Row | None:
    """Give the dataset if this person may know that it exists; until its first version is out, few may."""
    db = ask.store.read()
    row: sqlite3.Row | None = db.execute(
        "SELECT datasets.*, EXISTS (SELECT 1 FROM published WHERE dataset = name) AS is_out, "
        "EXISTS (SELECT 1 FROM versions WHERE dataset = name AND status = 'waiting') AS waits "
        "FROM datasets WHERE name = ?", (ask.resource,),
    ).fetchone()  # fmt: skip
    if row is None or row["custodian"] == ask.person or "administrator" in ask.roles:
        return row
    if row["waits"] and ask.roles & REVIEWERS:
        return row
    if row["discoverable"] and (row["is_out"] or not row["waits"]):
        return row
    if ask.context.kind == "evaluator":
        return row
    held = db.execute(
        "SELECT 1 FROM grants WHERE person = ? AND dataset = ? AND revoked IS NULL AND ends > ?",
        (ask.person, ask.resource, ask.now),
    )
    return row if held.fetchone() else None


_TIERS: dict[str, Callable[[Question, sqlite3.Row], Decision]] = {
    "open": _read_open,
    "registered": _read_registered,
    "controlled": _read_controlled,
    "undisclosed": _read_undisclosed,
}
