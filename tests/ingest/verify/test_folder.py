"""Honest output passes; every kind of leak is found, and named without its value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.ingest.conftest import SERIES, Drawn
from tests.ingest.verify.conftest import Cleaned, clean, identify
from workbench.errors import InvalidInput
from workbench.ingest.verify.folder import inspect_folder

NAMES = ("Okonkwo", "Adaeze", "5550199", "Lindenallee", "Grüber")


def test_honest_output_has_no_finding(cleaned: Cleaned) -> None:
    report = inspect_folder(cleaned.out, cleaned.source)
    assert report.findings == ()
    assert (report.files, report.source_files) == (4, 4)


def test_honest_output_of_the_basic_profile_has_no_finding(
    draw_series: Callable[..., Drawn], tmp_path: Path
) -> None:  # fmt: skip
    made = clean(draw_series(count=2, change=identify).folder, tmp_path / "out", "basic")
    assert made.check(profile="basic") == []


def test_output_of_another_profile_is_told_by_its_mark(cleaned: Cleaned) -> None:
    assert ("(0012,0063)", "mark-missing") in {(one.element, one.rule) for one in cleaned.check(profile="basic")}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "OKONKWO^ADAEZE"),
        ("PatientName", "adaeze okonkwo"),
        ("PatientID", "mrn-5550199"),
        ("PatientID", "0005550199"),
        ("AccessionNumber", "acc 77120455"),
        ("StudyDescription", "CHEST for Okonkwo"),
        ("SeriesDescription", "born 12 April 1961"),
        ("SeriesDescription", "12.04.1961"),
        ("ProtocolName", "call 030/5550199"),
        ("ImageComments", "seen by Joerg Grueber"),
        ("ImageComments", "GRÜBER"),
        ("StationName", "CTLINDEN2"),
        ("ImageComments", "from Rosenweg 3"),
        ("ImageComments", "Lindenallee Chest Clinic"),
    ],
)
def test_a_source_value_put_back_is_found(cleaned: Cleaned, keyword: str, value: str) -> None:
    cleaned.change(lambda one: setattr(one, keyword, value))
    found = [one for one in cleaned.check() if one.rule == "source-value"]
    assert [one.rule for one in found] == ["source-value"]
    assert value not in json.dumps([one.as_dict() for one in found], ensure_ascii=False)


def test_a_name_nested_three_deep_is_found_at_its_place(cleaned: Cleaned) -> None:
    def hide(one: Dataset) -> None:
        inner, middle, outer = Dataset(), Dataset(), Dataset()
        inner.PersonName = "Okonkwo^Adaeze"
        middle.ContentSequence = Sequence([inner])
        outer.ContentSequence = Sequence([Dataset(), middle])
        one.RequestAttributesSequence = Sequence([outer])

    cleaned.change(hide)
    where = "(0040,0275)[0].(0040,A730)[1].(0040,A730)[0].(0040,A123)"
    assert {(where, "source-value"), (where, "not-allowed")} <= cleaned.rules()


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-8", "latin-1"])
def test_a_name_is_found_in_every_encoding(cleaned: Cleaned, codec: str) -> None:
    cleaned.change(lambda one: one.add_new(0x00204000, "UT", "Jörg Grüber".encode(codec)))
    assert ("(0020,4000)", "source-value") in cleaned.rules()


def test_a_private_element_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: one.private_block(0x0029, "X", create=True).add_new(1, "LO", "harmless"))
    assert {("(0029,0010)", "not-allowed"), ("(0029,1001)", "not-allowed")} <= cleaned.rules()


def test_an_overlay_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: one.add_new(0x60003000, "OW", b"\1\0" * 8))
    assert ("(6000,3000)", "overlay") in cleaned.rules()


def test_words_outside_the_vocabulary_are_found_whoever_they_mean(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one, "SeriesDescription", "Mrs Somebody Else"))
    assert ("(0008,103E)", "value-not-allowed") in cleaned.rules()


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "FrameOfReferenceUID"])
def test_a_restored_uid_is_found(cleaned: Cleaned, keyword: str) -> None:
    cleaned.change(lambda one: setattr(one, keyword, {"SeriesInstanceUID": SERIES}.get(keyword, f"{SERIES}.0.2")))
    assert {"uid-source", "uid-inconsistent"} <= {rule for _, rule in cleaned.rules()}


def test_a_uid_that_became_two_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one, "StudyInstanceUID", "2.25.99"))
    assert cleaned.rules() == {("(0020,000D)", "uid-inconsistent")}


def test_a_reference_to_nothing_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one.ReferencedImageSequence[0], "ReferencedSOPInstanceUID", "2.25.99"))
    assert cleaned.rules() == {("(0008,1140)[0].(0008,1155)", "uid-unresolved")}


@pytest.mark.parametrize("day", ["20190523", "20010101"])
def test_a_date_that_is_not_shifted_like_the_others_is_found(cleaned: Cleaned, day: str) -> None:
    cleaned.change(lambda one: setattr(one, "SeriesDate", day))
    assert cleaned.rules() == {("(0008,0021)", "date-shift")}


def test_dates_that_are_all_unshifted_are_found(cleaned: Cleaned) -> None:
    dates = dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), "20190523")

    def restore(one: Dataset) -> None:
        for name, day in dates.items():
            setattr(one, name, day)

    for number in range(4):
        cleaned.change(restore, number)
    assert sum(one.rule == "date-shift" for one in cleaned.check()) == 16


def test_a_birth_date_is_found_even_when_shifted(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one, "PatientBirthDate", "19570101"))
    assert ("(0010,0030)", "date-shift") in cleaned.rules()


@pytest.mark.parametrize("tag", [0x00120062, 0x00120063, 0x00120064, 0x00280303])
def test_a_missing_mark_is_found(cleaned: Cleaned, tag: int) -> None:
    cleaned.change(lambda one: one.__delitem__(tag))
    assert (f"({tag >> 16:04X},{tag & 0xFFFF:04X})", "mark-missing") in cleaned.rules()


def test_a_mark_that_says_more_than_it_should_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: one[0x00120063].value.append("Okonkwo"))
    assert ("(0012,0063)", "mark-missing") in cleaned.rules()


def test_a_patient_with_two_pseudonyms_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one, "PatientID", "0123456789abcdef"))
    assert cleaned.rules() == {("(0010,0020)", "patient-inconsistent")}


def test_two_patients_with_one_pseudonym_are_found(draw_series: Callable[..., Drawn], tmp_path: Path) -> None:
    def second(one: Dataset, number: int) -> None:
        identify(one, number)
        one.PatientID, one.PatientName = ("A-778812", "Svensson^Ida") if number > 1 else ("B-990023", "Moreau^Luc")

    made = clean(draw_series(count=4, change=second).folder, tmp_path / "out")
    assert made.check() == []
    names = {path.parents[1].name for path in made.files}
    for number in range(4):
        made.change(lambda one: setattr(one, "PatientID", min(names)), number)
    assert ("(0010,0020)", "patient-inconsistent") in made.rules()


def test_changed_pixels_are_found(cleaned: Cleaned) -> None:
    def paint(one: Dataset) -> None:
        pixels = np.frombuffer(one.PixelData, "<u2").copy()
        pixels[7] ^= 1
        one.PixelData = pixels.tobytes()

    cleaned.change(paint)
    assert cleaned.rules() == {("pixels", "pixels-changed")}


def test_text_behind_the_pixels_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one, "PixelData", one.PixelData + b"Okonkwo^Adaeze  "))
    assert {("pixels", "padding"), ("pixels", "source-value")} <= cleaned.rules()


def test_text_inside_the_pixels_is_found(cleaned: Cleaned) -> None:
    cleaned.change(
        lambda one: setattr(one, "PixelData", one.PixelData[:100] + b"okonkwo^ADAEZE  " + one.PixelData[116:])
    )
    assert ("pixels", "source-value") in cleaned.rules()


@pytest.mark.parametrize(
    ("tamper", "finding"),
    [
        (lambda raw: b"Okonkwo Adaeze".ljust(128, b"\0") + raw[128:], ("preamble", "preamble")),
        (lambda raw: b"Okonkwo Adaeze".ljust(128, b"\0") + raw[128:], ("preamble", "source-value")),
        (lambda raw: raw + b"Okonkwo^Adaeze  ", ("content", "unparseable")),
        (lambda raw: raw + b"Okonkwo^Adaeze  ", ("content", "source-value")),
        (lambda raw: raw + b"\0" * 64, ("padding", "trailing-bytes")),
        (lambda raw: raw[:-40], ("content", "unparseable")),
        (lambda raw: raw + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd", ("(FFFC,FFFC)", "padding")),
        (lambda raw: b"Okonkwo", ("content", "not-dicom")),
        (lambda raw: b"", ("content", "not-dicom")),
    ],
)  # fmt: skip
def test_dirty_bytes_are_found(cleaned: Cleaned, tamper: Callable[[bytes], bytes], finding: tuple[str, str]) -> None:
    cleaned.change_bytes(tamper)
    assert finding in cleaned.rules()


def test_a_sender_in_the_file_meta_is_found(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: setattr(one.file_meta, "SourceApplicationEntityTitle", "CTLINDEN2"))
    assert {("file meta", "not-allowed"), ("file meta", "source-value")} <= cleaned.rules()


def test_a_group_length_is_found(cleaned: Cleaned) -> None:
    def add(raw: bytes) -> bytes:
        at = raw.index(b"\x08\0\x05\0CS")
        return raw[:at] + b"\x08\0\0\0UL\4\0\0\0\0\0" + raw[at:]

    cleaned.change_bytes(add)
    assert ("(0008,0000)", "group-length") in cleaned.rules()


@pytest.mark.parametrize("name", ["okonkwo_adaeze.dcm", "MRN5550199.dcm", "20190523/a.dcm", "Lindenallee/a.dcm"])
def test_names_of_files_and_folders_are_searched(cleaned: Cleaned, name: str) -> None:
    target = cleaned.out / name
    target.parent.mkdir(exist_ok=True)
    cleaned.files[0].rename(target)
    element = "path" if "/" in name else "name"
    assert [(one.element, one.rule) for one in cleaned.check()] == [(element, "source-value")]


def test_a_file_without_a_source_is_found(cleaned: Cleaned) -> None:
    def change(one: Dataset) -> None:
        one.Rows, one.Columns, one.PixelData = 2, 2, b"\0" * 8

    cleaned.change(change)
    assert ("file", "no-source") in cleaned.rules()


def test_fewer_outputs_than_sources_are_a_note(cleaned: Cleaned) -> None:
    cleaned.files[1].unlink()
    report = inspect_folder(cleaned.out, cleaned.source)
    assert report.findings == ()
    assert "1 instance of the source has no output" in report.notes[0]


def test_findings_never_hold_a_value(cleaned: Cleaned) -> None:
    cleaned.change(lambda one: one.update({"PatientName": "Okonkwo^Adaeze", "ImageComments": "Grüber, 5550199"}))
    said = json.dumps([one.as_dict() for one in cleaned.check()], ensure_ascii=False)
    assert not any(name in said for name in NAMES)


def test_a_missing_folder_is_refused(cleaned: Cleaned) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        inspect_folder(cleaned.out / "nothing", cleaned.source)
