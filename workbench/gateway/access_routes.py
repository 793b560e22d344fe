"""Routes of the catalogue, of requests and of grants.

Runs in: gateway
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.errors import InvalidInput
from workbench.gateway import guard
from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.governance import access, catalogue
from workbench.governance.decision import Context
from workbench.governance.people import find_purpose

PEOPLE = ("person", "kernel")
PERSON = ("person",)


def list_datasets(call: Call) -> dict[str, Any]:
    """List what this person may know of, with whether and why it may be read; with a purpose, for that one only."""
    found = catalogue.list_datasets(call.state.store, call.person, _context(call), call.state.count)
    return {"datasets": found}


def get_dataset(call: Call) -> dict[str, Any]:
    """Give one dataset's card, versions and this person's requests."""
    name = call.path["dataset"]
    return catalogue.get_dataset(call.state.store, call.person, name, _context(call), call.state.count)


def submit_request(call: Call) -> dict[str, Any]:
    """Ask for access."""
    days = call.json().get("days")
    if not isinstance(days, int) or isinstance(days, bool):
        raise InvalidInput("The body needs “days”: a whole number of days.")
    note = call.text("note", "", longest=4000)
    return access.submit_request(
        call.state.store, call.person, call.path["dataset"], call.text("purpose"), days, note,
        attestations=call.json().get("attestations"),
    )  # fmt: skip


def list_requests(call: Call) -> dict[str, Any]:
    """List this person's requests and those this person may decide."""
    return {"requests": access.list_requests(call.state.store, call.person)}


def approve(call: Call) -> dict[str, Any]:
    """Approve a request, for as many days as were asked for or fewer; the answer holds the grant."""
    days = call.json().get("days")
    return access.approve(call.state.store, call.person, call.path["request"], call.text("reason", ""), days=days)


def refuse(call: Call) -> dict[str, Any]:
    """Refuse a request, with a reason."""
    return access.refuse(call.state.store, call.person, call.path["request"], call.text("reason", ""))


def revoke(call: Call) -> dict[str, Any]:
    """End a grant now, with a reason."""
    return access.revoke(call.state.store, call.person, call.path["grant"], call.text("reason", ""))


def _context(call: Call) -> Context:
    """Give the circumstances of a question, for the purpose in its query where it names one."""
    context, asked = guard.context_of(call.token), call.query.get("purpose", "")
    return replace(context, purpose=find_purpose(call.state.store, asked)) if asked else context


ROUTES = (
    Route("GET", "/v1/datasets", list_datasets, PEOPLE, "catalogue.list"),
    Route("GET", "/v1/datasets/{dataset}", get_dataset, (*PEOPLE, "evaluator"), "dataset.see", dataset_in_path),
    Route("POST", "/v1/datasets/{dataset}/requests", submit_request, PEOPLE, "dataset.request", dataset_in_path),
    Route("GET", "/v1/requests", list_requests, PEOPLE, "requests.list"),
    Route("POST", "/v1/requests/{request}/approve", approve, PERSON, "request.decide"),
    Route("POST", "/v1/requests/{request}/refuse", refuse, PERSON, "request.decide"),
    Route("POST", "/v1/grants/{grant}/revoke", revoke, PERSON, "grant.revoke"),
)
