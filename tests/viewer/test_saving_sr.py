"""A DICOM structured report holds every finding in its place, and gives it back."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from marked import BOXES, CANDIDATES, FINDINGS, GRID, MEASUREMENTS, STATISTICS, at, errors_of, scan

from workbench.errors import InvalidInput
from workbench.viewer.contours import contours_to_mask
from workbench.viewer.mark_set import Marks
from workbench.viewer.saving import load_marks, save_marks
from workbench.viewer.shown_volume import as_shown


def saved(tmp_path: Path, marks: Marks = FINDINGS) -> Path:
    return save_marks(tmp_path / "marks.dcm", marks, scan(), kind="sr")


def test_boxes_come_back_with_sides_and_labels(tmp_path: Path) -> None:
    boxes = load_marks(saved(tmp_path), scan()).boxes
    assert [(box.size_mm, box.label) for box in boxes] == [(box.size_mm, box.label) for box in BOXES]
    for found, given in zip(boxes, BOXES, strict=True):
        assert found.centre_mm == pytest.approx(given.centre_mm, abs=1e-3)


def test_contours_come_back_around_the_same_voxels(tmp_path: Path) -> None:
    found = load_marks(saved(tmp_path), scan()).contours
    assert [(mark.label, mark.plane) for mark in found] == [("tumour", "axial")] * 4
    assert np.array_equal(contours_to_mask(found, GRID), contours_to_mask(FINDINGS.contours, GRID))


def test_measurements_come_back_with_points_numbers_and_statistics(tmp_path: Path) -> None:
    found = load_marks(saved(tmp_path), scan()).measurements
    for one, given in zip(found, MEASUREMENTS, strict=True):
        assert {**one, "points_mm": None} == {**given, "points_mm": None}
        low, high = np.sort(GRID.to_index(one["points_mm"]), axis=0), np.sort(GRID.to_index(given["points_mm"]), axis=0)
        assert low == pytest.approx(high, abs=1e-3)


def test_candidates_come_back_in_order_with_score_and_verdict(tmp_path: Path) -> None:
    again = load_marks(saved(tmp_path), scan())
    assert again.candidates == CANDIDATES
    assert again.judgements == FINDINGS.judgements


def test_the_standards_checker_finds_no_error(tmp_path: Path) -> None:
    assert errors_of(saved(tmp_path)) == []


def test_other_programs_read_places_in_the_patient_and_numbers_with_units(tmp_path: Path) -> None:
    content = highdicom.sr.srread(saved(tmp_path)).content
    (ellipse,) = (
        group for group in content.get_planar_roi_measurement_groups()
        if group.roi.graphic_type == highdicom.sr.GraphicTypeValues3D.ELLIPSE
    )  # fmt: skip
    # Axes of 8 columns and 4 rows: the longer one first, each by its two ends.
    assert ellipse.roi.value == pytest.approx(np.array([at(3, 3, 1), at(3, 3, 9), at(3, 1, 5), at(3, 5, 5)]), abs=1e-3)
    told = {(one.derivation.meaning if one.derivation else one.name.meaning): one for one in ellipse.get_measurements()}
    assert told["Mean"].value == STATISTICS["mean"]
    assert told["Mean"].unit.meaning == "Hounsfield unit"
    assert told["Area"].value == STATISTICS["area_mm2"]


def test_a_box_is_two_faces_along_the_slanted_grid(tmp_path: Path) -> None:
    content = highdicom.sr.srread(saved(tmp_path, Marks(BOXES[:1]))).content
    (group,) = content.get_volumetric_roi_measurement_groups()
    places = np.concatenate(group.roi.graphic_data)
    low, high = BOXES[0].index_limits(GRID)
    index = GRID.to_index(places)
    assert index.min(axis=0) == pytest.approx(low, abs=1e-3)
    assert index.max(axis=0) == pytest.approx(high, abs=1e-3)


def test_values_in_any_unit_are_told(tmp_path: Path) -> None:
    one = {**MEASUREMENTS[2], "unit": "kBq/ml of tissue"}
    path = save_marks(tmp_path / "marks.dcm", Marks(measurements=(one,)), scan(unit="kBq/ml of tissue"), kind="sr")
    assert errors_of(path) == []
    (found,) = load_marks(path, scan(unit="kBq/ml of tissue")).measurements
    assert (found["value"], found["unit"]) == (-40.25, "kBq/ml of tissue")


def test_a_report_of_an_array_is_read_for_the_same_array(tmp_path: Path) -> None:
    on = as_shown(np.zeros(GRID.shape), geometry=GRID, title="prediction")
    path = save_marks(tmp_path / "marks.dcm", Marks(BOXES), on)
    assert len(load_marks(path, on).boxes) == 2
    with pytest.raises(InvalidInput, match="another scan"):
        load_marks(path, as_shown(np.zeros(GRID.shape), geometry=GRID, title="another"))


def test_a_report_of_another_program_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    made = pydicom.dcmread(path)
    for element in made.iterall():
        if element.keyword == "CodingSchemeDesignator" and element.value == "99AI4HWB":
            element.value = "99OTHER"
    made.save_as(path)
    with pytest.raises(InvalidInput, match="another program"):
        load_marks(path, scan())


def test_a_damaged_report_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    made = pydicom.dcmread(path)
    del made.ContentSequence
    made.save_as(path)
    with pytest.raises(InvalidInput, match="damaged"):
        load_marks(path, scan())
