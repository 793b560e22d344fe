"""Phantoms as DICOM: a complete CT series, pixels and grid exact, full of names that must not get through."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from workbench.errors import InvalidInput
from workbench.imaging.phantom import Phantom, make_phantom
from workbench.ingest.phantom_series import phantom_plan, write_series

# PS3.3 A.3: the type 1 and 2 elements of Patient, Study, Series, Frame of Reference, Equipment, Image, CT Image, SOP.
REQUIRED = (
    "PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyDate StudyTime ReferringPhysicianName "
    "StudyID AccessionNumber Modality SeriesInstanceUID SeriesNumber FrameOfReferenceUID PositionReferenceIndicator "
    "Manufacturer InstanceNumber ImageType PixelSpacing ImageOrientationPatient ImagePositionPatient SliceThickness "
    "SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation "
    "RescaleIntercept RescaleSlope KVP AcquisitionNumber SOPClassUID SOPInstanceUID PatientPosition PixelData"
).split()


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(5, size=96)


@pytest.fixture(scope="module")
def slices(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    folder = write_series(phantom, tmp_path_factory.mktemp("series"))
    return [dcmread(file) for file in sorted(folder.iterdir())]


def test_every_slice_has_what_a_ct_image_must_have(slices: list[Dataset]):
    assert [name for one in slices for name in REQUIRED if name not in one] == []
    assert {one.file_meta.TransferSyntaxUID.name for one in slices} == {"Explicit VR Little Endian"}
    assert all(one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID for one in slices)


def test_pixels_and_grid_come_back_exactly(phantom: Phantom, slices: list[Dataset]):
    ordered = sorted(slices, key=lambda one: float(one.ImagePositionPatient[2]))
    hu = np.stack([one.pixel_array.astype(int) * int(one.RescaleSlope) + int(one.RescaleIntercept) for one in ordered])
    assert np.array_equal(hu, phantom.hu)
    first, second = (np.array(one.ImagePositionPatient, float) for one in ordered[:2])
    assert first == pytest.approx(phantom.geometry.origin_mm, abs=1e-3)
    spacing = (second[2] - first[2], *(float(value) for value in ordered[0].PixelSpacing))
    assert spacing == pytest.approx(phantom.geometry.spacing_mm, abs=1e-4)


def test_file_names_tell_nothing_about_the_order(slices: list[Dataset]):
    heights = [float(one.ImagePositionPatient[2]) for one in slices]
    assert heights != sorted(heights) and heights != sorted(heights, reverse=True)


def test_instances_are_distinct_and_of_one_series(slices: list[Dataset]):
    assert len({one.SOPInstanceUID for one in slices}) == len(slices)
    assert len({(one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID) for one in slices}) == 1


def test_the_name_hides_in_nested_private_and_free_text(phantom: Phantom, slices: list[Dataset]):
    surname = phantom.identity.name.split("^")[0]
    assert surname in str(slices[0].RequestAttributesSequence[0].RequestedProcedureDescription)
    assert surname in slices[0].PatientComments
    assert any(surname in str(element) for element in slices[0] if element.tag.is_private)
    assert phantom.identity.birth_date in slices[0].RequestAttributesSequence[0].ReasonForTheRequestedProcedure


def test_the_age_agrees_with_the_dates(phantom: Phantom):
    who = phantom.identity
    years = int(who.study_date[:4]) - int(who.birth_date[:4]) - (who.study_date[4:] < who.birth_date[4:])
    assert years == who.age


def test_files_are_written_fast(tmp_path: Path, phantom: Phantom):
    start = time.process_time()
    write_series(phantom, tmp_path)
    assert len(phantom.hu) / (time.process_time() - start) > 75  # measured 340; the machine may be shared


def test_the_same_phantom_gives_the_same_files(tmp_path: Path, phantom: Phantom):
    one, other = write_series(phantom, tmp_path / "a"), write_series(phantom, tmp_path / "b")
    assert all(file.read_bytes() == (other / file.name).read_bytes() for file in one.iterdir())


def test_a_series_is_not_written_over_another(tmp_path: Path, phantom: Phantom):
    write_series(phantom, tmp_path)
    with pytest.raises(InvalidInput, match="already holds files"):
        write_series(phantom, tmp_path)


def test_the_plan_shares_no_phantom_between_splits_or_seeds():
    plans = phantom_plan(0) + phantom_plan(1)
    assert len({seed for _, seed in plans}) == len(plans) == 96
    assert [sum(split == name for split, _ in phantom_plan(0)) for name in
            ("train", "validation", "public_test", "final_test")] == [24, 8, 8, 8]  # fmt: skip


def test_a_negative_plan_is_refused():
    with pytest.raises(InvalidInput, match="from 0 on"):
        phantom_plan(-1)
