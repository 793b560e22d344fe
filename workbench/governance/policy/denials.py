"""How it came that there is no approval: the newest request and grant of the person, in one sentence.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.governance.canonical import day
from workbench.governance.evidence.records import read_asked
from workbench.governance.question import Case


def why_no_grant(case: Case) -> tuple[str, str]:
    """Say why no grant runs, with its code: nobody asked, it waits, was refused, revoked, ended, or is for another."""
    name, purpose = case.ask.resource, case.ask.context.purpose
    asked = read_asked(case.ask.store, case.ask.person, name)
    running = [grant for grant in asked.grants if _runs(grant, case.ask.now)]
    requests = [row for row in asked.requests if not purpose or row["purpose"] == purpose]
    grants = [row for row in asked.grants if not purpose or row["purpose"] == purpose]
    request, grant = requests[0] if requests else None, grants[0] if grants else None
    again = f"ask again with `workbench request {name} --purpose … --days …`."
    if request is not None and request["status"] == "submitted":
        custodian = case.situation.custodian
        return "waiting", f"Your request {request['id']} for “{name}” waits for a decision by {custodian}."
    if request is not None and request["status"] == "refused":
        text = f"Your request {request['id']} for “{name}” was refused on {day(request['decided'])}"
        return "refused", f"{text}{_because(request['reason'])}; {again}"
    if grant is None and running:
        text = f"Your grant {running[0]['id']} for “{name}” is for “{running[0]['label']}” and not for this purpose; "
        return "wrong-purpose", text + again.replace("ask again", "ask for this one")
    if grant is None:
        text = f"No grant for “{name}”: it is controlled and you have not been given access; "
        return "no-grant", text + again.replace("ask again", "ask")
    if grant["revoked"] is not None:
        text = f"No grant for “{name}”: yours was revoked on {day(grant['revoked'])}"
        return "grant-revoked", f"{text}{_because(grant['revoke_reason'])}; {again}"
    return "grant-ended", f"No grant for “{name}”: yours ended on {day(grant['ends'])}; {again}"


def _runs(grant: Mapping[str, Any], now: str) -> bool:
    return grant["revoked"] is None and grant["starts"] <= now < grant["ends"]


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
