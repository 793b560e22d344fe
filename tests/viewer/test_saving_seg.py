"""A DICOM segmentation holds the voxels that were marked, in the right place, and nothing of the patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from marked import BOXES, CONTOURS, FINDINGS, GRID, LABELS, REGION, VALUES, errors_of, scan

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.contours import contour_labels, contours_to_mask
from workbench.viewer.mark_set import LabelSet, Marks
from workbench.viewer.marks import read_boxes
from workbench.viewer.saving import load_marks, save_marks
from workbench.viewer.saving_seg import box_to_mask
from workbench.viewer.shown_volume import as_shown


def saved(tmp_path: Path, marks: Marks, on: Any = None, **told: Any) -> Path:
    return save_marks(tmp_path / "marks.dcm", marks, on or scan(), kind="seg", **told)


def test_a_label_set_comes_back_voxel_for_voxel_with_its_numbers_and_names(tmp_path: Path) -> None:
    (labels,) = load_marks(saved(tmp_path, LABELS), scan()).labels
    assert np.array_equal(labels.read(GRID), VALUES)
    assert labels.names == {1: "left lung", 2: "right lung", 3: "label 3", 65535: "label 65535"}


def test_contours_with_a_hole_come_back_as_the_voxels_they_enclose(tmp_path: Path) -> None:
    (labels,) = load_marks(saved(tmp_path, Marks(contours=CONTOURS)), scan()).labels
    assert labels.names == {1: "tumour"}
    assert np.array_equal(labels.read(GRID) > 0, REGION)


def test_regions_that_overlap_come_back_apart(tmp_path: Path) -> None:
    marks = Marks(contours=CONTOURS, labels=LABELS.labels)
    first, second = load_marks(saved(tmp_path, marks), scan()).labels
    assert np.array_equal(first.read(GRID), VALUES)
    # The fifth segment of the file; 1, 2, 3 and 65535 are taken.
    assert second.names == {5: "tumour"}
    assert np.array_equal(second.read(GRID) == 5, REGION)


def test_boxes_become_voxels_only_when_asked_for(tmp_path: Path) -> None:
    (labels,) = load_marks(saved(tmp_path, Marks(BOXES), boxes_as_masks=True), scan()).labels
    assert list(labels.names.values()) == ["no: dule", "box 2"]
    assert np.array_equal(labels.read(GRID) == 1, box_to_mask(BOXES[0], GRID))


def test_a_box_holds_the_voxels_whose_centres_lie_in_it() -> None:
    grid = Geometry((10, 10, 10), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    (box,) = read_boxes([{"centre_mm": (4.5, 4.5, 9.0), "size_mm": (4, 2, 6)}], grid)
    mask = box_to_mask(box, grid)
    # z from 6 to 12 mm: slices 3, 4, 5; y 3.5 to 5.5: 4, 5; x 2.5 to 6.5: 3 to 6.
    assert mask.sum() == 3 * 2 * 4
    assert mask[3:6, 4:6, 3:7].all()


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "OT"])
def test_the_standards_checker_finds_no_error(tmp_path: Path, modality: str) -> None:
    on = scan(modality=modality)
    assert errors_of(saved(tmp_path, Marks(contours=CONTOURS, labels=LABELS.labels), on)) == []


def test_frames_lie_where_the_slices_do_in_the_patient(tmp_path: Path) -> None:
    made = pydicom.dcmread(saved(tmp_path, Marks(contours=CONTOURS)))
    shared, frames = made.SharedFunctionalGroupsSequence[0], made.PerFrameFunctionalGroupsSequence
    assert list(shared.PlaneOrientationSequence[0].ImageOrientationPatient) == [0.8, 0.6, 0, -0.6, 0.8, 0]
    assert list(shared.PixelMeasuresSequence[0].PixelSpacing) == [0.8, 0.7]
    found = sorted(list(frame.PlanePositionSequence[0].ImagePositionPatient) for frame in frames)
    # Slices 2 and 3 of 2.5 mm above the first voxel.
    assert found == [[-30.0, -20.0, 105.5], [-30.0, -20.0, 108.0]]


def test_other_programs_read_the_same_voxels(tmp_path: Path) -> None:
    import highdicom

    made = highdicom.seg.segread(saved(tmp_path, Marks(contours=CONTOURS)))
    volume = made.get_volume(combine_segments=True)
    index = volume.map_reference_to_indices(GRID.to_patient_mm(np.argwhere(REGION)), round_output=True)
    assert volume.array[tuple(index.T)].all()
    assert volume.array.sum() == REGION.sum()
    assert made.get_segment_description(1).segment_label == "tumour"


def test_uids_follow_from_version_and_scan_and_tell_nothing_of_the_patient(tmp_path: Path) -> None:
    first, second = (saved(tmp_path / name, LABELS, scan(version=name)) for name in made_folders(tmp_path, "v1", "v2"))
    one, two = pydicom.dcmread(first), pydicom.dcmread(second)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert one[keyword].value.startswith("2.25.")
        assert one[keyword].value != two[keyword].value
    assert (one.PatientID, one.PatientBirthDate, one.PatientIdentityRemoved) == ("chest-ct S0001", "", "YES")
    dates = {str(element.value) for element in one.iterall() if element.VR in ("DA", "DT")}
    assert dates <= {"", "19000101"}


def made_folders(tmp_path: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (tmp_path / name).mkdir()
    return names


def test_marks_of_one_scan_belong_to_one_study_and_frame_of_reference(tmp_path: Path) -> None:
    seg = pydicom.dcmread(saved(tmp_path, Marks(contours=CONTOURS)))
    sr = pydicom.dcmread(save_marks(tmp_path / "sr.dcm", FINDINGS, scan(), kind="sr"))
    assert seg.StudyInstanceUID == sr.StudyInstanceUID
    places = [element.value for element in sr.iterall() if element.keyword == "ReferencedFrameOfReferenceUID"]
    assert set(places) == {seg.FrameOfReferenceUID}


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((6, 20, 31), np.uint8), "resample them"),
        (np.zeros(GRID.shape), "whole numbers"),
        (np.full(GRID.shape, -1), "whole numbers"),
        (np.full(GRID.shape, 65_536), "from 0 to 65535"),
        (np.zeros(GRID.shape, np.uint8), "no voxel"),
    ],
)
def test_labels_that_are_none_are_refused(tmp_path: Path, array: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        saved(tmp_path, Marks(labels=(LabelSet("bad", array),)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tumour\\left", "a" * 200, "=x^y", "\n", "größer"])
def test_any_name_of_a_region_makes_a_file_without_errors(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, Marks(labels=(LabelSet("set", REGION, {1: name}),)))
    assert errors_of(path) == []
    assert load_marks(path, scan()).labels[0].names[1]


def test_a_segmentation_of_another_grid_is_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path, LABELS)
    made = pydicom.dcmread(path)
    made.Manufacturer = "Another"
    made.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = [0, 0, 0]
    made.save_as(path)
    with pytest.raises(InvalidInput, match="another grid"):
        load_marks(path, scan())


def test_a_cut_segmentation_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, LABELS)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InvalidInput, match="damaged"):
        load_marks(path, scan())


def test_real_segmentations_of_another_maker_are_read(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("dicom-seg-multiframe") / "segmentations" / "23x38x3"
    images = [pydicom.dcmread(path) for path in (folder / "image").iterdir()]
    corners = sorted([float(mm) for mm in image.ImagePositionPatient] for image in images)
    first, step = images[0], float(np.ptp([corner[2] for corner in corners]) / 2)
    rows_mm, columns_mm = (float(mm) for mm in first.PixelSpacing)
    x, y, z = min(corners, key=lambda corner: corner[2])
    grid = Geometry((3, first.Rows, first.Columns), (step, rows_mm, columns_mm), (x, y, z))
    found = load_marks(folder / "seg" / "label.seg", as_shown(np.zeros(grid.shape), geometry=grid)).labels
    assert found
    assert all(labels.read(grid).any() for labels in found)


def test_every_region_of_the_lung_case_comes_back_voxel_for_voxel(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    grid = Geometry((107, 512, 512), (3.0, 0.977, 0.977), (-250.112, -250.112, -305.9))
    on = as_shown(np.zeros(grid.shape, np.int8), geometry=grid, modality="CT")
    marks = load_marks(shared_data("ct-lung1-003") / "data/dcms/LUNG1-003_20180209_CT/1.dcm", on)
    kept = Marks(contours=tuple(mark for mark in marks.contours if mark.label.startswith("GTV")))
    (labels,) = load_marks(saved(tmp_path, kept, on), on).labels
    assert contour_labels(kept.contours) == ["GTV-1", "GTV-2", "GTV-3"]
    for value, name in labels.names.items():
        assert np.array_equal(labels.read(grid) == value, contours_to_mask(marks.contours, grid, name))
