"""What leaves the ingest host holds nothing that was there before, at any depth."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from pydicom import dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.pipeline import ingest_folder

KEY = b"k" * 32
CANARY = "Zanzibar"
PLANTED = (
    "Okonkwo", "Adaeze", "MRN-5550199", "19610412", "20190523", "+49 555 0134", "Lindenallee", "ACC90210", "Haddad",
    "Port Ellis", "1.2.826.0.1.3680043.8.498.7", "Farrugia",
)  # fmt: skip
TEXT_VRS = frozenset(("AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"))


def plant(one: FileDataset, number: int) -> None:
    one.preamble = b"Okonkwo Adaeze".ljust(128, b"\0")
    one.file_meta.SourceApplicationEntityTitle = "ACC90210"
    one.AccessionNumber, one.PatientTelephoneNumbers = "ACC90210", "+49 555 0134"
    one.StudyDescription, one.PatientComments = "Okonkwo, Port Ellis", "lives in Lindenallee"
    one.BodyPartExamined, one.SeriesNumber, one.ReferringPhysicianName = "CHEST Okonkwo", 19610412, "Haddad^Dr"
    deepest = Dataset()
    deepest.CodeValue, deepest.CodeMeaning, deepest.TextValue = "Farrugia", "Okonkwo^Adaeze", "Farrugia"
    middle = Dataset()
    middle.PurposeOfReferenceCodeSequence = [deepest]
    middle.ReferencedSOPClassUID, middle.ReferencedSOPInstanceUID = one.SOPClassUID, f"{one.SeriesInstanceUID}.99"
    middle.PatientName = "Okonkwo^Adaeze"
    one.SourceImageSequence = [middle]
    one.RequestAttributesSequence = [middle]
    private = one.private_block(0x0011, "Haddad", create=True)
    private.add_new(1, "LO", "MRN-5550199")
    private.add_new(2, "UN", "Adaeze".encode("utf-16-le"))
    one.add_new(0x00081048, "UN", b"Farrugia^Giulia ")
    one.add_new(0xFFFCFFFC, "OB", b"Okonkwo Adaeze")


def leaks(content: bytes) -> list[str]:
    folded = content.lower()
    codecs = ("utf-8", "utf-16-le", "utf-16-be")
    spelled = {name: [name.lower().encode(codec) for codec in codecs] for name in PLANTED}
    return [name for name, forms in spelled.items() if any(form in folded for form in forms)]


@pytest.mark.parametrize("implicit", [False, True])
def test_no_planted_value_reaches_the_gateway(draw_series: Any, line: Any, implicit: bool) -> None:
    drawn = draw_series(change=plant, implicit=implicit)
    assert leaks(b"".join(file.read_bytes() for file in drawn.files)) == list(PLANTED)
    report = ingest_folder(line, drawn.folder, "clinic-ct", key=KEY)
    assert leaks(line.everything()) == []
    assert report.deidentified["remove private"] == 3 * 6


@pytest.mark.parametrize("implicit", [False, True])
def test_no_planted_value_stays_in_a_cleaned_instance(draw_series: Any, implicit: bool) -> None:
    drawn = draw_series(change=plant, count=1, implicit=implicit)
    source = dcmread(drawn.files[0])
    output = io.BytesIO()
    Deidentifier(load_profile(), Pseudonyms(KEY, "p")).clean_instance(source).save_as(output, enforce_file_format=True)
    assert leaks(output.getvalue()) == []
    again = dcmread(io.BytesIO(output.getvalue()))
    assert again.preamble == b"\0" * 128 and again.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID
    assert (again.pixel_array == source.pixel_array).all()


def canaries() -> Dataset:
    filled = Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        if vr in TEXT_VRS and tag >> 16 > 0x0002:
            filled[tag] = DataElement(tag, vr, CANARY, validation_mode=0)
        elif vr == "UI" and tag >> 16 > 0x0002:
            filled[tag] = DataElement(tag, vr, "1.2.3.44.555.6666", validation_mode=0)
    return filled


@pytest.mark.filterwarnings("ignore")
def test_a_canary_in_every_text_of_the_dictionary_dies_at_two_depths() -> None:
    top, item = canaries(), canaries()
    for tag, (vr, *_) in DicomDictionary.items():
        if vr == "SQ":
            top[tag] = DataElement(tag, "SQ", Sequence([item]))
    cleaned = Deidentifier(load_profile(), Pseudonyms(KEY, "p")).clean(top).to_json()
    assert CANARY not in cleaned and "1.2.3.44.555.6666" not in cleaned
    assert len(top) > 3000


def cleaned(key: bytes = KEY, patient: str = "p", **elements: Any) -> Dataset:
    source = Dataset()
    source.SOPClassUID = CTImageStorage
    for keyword, value in elements.items():
        setattr(source, keyword, value)
    return Deidentifier(load_profile(), Pseudonyms(key, patient)).clean(source)


def test_every_instance_is_marked_with_the_profile() -> None:
    marked = cleaned()
    assert marked.PatientIdentityRemoved == "YES" and marked.LongitudinalTemporalInformationModified == "MODIFIED"
    assert marked.DeidentificationMethod[1] == f"sha256 {load_profile().digest[:48]}"
    codes = [item.CodeValue for item in marked.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113108"]


def test_intervals_between_dates_of_a_patient_stay() -> None:
    first, later = (cleaned(StudyDate=day).StudyDate for day in ("20190523", "20190601"))
    other = cleaned(StudyDate="20190523", patient="q").StudyDate
    days = [date.fromisoformat(day) for day in (first, later)]
    assert (days[1] - days[0]).days == 9
    assert "20190523" not in (first, other) and first != other


def test_references_still_point_to_their_instance() -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    result = cleaned(SOPInstanceUID="1.2.3.4", ReferencedImageSequence=[item])
    assert result.ReferencedImageSequence[0].ReferencedSOPInstanceUID == result.SOPInstanceUID
    assert result.SOPInstanceUID.startswith("2.25.") and len(result.SOPInstanceUID) <= 64


def test_pseudonyms_need_the_key_and_differ_between_patients() -> None:
    ids = {cleaned(key, patient, PatientID="x").PatientID for key in (KEY, b"j" * 32) for patient in ("p", "q")}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [
        ("PatientAge", "091Y", "090Y"), ("PatientAge", "053Y", "053Y"), ("PatientAge", "old", None),
        ("Manufacturer", "Siemens", "SIEMENS"), ("Manufacturer", "Dr Haddad", None),
        ("ConvolutionKernel", "B40f", "B40f"), ("ConvolutionKernel", "HADDAD", None),
        ("InstanceNumber", "17", 17), ("InstanceNumber", "19610412", None), ("PatientSex", "F", "F"),
        ("StudyDate", "20191399", None), ("StudyTime", "120000", ""), ("PatientBirthDate", "19610412", ""),
        ("ImageType", ["ORIGINAL", "Haddad", "AXIAL"], ["ORIGINAL", "AXIAL"]), ("SOPClassUID", "1.2.3.4", None),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_values_stay_only_as_the_rule_says(keyword: str, value: Any, kept: Any) -> None:
    source = Dataset()
    source.SOPClassUID = CTImageStorage
    source[keyword] = DataElement(keyword, dictionary_VR(keyword), value, validation_mode=0)
    result = Deidentifier(load_profile(), Pseudonyms(KEY, "p")).clean(source)
    assert result.get(keyword) == kept


def test_an_unlisted_element_is_removed_whatever_it_is() -> None:
    assert len(cleaned(InstitutionName="St Elsewhere", DeviceSerialNumber="7", StationName="CT2")) == 4
