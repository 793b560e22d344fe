"""The array kernels on scans of real patients, whose numbers were not drawn for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from workbench.imaging.lung_mask import lung_mask
from workbench.imaging.nifti import read_nifti
from workbench.imaging.resampling import resample, resampled_geometry

SharedData = Callable[[str], Path]


@pytest.mark.parametrize(("order", "limit_hu"), [("linear", 1.8e-4), ("cubic", 1e-2)])
def test_a_real_scan_is_resampled_in_the_patient_as_simpleitk_does(
    shared_data: SharedData, order: str, limit_hu: float
) -> None:
    itk = pytest.importorskip("SimpleITK")
    file = shared_data("ct-totalseg") / "example_ct_sm.nii.gz"
    voxels, old = read_nifti(file.read_bytes())
    new = resampled_geometry(old, (2.2, 2.0, 2.6))
    hu = np.rint(voxels).astype(np.int16)
    image, reference = itk.GetImageFromArray(hu.astype(float)), itk.Image(*map(int, new.shape[::-1]), itk.sitkFloat64)
    for one, grid in ((image, old), (reference, new)):
        one.SetSpacing(grid.spacing_mm[::-1])
        one.SetOrigin(grid.origin_mm)
        one.SetDirection(grid.direction)
    kind = itk.sitkLinear if order == "linear" else itk.sitkBSpline
    oracle = itk.GetArrayFromImage(itk.Resample(image, reference, itk.Transform(), kind))
    made = resample(hu, old.spacing_mm, (2.2, 2.0, 2.6), order=order, dtype="float32")  # type: ignore[arg-type]
    assert made.shape == oracle.shape
    assert np.abs(made - oracle).max() <= limit_hu


def test_the_lungs_of_a_real_chest_are_found(shared_data: SharedData) -> None:
    slices = [pydicom.dcmread(file) for file in sorted(shared_data("ct-lung1-003").rglob("*.dcm"))]
    ordered: Any = sorted((one for one in slices if one.Modality == "CT"), key=lambda one: one.ImagePositionPatient[2])
    # Every second voxel along x and y is enough, and is a quarter of the work.
    hu = np.stack([one.pixel_array[::2, ::2] * one.RescaleSlope + one.RescaleIntercept for one in ordered])
    spacing = (3.0, 2 * 0.977, 2 * 0.977)
    mask = lung_mask(hu.astype(np.int16), spacing)
    volume_ml = float(mask.sum()) * np.prod(spacing) / 1000
    assert 1500 < volume_ml < 8000
    _, parts = ndimage.label(mask)
    assert parts in (1, 2)
    assert hu[mask].max() < -400
    assert not mask[:, 0].any() and not mask[:, :, -1].any()
