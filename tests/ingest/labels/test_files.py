"""A mask of the very voxels of a scan becomes its labels, however its axes run; others are refused or named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_drawing import GRID, SHAPE, TILTED, Scan
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.ingest.labels.label_set import LabelSet
from workbench.ingest.labels.sources import read_labels
from workbench.ingest.series.files import read_image_file
from workbench.ingest.series.found import Kept

VALUES = np.random.default_rng(3).integers(0, 4, SHAPE).astype(np.uint8)


def save(path: Path, values: NDArray[Any], grid: Geometry, orientation: str = "LPS") -> Kept:
    """Write voxels as an image file whose axes run as an orientation says (`LPS`: left, posterior, superior)."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(values)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)
    sitk.WriteImage(sitk.DICOMOrient(image, orientation), path)
    return Kept(path, path.name)


def read(kept: Kept, *scans: Scan) -> tuple[list[tuple[str, LabelSet]], list[str], list[str]]:
    found, refusals, ignored = read_labels([kept], scans)
    return found, [each.code for each in refusals], [each["reason"] for each in ignored]


@pytest.mark.parametrize("name", ["mask.nii.gz", "mask.nii", "mask.mha", "mask.mhd"])
@pytest.mark.parametrize("orientation", ["LPS", "RAS", "SPL"])
def test_mask_is_the_labels_of_its_scan(tmp_path: Path, scan: Scan, name: str, orientation: str) -> None:
    ((uid, labels),), refusals, _ = read(save(tmp_path / name, VALUES, GRID, orientation), scan)
    assert (uid, labels.name, labels.source_kind, refusals) == (scan.uid, "mask-1", "mask", [])
    assert np.array_equal(labels.array, VALUES)
    counts = [int(np.count_nonzero(VALUES == value)) for value in (1, 2, 3)]
    assert [(s["value"], s["label"], s["voxels"]) for s in labels.segments] == [
        (n + 1, f"label {n + 1}", count) for n, count in enumerate(counts)
    ]


def test_oblique_mask_is_the_labels_of_its_scan(tmp_path: Path) -> None:
    ((_, labels),), _, _ = read(save(tmp_path / "m.nii", VALUES, TILTED, "RAI"), Scan(TILTED))
    assert np.array_equal(labels.array, VALUES)


def test_mask_of_a_part_of_the_scan_says_so(tmp_path: Path, scan: Scan) -> None:
    x, y, z = GRID.to_patient_mm(np.array([1, 2, 3]))
    part = dataclasses.replace(GRID, shape=(4, 10, 12), origin_mm=(float(x), float(y), float(z)))
    ((_, labels),), _, _ = read(save(tmp_path / "m.nii", VALUES[1:5, 2:12, 3:15], part, "RAS"), scan)
    expected = np.zeros_like(VALUES)
    expected[1:5, 2:12, 3:15] = VALUES[1:5, 2:12, 3:15]
    assert np.array_equal(labels.array, expected)
    assert "part of the scan" in labels.notes[0]


def test_values_of_a_mask_are_kept_as_they_are(tmp_path: Path, scan: Scan) -> None:
    values = np.where(VALUES > 2, 700, 0).astype(np.int32)
    ((_, labels),), _, _ = read(save(tmp_path / "m.nii", values, GRID), scan)
    assert labels.array.dtype == np.uint16
    assert [s["label"] for s in labels.segments] == ["label 700"]


@pytest.mark.parametrize("change", [
    {"origin_mm": (-60.0, -69.9, 30.0)}, {"spacing_mm": (2.5, 0.75, 0.52)}, {"shape": (6, 20, 25)},
    {"shape": (24, 20, 6)}, {"direction": TILTED.direction},
])  # fmt: skip
def test_mask_of_other_voxels_has_no_image_here(tmp_path: Path, scan: Scan, change: dict[str, Any]) -> None:
    grid = dataclasses.replace(GRID, **change)
    kept = save(tmp_path / "m.nii", np.zeros(grid.shape, np.uint8), grid)
    found, refusals, (reason,) = read(kept, scan)
    assert (found, refusals) == ([], [])
    assert reason.startswith("label-without-image")


@pytest.mark.parametrize("values", [
    VALUES.astype(np.int16) - 1, VALUES.astype(np.float32) / 2, VALUES.astype(np.int32) * 70_000,
])  # fmt: skip
def test_voxels_that_are_no_labels_are_refused(tmp_path: Path, scan: Scan, values: NDArray[Any]) -> None:
    assert read(save(tmp_path / "m.nii", values, GRID), scan)[:2] == ([], ["label-values"])


def test_voxels_that_are_no_numbers_are_refused(tmp_path: Path, scan: Scan) -> None:
    values = np.where(VALUES > 2, np.nan, 0).astype(np.float32)
    assert read(save(tmp_path / "m.nii", values, GRID), scan)[:2] == ([], ["impossible-value"])


def test_of_scans_with_the_same_voxels_the_one_beside_the_mask_is_meant(tmp_path: Path) -> None:
    scans = Scan(uid="2.25.1", files=("a/ct.nii",)), Scan(uid="2.25.2", files=("b/ct.nii",))
    path = save(tmp_path / "m.nii", VALUES, GRID).path
    assert [uid for uid, _ in read(Kept(path, "b/m.nii"), *scans)[0]] == ["2.25.2"]
    assert read(Kept(path, "c/m.nii"), *scans)[:2] == ([], ["label-several-scans"])


def test_damaged_mask_is_refused(tmp_path: Path, scan: Scan) -> None:
    kept = save(tmp_path / "m.nii", VALUES, GRID)
    kept.path.write_bytes(kept.path.read_bytes()[:-100])
    assert read(kept, scan)[:2] == ([], ["undecodable"])
    kept.path.write_bytes(kept.path.read_bytes()[:200])
    assert len(read(kept, scan)[1]) == 1


def test_segmentation_of_a_real_case_lies_on_its_scan(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("ct-totalseg")
    whole, small = (
        read_image_file(Kept(folder / f"{name}.nii.gz", f"{name}.nii.gz"), bytes(32))
        for name in ("example_ct", "example_ct_sm")
    )
    kept = Kept(folder / "example_seg.nii.gz", "example_seg.nii.gz")
    for scans, scan in (([whole, small], small), ([whole], whole)):
        ((uid, labels),), refusals, ignored = read_labels([kept], scans)  # type: ignore[arg-type]
        assert (uid, refusals, ignored) == (scan.uid, [], [])  # type: ignore[union-attr]
        assert labels.array.shape == scan.grid.shape  # type: ignore[union-attr]
        assert sum(s["voxels"] for s in labels.segments) == np.count_nonzero(labels.array)
        # Counted with SimpleITK: 42 values, of which one is the background.
        assert len(labels.segments) == 41
