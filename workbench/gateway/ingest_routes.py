"""Routes of ingest: begin, send objects, then commit everything as one version or drop it.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.connection import default_account
from workbench.errors import AccessDenied, InvalidInput
from workbench.gateway import guard, publishing
from workbench.gateway.call import Call, Route
from workbench.gateway.staging import Ingest, new_ingest
from workbench.governance.catalogue import TIERS, find_dataset

INGESTERS = ("person", "operator")
# Tiers below `controlled` are for phantoms, which no patient stands behind.
REAL_TIERS = ("controlled",)
MAX_OBJECT_BYTES = 2 * 1024**3


def begin(call: Call) -> dict[str, Any]:
    """Begin an ingest and tell what the dataset already holds."""
    dataset, custodian = call.text("dataset", longest=64), _custodian(call)
    guard.require(call, "dataset.ingest", dataset, person=custodian)
    row = find_dataset(call.state.store, dataset)
    tier = row["tier"] if row else call.text("tier", "controlled", longest=32)
    _check_tier(call, dataset, tier)
    base = publishing.newest_version(call.state, dataset)
    known = call.state.archive.scans_with_pseudonyms(dataset, base) if base else []
    ingest = call.state.staging.begin(
        new_ingest(
            owner=call.person, custodian=custodian, dataset=dataset, tier=tier, base=base, known=known,
            title=row["title"] if row else call.text("title", dataset, longest=200),
            description=row["description"] if row else call.text("description", "", longest=4000),
        )
    )  # fmt: skip
    call.state.store.note(custodian, "ingest.begin", dataset, ingest=ingest.id)
    return {
        "ingest": ingest.id,
        "version": base,
        "known": {
            "subjects": {f["subject_pseudonym"]: f["subject"] for f in known if f.get("subject_pseudonym")},
            "scans": {f["series_uid"]: f["scan"] for f in known if f.get("series_uid")},
        },
        "next_subject": ingest.next_number("subject"),
        "next_scan": ingest.next_number("scan"),
    }


def put_object(call: Call) -> dict[str, Any]:
    """Keep one object of an unfinished ingest."""
    subject = call.query.get("subject", "")
    entry = call.state.staging.put(_ingest(call), call.path["path"], subject, call.body)
    return {"sha256": entry.sha256, "size": entry.size}


def commit(call: Call) -> dict[str, Any]:
    """Make everything that was sent a new version."""
    body, ingest = call.json(), _ingest(call)
    scans, card = body.get("scans"), body.get("card") or {}
    if not isinstance(scans, list) or not all(isinstance(s, dict) for s in scans) or not isinstance(card, dict):
        raise InvalidInput("A commit needs “scans”, a list of objects, and may have “card”, an object.")
    made = publishing.commit(call.state, ingest, scans, card, call.text("note", ""))
    call.state.staging.close(ingest)
    return made


def drop(call: Call) -> dict[str, Any]:
    """Forget an unfinished ingest and everything that was sent."""
    ingest = _ingest(call)
    call.state.staging.drop(ingest)
    call.state.store.note(ingest.custodian, "ingest.drop", ingest.dataset, ingest=ingest.id)
    return {"ingest": ingest.id, "dropped": True}


def _custodian(call: Call) -> str:
    """Say who will answer for the dataset: the person who asks, or whom the owner of the home names."""
    if call.token.kind != "operator":
        return call.person
    return call.text("custodian", default_account(call.state.settings, "custodian"), longest=200)


def _check_tier(call: Call, dataset: str, tier: str) -> None:
    if tier not in TIERS:
        raise InvalidInput(f"“{tier}” is not a tier; the tiers are {', '.join(TIERS)}.")
    is_phantoms = call.json().get("phantoms") is True
    if tier not in REAL_TIERS and not (is_phantoms and call.token.kind == "operator"):
        raise AccessDenied(
            f"“{dataset}” is or would be {tier}, and only the workbench's own phantoms may be. Real scans are "
            "controlled: choose another name for the dataset, or leave the tier out."
        )


def _ingest(call: Call) -> Ingest:
    return call.state.staging.find(call.path["ingest"], call.person)


_ONE = "/v1/ingests/{ingest}"
ROUTES = (
    Route("POST", "/v1/ingests", begin, INGESTERS, "dataset.ingest"),
    Route("PUT", _ONE + "/objects/{path:path}", put_object, INGESTERS, "dataset.ingest", max_body=MAX_OBJECT_BYTES),
    Route("POST", _ONE + "/commit", commit, INGESTERS, "dataset.ingest", max_body=64 * 1024 * 1024),
    Route("DELETE", _ONE, drop, INGESTERS, "dataset.ingest"),
)
