"""Requests for packages: what is on the list is installed at once, what is not waits for a person.

Runs in: gateway
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, WorkbenchError
from workbench.governance.canonical import stamp
from workbench.governance.decide import authorise
from workbench.governance.packages.asking import Wanted, listed, wanted, wanted_all
from workbench.governance.packages.environments import Package
from workbench.governance.people import roles_of
from workbench.governance.store import Store, stamped

RESOURCE = "packages"
DECIDERS = frozenset({"administrator", "custodian"})
# Which of the listed packages somebody asks for travels to the index too, so nobody asks without end.
MOST_AN_HOUR = 20


def ask(store: Store, person: str, texts: Sequence[object], reason: str, *, may_wait: bool) -> dict[str, Any]:
    """Ask for packages; the answer's state is `installing`, or `review` when one of them is not on the list.

    Raises
    ------
    InvalidInput
        When something is not the name of a package.
    AccessDenied
        When a package was refused for this home, or is not listed and nothing may wait; or somebody asks too often.
    """
    authorise(store, person, "package.request", RESOURCE)
    wants = wanted_all(texts)
    rules = _rules(store)
    if refused := [want.name for want in wants if rules.get(want.name) is False]:
        why = store.read().execute("SELECT comment FROM package_rules WHERE name = ?", (refused[0],)).fetchone()
        because = f" ({why['comment']})" if why["comment"] else ""
        raise _denied(store, person, f"“{refused[0]}” is refused in this home{because}; ask for another package.",
                      "package-refused")  # fmt: skip
    unlisted = [want.name for want in wants if want.name not in listed() and not rules.get(want.name)]
    if unlisted and not may_wait:
        text = f"“{unlisted[0]}” is not on this home's list of packages, and nothing else is installed here."
        raise _denied(store, person, text, "package-not-listed")
    _check_pace(store, person)
    state = "review" if unlisted else "installing"
    with store.change(person, "package.request", RESOURCE, names=[want.text for want in wants], state=state) as db:
        return _insert(store, db, person, state, reason, names=[want.text for want in wants])


def remove(store: Store, person: str, texts: Sequence[object]) -> dict[str, Any]:
    """Ask that packages be there no more.

    Raises
    ------
    NotFound
        When one of them was never asked for.
    """
    authorise(store, person, "package.request", RESOURCE)
    names = [want.name for want in wanted_all(texts)]
    known = {wanted(text).name for text in environment(store, person)["asked"]}
    if missing := sorted(set(names) - known):
        has = f"you asked for {', '.join(sorted(known))}" if known else "you asked for none"
        raise NotFound(f"“{missing[0]}” is not among the packages to remove: {has}.")
    _check_pace(store, person)
    with store.change(person, "package.request", RESOURCE, removed=names) as db:
        return _insert(store, db, person, "installing", "", removed=names)


def decide(store: Store, person: str, request: str, *, is_approved: bool, comment: str) -> dict[str, Any]:
    """Let a request that waits pass, and the names in it from now on, or refuse it.

    Raises
    ------
    AccessDenied
        When it is one's own, or one may not decide.
    Conflict
        When it waits no more.
    InvalidInput
        When it is refused without a reason.
    """
    row = _row(store, request)
    authorise(store, person, "package.decide", request)
    if row["state"] != "review":
        raise Conflict(f"{request} does not wait for a decision any more: it is {row['state']}.")
    if not is_approved and not comment.strip():
        raise InvalidInput("Say why the request is refused; whoever asked reads the reason.")
    state = "installing" if is_approved else "refused"
    with store.change(person, "package.decide", request, reason=comment, state=state) as db:
        now = stamped(store)
        db.execute(
            "UPDATE package_requests SET state = ?, decided = ?, decided_by = ?, comment = ? WHERE id = ?",
            (state, now, person, comment, request),
        )
        unlisted = [want.name for want in _wants(row["names"]) if want.name not in listed()]
        db.executemany(
            "INSERT OR REPLACE INTO package_rules (name, is_allowed, person, decided, comment) VALUES (?, ?, ?, ?, ?)",
            [(name, int(is_approved), person, now, comment) for name in unlisted],
        )
    return get(store, request)


def goal(store: Store, request: str) -> tuple[str, list[Wanted]]:
    """Give the person of a request and everything that shall be installed for them once it is done."""
    row = _row(store, request)
    texts = {want.name: want for text in environment(store, row["person"])["asked"] for want in (wanted(text),)}
    texts |= {want.name: want for want in _wants(row["names"])}
    return row["person"], [want for name, want in texts.items() if name not in json.loads(row["removed"])]


def check_found(store: Store, packages: Sequence[Package]) -> None:
    """Refuse what was refused for this home, also when another package brings it along.

    Raises
    ------
    AccessDenied
        When one of them was.
    """
    rules = _rules(store)
    for package in packages:
        if rules.get(package.name) is False:
            raise AccessDenied(f"These packages need “{package.name}”, which is refused in this home.",
                               code="package-refused")  # fmt: skip


def finish(
    store: Store, request: str, wants: Sequence[Wanted], packages: Sequence[Package], *, switch: Callable[[], str]
) -> None:
    """Have an environment switched to and record it, with every hash and licence, or neither.

    Parameters
    ----------
    store, request
        As everywhere.
    wants, packages
        What was asked for and what it came to.
    switch : callable
        Makes it the current one, and gives its digest.
    """
    row, lock = _row(store, request), [vars(package) for package in packages]
    facts = [f"{package.name}=={package.version} sha256:{package.sha256}" for package in packages]
    with store.change(row["person"], "package.install", request, packages=facts) as db:
        digest = db.details["environment"] = switch()
        db.execute(
            "INSERT INTO environments (person, digest, asked, lock, request, created) VALUES (?, ?, ?, ?, ?, ?)",
            (row["person"], digest, json.dumps([want.text for want in wants]), json.dumps(lock), request,
             stamped(store)),
        )  # fmt: skip
        db.execute("UPDATE package_requests SET state = 'installed' WHERE id = ?", (request,))


def fail(store: Store, request: str, problem: WorkbenchError) -> None:
    """Record why nothing was installed."""
    row = _row(store, request)
    with store.change(row["person"], "package.install", request, outcome="failed", reason=problem.message) as db:
        db.execute(
            "UPDATE package_requests SET state = 'failed', error = ?, code = ?, message = ? WHERE id = ?",
            (problem.name, problem.code, problem.message, request),
        )


def environment(store: Store, person: str) -> dict[str, Any]:
    """Give what is installed for a person: what they `asked` for, and the `packages` that it came to."""
    row = store.read().execute(
        "SELECT asked, lock FROM environments WHERE person = ? ORDER BY number DESC LIMIT 1", (person,)
    ).fetchone()  # fmt: skip
    return {"asked": json.loads(row["asked"]), "packages": json.loads(row["lock"])} if row else NOTHING


def get(store: Store, request: str) -> dict[str, Any]:
    """Give one request."""
    return _facts(_row(store, request))


def list_requests(store: Store, person: str) -> list[dict[str, Any]]:
    """Give a person's own requests, and those of others that wait for one who may decide; newest first."""
    decides = bool(DECIDERS & roles_of(store, person))
    rows = store.read().execute(
        "SELECT * FROM package_requests WHERE person = :person OR :decides ORDER BY number DESC LIMIT 200",
        {"person": person, "decides": decides},
    )
    return [{**_facts(row), "may_decide": _may_decide(row, person, decides)} for row in rows]


