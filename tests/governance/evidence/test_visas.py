"""A visa counts only while it is trusted, about this person, in date, and its conditions are met."""

from __future__ import annotations

from typing import Any

import pytest
from visa_signing import ISSUER, SOURCE, SUBJECT, VALUE, Signer, jwks, public, rsa_key

from workbench.errors import AccessDenied, InvalidInput, NotFound, WorkbenchError
from workbench.governance.canonical import stamp
from workbench.governance.evidence.standing import Standing, standing
from workbench.governance.evidence.usage import set_usage
from workbench.governance.evidence.visas import (
    link_identity,
    list_visas,
    send_visa,
    trust_visas,
    untrust_visas,
)
from workbench.governance.people import add_person
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store

FACTS = {"issuer": ISSUER, "source": SOURCE, "type": "ControlledAccessGrants", "value": VALUE}
STATUS = {**FACTS, "type": "ResearcherStatus", "value": "https://doi.org/10.1038/s41431-018-0219-y"}
CONDITION = [[{"type": "ResearcherStatus", "value": f"const:{STATUS['value']}", "by": "const:so"}]]


@pytest.fixture
def signer(store: Store) -> Signer:
    return Signer(int(store.now().timestamp()))


@pytest.fixture
def trusting(store: Store) -> Store:
    """Give a store whose custodian lets the visas of a source stand for the approval of clinic-ct."""
    trust_visas(store, "custodian", "clinic-ct", FACTS, keys=jwks(), is_approval=True)
    link_identity(store, "custodian", "clinic-ct", "researcher", issuer=ISSUER, subject=SUBJECT)
    return store


def stand(store: Store, person: str = "researcher", purpose: str | None = None) -> Standing:
    return standing(store, person, "clinic-ct", purpose=purpose, now=stamp(store.now()))


def refused(store: Store, jws: str, person: str = "researcher") -> str:
    with pytest.raises(WorkbenchError) as refusal:
        send_visa(store, person, jws)
    return refusal.value.code


def test_a_trusted_visa_stands_for_the_approval_until_it_expires(trusting: Store, signer: Signer, clock: Any) -> None:
    assert stand(trusting).grant is None
    sent = send_visa(trusting, "researcher", signer.visa())
    found = stand(trusting)
    assert (found.grant or {})["visa"] == sent["id"] == "V1"
    assert {item.key: item.met for item in found.items} == {"approval": True, "visa:V1": True}
    clock.turn(hours=1, seconds=-1)
    assert stand(trusting).grant is not None
    clock.turn(seconds=1)
    assert stand(trusting).grant is None and stand(trusting).items[-1].key == "approval"


def test_a_visa_is_evidence_only_where_nobody_lets_it_stand_for_the_approval(store: Store, signer: Signer) -> None:
    trust_visas(store, "custodian", "clinic-ct", FACTS, keys=jwks())
    link_identity(store, "custodian", "clinic-ct", "researcher", issuer=ISSUER, subject=SUBJECT)
    send_visa(store, "researcher", signer.visa())
    assert {item.key: item.met for item in stand(store).items} == {"approval": False, "visa:V1": True}


def test_untrusting_bites_at_the_next_look(trusting: Store, signer: Signer) -> None:
    send_visa(trusting, "researcher", signer.visa())
    untrust_visas(trusting, "custodian", "W1")
    assert stand(trusting).grant is None
    with pytest.raises(NotFound):
        untrust_visas(trusting, "custodian", "W1")


def test_a_visa_counts_for_the_dataset_that_trusts_it_alone(trusting: Store, signer: Signer) -> None:
    send_visa(trusting, "researcher", signer.visa())
    assert standing(trusting, "researcher", "secret-ct", purpose=None, now=stamp(trusting.now())).grant is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"source": "https://dac.example.org/"}, "visa-source"), ({"value": VALUE.upper()}, "visa-source"),
        ({"value": f"{VALUE}1"}, "visa-source"), ({"type": "AffiliationAndRole"}, "visa-source"),
    ],
)  # fmt: skip
def test_what_a_visa_says_is_matched_exactly(trusting: Store, signer: Signer, said: dict[str, str], code: str) -> None:
    assert refused(trusting, signer.visa(said=said)) == code


def test_an_issuer_that_nobody_trusts_is_refused_and_recorded(trusting: Store, signer: Signer) -> None:
    assert refused(trusting, signer.visa(iss="https://other.example.org")) == "visa-issuer"
    last = list_events(trusting)[-1]
    assert (last["action"], last["outcome"], last["details"]) == ("visa.send", "denied", {"code": "visa-issuer"})


