"""The catalogue: what exists, what is shown of it, and cards that never say where bytes lie."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.governance.access import approve, submit_request
from workbench.governance.catalogue import (
    NewDataset,
    add_version,
    commit_version,
    get_dataset,
    list_datasets,
    register_dataset,
)  # fmt: skip
from workbench.governance.decide import Context
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store
from workbench.governance.versions import NewVersion, find_version

KEYS = {
    "name", "title", "tier", "custodian", "description", "version", "created", "scans", "subjects", "modality",
    "allowed", "reason", "code", "obligations", "missing", "status", "until", "purpose", "request",
}  # fmt: skip


def test_the_list_shows_what_a_person_may_know_of(store: Store) -> None:
    shown = {item["name"]: item["status"] for item in list_datasets(store, "researcher")}
    assert shown == {"phantoms": "open", "clinic-ct": "none", "hidden-test": "undisclosed"}
    assert "secret-ct" in {item["name"] for item in list_datasets(store, "custodian")}
    assert all(set(item) == KEYS for item in list_datasets(store, "researcher"))


def test_the_standing_follows_the_request(store: Store, clock: Any) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    assert get_dataset(store, "researcher", "clinic-ct")["status"] == "submitted"
    approve(store, "custodian", "R1")
    shown = get_dataset(store, "researcher", "clinic-ct")
    assert (shown["status"], shown["allowed"], shown["until"]) == ("granted", True, "2026-06-02T12:00:00Z")
    clock.turn(days=30)
    shown = get_dataset(store, "researcher", "clinic-ct")
    assert (shown["status"], shown["allowed"]) == ("ended", False)


def test_an_unisolated_kernel_is_told_that_it_may_not_read(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    approve(store, "custodian", "R1")
    shown = get_dataset(store, "researcher", "clinic-ct", Context(kind="kernel", isolation="none"))
    assert (shown["status"], shown["allowed"]) == ("granted", False)
    assert "bubblewrap" in shown["reason"]


def test_a_hidden_dataset_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound) as hidden:
        get_dataset(store, "researcher", "secret-ct")
    with pytest.raises(NotFound) as missing:
        get_dataset(store, "researcher", "secret-xx")
    assert hidden.value.message == missing.value.message.replace("xx", "ct")


def test_the_newest_version_is_shown_and_older_ones_stay(store: Store) -> None:
    add_version(
        store, "custodian", NewVersion("clinic-ct", "cd" * 32, 5, 4, 2000, "{}", note="two more", status="published")
    )
    shown = get_dataset(store, "researcher", "clinic-ct")
    assert (shown["version"], shown["scans"]) == ("cd" * 32, 5)
    assert [version["scans"] for version in shown["versions"]] == [5, 3]
    assert find_version(store, "clinic-ct", "ab" * 32)["scans"] == 3
    with pytest.raises(NotFound, match="no version"):
        find_version(store, "clinic-ct", "ef" * 32)


def test_the_same_version_twice_is_nothing_new(store: Store) -> None:
    with pytest.raises(Conflict, match="Nothing new"):
        add_version(store, "custodian", NewVersion("clinic-ct", "ab" * 32, 3, 2, 1000, "{}"))


def test_a_failed_first_version_leaves_no_dataset(store: Store) -> None:
    new = NewDataset("new-ct", "New", "controlled", "custodian")
    before = len(list_events(store))
    with pytest.raises(NotFound):
        commit_version(store, "custodian", new, NewVersion("another-ct", "ab" * 32, 1, 1, 1, "{}"))
    assert "new-ct" not in {item["name"] for item in list_datasets(store, "custodian")}
    assert len(list_events(store)) == before


def test_a_first_version_publishes_its_dataset_in_one_event(store: Store) -> None:
    new = NewDataset("new-ct", "New", "controlled", "custodian")
    commit_version(
        store,
        "custodian",
        new,
        NewVersion("new-ct", "ab" * 32, 1, 1, 1, "{}", {"license": "CC-BY-4.0"}, status="published"),
    )
    assert list_events(store)[-1]["action"] == "dataset.publish"
    assert get_dataset(store, "custodian", "new-ct")["card"]["license"] == "CC-BY-4.0"


@pytest.mark.parametrize("name", ["", "Clinic", "a b", "../x", "-x", "x-", "x" * 65, "ct/2"])
def test_an_unusable_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InvalidInput, match="not a usable dataset name"):
        register_dataset(store, "custodian", NewDataset(name, "Title", "controlled", "custodian"))


def test_a_taken_name_an_unknown_tier_and_a_false_custodian_are_refused(store: Store) -> None:
    with pytest.raises(Conflict, match="already"):
        register_dataset(store, "custodian", NewDataset("clinic-ct", "Title", "controlled", "custodian"))
    with pytest.raises(InvalidInput, match="not a tier"):
        register_dataset(store, "custodian", NewDataset("new-ct", "Title", "public", "custodian"))
    with pytest.raises(InvalidInput, match="role custodian"):
        register_dataset(store, "custodian", NewDataset("new-ct", "Title", "open", "researcher"))


@pytest.mark.parametrize("place", ["contentUrl", "distribution", "downloadUrl"])
def test_a_card_that_names_raw_bytes_is_refused_at_any_depth(store: Store, place: str) -> None:
    card = {"recordSet": [{"field": [{place: "https://example.org/raw.zip"}]}]}
    with pytest.raises(InvalidInput, match=place):
        add_version(store, "custodian", NewVersion("clinic-ct", "cd" * 32, 1, 1, 1, "{}", card))


def test_a_card_states_the_facts_whatever_ingest_says(store: Store) -> None:
    card = {"name": "other", "wb:tier": "open", "keywords": ["lung"]}
    add_version(store, "custodian", NewVersion("clinic-ct", "cd" * 32, 1, 1, 1, "{}", card, status="published"))
    shown = get_dataset(store, "custodian", "clinic-ct")["card"]
    assert (shown["name"], shown["wb:tier"], shown["wb:version"]) == ("clinic-ct", "controlled", "cd" * 32)
    assert shown["conformsTo"][0] == "http://mlcommons.org/croissant/1.1"
    assert json.loads(json.dumps(shown)) == shown
