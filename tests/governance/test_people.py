"""People and purposes of a new home."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.people import (
    add_person,
    add_purpose,
    list_people,
    list_purposes,
    seed,
    set_attributes,
    set_roles,
    whoami,
)
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store
from workbench.settings import Settings


def test_a_demo_home_has_the_six_accounts(store: Store) -> None:
    assert {person["person"]: person["roles"] for person in list_people(store)} == {
        "researcher": ["researcher"],
        "custodian": ["custodian"],
        "checker-1": ["checker"],
        "checker-2": ["checker"],
        "teacher": ["researcher", "teacher"],
        "reviewer": ["researcher", "reviewer"],
    }


def test_another_home_has_its_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    seed(store, Settings(tmp_path, demo_accounts=False))
    assert list_people(store) == [
        {"person": getpass.getuser(), "name": getpass.getuser(), "roles": ["administrator", "custodian", "researcher"]}
    ]
    store.close()


def test_seeding_again_changes_nothing(store: Store) -> None:
    before = len(list_events(store))
    seed(store, Settings(store.path.parent))
    assert len(list_events(store)) == before


def test_the_five_purposes_are_listed_with_their_ontology_terms(store: Store) -> None:
    assert [purpose["label"] for purpose in list_purposes(store)] == [
        "lung nodule detection", "nodule malignancy", "method development", "teaching", "quality improvement",
    ]  # fmt: skip
    assert list_purposes(store)[2] == {
        "id": "method-development", "label": "method development", "duo": "DUO:0000031", "facts": {},
    }  # fmt: skip


def test_a_purpose_settles_facts_by_itself(store: Store) -> None:
    add_purpose(store, "system", "copd-screening", "COPD screening", duo="DCR", facts={"disease": "COPD"})
    assert list_purposes(store)[-1] == {
        "id": "copd-screening", "label": "COPD screening", "duo": "DUO:0000040", "facts": {"disease": "COPD"},
    }  # fmt: skip
    with pytest.raises(Conflict):
        add_purpose(store, "system", "copd", "COPD screening")


@pytest.mark.parametrize("odd", [{"purpose": "no id"}, {"label": " "}, {"duo": "GRU"}, {"facts": {"colour": "red"}}])
def test_odd_purposes_are_refused(store: Store, odd: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        add_purpose(store, "system", **{"purpose": "x", "label": "X", "duo": "", "facts": None, **odd})


def test_where_a_person_works_is_recorded_by_others(store: Store) -> None:
    kept = set_attributes(store, "operator", "researcher", " Clinic  A ", "AT")
    assert (kept["institution"], kept["country"]) == ("Clinic A", "AT")
    with pytest.raises(InvalidInput):
        set_attributes(store, "operator", "researcher", "x" * 201, "AT")
    with pytest.raises(NotFound):
        set_attributes(store, "operator", "stranger", "Clinic A", "AT")


def test_unknown_people_and_roles_are_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        whoami(store, "stranger")
    with pytest.raises(InvalidInput, match="the roles are"):
        add_person(store, "system", "new", "New", ("king",))
    with pytest.raises(InvalidInput, match="already"):
        add_person(store, "system", "teacher", "Teacher", ("teacher",))
    with pytest.raises(NotFound):
        set_roles(store, "system", "stranger", ("teacher",))