def test_nobody_sends_the_visa_of_another(trusting: Store, signer: Signer) -> None:
    assert refused(trusting, signer.visa(), person="reviewer") == "visa-subject"
    assert refused(trusting, signer.visa(sub="reviewer-1")) == "visa-subject"
    with pytest.raises(InvalidInput, match="another account"):
        link_identity(trusting, "custodian", "clinic-ct", "reviewer", issuer=ISSUER, subject=SUBJECT)


def test_an_expired_visa_is_refused(trusting: Store, signer: Signer, clock: Any) -> None:
    jws = signer.visa()
    clock.turn(hours=1)
    assert refused(trusting, jws) == "visa-expired"


def test_a_key_that_was_replaced_counts_no_more(trusting: Store, signer: Signer) -> None:
    send_visa(trusting, "researcher", signer.visa())
    trust_visas(trusting, "custodian", "clinic-ct", FACTS, keys={"keys": [public("new", rsa_key())]}, is_approval=True)
    untrust_visas(trusting, "custodian", "W1")
    assert stand(trusting).grant is None


def test_a_condition_is_met_by_another_visa_of_the_same_person(trusting: Store, signer: Signer) -> None:
    trust_visas(trusting, "custodian", "clinic-ct", STATUS, keys=jwks())
    send_visa(trusting, "researcher", signer.visa(said={"conditions": CONDITION}))
    assert stand(trusting).grant is None
    status = {"type": STATUS["type"], "value": STATUS["value"]}
    send_visa(trusting, "researcher", signer.visa(said={**status, "by": "self"}))
    assert stand(trusting).grant is None
    send_visa(trusting, "researcher", signer.visa(said={**status, "by": "so"}))
    assert stand(trusting).grant is not None


def test_the_terms_of_use_hold_for_a_visa_too(trusting: Store, signer: Signer) -> None:
    send_visa(trusting, "researcher", signer.visa())
    set_usage(trusting, "custodian", "clinic-ct", ["GRU", "NMDS"])
    assert not stand(trusting).use
    assert not stand(trusting, purpose="method-development").use


def test_nobody_approves_themselves_by_way_of_a_source_they_trust(store: Store, signer: Signer) -> None:
    add_person(store, "system", "admin", "Admin", ("administrator",))
    trust_visas(store, "custodian", "clinic-ct", FACTS, keys=jwks(), is_approval=True)
    with pytest.raises(AccessDenied, match="themselves"):
        link_identity(store, "custodian", "clinic-ct", "custodian", issuer=ISSUER, subject=SUBJECT)
    link_identity(store, "admin", None, "custodian", issuer=ISSUER, subject=SUBJECT)
    send_visa(store, "custodian", signer.visa())
    assert stand(store, "custodian").grant is None


@pytest.mark.parametrize("person", ["researcher", "checker-1", "teacher"])
def test_only_the_custodian_says_whom_to_trust(store: Store, person: str) -> None:
    for dataset in ("clinic-ct", None):
        with pytest.raises(AccessDenied):
            trust_visas(store, person, dataset, FACTS, keys=jwks())
    with pytest.raises(AccessDenied):
        link_identity(store, person, "clinic-ct", "reviewer", issuer=ISSUER, subject=SUBJECT)
    with pytest.raises(AccessDenied, match="administrator"):
        trust_visas(store, "custodian", None, FACTS, keys=jwks())


def test_only_a_grant_for_one_dataset_stands_for_its_approval(store: Store) -> None:
    add_person(store, "system", "admin", "Admin", ("administrator",))
    with pytest.raises(InvalidInput, match="one dataset"):
        trust_visas(store, "admin", None, FACTS, keys=jwks(), is_approval=True)
    with pytest.raises(InvalidInput, match="one dataset"):
        trust_visas(store, "admin", "clinic-ct", STATUS, keys=jwks(), is_approval=True)
    with pytest.raises(InvalidInput, match="type of visa"):
        trust_visas(store, "admin", "clinic-ct", {**FACTS, "type": "LinkedIdentities"}, keys=jwks())


def test_a_visa_sent_twice_is_kept_once_and_never_itself(trusting: Store, signer: Signer) -> None:
    jws = signer.visa()
    assert send_visa(trusting, "researcher", jws) == send_visa(trusting, "researcher", jws)
    assert len(list_visas(trusting, "researcher")["visas"]) == 1
    assert list_visas(trusting, "reviewer") == {"visas": [], "trusted": []}
    assert jws.encode() not in trusting.path.read_bytes() + trusting.path.with_suffix(".sqlite-wal").read_bytes()
