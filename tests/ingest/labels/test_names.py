"""A region keeps its name when the vocabulary knows all of it; nothing else of the source goes on."""

from __future__ import annotations

import pytest
from label_drawing import item
from pydicom.dataset import Dataset

from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.labels.layers import unlike
from workbench.ingest.labels.names import Namer, forbidden_words, namer_of


@pytest.mark.parametrize("name", [
    "GTV-1", "GTVp1", "CTV", "PTV_60", "PTV_6600", "PTV_50.4Gy", "Lung_L", "Lung L", "lung left", "Heart", "SpinalCord",
    "Spinal cord", "Brainstem_PRV03", "Liver", "neoplasm", "Neoplasm, Primary", "Kidney_R", "Musc_Constrict_S", "A_LAD",
    "Lungs-GTV", "vertebrae_L5", "Bowel bag", "GTV_Mass_CT", "Patient", "Isocenter 1", "rib 7",
])  # fmt: skip
def test_names_of_the_field_stay(name: str) -> None:
    assert Namer().name(name, 3) == name


@pytest.mark.parametrize("name", [
    "GTV Smith", "Okonkwo", "Adaeze_GTV", "MRN-5550199", "GTV 19610412", "12.04.1961", "PTV 1961", "GTV 04 12 61",
    "GTV J S M", "Dr. House", "contoured by jd", "I1", "7", "A", "", "   ", "Größe", "GTV\\1", "heart; DROP", "肝",
    "GTV_0151-2345", "tumour of Mr X. Y. Z", "x" * 80, "555-0199 GTV", "GTV\u202e1",
])  # fmt: skip
def test_everything_else_becomes_a_number(name: str) -> None:
    assert Namer().name(name, 3) == "ROI 3"
    assert Namer(prefix="segment").name(name, 12) == "segment 12"


def test_word_that_is_also_this_patients_name_does_not_stay() -> None:
    forbidden = forbidden_words(item(PatientName="Heart^Julia", PatientID="GTV-12"))
    assert Namer(forbidden).name("Heart", 1) == "ROI 1"
    assert Namer(forbidden).name("HeartLeft", 1) == "ROI 1"
    assert Namer(forbidden).name("GTV 2", 1) == "ROI 1"
    assert Namer(forbidden).name("Liver", 1) == "Liver"


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def test_meaning_of_a_code_comes_from_the_dictionary_never_from_the_source() -> None:
    found = Namer().code(code("10200004", "SCT", "liver of Adaeze Okonkwo"))
    assert found == {"value": "10200004", "scheme": "SCT", "meaning": "Liver"}
    assert Namer().name("Okonkwo's", 2, found) == "Liver"


@pytest.mark.parametrize(("value", "scheme"), [("MRN-7", "SCT"), ("10200004", "99OKONKWO"), ("", ""), ("T-62000", "X")])
def test_codes_that_no_dictionary_knows_are_dropped(value: str, scheme: str) -> None:
    assert Namer().code(code(value, scheme, "Liver")) is None


def test_code_whose_meaning_holds_the_patients_name_is_dropped() -> None:
    assert Namer(frozenset({"heart"})).code(code("80891009", "SCT", "Heart")) is None


def test_profile_without_clean_descriptors_keeps_no_name() -> None:
    source = item(PatientName="A^B")
    assert namer_of(source, "ROI", load_profile("standard")).name("GTV-1", 1) == "GTV-1"
    assert namer_of(source, "ROI", load_profile("basic")).name("GTV-1", 1) == "ROI 1"


def test_labels_are_made_unlike() -> None:
    assert unlike(["Lung", "Lung (2)", "Lung", "Lung"]) == ["Lung", "Lung (2)", "Lung (3)", "Lung (4)"]
