"""Routes of versions: what waits, its report, its sign-off by a second person; and the withdrawal of a subject.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.responses import Response

from workbench.errors import InvalidInput, NotFound
from workbench.gateway import guard, withdrawing
from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.gateway.publishing import PUBLISHING
from workbench.governance import versions
from workbench.governance.decide import decide
from workbench.vault.vault import ObjectEntry

PERSON = ("person",)
# The report is opened in a browser: it may show itself and nothing else, and run nothing.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
_VERSION = re.compile(r"[0-9a-f]{64}")


def list_waiting(call: Call) -> dict[str, Any]:
    """List the versions that wait, as far as this person may review them, with whether they may sign them off."""
    store, context, found = call.state.store, guard.context_of(call.token), []
    for item in versions.list_waiting(store):
        if decide(store, call.person, "version.review", item["dataset"], context).allowed:
            signing = decide(store, call.person, "version.publish", item["dataset"], context)
            found.append({**item, "may_publish": signing.allowed, "why": signing.reason})
    return {"versions": found}


def get_report(call: Call) -> Response:
    """Give the ingest report of a version, waiting or published; the look is recorded."""
    version = _version(call)
    row = versions.find_version(call.state.store, call.dataset, version, also_waiting=True)
    if row["report"] is None:
        raise NotFound(
            f"This version of “{call.dataset}” has no report: it holds phantoms, or its report went with a subject who "
            "withdrew."
        )
    content = call.state.vault.read(call.dataset, ObjectEntry(**json.loads(row["report"])))
    call.state.store.note(call.person, "version.report", call.dataset, version=version)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": REPORT_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def sign_off(call: Call) -> dict[str, Any]:
    """Publish a version that waits, or reject it."""
    version, decision = _version(call), call.text("decision", longest=16)
    comment = call.text("comment", "")
    if decision not in (versions.PUBLISH, versions.REJECT):
        raise InvalidInput("“decision” is publish or reject.")
    guard.require(call, f"version.{decision}", call.dataset)
    store = call.state.store
    with PUBLISHING:
        if decision == versions.PUBLISH:
            done = versions.publish_version(store, call.person, call.dataset, version, comment)
        else:
            done = versions.reject_version(store, call.person, call.dataset, version, comment)
    newest, rejected = versions.newest_version(store, call.dataset), version if decision == versions.REJECT else ""
    call.state.staging.forget_outdated(call.dataset, newest, rejected=rejected)
    if decision == versions.REJECT:
        call.state.staging.sweep()
    return done


def withdraw(call: Call) -> dict[str, Any]:
    """Make a subject of the dataset unreadable in every version, for ever."""
    with PUBLISHING:
        return withdrawing.withdraw(call.state, call.person, call.dataset, call.path["subject"], call.text("reason"))


def _version(call: Call) -> str:
    version = call.path["version"]
    if not _VERSION.fullmatch(version):
        raise NotFound("A version is named by its 64 hexadecimal digits; `workbench datasets NAME` lists them.")
    return version


_ONE = "/v1/datasets/{dataset}/versions/{version}"
ROUTES = (
    Route("GET", "/v1/versions/waiting", list_waiting, PERSON, "versions.list"),
    Route("GET", _ONE + "/report", get_report, PERSON, "version.review", dataset_in_path),
    Route("POST", _ONE + "/sign-off", sign_off, PERSON, "version.review", dataset_in_path),
    Route(
        "POST", "/v1/datasets/{dataset}/subjects/{subject}/withdraw", withdraw, PERSON, "subject.withdraw",
        dataset_in_path,
    ),
)  # fmt: skip
