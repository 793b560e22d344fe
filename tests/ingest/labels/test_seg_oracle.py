"""What highdicom writes is read as highdicom reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from label_cases import scan_below, source_of
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from workbench.ingest.labels.sources import read_labels

LIVER, SPLEEN = ("Liver", codes.SCT.Liver), ("Spleen", codes.SCT.Spleen)


def described(number: int, label: str, code: Any) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number, segment_label=label, segmented_property_category=codes.SCT.Organ,
        segmented_property_type=code, algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip


def write(folder: Path, pixels: NDArray[Any], kind: str, syntax: str, **options: Any) -> Path:
    images = sorted((dcmread(path) for path in folder.iterdir()), key=lambda one: float(one.ImagePositionPatient[2]))
    for image in images:
        image.PatientSex, image.StudyTime, image.StudyID, image.AccessionNumber = "", "", "", ""
        image.ReferringPhysicianName, image.SeriesNumber = "", 1
    made = hd.seg.Segmentation(
        source_images=images, pixel_array=pixels, segmentation_type=kind,
        segment_descriptions=[described(1, *LIVER), described(2, *SPLEEN)], series_instance_uid=hd.UID(),
        series_number=9, sop_instance_uid=hd.UID(), instance_number=1, manufacturer="m", manufacturer_model_name="m",
        software_versions="1", device_serial_number="1", transfer_syntax_uid=syntax, **options,
    )  # fmt: skip
    made.save_as(folder.parent / "made.dcm")
    return folder.parent / "made.dcm"


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [
        ("BINARY", ExplicitVRLittleEndian), ("FRACTIONAL", ExplicitVRLittleEndian), ("FRACTIONAL", RLELossless),
        ("FRACTIONAL", JPEGLSLossless), ("LABELMAP", ExplicitVRLittleEndian), ("LABELMAP", RLELossless),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_segments_are_those_that_highdicom_wrote(draw_series: Callable[..., Any], kind: str, syntax: str) -> None:
    drawn = draw_series()
    values = np.random.default_rng(8).integers(0, 3, (6, 40, 36)).astype(np.uint8)
    values[[1, 4]] = 0
    path = write(drawn.folder, values, kind, syntax)
    ((_, labels),), refusals, _ = read_labels([source_of(path)], [scan_below(drawn.folder)])
    assert refusals == []
    assert np.array_equal(labels.array, values)
    assert [(s["label"], s["code"]["value"]) for s in labels.segments] == [
        ("Liver", "10200004"), ("Spleen", "78961009"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_overlapping_segments_are_those_that_highdicom_wrote(draw_series: Callable[..., Any]) -> None:
    drawn = draw_series()
    masks = np.random.default_rng(9).random((6, 40, 36, 2)) < 0.4
    path = write(drawn.folder, masks, "BINARY", ExplicitVRLittleEndian)
    found, _, _ = read_labels([source_of(path)], [scan_below(drawn.folder)])
    by_value = {s["value"]: labels.array == s["value"] for _, labels in found for s in labels.segments}
    assert len(found) == 2
    assert all(np.array_equal(by_value[n + 1], masks[..., n]) for n in (0, 1))


@pytest.mark.parametrize(
    ("file", "images", "voxels"),
    [("liver.dcm", "ct-3slice", 107_098), ("23x38x3/seg/label.seg", "23x38x3/image", 322)],
)
@pytest.mark.filterwarnings("ignore")
def test_real_segmentations_are_read_as_highdicom_reads_them(
    shared_data: Callable[[str], Path], file: str, images: str, voxels: int
) -> None:
    folder = shared_data("dicom-seg-multiframe") / "segmentations"
    scan = scan_below(folder / images)
    ((_, labels),), _, _ = read_labels([source_of(folder / file)], [scan])
    oracle = hd.seg.segread(folder / file).get_pixels_by_source_instance(
        scan.instances, segment_numbers=[1], ignore_spatial_locations=True
    )
    assert np.array_equal(labels.array, oracle[..., 0])
    assert labels.segments[0]["voxels"] == voxels
    assert labels.segments[0]["code"] == {"value": "T-62000", "scheme": "SRT", "meaning": "Liver"}
