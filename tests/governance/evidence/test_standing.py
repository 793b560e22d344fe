"""The checklist: what is there, what is missing, and from when to when."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.governance.access import approve, refuse, revoke, submit_request
from workbench.governance.canonical import stamp
from workbench.governance.evidence.agreements import accept_agreement, set_agreement
from workbench.governance.evidence.standing import Standing, standing
from workbench.governance.evidence.training import end_training, record_training
from workbench.governance.evidence.usage import set_usage
from workbench.governance.store import Store

PURPOSE = "lung-nodule-detection"
DATES = {"issued": "2026-01-01", "ends": "2026-12-31"}


def stand(store: Store, purpose: str | None = None, dataset: str = "clinic-ct") -> Standing:
    return standing(store, "researcher", dataset, purpose=purpose, now=stamp(store.now()))


def items(found: Standing) -> dict[str, bool | None]:
    return {item.key: item.met for item in found.items}


def grant(store: Store, **more: Any) -> None:
    asked = submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, **more)
    approve(store, "custodian", asked["id"])


def test_a_dataset_that_asks_for_nothing_lists_the_approval_alone(store: Store) -> None:
    found = stand(store)
    assert (items(found), found.grant, found.agreement, found.training, found.use) == (
        {"approval": False}, None, True, True, True,
    )  # fmt: skip
    assert "workbench request clinic-ct" in found.missing[0].next


def test_an_open_dataset_asks_for_nothing(store: Store) -> None:
    set_agreement(store, "custodian", "phantoms", "Terms", "Cite us.")
    set_usage(store, "custodian", "phantoms", training=["gcp"])
    assert stand(store, dataset="phantoms").items == ()


def test_an_approval_is_met_for_exactly_its_days(store: Store, clock: Any) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    assert items(stand(store)) == {"approval": None}
    approve(store, "custodian", "R1")
    assert stand(store).missing == () and stand(store).grant["id"] == "G1"  # type: ignore[index]
    clock.turn(days=30, seconds=-1)
    assert stand(store).grant is not None
    clock.turn(seconds=1)
    assert stand(store).grant is None and "ended on 2 June 2026" in stand(store).missing[0].text


def test_a_refused_request_and_a_revoked_grant_say_so(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    refuse(store, "custodian", "R1", "say more")
    assert "was refused on 3 May 2026 (say more)" in stand(store).missing[0].text
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    approve(store, "custodian", "R2")
    assert stand(store).missing == ()
    revoke(store, "custodian", "G1", "over")
    assert "was revoked" in stand(store).missing[0].text


def test_a_grant_counts_for_its_purpose_only(store: Store) -> None:
    grant(store)
    assert stand(store, PURPOSE).grant is not None
    assert stand(store, "teaching").grant is None
    assert "another purpose" in stand(store, "teaching").missing[0].text


def test_a_renewed_agreement_has_to_be_accepted_anew(store: Store) -> None:
    set_agreement(store, "custodian", "clinic-ct", "Terms", "Do not identify anybody.")
    assert not stand(store).agreement
    accept_agreement(store, "researcher", "clinic-ct", 1)
    assert stand(store).agreement
    set_agreement(store, "custodian", "clinic-ct", "Terms", "Nor link them.")
    assert not stand(store).agreement and "new version 2" in stand(store).items[0].text
    accept_agreement(store, "researcher", "clinic-ct", 2)
    assert stand(store).agreement


def test_training_counts_from_its_first_to_its_last_day(store: Store, clock: Any) -> None:
    set_usage(store, "custodian", "clinic-ct", training=["gcp"])
    assert items(stand(store))["training:gcp"] is False
    dates = {"issued": "2026-05-04", "ends": "2026-05-05"}
    record_training(store, "custodian", "researcher", "gcp", provider="the clinic", **dates)
    assert not stand(store).training and "begins on 4 May 2026" in stand(store).items[0].text
    clock.turn(hours=12)
    assert stand(store).training and stand(store).items[0].until == "2026-05-06T00:00:00Z"
    clock.turn(days=2, seconds=-1)
    assert stand(store).training
    clock.turn(seconds=1)
    assert not stand(store).training and "ended on 5 May 2026" in stand(store).items[0].text


def test_another_training_and_one_that_was_ended_do_not_count(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", training=["gcp"])
    record_training(store, "custodian", "researcher", "data-protection", provider="x", **DATES)
    assert not stand(store).training
    record_training(store, "custodian", "researcher", "gcp", provider="x", **DATES)
    assert stand(store).training
    end_training(store, "custodian", "T2")
    assert not stand(store).training


def test_terms_of_use_are_held_against_the_purpose_of_the_grant(store: Store) -> None:
    grant(store, attestations={"research_kind": "biomedical", "is_method_development": True})
    assert stand(store).use
    set_usage(store, "custodian", "clinic-ct", ["GRU", "NMDS"])
    found = stand(store)
    assert (found.use, found.match.answer if found.match else "") == (False, "no")
    assert "may not be developed" in found.missing[0].text and found.grant is not None


def test_what_an_approval_looked_at_is_permitted_until_other_terms_come(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU", "RS=lung studies"])
    assert items(stand(store, PURPOSE))["use"] is None
    grant(store)
    assert stand(store).use and stand(store).match.answer == "review"  # type: ignore[union-attr]
    set_usage(store, "custodian", "clinic-ct", ["GRU", "RS=heart studies"])
    assert not stand(store).use


def test_terms_that_meet_no_purpose_leave_it_open(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU"])
    assert items(stand(store)) == {"use": None, "approval": False}
    set_usage(store, "custodian", "phantoms", ["GRU", "NMDS"])
    assert stand(store, None, "phantoms").use
    assert not stand(store, "method-development", "phantoms").use


def test_an_ethics_approval_ends_by_itself(store: Store, clock: Any) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU", "IRB"])
    grant(store, attestations={"ethics_approval": "EK 12/2026", "ethics_until": "2026-05-10"})
    assert stand(store).use
    clock.turn(days=8)
    assert not stand(store).use and "EK 12/2026 ended" in stand(store).missing[0].text
    grant(store, attestations={"ethics_approval": "EK 13/2026", "ethics_until": "2026-06-10"})
    assert stand(store).use and stand(store).grant["id"] == "G2"  # type: ignore[index]


@pytest.mark.parametrize("question", [("nobody", "clinic-ct", None), ("researcher", "no-ct", None)])
def test_nobody_and_nothing_stand_nowhere(store: Store, question: tuple[str, str, None]) -> None:
    person, dataset, purpose = question
    found = standing(store, person, dataset, purpose=purpose, now=stamp(store.now()))
    assert (found.grant, found.agreement, found.training, found.use) == (None, False, False, False)


def test_an_unknown_purpose_stands_nowhere(store: Store) -> None:
    grant(store)
    assert stand(store, "marketing").grant is None and not stand(store, "marketing").use
