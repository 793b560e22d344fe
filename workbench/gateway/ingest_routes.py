"""Routes of ingest: begin, send objects, then commit everything as one version or drop it.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
from typing import Any

from workbench.connection import default_account
from workbench.errors import AccessDenied, Conflict, InvalidInput
from workbench.gateway import guard, publishing
from workbench.gateway.call import Call, Route
from workbench.gateway.known import Known
from workbench.gateway.objects import check_scan
from workbench.gateway.staging import Ingest, Terms
from workbench.governance.catalogue import TIERS, find_dataset
from workbench.governance.versions import newest_version, still_waiting, waiting_version

INGESTERS = ("person", "operator")
# Tiers below `controlled` are for phantoms, which no patient stands behind.
REAL_TIERS = ("controlled",)
MAX_OBJECT_BYTES = 2 * 1024**3


def begin(call: Call) -> dict[str, Any]:
    """Begin an ingest, or go on with one, and tell what the dataset already holds and which scans are whole."""
    dataset, custodian = call.text("dataset", longest=64), _custodian(call)
    resume_key = call.text("resume_key", "", longest=128)
    guard.require(call, "dataset.ingest", dataset, person=custodian)
    state, row = call.state, find_dataset(call.state.store, dataset)
    tier = row["tier"] if row else call.text("tier", "controlled", longest=32)
    is_phantoms = _check_tier(call, dataset, tier)
    heard = state.staging.answered(call.person, dataset, resume_key) if resume_key else None
    if heard is not None:
        name, terms, answer = heard
        known, done = state.known(dataset, terms.base), _brought_in(call, terms.base, answer)
        return _begun(name, terms, known, done, answer)
    if waiting_version(state.store, dataset) is not None:
        raise Conflict(still_waiting(dataset))
    base = newest_version(state.store, dataset)
    terms = Terms(
        owner=call.person, uploader=call.person or custodian, custodian=custodian, dataset=dataset, tier=tier,
        title=row["title"] if row else call.text("title", dataset, longest=200),
        description=row["description"] if row else call.text("description", "", longest=4000),
        is_phantoms=is_phantoms, base=base, resume_key=resume_key,
    )  # fmt: skip
    ingest = state.staging.begin(terms, state.known(dataset, base))
    return _begun(ingest.id, terms, ingest.known, state.staging.whole_scans(ingest), None)


def put_object(call: Call) -> dict[str, Any]:
    """Keep one object of an unfinished ingest."""
    subject = call.query.get("subject", "")
    if call.state.staging.is_settled(call.path["ingest"], call.person):
        return {"sha256": hashlib.sha256(call.body).hexdigest(), "size": len(call.body)}
    entry = call.state.staging.put(_ingest(call), call.path["path"], subject, call.body)
    return {"sha256": entry.sha256, "size": entry.size}


def mark_whole(call: Call) -> dict[str, Any]:
    """Take down that every object of a scan has been sent; after a kill the client goes on behind it."""
    ingest, facts = _ingest(call), call.json()
    check_scan(ingest.known, ingest.entries, facts)
    call.state.staging.mark_whole(ingest, facts)
    return {"ingest": ingest.id, "scan": facts["scan"]}


def commit(call: Call) -> dict[str, Any]:
    """Make everything that was sent a new version."""
    body, ingest = call.json(), _ingest(call)
    scans, card, findings = body.get("scans"), body.get("card") or {}, body.get("findings")
    if not isinstance(scans, list) or not all(isinstance(s, dict) for s in scans) or not isinstance(card, dict):
        raise InvalidInput("A commit needs “scans”, a list of objects, and may have “card”, an object.")
    if findings is not None and not isinstance(findings, list):
        raise InvalidInput("“findings” is the list of what the verifier found, empty when it found nothing.")
    commit = publishing.Commit(scans, card, call.text("note", ""), body.get("subjects") or {}, findings)
    made = publishing.commit(call.state, ingest, commit)
    call.state.staging.finish(ingest)
    return made


def drop(call: Call) -> dict[str, Any]:
    """Forget an unfinished ingest with everything that was sent, or the answer to one that was committed."""
    name = call.path["ingest"]
    call.state.staging.drop(name, call.person)
    call.state.store.note(call.person or "operator", "ingest.drop", name)
    return {"ingest": name, "dropped": True}


def _begun(
    name: str, terms: Terms, known: Known, whole: list[dict[str, Any]], answer: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "ingest": name,
        "uploader": terms.uploader,
        "version": terms.base,
        "known": {
            "subjects": dict(known.subjects),
            "scans": dict(known.series),
            "withdrawn": sorted(known.withdrawn),
            "labels": {scan: dict(labels) for scan, labels in known.labels.items()},
        },
        "next_subject": known.next_subject,
        "next_scan": known.next_scan,
        "scans_done": whole,
        "committed": answer,
    }


def _brought_in(call: Call, base: str | None, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the scans that a committed ingest added."""
    dataset, archive = answer["dataset"], call.state.archive
    scans = archive.scans_with_pseudonyms(dataset, answer["version"])
    before = {facts["scan"] for facts in archive.scans_with_pseudonyms(dataset, base)} if base else set()
    return [facts for facts in scans if facts["scan"] not in before]


def _custodian(call: Call) -> str:
    """Say who will answer for the dataset: the person who asks, or whom the owner of the home names."""
    if call.token.kind != "operator":
        return call.person
    return call.text("custodian", default_account(call.state.settings, "custodian"), longest=200)


def _check_tier(call: Call, dataset: str, tier: str) -> bool:
    """Refuse real scans any tier but theirs; give whether these are the workbench's own phantoms."""
    if tier not in TIERS:
        raise InvalidInput(f"“{tier}” is not a tier; the tiers are {', '.join(TIERS)}.")
    is_phantoms = call.json().get("phantoms") is True and call.token.kind == "operator"
    if tier not in REAL_TIERS and not is_phantoms:
        raise AccessDenied(
            f"“{dataset}” is or would be {tier}, and only the workbench's own phantoms may be. Real scans are "
            "controlled: choose another name for the dataset, or leave the tier out."
        )
    return is_phantoms


def _ingest(call: Call) -> Ingest:
    return call.state.staging.find(call.path["ingest"], call.person)


_ONE = "/v1/ingests/{ingest}"
ROUTES = (
    Route("POST", "/v1/ingests", begin, INGESTERS, "dataset.ingest"),
    Route("PUT", _ONE + "/objects/{path:path}", put_object, INGESTERS, "dataset.ingest", max_body=MAX_OBJECT_BYTES),
    Route("POST", _ONE + "/scans", mark_whole, INGESTERS, "dataset.ingest"),
    Route("POST", _ONE + "/commit", commit, INGESTERS, "dataset.ingest", max_body=64 * 1024 * 1024),
    Route("DELETE", _ONE, drop, INGESTERS, "dataset.ingest"),
)
