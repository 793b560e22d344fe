"""What each route takes besides its path, for the description that programs read; the handlers check it themselves.

A test sends what these forms allow, and what they do not, to every route.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
OBJECT: dict[str, Any] = {"type": "object"}
OBJECTS: dict[str, Any] = {"type": "array", "items": OBJECT}
DAYS: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 365}


def one_of(*words: str) -> dict[str, Any]:
    """Give the schema of a text that is one of a few words."""
    return {"type": "string", "enum": list(words)}


def form(*needed: str, **fields: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a JSON object with these fields, of which some are needed."""
    return {"type": "object", "properties": fields, "required": list(needed)} if needed else {
        "type": "object", "properties": fields
    }  # fmt: skip


REASON = form(reason=TEXT)

# By method and path, as the route table writes them.
FORMS: dict[str, dict[str, Any]] = {
    "POST /v1/sessions": form("person", person=TEXT, secret=TEXT),
    "POST /v1/people": form("person", "name", "roles", person=TEXT, name=TEXT, roles=TEXTS),
    "POST /v1/kernels": form("person", "isolation", person=TEXT, isolation=one_of("bubblewrap", "none"), purpose=TEXT,
                             hours={"type": "number"}, lease_s={"type": "number"}, is_apart=FLAG),
    "POST /v1/kernels/{kernel}/heartbeat": OBJECT,
    "POST /v1/jobs": form("name", "work", name=TEXT, work={"anyOf": [TEXT, TEXTS]}, arguments=OBJECT,
                          hours={"type": "number"}, purpose=TEXT, versions=TEXT),
    "POST /v1/packages": form("names", names=TEXTS, reason=TEXT),
    "POST /v1/packages/remove": form("names", names=TEXTS),
    "POST /v1/packages/requests/{request}/approve": REASON,
    "POST /v1/packages/requests/{request}/refuse": REASON,
    "POST /v1/keys/rotate": form(dataset=TEXT),
    "POST /v1/datasets/{dataset}/requests": form(
        "purpose", "days", purpose=TEXT, days=DAYS, note=TEXT, attestations=OBJECT),
    "POST /v1/requests/{request}/approve": form(reason=TEXT, days=DAYS),
    "POST /v1/datasets/{dataset}/agreement": form("title", "text", title=TEXT, text=TEXT),
    "POST /v1/datasets/{dataset}/agreement/accept": form("version", version=NUMBER),
    "POST /v1/datasets/{dataset}/usage": form(terms={"type": "array"}, training=TEXTS),
    "POST /v1/training": form("person", "kind", "provider", "issued", "ends", person=TEXT, kind=TEXT, provider=TEXT,
                              issued=TEXT, ends=TEXT),
    "POST /v1/training/{training}/end": OBJECT,
    "POST /v1/visas": form(visa=TEXT, visas=TEXTS),
    "POST /v1/visas/trusted": form("issuer", "source", "type", "value", "keys", issuer=TEXT, source=TEXT, type=TEXT,
                                   value=TEXT, keys=OBJECT, dataset=TEXT, is_approval=FLAG),
    "POST /v1/visas/trusted/{trusted}/end": OBJECT,
    "POST /v1/visas/identities": form("person", "issuer", "subject", person=TEXT, issuer=TEXT, subject=TEXT,
                                      dataset=TEXT),
    "POST /v1/projects": form("id", "title", "members", id=TEXT, title=TEXT, members=TEXTS),
    "POST /v1/datasets/{dataset}/policy": form(text=TEXT, check=FLAG),
    "POST /v1/purposes": form("id", "label", id=TEXT, label=TEXT, duo=TEXT, attestations=OBJECT),
    "POST /v1/people/{person}": form(institution=TEXT, country=TEXT),
    "POST /v1/requests/{request}/refuse": REASON,
    "POST /v1/grants/{grant}/revoke": REASON,
    "POST /v1/views": form("dataset", "scan", dataset=TEXT, scan=TEXT, version=TEXT),
    "POST /v1/ingests": form("dataset", dataset=TEXT, title=TEXT, description=TEXT, tier=TEXT, custodian=TEXT,
                             resume_key=TEXT),
    "POST /v1/ingests/{ingest}/scans": OBJECT,
    "POST /v1/ingests/{ingest}/commit": form("scans", scans=OBJECTS, card=OBJECT, note=TEXT, subjects=OBJECT,
                                             findings={"type": "array"}),
    "POST /v1/datasets/{dataset}/versions/{version}/sign-off": form(
        "decision", decision=one_of("publish", "reject"), comment=TEXT),
    "POST /v1/datasets/{dataset}/subjects/{subject}/withdraw": form("reason", reason=TEXT),
    "POST /v1/tasks": form("text", text=TEXT),
    "POST /v1/tasks/{task}/retire": form("reason", reason=TEXT),
    "POST /v1/submissions/{submission}/withdraw": OBJECT,
    "POST /v1/submissions/{submission}/rescore": OBJECT,
    "POST /v1/tasks/{task}/final": form(reason=TEXT),
    "POST /v1/tasks/{task}/final/choose": form("submission", submission=TEXT),
    "POST /v1/finals/{final}/open": OBJECT,
    "POST /v1/finals/{final}/drop": OBJECT,
    "POST /v1/finals/{final}/retry": OBJECT,
    "POST /v1/evaluations/{submission}/heartbeat": OBJECT,
    "POST /v1/evaluations/{submission}/result": OBJECT,
    "POST /v1/offers": form("files", files=OBJECT, reason=TEXT, controls=TEXT, project=TEXT, draft=FLAG),
    "POST /v1/offers/{offer}/files": form("files", files=OBJECT),
    "POST /v1/offers/{offer}/submit": form(reason=TEXT, controls=TEXT),
    "POST /v1/offers/{offer}/reject": form("comment", comment=TEXT),
    "POST /v1/scan": form("name", "content", name=TEXT, content=TEXT, evidence=OBJECT),
    "POST /v1/offers/{offer}/votes": form(
        "vote", vote=one_of("approve", "changes", "reject"), comment=TEXT, revision=NUMBER),
    "POST /v1/offers/{offer}/release": OBJECT,
    "POST /v1/offers/{offer}/withdraw": OBJECT,
    "POST /v1/clusters": form(
        "workers", workers=NUMBER, kind=one_of("cpu", "gpu"), hours={"type": "number"},
        idle_minutes={"type": "number"}, is_at_most=FLAG),
    "POST /v1/clusters/{cluster}/beat": form(
        actual=NUMBER, memory_bytes=NUMBER, tasks=NUMBER, idle_s={"type": "number"}),
    "POST /v1/clusters/{cluster}/scale": form("workers", workers=NUMBER),
    "POST /v1/clusters/{cluster}/stop": form(why=TEXT),
    "POST /v1/cluster-quotas/{person}": form(workers=NUMBER, gpus=NUMBER, hours={"type": "number"}),
    "POST /v1/cohorts": form("name", "days", name=TEXT, days=DAYS, members=TEXTS, datasets=TEXTS, exercises=TEXTS),
    "POST /v1/cohorts/{cohort}/approve": OBJECT,
    "POST /v1/cohorts/{cohort}/end": OBJECT,
}  # fmt: skip

