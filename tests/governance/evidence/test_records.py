"""Agreements, training, terms of use and projects: who may write them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound, WorkbenchError
from workbench.governance.checklist import checklist
from workbench.governance.evidence.agreements import accept_agreement, get_agreement, set_agreement
from workbench.governance.evidence.projects import get_project, list_projects, set_project
from workbench.governance.evidence.training import end_training, list_training, record_training
from workbench.governance.evidence.usage import card_terms, get_usage, set_usage
from workbench.governance.people import add_person
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store

TRAINED: dict[str, str] = {"provider": "the clinic", "issued": "2026-01-01", "ends": "2026-12-31"}
STRANGERS = ["researcher", "checker-1", "teacher", "reviewer", "other"]


@pytest.fixture(autouse=True)
def _another_custodian(store: Store) -> None:
    add_person(store, "system", "other", "Other", ("custodian",))


def test_an_agreement_is_read_and_accepted_at_its_version(store: Store) -> None:
    assert get_agreement(store, "researcher", "clinic-ct") == {"dataset": "clinic-ct"}
    assert set_agreement(store, "custodian", "clinic-ct", "Terms", "Do no harm.")["version"] == 1
    assert get_agreement(store, "researcher", "clinic-ct")["accepted"] is None
    assert accept_agreement(store, "researcher", "clinic-ct", 1)["accepted"] == "2026-05-03T12:00:00Z"
    assert get_agreement(store, "reviewer", "clinic-ct")["accepted"] is None
    assert list_events(store)[-1]["action"] == "agreement.accept"


def test_only_the_newest_agreement_is_accepted_and_once(store: Store) -> None:
    with pytest.raises(NotFound, match="asks for no agreement"):
        accept_agreement(store, "researcher", "clinic-ct", 1)
    set_agreement(store, "custodian", "clinic-ct", "Terms", "Do no harm.")
    set_agreement(store, "custodian", "clinic-ct", "Terms", "Do no harm at all.")
    with pytest.raises(Conflict, match="version 2 now"):
        accept_agreement(store, "researcher", "clinic-ct", 1)
    accept_agreement(store, "researcher", "clinic-ct", 2)
    with pytest.raises(Conflict, match="already"):
        accept_agreement(store, "researcher", "clinic-ct", 2)


def test_the_same_agreement_is_not_a_new_version(store: Store) -> None:
    set_agreement(store, "custodian", "clinic-ct", "Terms", "Do no harm.")
    with pytest.raises(Conflict, match="says just this"):
        set_agreement(store, "custodian", "clinic-ct", "Terms ", "Do no harm.\n")


@pytest.mark.parametrize("person", STRANGERS)
def test_only_its_custodian_sets_the_terms_of_a_dataset(store: Store, person: str) -> None:
    with pytest.raises(AccessDenied):
        set_agreement(store, person, "clinic-ct", "Terms", "Do no harm.")
    with pytest.raises(AccessDenied):
        set_usage(store, person, "clinic-ct", ["NRES"])
    assert list_events(store)[-1]["outcome"] == "denied"


@pytest.mark.parametrize("person", STRANGERS)
def test_to_those_who_may_not_know_of_it_a_dataset_has_no_terms(store: Store, person: str) -> None:
    for ask in (get_agreement, get_usage):
        with pytest.raises(NotFound):
            ask(store, person, "secret-ct")
    with pytest.raises(NotFound):
        checklist(store, person, "secret-ct", None)
    with pytest.raises(WorkbenchError):
        set_usage(store, person, "secret-ct", ["NRES"])


@pytest.mark.parametrize(("title", "text"), [("", "x"), ("x", " "), ("x" * 201, "x"), ("x", "x" * 100_001)])
def test_an_agreement_without_words_is_refused(store: Store, title: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        set_agreement(store, "custodian", "clinic-ct", title, text)


def test_nobody_records_their_own_training_except_administrators(store: Store) -> None:
    add_person(store, "system", "admin", "Admin", ("administrator",))
    for person in ("custodian", "researcher"):
        with pytest.raises(AccessDenied):
            record_training(store, person, person, "gcp", **TRAINED)
    assert record_training(store, "admin", "admin", "gcp", **TRAINED)["recorded_by"] == "admin"
    assert record_training(store, "custodian", "researcher", "gcp", **TRAINED)["id"] == "T2"
    with pytest.raises(AccessDenied):
        end_training(store, "researcher", "T2")


def test_training_is_seen_by_its_holder_and_by_those_who_record_it(store: Store) -> None:
    record_training(store, "custodian", "researcher", "gcp", **TRAINED)
    assert [one["person"] for one in list_training(store, "other")] == ["researcher"]
    assert [one["kind"] for one in list_training(store, "researcher")] == ["gcp"]
    assert list_training(store, "reviewer") == []


@pytest.mark.parametrize(
    "odd",
    [{"kind": "GCP!"}, {"provider": " "}, {"issued": "soon"}, {"ends": "2025-12-31"}, {"ends": "20261231"},
     {"issued": "2026-02-30"}],
)  # fmt: skip
def test_odd_training_is_refused(store: Store, odd: dict[str, str]) -> None:
    values: dict[str, Any] = {"kind": "gcp", **TRAINED, **odd}
    with pytest.raises(InvalidInput):
        record_training(store, "custodian", "researcher", values.pop("kind"), **values)


def test_a_record_is_ended_once(store: Store) -> None:
    record_training(store, "custodian", "researcher", "gcp", **TRAINED)
    assert end_training(store, "custodian", "T1")["ended_by"] == "custodian"
    with pytest.raises(Conflict):
        end_training(store, "custodian", "T1")
    with pytest.raises(NotFound):
        end_training(store, "custodian", "T9")


def test_terms_of_use_are_shown_with_what_cannot_be_matched(store: Store) -> None:
    shown = set_usage(store, "custodian", "clinic-ct", ["GRU", "DS", "DUO:0099999", "TS=12"], ["gcp", "gcp"])
    assert [(term["short"], term["value"], bool(term["note"])) for term in shown["terms"]] == [
        ("GRU", "", False), ("DS", "", True), ("DUO:0099999", "", True), ("TS", "12", False),
    ]  # fmt: skip
    assert shown["training"] == ["gcp"] and len(shown["known"]) == 23
    assert card_terms(store, "clinic-ct")[3] == {
        "code": "DUO:0000025", "label": "time limit on use", "parameter": "12",
    }  # fmt: skip


def test_terms_and_training_are_set_apart_from_each_other(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["GRU"], ["gcp"])
    assert set_usage(store, "custodian", "clinic-ct", training=[])["terms"] != []
    assert set_usage(store, "custodian", "clinic-ct", [])["terms"] == []


@pytest.mark.parametrize(("terms", "training"), [(None, None), ("GRU", None), (["GRRU"], None), (None, ["G C P"])])
def test_odd_terms_are_refused_and_change_nothing(store: Store, terms: object, training: object) -> None:
    with pytest.raises(InvalidInput):
        set_usage(store, "custodian", "clinic-ct", terms, training)
    assert get_usage(store, "custodian", "clinic-ct")["terms"] == []


def test_a_project_is_seen_by_its_members_and_those_who_make_them(store: Store) -> None:
    set_project(store, "custodian", "lung-ai", "Lung AI", ["researcher", "researcher"])
    assert list_projects(store, "researcher") == [{"id": "lung-ai", "title": "Lung AI", "members": ["researcher"]}]
    assert list_projects(store, "reviewer") == []
    set_project(store, "custodian", "lung-ai", "Lung AI", [])
    with pytest.raises(NotFound):
        get_project(store, "researcher", "lung-ai")


@pytest.mark.parametrize("wrong", [{"project": "Lung AI"}, {"title": ""}, {"members": ["nobody"]}])
def test_odd_projects_are_refused(store: Store, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"project": "lung-ai", "title": "Lung AI", "members": [], **wrong}
    with pytest.raises((InvalidInput, NotFound)):
        set_project(store, "custodian", **values)
    with pytest.raises(AccessDenied):
        set_project(store, "researcher", "lung-ai", "Lung AI", [])


def test_the_checklist_tells_what_declared_facts_would_change(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["HMB", "NCU"])
    found = checklist(store, "researcher", "clinic-ct", "lung nodule detection")
    assert (found["is_complete"], found["match"]["answer"]) == (False, "review")
    declared = checklist(store, "researcher", "clinic-ct", "lung nodule detection", {"is_commercial": True})
    assert [term["answer"] for term in declared["match"]["terms"]] == ["yes", "no"]
    assert declared["items"][0]["met"] is False
    fitting = checklist(store, "researcher", "clinic-ct", "lung nodule detection", {"is_commercial": False})
    assert fitting["items"][0]["met"] is True
    with pytest.raises(InvalidInput):
        checklist(store, "researcher", "clinic-ct", "marketing")
