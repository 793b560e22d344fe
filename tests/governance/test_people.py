"""People and purposes of a new home."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from workbench.errors import InvalidInput, NotFound
from workbench.governance.people import add_person, list_people, list_purposes, seed, set_roles, whoami
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
        "id": "method-development", "label": "method development", "duo": "DUO:0000031",
    }  # fmt: skip


def test_unknown_people_and_roles_are_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        whoami(store, "stranger")
    with pytest.raises(InvalidInput, match="the roles are"):
        add_person(store, "system", "new", "New", ("king",))
    with pytest.raises(InvalidInput, match="already"):
        add_person(store, "system", "teacher", "Teacher", ("teacher",))
    with pytest.raises(NotFound):
        set_roles(store, "system", "stranger", ("teacher",))
