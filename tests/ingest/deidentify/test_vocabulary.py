"""Descriptions keep the words of radiology, exactly as written where all are known, and nothing that names somebody."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.ingest.deidentify.codes import code_meaning
from workbench.ingest.deidentify.profile import load_profile

USUAL = """
CT CHEST W/O CONTRAST|T2 AX FLAIR|LUNG 5.0 B60f|Recon 2: CHEST|PET WB UNCORRECTED|XR CHEST AP PORTABLE
AX T1 POST|ep2d_diff_3scan_trace_p2_ADC|t1_mprage_sag_p2_iso_1.0|Thorax^AThoraxRoutine (Adult)
CT ABDOMEN PELVIS W CONTRAST|ThoraxRoutine  8.0.0  B40f|MAMMO SCREENING BILATERAL|L MLO|R CC
BREAST ROUTINE PROTOCOL|AX DWI B=1000|ADC (10^-6 mm2/s)|3 PLANE LOC|Topogram 0.6 T20s|Dose Report
CT PE CHEST|CTA HEAD AND NECK|WB CTAC|CTAC 3.75 Thick|FDG PET WB AC|Ax 3D T1 SPGR+C|T1 AXIAL POST GAD
Ph1/Ax Vibrant|OPP PHASE|CHEST LATERAL|Transesophageal Echocardiogram|GTV-1|Lung L|Spinal cord|PTV 60 Gy
1.25MM LUNG|BONE PLUS|ASIR 40%|Br40d 3|Philips Medical Systems|LightSpeed VCT|TrioTim|Discovery MR750
Omnipaque 350|Oral and IV|3D IR|2D OSEM 2i8s|measured,, 0.096000 cm-1,|Convolution subtraction
LOW DOSE CHEST CT|MR BRAIN W WO CONTRAST|CHEST X-RAY|COLO_PRONE 1.0 B30f|SPINE LUMBAR 2-3 VIEWS|KUB
XR CHEST 2V|Long Axis|White matter|CIRCLE OF WILLIS|JPEG 2000 reversible (lossless)
"""


@pytest.mark.parametrize("text", [one.strip() for line in USUAL.split("\n") if line for one in line.split("|")])
def test_a_usual_description_stays_exactly_as_written(text: str) -> None:
    assert load_profile().vocabulary.clean(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("XR CHEST AP PORTABLE for Scott Kaufman", "XR CHEST AP PORTABLE"), ("Okonkwo, Adaeze", ""),
        ("CT CHEST 19610412", "CT CHEST"), ("CHEST 555-0134", "CHEST"), ("CHEST 555.0134", "CHEST"),
        ("CHEST 555 01 34", "CHEST"), ("MRN 5550199 CHEST", "CHEST"), ("CHEST 55-50-199", "CHEST"),
        ("AX 2019-05-23", "AX"), ("12.05.1961", ""), ("CHEST 3/14/2011", "CHEST"), ("HEAD 1961", "HEAD"),
        ("CT 1.2.840.113619.2.55 HEAD", "CT HEAD"), ("ABDOMEN_JONES", "ABDOMEN"), ("LUNG M\u00fcller", "LUNG"),
        ("CT d'Angelo HEAD", "CT HEAD"), ("CHEST(Kim,Lee)", "CHEST"), ("ACC90210", ""), ("23MAY61", ""), ("97 yo", ""),
        ("SSN 123 45 6789", ""), ("Young Rose King", ""),
        ("\u5c71\u7530 CHEST", "CHEST"), ("CHEST\x00\x1b$B;3", "CHEST"),
        ("adaeze@okonkwo.org", ""), ("CHEST OkonkwoAdaeze", "CHEST"), ("", ""),
    ],
)  # fmt: skip
def test_what_could_name_somebody_is_taken_out(text: str, kept: str) -> None:
    assert load_profile().vocabulary.clean(text) == kept


def test_a_number_beside_a_removed_word_goes_with_it() -> None:
    assert load_profile().vocabulary.clean("CHEST room Okonkwo 12 lung 5") == "CHEST lung 5"


@pytest.mark.parametrize(("name", "kept"), [("lung", "CT"), ("ct", "LUNG"), ("ray", "CT LUNG")])
def test_names_of_the_patient_are_taken_out_though_they_are_words(name: str, kept: str) -> None:
    assert load_profile().vocabulary.clean("CT LUNG", frozenset((name,))) == kept


def test_cleaning_twice_changes_nothing_more() -> None:
    clean = load_profile().vocabulary.clean
    for text in ("XR CHEST for Scott", "CT (Okonkwo) HEAD 12", "T1_Okonkwo_AX 2019", "12 of Okonkwo and CHEST"):
        assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("value", "scheme", "meaning"),
    [
        ("39607008", "SCT", "Lung"), ("T-28000", "SRT", "Lung"), ("T-28000", "SNM3", "Lung"),
        ("121322", "DCM", "Source image for image processing operation"), ("77", "99LINDEN", None),
        ("[hnsf'U]", "UCUM", "[hnsf'U]"), ("ml/100ml/s", "UCUM", "ml/100ml/s"), ("{Okonkwo}", "UCUM", None),
        ("Okonkwo", "UCUM", None), ("", "", None),
    ],
)  # fmt: skip
def test_a_code_has_the_meaning_of_the_dictionary_or_none(value: str, scheme: str, meaning: str | None) -> None:
    assert code_meaning(value, scheme) == meaning


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="basic and standard"):
        load_profile("strict")
