"""Contours become voxels of the scan's own grid, slice by slice, or the structure set is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from label_drawing import GRID, TILTED, Files, Scan, square, structure_set
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.labels.rtstruct import CONTOUR_DATA
from workbench.ingest.labels.sources import read_labels

BOX = square((4.5, 5.5), (9.5, 12.5))


def read(files: Files, scan: Scan, *args: Any, **options: Any) -> tuple[list[LabelSet], list[str], list[str]]:
    """Give label sets, codes of refusals, and reasons of what was ignored."""
    found, refusals, ignored = read_labels([files.save(structure_set(*args, **options))], [scan])
    assert all(uid == scan.uid for uid, _ in found)
    return [labels for _, labels in found], [each.code for each in refusals], [each["reason"] for each in ignored]


def first_contour(one: Dataset) -> Dataset:
    contour: Dataset = one.ROIContourSequence[0].ContourSequence[0]
    return contour


@pytest.mark.parametrize("grid", [GRID, TILTED], ids=["upright", "oblique"])
def test_contours_mark_the_voxels_they_enclose(files: Files, grid: Any) -> None:
    ((labels,), refused, _) = read(files, Scan(grid), {"GTV-1": [(1, BOX), (2, BOX)]}, grid)
    assert refused == []
    expected = np.zeros(grid.shape, dtype=bool)
    expected[1:3, 5:10, 6:13] = True
    assert np.array_equal(labels.array > 0, expected)
    # 2 slices × 5 rows × 7 columns of 2.5 × 0.75 × 0.5 mm
    told = {"value": 1, "label": "GTV-1", "code": None, "kind": "GTV", "voxels": 70, "volume_ml": 0.065625}
    assert labels.segments == (told,)


def test_holes_islands_and_several_contours_of_a_slice(files: Files, scan: Scan) -> None:
    hole, island = square((6.5, 7.5), (8.5, 10.5)), square((12.5, 1.5), (14.5, 3.5))
    ((labels,), _, _) = read(files, scan, {"GTV": [(3, BOX), (3, hole), (3, island)]})
    assert labels.segments[0]["voxels"] == 35 - 6 + 4
    assert not labels.array[3, 7:9, 8:11].any()


def test_overlapping_regions_lie_in_layers_and_keep_their_values(files: Files, scan: Scan) -> None:
    wide = square((1.5, 1.5), (15.5, 15.5))
    sets, _, _ = read(files, scan, {"PTV": [(2, wide)], "GTV": [(2, BOX)], "Heart": [(4, BOX)]})
    assert [labels.name for labels in sets] == ["rtstruct-1", "rtstruct-1-layer-2"]
    assert [[s["label"] for s in labels.segments] for labels in sets] == [["GTV", "Heart"], ["PTV"]]
    assert [np.unique(labels.array).tolist() for labels in sets] == [[0, 2, 3], [0, 1]]
    assert sets[1].segments[0]["voxels"] == 14 * 14


def test_contour_stored_twice_does_not_cancel_out(files: Files, scan: Scan) -> None:
    ((labels,), _, _) = read(files, scan, {"GTV": [(3, BOX), (3, BOX)]})
    assert labels.segments[0]["voxels"] == 35
    assert labels.notes == ("Contours stored twice were taken once: GTV.",)


def test_closing_point_written_twice_changes_nothing(files: Files, scan: Scan) -> None:
    ((labels,), _, _) = read(files, scan, {"GTV": [(3, [*BOX, BOX[0]])]})
    assert labels.segments[0]["voxels"] == 35


def test_contours_between_slices_go_to_the_nearest_and_that_is_said(files: Files, scan: Scan) -> None:
    ((labels,), _, _) = read(files, scan, {"GTV": [(2.3, BOX), (2.85, BOX), (3.2, square((0.5, 0.5), (2.5, 2.5)))]})
    assert np.count_nonzero(labels.array, axis=(1, 2)).tolist() == [0, 0, 35, 35, 0, 0]
    assert any("nearest slice" in note for note in labels.notes)
    assert any("only the nearest was taken" in note for note in labels.notes)


def test_region_drawn_on_every_other_slice_says_so(files: Files, scan: Scan) -> None:
    ((labels,), _, _) = read(files, scan, {"GTV": [(0, BOX), (2, BOX), (4, BOX)]})
    assert labels.notes == ("Drawn on one slice in 2; those between stay empty: GTV.",)
    assert np.count_nonzero(labels.array, axis=(1, 2)).tolist() == [35, 0, 35, 0, 35, 0]


def test_points_and_open_lines_are_left_out_by_name(files: Files, scan: Scan) -> None:
    def change(one: Dataset) -> None:
        for number, kind in enumerate(("POINT", "OPEN_PLANAR")):
            one.ROIContourSequence[number].ContourSequence[0].ContourGeometricType = kind

    ((labels,), _, _) = read(files, scan, {"Isocenter": [(1, BOX)], "Mrs Okonkwo": [(1, BOX)], "GTV": [(1, BOX)]},
                             change=change)  # fmt: skip
    assert [segment["label"] for segment in labels.segments] == ["GTV"]
    assert any("POINT" in note and "Isocenter" in note for note in labels.notes)
    assert any("OPEN_PLANAR" in note and "ROI 2" in note for note in labels.notes)


def test_contours_without_area_are_left_out_and_named(files: Files, scan: Scan) -> None:
    line = [(2.0, 2.0), (5.0, 5.0), (8.0, 8.0), (2.0, 2.0)]
    ((labels,), _, _) = read(files, scan, {"GTV": [(1, line), (2, BOX)]})
    assert labels.notes == ("Contours without area were left out: GTV.",)
    assert labels.segments[0]["voxels"] == 35


def test_structure_set_without_a_region_is_ignored_by_name(files: Files, scan: Scan) -> None:
    sets, refused, ignored = read(files, scan, {"GTV": []})
    assert (sets, refused) == ([], [])
    assert "no region" in ignored[0]


def test_what_reaches_over_the_edge_is_cut_and_named(files: Files, scan: Scan) -> None:
    ((labels,), _, _) = read(files, scan, {"Patient": [(1, square((-9, -9), (99, 99)))]})
    assert labels.segments[0]["voxels"] == 20 * 24
    assert labels.notes == ("Cut at the edge of the images: Patient.",)


@pytest.mark.parametrize(("contours", "code"), [
    ([(6.2, BOX)], "label-outside"), ([(-1, BOX)], "label-outside"), ([(400, BOX)], "label-outside"),
    ([(2, square((30, 30), (40, 40)))], "label-outside"), ([(2, square((-40, 2), (-30, 9)))], "label-outside"),
    ([(2, square((1e7, 1e7), (2e7, 2e7)))], "label-outside"), ([(2.5, BOX)], "label-grid"),
])  # fmt: skip
def test_contours_off_the_images_are_refused(files: Files, scan: Scan, contours: Any, code: str) -> None:
    assert read(files, scan, {"GTV": [(1, BOX), *contours]})[:2] == ([], [code])


def test_contours_across_the_slices_are_refused(files: Files, scan: Scan) -> None:
    def change(one: Dataset) -> None:
        upright = GRID.to_patient_mm(np.array([(0, 5, 5), (0, 5, 9), (3, 5, 9), (3, 5, 5)]))
        first_contour(one).ContourData = [f"{n:.4f}" for n in upright.ravel()]

    assert read(files, scan, {"GTV": [(1, BOX)]}, change=change)[1] == ["label-grid"]


@pytest.mark.parametrize("text", ["nan\\1\\2", "inf\\1\\2\\1\\1\\1", "1\\2", "", "1\\2\\x", "1e999\\0\\0"])
def test_damaged_points_are_refused(files: Files, scan: Scan, text: str) -> None:
    def change(one: Dataset) -> None:
        del first_contour(one).NumberOfContourPoints
        first_contour(one)[CONTOUR_DATA] = RawDataElement(
            Tag(CONTOUR_DATA), "DS", len(text), text.encode(), 0, False, True
        )

    assert read(files, scan, {"GTV": [(1, BOX)]}, change=change)[1] == ["label-contour"]


def test_contour_with_fewer_points_than_it_says_is_refused(files: Files, scan: Scan) -> None:
    def change(one: Dataset) -> None:
        first_contour(one).NumberOfContourPoints = 5

    assert read(files, scan, {"GTV": [(1, BOX)]}, change=change)[1] == ["label-contour"]


CHANGES: dict[str, tuple[Callable[[Dataset], object], str]] = {
    "other frame": (
        lambda one: setattr(one.StructureSetROISequence[0], "ReferencedFrameOfReferenceUID", "1.2.3"),
        "label-frame-of-reference",
    ),
    "no frame": (
        lambda one: delattr(one.StructureSetROISequence[0], "ReferencedFrameOfReferenceUID"),
        "label-frame-of-reference",
    ),
    "other patient": (lambda one: setattr(one, "PatientID", "MRN-7"), "label-other-patient"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_structure_set_that_cannot_be_trusted_is_refused(files: Files, scan: Scan, name: str) -> None:
    change, code = CHANGES[name]
    assert read(files, scan, {"GTV": [(1, BOX)]}, change=change)[:2] == ([], [code])


def test_more_regions_than_a_volume_can_hold_are_refused(
    files: Files, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ingest.labels.rtstruct.MOST_SEGMENTS", 2)
    assert read(files, scan, {name: [(1, BOX)] for name in ("GTV", "CTV", "PTV")})[1] == ["label-too-many"]


def test_scan_without_a_frame_of_reference_takes_no_labels(files: Files) -> None:
    assert read(files, Scan(frame_of_reference=""), {"GTV": [(1, BOX)]})[1] == ["label-frame-of-reference"]


def test_nothing_of_the_source_is_told_in_a_refusal(files: Files, scan: Scan) -> None:
    source = files.save(structure_set({"Mrs Okonkwo": [(9, BOX)]}))
    _, (refusal,), _ = read_labels([source], [scan])
    assert "ROI 1" in refusal.reason
    assert "Okonkwo" not in str(refusal)


def test_tumours_of_the_lung_case_have_their_published_volumes(shared_data: Callable[[str], Any]) -> None:
    from label_cases import scan_below, source_of

    folder = shared_data("ct-lung1-003") / "data/dcms/LUNG1-003_20180209_CT"
    found, refusals, ignored = read_labels([source_of(folder / "1.dcm")], [scan_below(folder)])
    volumes = {segment["label"]: segment["volume_ml"] for _, labels in found for segment in labels.segments}
    assert (refusals, ignored) == ([], [])
    for name, published in {"GTV-1": 35.06, "GTV-2": 38.05, "GTV-3": 8.55}.items():
        assert volumes[name] == pytest.approx(published, rel=0.02)
    assert {"Lung L", "Lung R", "Heart", "Spinal cord", "Esophagus"} <= set(volumes)


@pytest.mark.parametrize("modality", ["CT", "PET", "MR_T1"])
def test_masks_shipped_beside_contours_are_met_voxel_for_voxel(
    shared_data: Callable[[str], Any], modality: str
) -> None:
    import SimpleITK as sitk
    from label_cases import scan_below, source_of

    folder = shared_data("petctmr-sts")
    case = folder / "dicom" / "STS_002" / modality
    shipped = sitk.GetArrayFromImage(sitk.ReadImage(folder / "nifti" / "STS_002" / f"{modality}_mask.nii.gz"))
    ((_, labels),), _, _ = read_labels([source_of(case / "mask" / "RS.dcm")], [scan_below(case / "image")])
    assert np.array_equal(labels.array > 0, shipped > 0)
