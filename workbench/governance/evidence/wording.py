"""The sentences of the checklist: what is there, what is missing, and what to do next.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from workbench.governance.canonical import day, moment, stamp
from workbench.governance.duo.matching import Match, TermAnswer
from workbench.governance.evidence.records import DatasetRecord, Row


def agreement(name: str, newest: Row, accepted: str | None, older: Sequence[str]) -> dict[str, Any]:
    """Say whether the newest agreement was accepted."""
    version, title = newest["version"], newest["title"]
    if accepted:
        return {"text": f"You accepted “{title}”, version {version}, on {day(accepted)}."}
    again = f"Read and accept it: `workbench agreement accept {name}`."
    if older:
        text = f"“{title}” has a new version {version} of {day(newest['created'])}; you accepted an older one."
        return {"text": text, "next": again}
    return {"text": f"“{title}”, version {version}, waits for you.", "next": again}


def training(kind: str, valid: Row | None, newest: Row | None, *, custodian: str, today: str) -> dict[str, Any]:
    """Say whether a training is in date; `newest` is the record that runs longest."""
    if valid:
        # The last day counts wholly.
        until = stamp(moment(f"{valid['ends']}T00:00:00Z") + timedelta(days=1))
        return {"text": f"Recorded by {valid['recorded_by']}, in date until {_date(valid['ends'])}.", "until": until}
    ask = f"Show your certificate to {custodian} or an administrator, who records it."
    if newest is None:
        return {"text": f"No training “{kind}” is recorded for you.", "next": ask}
    is_early = newest["issued"] > today
    verb = f"begins on {_date(newest['issued'])}" if is_early else f"ended on {_date(newest['ends'])}"
    return {"text": f"Your training “{kind}” {verb}.", "next": ask}


def use(record: DatasetRecord, found: Match | None, reviewed: frozenset[str], label: str) -> dict[str, Any]:
    """Say what the terms of use say to the purpose."""
    terms = ", ".join(term.key for term in record.usage)
    if found is None:
        return {"text": f"It depends on the purpose: the terms are {terms}.", "next": "Name a purpose (`--purpose`)."}
    unsure = [term for term in found.terms if term.answer == "review" and term.key not in reviewed]
    forbidding = next((term for term in found.terms if term.answer == "no"), None)
    purpose = f" “{label}”" if label else " this"
    if forbidding:
        text = _said(forbidding)
        return {"text": text, "next": "Choose another dataset, or a purpose that the terms permit."}
    if unsure:
        more = f", and at {len(unsure) - 1} more" if len(unsure) > 1 else ""
        return {"text": _said(unsure[0]), "next": f"{record.custodian} looks at it with your request{more}."}
    looked = f"; {record.custodian} or an administrator looked at it" if reviewed else ""
    return {"text": f"The terms {terms} permit{purpose}{looked}."}


def granted(grant: Row) -> dict[str, Any]:
    """Say by whom and until when access was given."""
    if grant.get("visa"):
        text = f"The visa {grant['visa']} of {grant['approved_by']} stands for it until {day(grant['ends'])}."
    else:
        text = f"Granted by {grant['approved_by']} for “{grant['label']}” until {day(grant['ends'])}."
    return {"text": text, "until": grant["ends"]}


def no_grant(record: DatasetRecord, request: Row | None, running: Row | None, newest: Row | None) -> dict[str, Any]:
    """Say why there is no approval: a request that waits or was refused, a grant for another purpose or none."""
    ask = f"Ask: `workbench request {record.name} --purpose … --days …`."
    if request and request["status"] == "submitted":
        return {"text": f"Your request {request['id']} waits for a decision by {record.custodian}."}
    if request and request["status"] == "refused":
        because = f" ({request['reason']})" if request["reason"] else ""
        text = f"Your request {request['id']} was refused on {day(request['decided'])}{because}."
        return {"text": text, "next": ask}
    if running:
        return {"text": f"Your grant {running['id']} is for “{running['label']}”, another purpose.", "next": ask}
    if newest is None:
        return {"text": "You have not been given access.", "next": ask}
    verb, when = ("was revoked", newest["revoked"]) if newest["revoked"] else ("ended", newest["ends"])
    return {"text": f"Your grant {newest['id']} {verb} on {day(when)}.", "next": ask}


def visa(held: Row) -> dict[str, Any]:
    """Say what a visa says, and who says it."""
    text = f"{held['source']} says {held['value']}, until {day(held['expires'])}."
    return {"text": text, "until": held["expires"]}


def _said(term: TermAnswer) -> str:
    return f"{term.label[:1].upper()}{term.label[1:]} ({term.key}): {term.text}"


def _date(text: str) -> str:
    return day(f"{text}T00:00:00Z")
