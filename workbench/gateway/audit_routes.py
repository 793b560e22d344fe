"""Routes of the record: its events, its verdict, its checkpoints and its proofs.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import InvalidInput
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.governance.record import audit
from workbench.governance.record.checkpoints import checkpoint_now
from workbench.governance.record.proofs import prove_event, prove_growth

PERSON = ("person",)
MAX_EVENTS = 1000
FILTERS = ("person", "action", "resource", "outcome")


def list_events(call: Call) -> dict[str, Any]:
    """Give events of the audit log; the look itself is recorded too."""
    guard.require(call, "audit.read", "home")
    limit, since = call.number("limit", 100), call.number("since", 0)
    filters = {name: call.query.get(name, "")[:200] for name in FILTERS}
    call.state.reads.flush()
    events = audit.list_events(call.state.store, limit=min(limit, MAX_EVENTS), since=since, **filters)
    asked = {name: text for name, text in filters.items() if text}
    call.state.store.note(call.person, "audit.read", "home", since=since, events=len(events), filters=asked)
    return {"events": events}


def verify(call: Call) -> dict[str, Any]:
    """Check the whole audit log, against what was exported too."""
    guard.require(call, "audit.read", "home")
    found = audit.verify(call.state.store, call.state.settings.checkpoints)
    call.state.store.note(call.person, "audit.verify", "home", ok=found["ok"])
    return found


def checkpoint(call: Call) -> dict[str, Any]:
    """Give a signed checkpoint of the log as it stands."""
    guard.require(call, "audit.read", "home")
    return checkpoint_now(call.state.store)


def proof(call: Call) -> dict[str, Any]:
    """Give the proof that an event is in the log; that the event was shown is recorded."""
    guard.require(call, "audit.read", "home")
    text = call.path["seq"]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidInput("An event is named by its number in the log, such as 12.")
    found = prove_event(call.state.store, int(text))
    call.state.store.note(call.person, "audit.prove", "home", event=int(text))
    return found


def consistency(call: Call) -> dict[str, Any]:
    """Give the proof that the log of `second` events, or of all, begins with that of `first` events."""
    guard.require(call, "audit.read", "home")
    return prove_growth(call.state.store, call.number("first", 0), call.number("second", 0))


ROUTES = (
    Route("GET", "/v1/audit", list_events, PERSON, "audit.read"),
    Route("GET", "/v1/audit/verify", verify, PERSON, "audit.read"),
    Route("GET", "/v1/audit/checkpoint", checkpoint, PERSON, "audit.read"),
    Route("GET", "/v1/audit/proof/{seq}", proof, PERSON, "audit.read"),
    Route("GET", "/v1/audit/consistency", consistency, PERSON, "audit.read"),
)
