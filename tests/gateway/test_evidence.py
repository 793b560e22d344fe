"""What is missing stops reading at the next request, and what is there lets it go on, through the real door."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from homes import Lines, fill

from workbench.connection import Connection
from workbench.errors import AccessDenied, InvalidInput, NotFound

sys.path.insert(0, str(Path(__file__).parents[1] / "governance" / "evidence"))
from visa_signing import ISSUER, SOURCE, SUBJECT, VALUE, Signer, jwks

CLINIC = "/v1/datasets/clinic-ct"
PURPOSE = "lung nodule detection"


@pytest.fixture
def custodian(lines: Lines) -> Connection:
    line = lines.person("custodian")
    fill(line, "clinic-ct")
    return line


def denial(line: Connection) -> str:
    with pytest.raises(AccessDenied) as refusal:
        line.get(f"{CLINIC}/scans")
    return refusal.value.message


def test_each_missing_piece_stops_reading_until_it_is_there(lines: Lines, custodian: Connection) -> None:
    person, kernel = lines.person("researcher"), lines.kernel()
    lines.grant("researcher", "clinic-ct")
    assert kernel.get(f"{CLINIC}/scans")["scans"]
    custodian.post(f"{CLINIC}/agreement", {"title": "Terms", "text": "Do no harm."})
    assert "workbench agreement accept clinic-ct" in denial(kernel)
    person.post(f"{CLINIC}/agreement/accept", {"version": 1})
    custodian.post(f"{CLINIC}/usage", {"training": ["gcp"]})
    assert "gcp" in denial(kernel)
    dates = {"issued": "2020-01-01", "ends": "2999-12-31"}
    custodian.post("/v1/training", {"person": "researcher", "kind": "gcp", "provider": "clinic", **dates})
    assert kernel.get(f"{CLINIC}/scans")["scans"]
    custodian.post(f"{CLINIC}/usage", {"terms": ["GRU", "NMDS"]})
    assert "No general methods research (NMDS)" in denial(kernel)
    items = person.get(f"{CLINIC}/checklist?purpose=method-development")["items"]
    assert {item["key"]: item["met"] for item in items} == {
        "agreement": True, "training:gcp": True, "use": False, "approval": True,
    }  # fmt: skip


def test_a_request_shows_its_custodian_what_was_declared(lines: Lines, custodian: Connection) -> None:
    custodian.post(f"{CLINIC}/usage", {"terms": ["HMB", "NCU", {"code": "DS", "value": "lung cancer"}]})
    body = {"purpose": PURPOSE, "days": 30, "attestations": {"is_commercial": False}}
    lines.person("researcher").post(f"{CLINIC}/requests", body)
    seen = custodian.get("/v1/requests")["requests"][0]
    assert seen["attestations"] == {"is_commercial": False} and seen["match"]["answer"] == "review"
    assert [item["key"] for item in seen["checklist"]] == ["use", "approval"]
    granted = custodian.post(f"/v1/requests/{seen['id']}/approve", {"reason": "nodules may be cancer", "days": 7})
    assert granted["reviewed"] == ["DS=lung cancer"]
    assert lines.kernel().get(f"{CLINIC}/scans")["scans"]
    assert [grant["may_revoke"] for grant in custodian.get("/v1/grants")["grants"]] == [True]


def trust(custodian: Connection) -> None:
    facts = {"issuer": ISSUER, "source": SOURCE, "type": "ControlledAccessGrants", "value": VALUE}
    trusted = {**facts, "keys": jwks(), "dataset": "clinic-ct", "is_approval": True}
    custodian.post("/v1/visas/trusted", trusted)
    who = {"person": "researcher", "issuer": ISSUER, "subject": SUBJECT, "dataset": "clinic-ct"}
    custodian.post("/v1/visas/identities", who)


def test_a_visa_opens_a_dataset_until_it_expires_or_nobody_trusts_it(lines: Lines, custodian: Connection) -> None:
    trust(custodian)
    person, kernel, now = lines.person("researcher"), lines.kernel(), int(time.time())
    assert "not been given access" in denial(kernel)
    person.post("/v1/visas", {"visa": Signer(now).visa(exp=now + 8)})
    assert kernel.get(f"{CLINIC}/scans")["scans"]
    time.sleep(max(0.0, now + 8.05 - time.time()))
    assert "not been given access" in denial(kernel)
    passport = {"ga4gh_passport_v1": [Signer(now).visa(iss="https://other.example.org"), Signer(now).visa()]}
    taken = person.post("/v1/visas", passport)
    assert (taken["visas"][0]["id"], taken["refused"][0]["code"]) == ("V2", "visa-issuer")
    assert kernel.get(f"{CLINIC}/scans")["scans"]
    custodian.post("/v1/visas/trusted/W1/end", {})
    assert "not been given access" in denial(kernel)


ODD: list[Any] = [
    {},
    {"visa": 7},
    {"visa": ""},
    {"visa": "x"},
    {"visas": []},
    {"visas": ["x"] * 21},
    {"visas": "x"},
    {"visa": "x" * 20_001},
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_visas_are_plain_refusals(shared: Lines, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        shared.person("researcher").post("/v1/visas", body)


def test_a_visa_is_sent_by_a_person_and_never_by_a_kernel(shared: Lines) -> None:
    with pytest.raises(AccessDenied, match="kernel token"):
        shared.kernel().post("/v1/visas", {"visa": "x"})


def test_terms_of_a_dataset_one_may_not_change_stay(shared: Lines) -> None:
    person = shared.person("researcher")
    for url, body in ((f"{CLINIC}/agreement", {"title": "x", "text": "x"}), (f"{CLINIC}/usage", {"terms": []})):
        with pytest.raises(AccessDenied):
            person.post(url, body)
    with pytest.raises(NotFound):
        person.get("/v1/datasets/no-such-ct/agreement")


def test_purposes_and_attributes_are_set_by_the_owner(lines: Lines) -> None:
    facts = {"disease": "COPD"}
    lines.operator().post("/v1/purposes", {"id": "copd", "label": "COPD screening", "duo": "DCR", "facts": facts})
    assert lines.person("researcher").get("/v1/purposes")[-1]["facts"] == facts
    kept = lines.operator().post("/v1/people/researcher", {"institution": "Clinic A", "country": "AT"})
    assert kept["country"] == "AT"
    with pytest.raises(AccessDenied):
        lines.person("custodian").post("/v1/purposes", {"id": "x", "label": "X"})
    with pytest.raises(AccessDenied):
        lines.person("researcher").post("/v1/people/researcher", {"country": "DE"})