# Routes that take a file's bytes as they are.
RAW = frozenset({
    "POST /v1/tasks/{task}/submissions", "PUT /v1/evaluations/{submission}/predictions",
    "PUT /v1/ingests/{ingest}/objects/{path:path}",
    "PUT /v1/offers/{offer}/files/{name}",
})  # fmt: skip

_VERSION = {"version": "string"}
_SLICE = {"level": "integer", "grid": "string", "pack": "integer"}
QUERIES: dict[str, dict[str, str]] = {
    "GET /v1/views/{view}/slices/{plane}/{index}": {**_SLICE, "slab_mm": "number", "mode": "string"},
    "GET /v1/views/{view}/labels/{label}/slices/{plane}/{index}": _SLICE,
    "GET /v1/audit": {"limit": "integer", "since": "integer", "person": "string", "action": "string",
                      "resource": "string", "outcome": "string"},
    "GET /v1/audit/consistency": {"first": "integer", "second": "integer"},
    "GET /v1/datasets": {"purpose": "string"},
    "GET /v1/tasks/{task}/leaderboard": _VERSION,
    "GET /v1/tasks/{task}/final": _VERSION,
    "GET /v1/datasets/{dataset}/checklist": {"purpose": "string", "facts": "string"},
    "GET /v1/explain": {"person": "string", "action": "string", "dataset": "string", "purpose": "string"},
    "GET /v1/datasets/{dataset}/scans": {**_VERSION, "split": "string"},
    "GET /v1/datasets/{dataset}/tables": _VERSION,
    "GET /v1/datasets/{dataset}/tables/{table}": _VERSION,
    "GET /v1/datasets/{dataset}/scans/{scan}/zarr/{key:path}": _VERSION,
    "PUT /v1/ingests/{ingest}/objects/{path:path}": {"subject": "string"},
    "POST /v1/tasks/{task}/submissions": {"intent": "string", "kind": "string", "note": "string"},
    "GET /v1/submissions": {"since": "integer", "task": "string"},
    "GET /v1/jobs": {"brief": "integer"},
}  # fmt: skip
