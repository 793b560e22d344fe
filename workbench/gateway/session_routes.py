"""Routes of sessions and kernels: who somebody is, and for how long a token stands for them.

Runs in: gateway
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from workbench.compute.clusters import records
from workbench.errors import InvalidInput, NotFound, NotSignedIn
from workbench.gateway.call import Call, Route
from workbench.gateway.tokens import ISOLATIONS, PERSON_TOKEN_S, Token, new_id
from workbench.governance import people
from workbench.governance.store import stamped

ANYBODY = ("operator", "person", "kernel", "evaluator")
OPERATOR = "operator"
# Hours of a token, and seconds of a lease.
LONGEST = 168.0


def open_session(call: Call) -> dict[str, Any]:
    """Sign a person in, on the word of whoever owns the home."""
    person = _known_person(call)
    if not call.state.settings.demo_accounts:
        _check_secret(call, person)
    token = Token(person, "person", new_id("session"), expires=time.time() + PERSON_TOKEN_S)
    call.state.store.note(person, "session.open", token.id)
    return {"token": call.state.tokens.make(token), "person": person}


def list_people(call: Call) -> dict[str, Any]:
    """List the accounts of this home with their roles."""
    return {"people": people.list_people(call.state.store)}


def add_person(call: Call) -> dict[str, Any]:
    """Add an account, on the word of whoever owns the home; the answer holds its secret, which is not kept."""
    roles = call.json().get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidInput("The body needs “roles”: a list of roles.")
    person, name = call.text("person", longest=200), call.text("name", longest=200)
    secret = secrets.token_urlsafe(18)
    added = people.add_person(call.state.store, OPERATOR, person, name, tuple(roles), secret=secret)
    return {**added, "secret": secret}


def whoami(call: Call) -> dict[str, Any]:
    """Tell who the token stands for."""
    store, token, demo = call.state.store, call.token, call.state.settings.demo_accounts
    owner = {"person": "", "name": "owner of this home", "roles": []}
    answer = {
        **(owner if token.kind == OPERATOR else people.whoami(store, token.person)),
        "kind": token.kind,
        "isolation": token.isolation,
        "kernel": token.id if token.kind == "kernel" else None,
        "demo": demo,
    }
    if demo and token.kind in ("operator", "person"):
        answer["accounts"] = [person["person"] for person in people.list_people(store)]
    return answer


def start_kernel(call: Call) -> dict[str, Any]:
    """Record a kernel and give the token it is started with."""
    person, isolation = _known_person(call), call.text("isolation")
    if isolation not in ISOLATIONS:
        raise InvalidInput(f"“isolation” is one of {', '.join(ISOLATIONS)}; got “{isolation}”.")
    kernel, store = new_id("kernel"), call.state.store
    purpose = _known_purpose(call)
    with store.change(person, "kernel.start", kernel, isolation=isolation, purpose=purpose) as db:
        db.execute(
            "INSERT INTO kernels (id, person, isolation, started, purpose) VALUES (?, ?, ?, ?, ?)",
            (kernel, person, isolation, stamped(store), purpose),
        )
    expires = time.time() + _seconds(call, "hours", call.state.settings.kernel_hours) * 3600
    lease_s = _seconds(call, "lease_s", 0.0)
    is_apart = call.json().get("is_apart", False)
    if not isinstance(is_apart, bool):
        raise InvalidInput(f"“is_apart” is true or false; got {is_apart!r}.")
    token = Token(
        person, "kernel", kernel, isolation=isolation, expires=expires, purpose=purpose, lease_s=lease_s,
        is_apart=is_apart,
    )  # fmt: skip
    if lease_s:
        call.state.heartbeats.beat(kernel)
    return {"kernel": kernel, "token": call.state.tokens.make(token)}


def keep_kernel(call: Call) -> dict[str, Any]:
    """Note that what watches over a kernel lives; a token with a lease holds for as long as this goes on."""
    kernel = call.path["kernel"]
    row = call.state.store.read().execute("SELECT ended FROM kernels WHERE id = ?", (kernel,)).fetchone()
    if row is None:
        raise NotFound("There is no such kernel; it may belong to another home.")
    if row["ended"] is None:
        call.state.heartbeats.beat(kernel)
    return {"kernel": kernel, "is_open": row["ended"] is None}


def end_kernel(call: Call) -> dict[str, Any]:
    """End a kernel: its token is worth nothing from now on."""
    kernel, store = call.path["kernel"], call.state.store
    row = store.read().execute("SELECT person, ended FROM kernels WHERE id = ?", (kernel,)).fetchone()
    if row is None:
        raise NotFound("There is no such kernel; it may belong to another home.")
    if row["ended"] is None:
        with store.change(row["person"], "kernel.end", kernel) as db:
            db.execute("UPDATE kernels SET ended = ? WHERE id = ? AND ended IS NULL", (stamped(store), kernel))
        records.end_of_kernel(store, kernel)
    call.state.heartbeats.forget(kernel)
    return {"kernel": kernel, "ended": True}


def purposes(call: Call) -> list[dict[str, Any]]:
    """List the purposes for which access can be asked."""
    return people.list_purposes(call.state.store)


def _known_person(call: Call) -> str:
    person = call.text("person", longest=200)
    people.whoami(call.state.store, person)
    return person


def _known_purpose(call: Call) -> str:
    """Give the id of the purpose that a kernel is started for, or the empty text when for none."""
    asked = call.text("purpose", "", longest=200)
    return people.find_purpose(call.state.store, asked) if asked else ""


def _seconds(call: Call, name: str, default: float) -> float:
    """Give a length of time from the body, above 0 and at most what a job may take."""
    value = call.json().get(name, default)
    if value == default:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
        raise InvalidInput(f"“{name}” is a number above 0 and at most {LONGEST:g}; got {value!r}.")
    return float(value)


def _check_secret(call: Call, person: str) -> None:
    """Refuse a session for somebody whose secret the caller does not know: the owner cannot sign as another."""
    if not people.knows_secret(call.state.store, person, call.text("secret", "", longest=200)):
        reason = f"This is not the secret of “{person}”, which was shown once when the account was made."
        call.state.store.note(OPERATOR, "session.open", person, outcome="denied", reason=reason)
        raise NotSignedIn(reason + " The owner of the home can make another account.")


ROUTES = (
    Route("GET", "/v1/people", list_people, (OPERATOR,), "people.list"),
    Route("POST", "/v1/people", add_person, (OPERATOR,), "person.add"),
    Route("POST", "/v1/sessions", open_session, (OPERATOR,), "session.open"),
    Route("GET", "/v1/whoami", whoami, ANYBODY, "session.look"),
    Route("POST", "/v1/kernels", start_kernel, (OPERATOR,), "kernel.start"),
    Route("POST", "/v1/kernels/{kernel}/heartbeat", keep_kernel, (OPERATOR,), "kernel.keep"),
    Route("DELETE", "/v1/kernels/{kernel}", end_kernel, (OPERATOR,), "kernel.end"),
    Route("GET", "/v1/purposes", purposes, ("operator", "person", "kernel"), "purposes.list"),
)
