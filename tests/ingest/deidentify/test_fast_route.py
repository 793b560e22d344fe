"""Both routes give equal files, whatever is drawn; what is unusual is left to pydicom."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from workbench.ingest.deidentify.cleaner import Deidentifier
from workbench.ingest.deidentify.fast_route import READ_ERRORS, FastRoute
from workbench.ingest.deidentify.plain_file import take_apart
from workbench.ingest.deidentify.profile import load_profile
from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.silence import silent_pydicom

KEY = b"k" * 32
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
Change = Callable[[FileDataset], object]


def drawn(change: Change = lambda one: None, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, syntax
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.1")
    one = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    one.set_original_encoding(None, None)
    one.SOPClassUID, one.SOPInstanceUID, one.SeriesInstanceUID = CTImageStorage, "1.2.3.4.1", "1.2.3.4"
    one.StudyInstanceUID, one.PatientID, one.PatientName = "1.2.3", "MRN-5550199", "Okonkwo^Adaeze"
    one.StudyDate, one.Modality, one.ImageType = "20190523", "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    one.StudyDescription, one.InstanceNumber, one.KVP = "CT Thorax", "7", "120"
    one.Rows = one.Columns = 4
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
    one.ImagePositionPatient, one.SmallestImagePixelValue = [-1.5, 2, 3e-2], 7
    one["SmallestImagePixelValue"].VR = "US"
    one.PixelData = np.arange(16, dtype="<u2").tobytes()
    one["PixelData"].VR = "OW"
    output = io.BytesIO()
    with silent_pydicom():
        change(one)
        one.save_as(output, enforce_file_format=True)
    return output.getvalue()


def cleaner() -> Deidentifier:
    return Deidentifier(load_profile(), Pseudonyms(KEY, "p"))


def slowly(content: bytes, by: Deidentifier | None = None) -> bytes:
    output = io.BytesIO()
    (by or cleaner()).clean_instance(dcmread(io.BytesIO(content))).save_as(output, enforce_file_format=True)
    return output.getvalue()


def item(**elements: Any) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def plant_private(one: FileDataset) -> None:
    block = one.private_block(0x0019, "SIEMENS CT VA0", create=True)
    block.add_new(0x10, "LO", "Okonkwo")
    block.add_new(0x11, "OB", b"Adaeze")
    one.add_new(0x00291010, "UN", b"no creator")


def plant_nested(one: FileDataset, *, is_undefined: bool) -> None:
    code = item(CodeValue="121327", CodingSchemeDesignator="DCM", CodeMeaning="Okonkwo")
    source = item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID="1.2.3.9", PatientName="Okonkwo")
    source.PurposeOfReferenceCodeSequence = [code]
    one.SourceImageSequence, one.ReferencedImageSequence = [source, source], [source]
    for holder in (one, source):
        for element in holder:
            element.is_undefined_length = element.VR == "SQ" and is_undefined
    source.is_undefined_length_sequence_item = code.is_undefined_length_sequence_item = is_undefined


def set_text(charset: Any, name: str) -> Change:
    def change(one: FileDataset) -> None:
        one.SpecificCharacterSet, one.PatientName, one.StudyDescription = charset, name, f"CT Thorax {name}"
        one.SourceImageSequence = [item(ReferencedSOPInstanceUID="1.2.9", PatientComments=name)]

    return change


def put(tag: int, vr: str, value: Any) -> Change:
    def change(one: FileDataset) -> None:
        one[tag] = DataElement(tag, vr, value, validation_mode=0)

    return change


VARIANTS: dict[str, Change] = {
    "as a scanner writes it": lambda one: None,
    "private": plant_private,
    "nested, defined": lambda one: plant_nested(one, is_undefined=False),
    "nested, undefined": lambda one: plant_nested(one, is_undefined=True),
    "latin 1": set_text("ISO_IR 100", "Müller^Jürgen"),
    "utf-8": set_text("ISO_IR 192", "Wójcik^Łucja"),
    "japanese": set_text(["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    "unknown character set": set_text("ISO_IR 999", "Okonkwo"),
    "empty values": put(0x00081030, "LO", ""),
    "many values": put(0x00080008, "CS", ["ORIGINAL", "Haddad", "AXIAL"] * 9),
    "odd text": put(0x00081030, "LO", "CTs"),
    "wrong date": put(0x00080020, "DA", "yesterday"),
    "wrong number": put(0x00200013, "LO", "nineteen"),
    "wrong VR": put(0x00280010, "LO", "Okonkwo"),
    "unknown VR": put(0x00180060, "UN", b"120 "),
    "long text": put(0x00081030, "UT", "thorax " * 2000),
    "old mark": put(0x00120062, "CS", "NO"),
    "overlay and curve": put(0x60003000, "OW", b"Okonkwo Adaeze  "),
    "padding": put(0xFFFCFFFC, "OB", b"Okonkwo Adaeze  "),
    "signed": put(0x00280103, "US", 1),
    "no pixels": lambda one: one.pop("PixelData"),
    "known UID": put(0x0020000E, "UI", "1.2.840.10008.1.1"),
    "other class": put(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4"),
}


@pytest.mark.parametrize("syntax", PLAIN)
@pytest.mark.parametrize("name", VARIANTS)
def test_both_routes_give_equal_bytes(name: str, syntax: UID) -> None:
    content = drawn(VARIANTS[name], syntax)
    with silent_pydicom():
        fast = FastRoute(cleaner()).clean(content)
        assert fast is not None and fast == slowly(content)


@pytest.mark.parametrize("syntax", PLAIN)
def test_memory_of_other_slices_changes_nothing(syntax: UID) -> None:
    route = FastRoute(cleaner())
    contents = [drawn(change, syntax) for change in VARIANTS.values()]
    with silent_pydicom():
        for content in (*contents, *reversed(contents)):
            assert route.clean(content) == slowly(content)


@pytest.mark.parametrize("syntax", PLAIN)
@pytest.mark.parametrize("name", VARIANTS)
def test_both_routes_count_the_same(name: str, syntax: UID) -> None:
    content, by = drawn(VARIANTS[name], syntax), cleaner()
    route = FastRoute(cleaner())
    with silent_pydicom():
        slowly(content, by)
        for _ in range(2):
            plain = take_apart(content)
            result = route.clean_plain(plain) if plain is not None else None
            assert result is not None and result.counts == by.counts


LEFT_TO_PYDICOM: dict[str, bytes] = {
    "big endian": drawn(syntax=ExplicitVRBigEndian),
    "deflated": drawn(syntax=DeflatedExplicitVRLittleEndian),
    "encapsulated": drawn(lambda one: put(0x7FE00010, "OB", encapsulate([b"\0" * 66]))(one), RLELossless),
    "unsupported class": drawn(put(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.104.1")),
    "no class": drawn(lambda one: one.pop("SOPClassUID")),
    "not DICOM": b"PK\3\4" + bytes(500),
    "no meta information": drawn()[:132],
    "nothing": b"",
    "half a number at the end": drawn() + b"\0",
    "zeros at the end": drawn() + b"\0" * 64,
    "an element twice": drawn() + drawn(lambda one: one.pop("PixelData"))[-40:],
}


@pytest.mark.parametrize("name", LEFT_TO_PYDICOM)
def test_what_is_unusual_is_left_to_pydicom(name: str) -> None:
    with silent_pydicom():
        assert FastRoute(cleaner()).clean(LEFT_TO_PYDICOM[name]) is None


def test_an_odd_length_is_left_to_pydicom() -> None:
    content = drawn()
    at = content.index(b"DA\x08\x00") + 2
    odd = content[:at] + b"\x07\x00" + content[at + 2 : at + 9] + content[at + 10 :]
    assert FastRoute(cleaner()).clean(odd) is None


@pytest.mark.parametrize("syntax", PLAIN)
def test_a_file_cut_inside_an_element_is_left_to_pydicom(syntax: UID) -> None:
    content = drawn(lambda one: plant_nested(one, is_undefined=True), syntax)
    plain = take_apart(content)
    assert plain is not None
    ends = {element[4] for element in plain.elements}
    cut = [content[:length] for length in range(140, len(content), 3) if length not in ends]
    assert not any(FastRoute(cleaner()).clean(part) for part in cut)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutated_files_are_equal_on_both_routes_or_left_to_pydicom(data: st.DataObject) -> None:
    content = bytearray(MUTATED[data.draw(st.integers(0, len(MUTATED) - 1))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    with silent_pydicom():
        fast = FastRoute(cleaner()).clean(bytes(content))
        if fast is not None:
            assert fast == slowly(bytes(content))


MUTATED = [drawn(VARIANTS[name], syntax) for name in ("private", "nested, undefined", "japanese") for syntax in PLAIN]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
BY_VR = {
    **dict.fromkeys(("LO", "SH", "PN", "CS", "UI", "DS", "IS", "DA", "TM", "AS", "LT", "AE", "DT", "UC"), TEXTS),
    "US": st.integers(0, 65535), "SS": st.integers(-32768, 32767), "UL": st.integers(0, 2**32 - 1),
    "FD": st.floats(width=64), "FL": st.floats(width=32), "OB": st.binary(max_size=40), "UN": st.binary(max_size=40),
}  # fmt: skip
ALL_TAGS = sorted(tag for tag, (vr, *_) in DicomDictionary.items() if 0x00080000 <= tag < 0x7FE00000 and vr in BY_VR)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(ALL_TAGS), max_size=30), st.sampled_from(PLAIN), st.data())
def test_any_elements_are_equal_on_both_routes(tags: list[int], syntax: UID, data: st.DataObject) -> None:
    def change(one: FileDataset) -> None:
        one.SpecificCharacterSet = "ISO_IR 192"
        for tag in tags:
            vr = str(DicomDictionary[tag][0])
            put(tag, vr, data.draw(BY_VR[vr]))(one)
        one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, "1.2.3.4.1"

    try:
        content = drawn(change, syntax)
    except READ_ERRORS:
        return  # pydicom cannot write this one.
    with silent_pydicom():
        fast = FastRoute(cleaner()).clean(content)
        assert fast is None or fast == slowly(content)


@pytest.mark.parametrize("name", ["ct-lungdx-a0002", "dicom-odd", "phi-presidio"])
def test_real_files_are_equal_on_both_routes(shared_data: Any, name: str) -> None:
    route, by, equal = FastRoute(cleaner()), cleaner(), 0
    with silent_pydicom():
        for path in sorted(Path(shared_data(name)).rglob("*")):
            content = path.read_bytes() if path.is_file() else b""
            fast = route.clean(content)
            if fast is not None:
                assert fast == slowly(content, by)
                equal += 1
    assert equal
