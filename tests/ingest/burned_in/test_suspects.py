"""Everything that may be a picture of something is looked at; plain cross-sections are not."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from workbench.ingest.burned_in import may_carry_text

CT, MR, PET = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2", "4", "128"))
PICTURES = ("7", "7.2", "6.1", "3.1", "1", "1.1", "1.2", "12.1", "20", "77.1.4")


def header(sop_class: str, kind: str = "ORIGINAL\\PRIMARY\\AXIAL", **more: object) -> Dataset:
    one = Dataset()
    one.SOPClassUID, one.ImageType, one.Rows = sop_class, kind.split("\\"), 512
    one.PhotometricInterpretation = "MONOCHROME2"
    for name, value in more.items():
        setattr(one, name, value)
    return one


@pytest.mark.parametrize("sop_class", [CT, MR, PET])
def test_plain_cross_sections_are_not_suspects(sop_class: str) -> None:
    assert not may_carry_text(header(sop_class))


@pytest.mark.parametrize("tail", PICTURES)
def test_pictures_are_suspects_whatever_their_header_says(tail: str) -> None:
    assert may_carry_text(header(f"1.2.840.10008.5.1.4.1.1.{tail}", BurnedInAnnotation="NO"))


@pytest.mark.parametrize(
    "kind", ["ORIGINAL\\PRIMARY\\LOCALIZER", "DERIVED\\SECONDARY", "DERIVED\\PRIMARY\\SCREEN SAVE", "ORIGINAL"]
)
def test_a_localizer_or_secondary_cross_section_is_a_suspect(kind: str) -> None:
    assert may_carry_text(header(CT, kind))


def test_a_placed_reconstruction_is_not_a_suspect_for_being_secondary() -> None:
    placed = header(CT, "ORIGINAL\\SECONDARY\\AXIAL", ImagePositionPatient=[0, 0, 0], BitsStored=16)
    assert not may_carry_text(placed)
    placed.BitsStored = 8
    assert may_carry_text(placed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BurnedInAnnotation", "YES"),
        ("RecognizableVisualFeatures", "YES"),
        ("ConversionType", "WSD"),
        ("PhotometricInterpretation", "RGB"),
        ("ImageType", None),
    ],
)
def test_a_header_that_speaks_of_a_picture_makes_a_suspect(name: str, value: object) -> None:
    assert may_carry_text(header(MR, **{name: value}))


def test_segmentations_and_objects_without_pixels_are_no_suspects() -> None:
    assert not may_carry_text(header("1.2.840.10008.5.1.4.1.1.66.4"))
    structures = Dataset()
    structures.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    assert not may_carry_text(structures)


def test_both_real_samples_are_suspects(shared_data: object) -> None:
    files = sorted(shared_data("phi-presidio").rglob("*.dcm"))  # type: ignore[operator]
    assert np.all([may_carry_text(dcmread(path, stop_before_pixels=True)) for path in files])
