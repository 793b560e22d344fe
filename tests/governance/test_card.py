"""Cards are valid Croissant 1.1, say what the data may be used for, and never where bytes lie."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.errors import InvalidInput
from workbench.governance.card import CROISSANT, build_card, usage_info, validate_card
from workbench.governance.catalogue import get_dataset
from workbench.governance.evidence.usage import set_usage
from workbench.governance.store import Store

FACTS = {
    "name": "clinic-ct", "title": "Chest CT", "description": "", "tier": "controlled", "custodian": "custodian",
    "created": "2026-05-03T12:00:00Z",
}  # fmt: skip
VERSION = {"version": "ab" * 32, "scans": 2, "subjects": 2, "bytes": 314, "count": 3, "published": FACTS["created"]}
TABLES = [
    {"name": "scans", "title": "Scans", "columns": [
        {"name": "scan", "type": "string"}, {"name": "split", "type": "string"},
        {"name": "spacing_z_mm", "type": "float64", "unit": "mm", "description": "Between slices."},
    ]},
    {"name": "people", "title": "People", "columns": [{"name": "seen", "type": "date"}]},
]  # fmt: skip


def card(**more: Any) -> dict[str, Any]:
    return build_card({**FACTS, **VERSION}, {"tables": TABLES, "sha256": "cd" * 32, **more})


def test_a_card_with_every_part_is_valid_croissant() -> None:
    made = card() | {"usageInfo": usage_info([{"code": "DUO:0000042", "label": "General research use"}])}
    assert CROISSANT in made["conformsTo"]
    validate_card(json.loads(json.dumps(made)))


def test_a_card_before_the_first_version_is_valid_too() -> None:
    made = build_card(FACTS)
    validate_card(made)
    assert made["wb:tier"] == "controlled" and not {"version", "distribution", "recordSet"} & set(made)


def test_every_column_is_a_typed_field_with_its_unit() -> None:
    (spacing,) = [field for field in card()["recordSet"][0]["field"] if field["name"] == "spacing_z_mm"]
    assert (spacing["dataType"], spacing["description"]) == ("sc:Float", "Between slices. Unit: mm.")


def test_a_card_names_its_files_by_hash_and_urn_alone() -> None:
    made = card()
    assert made["distribution"][0]["sha256"] == "cd" * 32
    addresses = [file["contentUrl"] for file in made["distribution"] if "contentUrl" in file]
    assert addresses == [f"urn:ai4h-workbench:version:{'ab' * 32}"]


def test_each_version_counts_as_a_change_of_the_data() -> None:
    assert (card()["version"], card()["wb:version"]) == ("3.0.0", "ab" * 32)


def test_a_term_keeps_its_parameter() -> None:
    (term,) = usage_info([{"code": "DUO:0000007", "label": "Disease specific", "parameter": "MONDO:0005070"}])
    assert (term["termCode"], term["url"], term["description"]) == ("DUO_0000007", "duo:0000007", "MONDO:0005070")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("source", {"fileObject": {"@id": "nowhere"}}, "nowhere"),
        ("dataType", "sc:Nope", "does not specify a valid"),
    ],
    ids=["a file that is not there", "a type that does not exist"],
)
def test_what_is_no_croissant_is_refused_with_the_reason(key: str, value: object, found: str) -> None:
    made = card()
    made["recordSet"][0]["field"][0][key] = value
    with pytest.raises(InvalidInput, match="no valid Croissant 1.1") as refused:
        validate_card(made)
    assert found in refused.value.message


@pytest.mark.parametrize("place", ["contentUrl", "distribution", "downloadUrl"])
def test_what_ingest_adds_cannot_name_an_address(place: str) -> None:
    with pytest.raises(InvalidInput, match="never says where"):
        card(**{"wb:extra": [{place: "https://example.org/raw.zip"}]})


def test_the_terms_of_use_stand_on_the_card_that_people_see(store: Store) -> None:
    set_usage(store, "custodian", "clinic-ct", ["HMB", "NCU"])
    shown = get_dataset(store, "researcher", "clinic-ct")["card"]
    assert [term["termCode"] for term in shown["usageInfo"]] == ["DUO_0000006", "DUO_0000046"]
    validate_card(shown)
