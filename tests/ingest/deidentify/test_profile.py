"""A profile is data: shipped ones hold together, a site's own changes them, and a bad one is refused in a sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import CTImageStorage, MRImageStorage

from workbench.errors import InvalidInput
from workbench.ingest.deidentify.actions import ACTIONS as MADE
from workbench.ingest.deidentify.profile import ClassRules, Profile, load_profile, profile_names
from workbench.ingest.deidentify.profile_file import ACTIONS

IMAGES = (
    "2 2.1 4 4.1 128 130 1 1.1 1.1.1 1.2 1.2.1 6.1 3.1 20 12.1 7 7.1 7.2 7.3 7.4 66.4 481.3 481.2".split()
)  # fmt: skip


def rules(profile: Profile, uid: str = CTImageStorage) -> ClassRules:
    found = profile.class_rules(uid)
    assert found is not None
    return found


def own(tmp_path: Path, **body: Any) -> Profile:
    file = tmp_path / "ours.json"
    file.write_text(json.dumps({"name": "ours", **body}))
    return load_profile(str(file))


def test_two_profiles_are_shipped() -> None:
    assert profile_names() == ("basic", "standard")


def test_every_class_of_image_and_label_has_rules_and_reports_have_none() -> None:
    profile = load_profile()
    assert all(rules(profile, f"1.2.840.10008.5.1.4.1.1.{end}").rules for end in IMAGES)
    report, pdf = "1.2.840.10008.5.1.4.1.1.88.22", "1.2.840.10008.5.1.4.1.1.104.1"
    assert {rules(profile, uid).kind for uid in (report, pdf)} == {"ignore"}
    assert profile.class_rules("1.2.3") is None and profile.class_rules("") is None


def test_every_action_is_one_that_is_made() -> None:
    assert ACTIONS - {"remove"} == MADE.keys()


def test_every_name_in_the_policy_is_in_the_dictionary_and_every_rule_complete() -> None:
    body = load_profile()._body
    lists = [*body.modules.values(), *body.sequences.values(), list(body.actions), list(body.terms), body.required]
    assert all(tag_for_keyword(keyword) is not None for keywords in lists for keyword in keywords)
    for sequence, keywords in body.sequences.items():
        assert dictionary_VR(sequence) == "SQ", sequence
        assert all(one in body.sequences for one in keywords if dictionary_VR(one) == "SQ"), sequence


def test_nothing_that_names_a_person_or_place_is_ever_kept() -> None:
    named = "OperatorsName PatientAddress InstitutionName OtherPatientIDs PatientComments IssuerOfPatientID".split()
    for end in IMAGES:
        found = rules(load_profile(), f"1.2.840.10008.5.1.4.1.1.{end}").rules
        assert not any(tag_for_keyword(keyword) in found for keyword in named)
        people = {rule.action for rule in found.values() if rule.vr == "PN"}
        assert people <= {"pseudonym-id", "empty"}
        assert not any(tag >> 16 in range(0x5000, 0x5100) or tag >> 16 in range(0x6000, 0x6100) for tag in found)


def test_a_sequence_that_holds_itself_has_rules_at_every_depth() -> None:
    found = rules(load_profile())
    for keyword in ("SourceImageSequence", "PurposeOfReferenceCodeSequence"):
        tag = tag_for_keyword(keyword)
        assert tag is not None
        found = ClassRules("", "", "", found.rules[tag].items)
    assert isinstance(found.rules, dict)


def test_a_profile_travels_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(load_profile()))  # noqa: S301 - its own
    assert again.digest == load_profile().digest and rules(again).rules.keys() == rules(load_profile()).rules.keys()


def test_basic_has_no_dates_but_empty_required_ones() -> None:
    found = rules(load_profile("basic")).rules
    kept = {rule.name: rule.action for rule in found.values() if rule.vr in ("DA", "DT", "TM")}
    assert kept["StudyDate"] == kept["StudyTime"] == "empty" and set(kept.values()) == {"empty"}
    assert tag_for_keyword("StudyDescription") not in found and tag_for_keyword("PatientAge") not in found
    assert rules(load_profile("basic"), MRImageStorage).private == {}


def test_a_site_switches_options_adds_and_removes(tmp_path: Path) -> None:
    ours = own(
        tmp_path, extends="standard", options={"device-identity": True, "safe-private": False},
        add={"InstitutionName": "words"}, remove=["PatientWeight"], words=["dotatoc"], number_limit=5000,
    )  # fmt: skip
    found = rules(ours).rules
    assert found[0x00080080].action == "words" and found[0x00181000].action == "device"
    assert tag_for_keyword("PatientWeight") not in found and ours.number_limit == 5000
    assert "113109" in ours.options and "113111" not in ours.options
    assert ours.digest != load_profile().digest and ours.name == "ours"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"extends": "none"}, "extends must be one of basic, standard"),
        ({"extends": "standard", "option": {}}, "“option” is not known"),
        ({"options": {"keep-all": True}}, "options: “keep-all” is no option"),
        ({"options": {"safe-private": "yes"}}, "options: “safe-private” must be true or false"),
        ({"options": []}, "options must be an object"), ({"remove": "PatientAge"}, "remove must be a list"),
        ({"remove": ["PatientAgee"]}, "remove: “PatientAgee” is not the keyword"),
        ({"add": {"Foo": "words"}}, "add: “Foo” is not the keyword"),
        ({"add": {"PatientName": "keep"}}, "add: PatientName needs an action out of"),
        ({"add": {"SliceThickness": "words"}}, "add: SliceThickness is DS, which “words” is not for"),
        ({"add": {"ICCProfile": "binary"}}, "add: ICCProfile is OB, which “binary” is not for"),
        ({"name": "Our Site"}, "name must be small letters"), ({"number_limit": -1}, "number_limit must be"),
        ({"words": ["two words"]}, "words must be a list of single words"), ({"words": "a"}, "words must be a list"),
    ],
)  # fmt: skip
def test_a_bad_profile_is_refused_by_the_entry(tmp_path: Path, body: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        own(tmp_path, **body)


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", '"standard"'])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ours.json"
    file.write_text(content)
    with pytest.raises(InvalidInput, match=r"ours\.json is not (readable|usable)"):
        load_profile(str(file))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="shipped are basic and standard"):
        load_profile(str(tmp_path / "none.json"))