def may_see(store: Store, person: str, request: str) -> bool:
    """Whether a request is somebody's own, or theirs to decide."""
    row = store.read().execute("SELECT person FROM package_requests WHERE id = ?", (request,)).fetchone()
    return row is not None and (row["person"] == person or bool(DECIDERS & roles_of(store, person)))


NOTHING: dict[str, Any] = {"asked": [], "packages": []}
UNKNOWN = "No request “{request}” for packages that you may see; `workbench packages requests` lists them."


def _insert(store: Store, db: Any, person: str, state: str, reason: str, **lists: list[str]) -> dict[str, Any]:
    request = db.next_id("package_requests", "K")
    names, removed = lists.get("names", []), lists.get("removed", [])
    db.details["request"] = request
    db.execute(
        "INSERT INTO package_requests (id, person, names, removed, reason, state, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (request, person, json.dumps(names), json.dumps(removed), reason, state, stamped(store)),
    )
    return _facts(db.execute("SELECT * FROM package_requests WHERE id = ?", (request,)).fetchone())


def _row(store: Store, request: str) -> sqlite3.Row:
    row: sqlite3.Row | None = store.read().execute("SELECT * FROM package_requests WHERE id = ?", (request,)).fetchone()
    if row is None:
        raise NotFound(UNKNOWN.format(request=request))
    return row


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    facts = {name: row[name] for name in ("id", "person", "reason", "state", "created", "decided", "decided_by")}
    lists = {name: json.loads(row[name]) for name in ("names", "removed")}
    return facts | lists | {name: row[name] for name in ("comment", "error", "code", "message")}


def _may_decide(row: sqlite3.Row, person: str, decides: bool) -> bool:
    return decides and row["state"] == "review" and row["person"] != person


def _wants(names: str) -> list[Wanted]:
    return [wanted(text) for text in json.loads(names)]


def _rules(store: Store) -> dict[str, bool]:
    return {row["name"]: bool(row["is_allowed"]) for row in store.read().execute("SELECT * FROM package_rules")}


def _check_pace(store: Store, person: str) -> None:
    since = stamp(store.now() - timedelta(hours=1))
    row = store.read().execute(
        "SELECT COUNT(*) FROM package_requests WHERE person = ? AND created > ?", (person, since)
    )
    if row.fetchone()[0] >= MOST_AN_HOUR:
        text = f"You asked {MOST_AN_HOUR} times in the last hour; ask for several packages at once, a little later."
        raise _denied(store, person, text, "too-many-requests")


def _denied(store: Store, person: str, text: str, code: str) -> AccessDenied:
    """Put a refusal on record and give it."""
    store.note(person, "package.request", RESOURCE, outcome="denied", reason=text, code=code)
    return AccessDenied(text, code=code)
