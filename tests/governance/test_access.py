"""Requests and grants: who may ask, who may decide, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.access import (
    active_grant,
    approve,
    list_grants,
    list_requests,
    refuse,
    revoke,
    submit_request,
)
from workbench.governance.evidence.projects import set_project
from workbench.governance.evidence.usage import set_usage
from workbench.governance.people import add_person
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store

PURPOSE = "lung nodule detection"


def test_a_request_waits_until_it_is_approved(store: Store) -> None:
    asked = submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, "for the thesis")
    assert (asked["id"], asked["status"], asked["purpose"]) == ("R1", "submitted", "lung-nodule-detection")
    assert active_grant(store, "researcher", "clinic-ct") is None


def test_an_approved_request_is_a_grant_for_exactly_its_days(store: Store, clock: Any) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    granted = approve(store, "custodian", "R1")
    assert (granted["status"], granted["grant"], granted["until"]) == ("granted", "G1", "2026-06-02T12:00:00Z")
    clock.turn(days=30, seconds=-1)
    assert active_grant(store, "researcher", "clinic-ct") is not None
    clock.turn(seconds=1)
    assert active_grant(store, "researcher", "clinic-ct") is None
    assert list_requests(store, "researcher")[0]["status"] == "ended"


def test_a_purpose_is_accepted_by_id_or_label(store: Store) -> None:
    assert submit_request(store, "teacher", "clinic-ct", "Teaching", 1)["purpose"] == "teaching"
    assert submit_request(store, "reviewer", "clinic-ct", "method-development", 1)["purpose"] == "method-development"


def test_nobody_approves_their_own_request(store: Store) -> None:
    submit_request(store, "custodian", "clinic-ct", PURPOSE, 30)
    with pytest.raises(AccessDenied, match="your own request") as refusal:
        approve(store, "custodian", "R1")
    assert refusal.value.code == "own-request"
    assert active_grant(store, "custodian", "clinic-ct") is None


def test_an_administrator_decides_about_the_custodian(store: Store) -> None:
    add_person(store, "system", "admin", "Admin", ("administrator",))
    submit_request(store, "custodian", "clinic-ct", PURPOSE, 30)
    assert approve(store, "admin", "R1")["status"] == "granted"


@pytest.mark.parametrize("person", ["researcher", "teacher", "checker-1", "reviewer"])
def test_only_the_custodian_decides(store: Store, person: str) -> None:
    add_person(store, "system", "asker", "Asker", ("researcher",))
    submit_request(store, "asker", "clinic-ct", PURPOSE, 30)
    for deed in (approve, refuse):
        with pytest.raises(AccessDenied, match="role custodian"):
            deed(store, person, "R1")


def test_to_another_custodian_the_request_does_not_exist(store: Store) -> None:
    add_person(store, "system", "other", "Other", ("custodian",))
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    with pytest.raises(NotFound) as real:
        approve(store, "other", "R1")
    with pytest.raises(NotFound) as imagined:
        approve(store, "other", "R9")
    assert real.value.message.replace("R1", "R9") == imagined.value.message


@pytest.mark.parametrize("days", [0, -1, 366, 10**9, True, 1.5, "30"])
def test_absurd_days_are_refused(store: Store, days: object) -> None:
    with pytest.raises(InvalidInput, match="1 to 365"):
        submit_request(store, "researcher", "clinic-ct", PURPOSE, days)  # type: ignore[arg-type]


@pytest.mark.parametrize("purpose", ["", "marketing", "lung", "'; DROP TABLE requests; --"])
def test_an_unknown_purpose_is_refused_with_the_known_ones(store: Store, purpose: str) -> None:
    with pytest.raises(InvalidInput, match="“quality improvement”"):
        submit_request(store, "researcher", "clinic-ct", purpose, 30)


def test_an_overlong_note_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="2000"):
        submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, "x" * 2001)


def test_the_same_request_twice_is_refused(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    with pytest.raises(Conflict, match="R1"):
        submit_request(store, "researcher", "clinic-ct", "teaching", 10)


def test_a_request_under_a_running_grant_is_refused_until_it_ends(store: Store, clock: Any) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    approve(store, "custodian", "R1")
    with pytest.raises(Conflict, match="2 June 2026"):
        submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    clock.turn(days=31)
    assert submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)["id"] == "R2"


def test_an_open_dataset_needs_no_request(store: Store) -> None:
    with pytest.raises(Conflict, match="without a request"):
        submit_request(store, "researcher", "phantoms", PURPOSE, 30)


def test_undisclosed_data_cannot_be_asked_for(store: Store) -> None:
    with pytest.raises(AccessDenied, match="only the evaluator"):
        submit_request(store, "researcher", "hidden-test", PURPOSE, 30)


def test_an_output_checker_does_not_ask_for_data(store: Store) -> None:
    with pytest.raises(AccessDenied, match="researchers and custodians"):
        submit_request(store, "checker-1", "clinic-ct", PURPOSE, 30)


def test_a_dataset_one_may_not_know_of_is_as_unknown_as_none(store: Store) -> None:
    with pytest.raises(NotFound) as hidden:
        submit_request(store, "researcher", "secret-ct", PURPOSE, 30)
    with pytest.raises(NotFound) as missing:
        submit_request(store, "researcher", "secret-xx", PURPOSE, 30)
    assert hidden.value.as_dict() == {**missing.value.as_dict(), "message": missing.value.message.replace("xx", "ct")}


def test_a_decided_request_is_not_decided_again(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    refuse(store, "custodian", "R1", "say more about the study")
    for deed in (approve, refuse):
        with pytest.raises(Conflict, match="was refused by custodian on 3 May 2026"):
            deed(store, "custodian", "R1")


def test_a_refused_person_may_ask_again(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    refuse(store, "custodian", "R1")
    assert submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)["id"] == "R2"


def test_a_revoked_grant_is_over_at_once_and_says_why(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    approve(store, "custodian", "R1")
    ended = revoke(store, "custodian", "G1", "the study has ended")
    assert (ended["status"], ended["reason"]) == ("ended", "the study has ended")
    assert active_grant(store, "researcher", "clinic-ct") is None
    with pytest.raises(Conflict, match="nothing to revoke"):
        revoke(store, "custodian", "G1", "again")


def test_a_person_gives_back_their_own_grant_but_nobody_elses(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    approve(store, "custodian", "R1")
    with pytest.raises(AccessDenied):
        revoke(store, "reviewer", "G1", "envy")
    assert revoke(store, "researcher", "G1", "done")["status"] == "ended"


def test_a_person_sees_their_own_requests_and_those_they_decide(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    assert [(r["id"], r["may_decide"]) for r in list_requests(store, "custodian")] == [("R1", True)]
    assert [(r["id"], r["may_decide"]) for r in list_requests(store, "researcher")] == [("R1", False)]
    assert list_requests(store, "reviewer") == []


def test_changes_and_refusals_are_both_on_record(store: Store) -> None:
    before = list_events(store)[-1]["seq"]
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    with pytest.raises(AccessDenied):
        approve(store, "researcher", "R1")
    approve(store, "custodian", "R1", "approved at the board")
    found = [(e["actor"], e["action"], e["outcome"]) for e in list_events(store, since=before)]
    assert found == [
        ("researcher", "request.submit", "done"),
        ("researcher", "request.decide", "denied"),
        ("custodian", "request.approve", "done"),
    ]
    assert list_events(store)[-1]["details"]["grant"] == "G1"


def test_terms_that_forbid_the_purpose_refuse_the_request_at_the_door(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU", "NMDS"])
    with pytest.raises(AccessDenied, match="no general methods research") as refusal:
        submit_request(store, "researcher", "clinic-ct", "method-development", 30)
    assert refusal.value.code == "use-not-permitted"
    assert list_requests(store, "custodian") == []
    assert list_events(store)[-1]["details"] == {"code": "use-not-permitted"}


def test_what_a_purpose_settles_cannot_be_declared_otherwise(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU", "NMDS"])
    with pytest.raises(AccessDenied):
        submit_request(
            store, "researcher", "clinic-ct", "method-development", 30, attestations={"is_method_development": False}
        )


def test_the_custodian_sees_what_was_declared_and_what_is_unsure(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["HMB", "NCU", "COL"])
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, attestations={"is_commercial": False})
    seen = list_requests(store, "custodian")[0]
    assert seen["attestations"] == {"is_commercial": False}
    assert [(term["code"], term["answer"]) for term in seen["match"]["terms"]] == [
        ("DUO:0000006", "yes"), ("DUO:0000046", "yes"), ("DUO:0000020", "review"),
    ]  # fmt: skip
    assert [(item["key"], item["met"]) for item in seen["checklist"]] == [("use", None), ("approval", None)]
    assert approve(store, "custodian", "R1")["reviewed"] == ["COL"]


def test_terms_that_came_to_forbid_it_stop_the_approval(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "method-development", 30)
    set_usage(store, "custodian", "clinic-ct", ["GRU", "NMDS"])
    assert list_requests(store, "custodian")[0]["match"]["answer"] == "no"
    with pytest.raises(AccessDenied, match="forbid this"):
        approve(store, "custodian", "R1")
    assert active_grant(store, "researcher", "clinic-ct") is None


def test_an_approval_may_be_for_fewer_days_but_not_for_more(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    for days in (0, 31, True, "7"):
        with pytest.raises(InvalidInput, match="1 to 30"):
            approve(store, "custodian", "R1", days=days)  # type: ignore[arg-type]
    assert approve(store, "custodian", "R1", days=7)["until"] == "2026-05-10T12:00:00Z"


def test_a_project_has_to_be_ones_own(store: Store) -> None:
    set_project(store, "custodian", "lung-ai", "Lung AI", ["reviewer"])
    with pytest.raises(InvalidInput, match="not a member"):
        submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, attestations={"project": "lung-ai"})
    assert submit_request(store, "reviewer", "clinic-ct", PURPOSE, 30, attestations={"project": "lung-ai"})


@pytest.mark.parametrize("facts", ["x", ["is_commercial"], {"is_commercial": "no"}, {"person": "other"}])
def test_odd_facts_refuse_a_request(store: Store, facts: Any) -> None:
    with pytest.raises(InvalidInput):
        submit_request(store, "researcher", "clinic-ct", PURPOSE, 30, attestations=facts)


def test_open_data_under_terms_are_asked_for_where_a_person_has_to_look(store: Store) -> None:
    set_usage(store, "custodian", "phantoms", ["GRU", "COL"])
    assert submit_request(store, "researcher", "phantoms", PURPOSE, 30)["match"]["answer"] == "review"
    with pytest.raises(Conflict, match="without a request"):
        submit_request(store, "reviewer", "phantoms", PURPOSE, 30, attestations={
            "research_kind": "biomedical", "collaboration": "the clinic",
        })  # fmt: skip


def test_grants_are_listed_to_their_holder_and_to_those_who_end_them(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", PURPOSE, 30)
    approve(store, "custodian", "R1")
    assert [(one["id"], one["is_active"], one["may_revoke"]) for one in list_grants(store, "researcher")] == [
        ("G1", True, True)
    ]
    assert [one["id"] for one in list_grants(store, "custodian")] == ["G1"]
    assert list_grants(store, "reviewer") == []
    revoke(store, "custodian", "G1", "over")
    assert [(one["is_active"], one["may_revoke"]) for one in list_grants(store, "researcher")] == [(False, False)]
