"""Segments become voxels of the scan's own grid without a change of any value, or the SEG is refused by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from label_drawing import GRID, SERIES, SHAPE, TILTED, Files, Scan, item, segmentation
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from workbench.geometry import Geometry
from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.labels.sources import read_labels
from workbench.ingest.series.found import LabelSource
from workbench.ingest.silence import silent_pydicom

MASK = np.random.default_rng(2).random(SHAPE) < 0.3
FRAMES = [(1, z, MASK[z]) for z in range(SHAPE[0])]


def read(files: Files, scan: Scan, *args: Any, **options: Any) -> tuple[list[LabelSet], list[str]]:
    """Give the label sets and the codes of the refusals."""
    found, refusals, ignored = read_labels([files.save(segmentation(*args, **options))], [scan])
    assert ignored == []
    return [labels for _, labels in found], [each.code for each in refusals]


def refusals_of(files: Files, scan: Scan, change: Callable[[Dataset], object], **options: Any) -> list[str]:
    sets, refused = read(files, scan, FRAMES, change=change, **options)
    assert sets == []
    return refused


@pytest.mark.parametrize("grid", [GRID, TILTED], ids=["upright", "oblique"])
def test_frames_in_any_order_and_missing_empty_frames(files: Files, grid: Geometry) -> None:
    frames = [FRAMES[z] for z in (4, 0, 5, 2)]
    ((labels,), _) = read(files, Scan(grid), frames, grid=grid)
    expected = MASK.copy()
    expected[[1, 3]] = False
    assert np.array_equal(labels.array > 0, expected)
    assert labels.segments[0]["voxels"] == expected.sum()
    assert labels.segments[0]["volume_ml"] == pytest.approx(expected.sum() * 2.5 * 0.75 * 0.5 / 1000)


def test_bits_run_on_over_frame_borders(files: Files) -> None:
    # 5 × 3 pixels are 15 bits, so that no second frame begins with a byte.
    grid = dataclasses.replace(GRID, shape=(6, 5, 3))
    mask = np.random.default_rng(4).random(grid.shape) < 0.5
    ((labels,), _) = read(files, Scan(grid), [(1, z, mask[z]) for z in range(6)], grid=grid)
    assert np.array_equal(labels.array > 0, mask)


def test_overlapping_segments_lie_in_layers(files: Files, scan: Scan) -> None:
    inner, outer = np.zeros(SHAPE[1:], bool), np.zeros(SHAPE[1:], bool)
    inner[5:8, 5:8], outer[2:12, 2:12] = True, True
    sets, _ = read(files, scan, [(1, 2, outer), (2, 2, inner)], labels=("Liver", "Tumor"))
    assert [(labels.name, labels.segments[0]["label"]) for labels in sets] == [
        ("seg-1", "Tumor"), ("seg-1-layer-2", "Liver"),
    ]  # fmt: skip
    assert [int(np.count_nonzero(labels.array)) for labels in sets] == [9, 100]


def test_segment_without_frames_is_kept_as_empty(files: Files, scan: Scan) -> None:
    ((labels,), _) = read(files, scan, FRAMES, labels=("Liver", "Lesion"))
    assert [(s["label"], s["voxels"]) for s in labels.segments] == [("Liver", int(MASK.sum())), ("Lesion", 0)]


def test_fractional_voxels_belong_from_one_half_on(files: Files, scan: Scan) -> None:
    shares = np.random.default_rng(5).integers(0, 201, SHAPE[1:]).astype(np.uint8)
    ((labels,), _) = read(files, scan, [(1, 3, shares)], kind="FRACTIONAL")
    assert np.array_equal(labels.array[3] > 0, shares >= 100)
    assert labels.notes == ("Voxels of a fractional segment belong to it from one half on.",)


def test_label_map_gives_each_value_its_segment(files: Files, scan: Scan) -> None:
    values = np.random.default_rng(6).integers(0, 3, SHAPE[1:]).astype(np.uint8)
    ((labels,), _) = read(files, scan, [(1, 3, values)], kind="LABELMAP", labels=("Liver", "Spleen"))
    assert np.array_equal(labels.array[3], values)
    assert [s["label"] for s in labels.segments] == ["Liver", "Spleen"]


def test_deflated_and_big_endian_files_are_read(files: Files, scan: Scan) -> None:
    for syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
        one = segmentation(FRAMES)
        one.file_meta.TransferSyntaxUID = syntax
        with silent_pydicom():
            one.save_as(files.folder / "s", little_endian=syntax.is_little_endian, implicit_vr=False)
        ((_, labels),), _, _ = read_labels([LabelSource(files.folder / "s", "s", "", "", "", ())], [scan])
        assert np.array_equal(labels.array > 0, MASK)


def test_flipped_turned_and_cropped_frames_are_put_right(files: Files, scan: Scan) -> None:
    turned = np.rot90(MASK[2][4:, 6:])
    rows, columns = turned.shape
    # Of the turned frame, rows count along −x and columns along +y; its first pixel lies at row 4, last column.
    position = GRID.to_patient_mm(np.array([2, 4, SHAPE[2] - 1]))

    def change(one: Dataset) -> None:
        shared = one.SharedFunctionalGroupsSequence[0]
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, -1, 0, 0]
        shared.PixelMeasuresSequence[0].PixelSpacing = [0.5, 0.75]
        one.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = list(position)

    ((labels,), _) = read(files, scan, [(1, 2, turned)], change=change)
    expected = np.zeros(SHAPE, bool)
    expected[2, 4:, 6:] = MASK[2][4:, 6:]
    assert np.array_equal(labels.array > 0, expected)
    assert (rows, columns) == (18, 16)


def test_frames_across_the_slices_are_put_right(files: Files, scan: Scan) -> None:
    def change(one: Dataset) -> None:
        shared = one.SharedFunctionalGroupsSequence[0]
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        shared.PixelMeasuresSequence[0].PixelSpacing = [2.5, 0.75]
        for x, own in enumerate(one.PerFrameFunctionalGroupsSequence):
            place = GRID.to_patient_mm(np.array([SHAPE[0] - 1, 0, x]))
            own.PlanePositionSequence[0].ImagePositionPatient = list(place)

    sagittal = [(1, 0, MASK[::-1, :, x]) for x in range(SHAPE[2])]
    ((labels,), _) = read(files, scan, sagittal, change=change)
    assert np.array_equal(labels.array > 0, MASK)


def test_frame_without_position_lies_on_the_image_it_names(files: Files, scan: Scan) -> None:
    def change(one: Dataset) -> None:
        own = one.PerFrameFunctionalGroupsSequence[0]
        del own.PlanePositionSequence
        image = item(ReferencedSOPInstanceUID=f"{SERIES}.4")
        own.DerivationImageSequence = Items([item(SourceImageSequence=Items([image]))])

    ((labels,), _) = read(files, scan, [(1, 0, MASK[0])], change=change)
    assert np.array_equal(labels.array[3] > 0, MASK[0])


def shift(one: Dataset, millimetres: tuple[float, float, float]) -> None:
    for own in one.PerFrameFunctionalGroupsSequence:
        place = own.PlanePositionSequence[0]
        place.ImagePositionPatient = [
            float(n) + d for n, d in zip(place.ImagePositionPatient, millimetres, strict=True)
        ]


def _measures(one: Dataset) -> Dataset:
    measures: Dataset = one.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    return measures


def _named_source(one: Dataset) -> None:
    image = item(ReferencedSOPInstanceUID=f"{SERIES}.4")
    one.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence = Items([item(SourceImageSequence=Items([image]))])


REFUSED: dict[str, tuple[Callable[[Dataset], object], str]] = {
    "other patient": (lambda one: setattr(one, "PatientID", "MRN-7"), "label-other-patient"),
    "other frame": (lambda one: setattr(one, "FrameOfReferenceUID", "1.2.3"), "label-frame-of-reference"),
    "no frame": (lambda one: delattr(one, "FrameOfReferenceUID"), "label-frame-of-reference"),
    "half a pixel beside": (lambda one: shift(one, (0.25, 0, 0)), "label-grid"),
    "half a slice above": (lambda one: shift(one, (0, 0, 1.25)), "label-grid"),
    "over the edge": (lambda one: shift(one, (5.0, 0, 0)), "label-grid"),
    "above the scan": (lambda one: shift(one, (0, 0, 7.5)), "label-outside"),
    "far away": (lambda one: shift(one, (0, 0, 1e11)), "label-grid"),
    "other spacing": (lambda one: setattr(_measures(one), "PixelSpacing", [1.5, 1.0]), "label-grid"),
    "rounded spacing": (lambda one: setattr(_measures(one), "PixelSpacing", [0.76, 0.5]), "label-grid"),
    "other orientation": (
        lambda one: setattr(
            one.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0], "ImageOrientationPatient",
            [0.8, 0.6, 0, -0.6, 0.8, 0],
        ),
        "label-grid",
    ),
    "no orientation": (
        lambda one: delattr(one.SharedFunctionalGroupsSequence[0], "PlaneOrientationSequence"), "label-grid"
    ),
    "no spacing": (lambda one: delattr(one.SharedFunctionalGroupsSequence[0], "PixelMeasuresSequence"), "label-grid"),
    "no position": (
        lambda one: [delattr(own, "PlanePositionSequence") for own in one.PerFrameFunctionalGroupsSequence],
        "label-grid",
    ),
    "another image named": (_named_source, "label-grid"),
    "fewer descriptions": (lambda one: one.PerFrameFunctionalGroupsSequence.pop(), "label-frames"),
    "no descriptions": (lambda one: delattr(one, "PerFrameFunctionalGroupsSequence"), "label-frames"),
    "unknown segment": (
        lambda one: setattr(
            one.PerFrameFunctionalGroupsSequence[3].SegmentIdentificationSequence[0], "ReferencedSegmentNumber", 9
        ),
        "label-frames",
    ),
    "no segment": (
        lambda one: delattr(one.PerFrameFunctionalGroupsSequence[3], "SegmentIdentificationSequence"), "label-frames"
    ),
    "same frame twice": (
        lambda one: setattr(
            one.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0], "ImagePositionPatient",
            one.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient,
        ),
        "label-frames",
    ),
    "cut short": (lambda one: setattr(one, "PixelData", one.PixelData[:-8]), "undecodable"),
    "no pixels": (lambda one: delattr(one, "PixelData"), "undecodable"),
    "sixteen bits": (lambda one: setattr(one, "BitsAllocated", 16), "unsupported-pixels"),
    "unknown type": (lambda one: setattr(one, "SegmentationType", "VAGUE"), "unsupported-pixels"),
    "no type": (lambda one: delattr(one, "SegmentationType"), "unsupported-pixels"),
    "same number twice": (
        lambda one: one.SegmentSequence.append(item(SegmentNumber=1, SegmentLabel="Liver")), "label-too-many"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_segmentation_that_cannot_be_trusted_is_refused(files: Files, scan: Scan, name: str) -> None:
    change, code = REFUSED[name]
    assert refusals_of(files, scan, change) == [code]


def test_label_map_with_a_value_that_nobody_described_is_refused(files: Files, scan: Scan) -> None:
    values = np.full(SHAPE[1:], 7, np.uint8)
    assert read(files, scan, [(1, 3, values)], kind="LABELMAP") == ([], ["label-frames"])


def test_seventy_thousand_segments_are_refused(files: Files, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.ingest.labels.seg.MOST_SEGMENTS", 70)
    assert read(files, scan, FRAMES, labels=["Liver"] * 71) == ([], ["label-too-many"])
