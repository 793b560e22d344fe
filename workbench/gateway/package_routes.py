"""Routes of packages: what is installed, asking for more, and deciding what is not on the list.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.gateway.call import Call, Route
from workbench.governance.packages import installing, requests
from workbench.governance.packages.asking import listed

PEOPLE = ("person", "kernel")
PERSON = ("person",)


def get_packages(call: Call) -> dict[str, Any]:
    """Give what is installed for this person, with hashes and licences, and the requests they may see."""
    store = call.state.store
    found = requests.list_requests(store, call.person)
    return {**requests.environment(store, call.person), "requests": found, "listed": sorted(listed())}


def ask(call: Call) -> dict[str, Any]:
    """Ask for packages; what is on the list is being installed when the answer comes."""
    may_wait = call.state.settings.package_review
    asked = requests.ask(
        call.state.store, call.person, _names(call), call.text("reason", "", longest=1000), may_wait=may_wait
    )
    return _started(call, asked)


def remove(call: Call) -> dict[str, Any]:
    """Ask that packages be there no more."""
    return _started(call, requests.remove(call.state.store, call.person, _names(call)))


def get_request(call: Call) -> dict[str, Any]:
    """Give one request, and with an installed one what there is now."""
    store, request = call.state.store, call.path["request"]
    if not requests.may_see(store, call.person, request):
        raise NotFound(requests.UNKNOWN.format(request=request))
    installing.settle(store, request)
    found = requests.get(store, request)
    return {**found, **requests.environment(store, found["person"])}


def approve(call: Call) -> dict[str, Any]:
    """Let a request that waits pass; it is being installed when the answer comes."""
    return _started(call, _decided(call, is_approved=True))


def refuse(call: Call) -> dict[str, Any]:
    """Refuse a request that waits, with a reason."""
    return _decided(call, is_approved=False)


def _decided(call: Call, *, is_approved: bool) -> dict[str, Any]:
    comment = call.text("reason", "", longest=1000)
    return requests.decide(call.state.store, call.person, call.path["request"], is_approved=is_approved,
                           comment=comment)  # fmt: skip


def _started(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    if request["state"] == "installing":
        installing.start(call.state.store, call.state.settings, request["id"])
    return request


def _names(call: Call) -> list[object]:
    names = call.json().get("names")
    if not isinstance(names, list):
        raise InvalidInput("The body needs “names”: a list of names of packages.")
    return names


ROUTES = (
    Route("GET", "/v1/packages", get_packages, PEOPLE, "packages.list"),
    Route("POST", "/v1/packages", ask, PEOPLE, "package.request"),
    Route("POST", "/v1/packages/remove", remove, PEOPLE, "package.request"),
    Route("GET", "/v1/packages/requests/{request}", get_request, PEOPLE, "packages.list"),
    Route("POST", "/v1/packages/requests/{request}/approve", approve, PERSON, "package.decide"),
    Route("POST", "/v1/packages/requests/{request}/refuse", refuse, PERSON, "package.decide"),
)
