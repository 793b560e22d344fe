"""NIfTI and MetaImage masks as label volumes of the scan that has the very same voxels.

Runs in: ingest host
Source: the readers of `workbench.ingest.series.files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.ingest.labels.label_set import LabelledScan, Labels, LabelSet, pack
from workbench.ingest.labels.layers import MOST_SEGMENTS, segment_facts
from workbench.ingest.labels.placing import TOLERANCE_VOXELS
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.files import ImageFile, Listed, read_image_file, read_values
from workbench.ingest.series.found import Kept

SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd")
# A mask has no pseudonyms of its own, so no secret is needed to read one.
_NO_KEY = bytes(32)

PART = "The mask covers a part of the scan; voxels outside that part have no label."


@dataclass(frozen=True)
class Fit:
    """How the voxels of one grid lie in another: order of the axes, which of them are flipped, and the first voxel."""

    order: tuple[int, int, int]
    flipped: tuple[int, ...]
    first: tuple[int, int, int]
    shape: tuple[int, int, int]

    def place(self, values: NDArray[Any], dtype: type[np.unsignedinteger[Any]]) -> Labels:
        """Give voxels as they lie in the other grid, 0 around them."""
        turned = np.flip(values.transpose(self.order), self.flipped)
        whole: Labels = np.zeros(self.shape, dtype=dtype)
        whole[tuple(slice(at, at + size) for at, size in zip(self.first, turned.shape, strict=True))] = turned
        return whole


def is_mask_file(name: str) -> bool:
    """Whether a file's name is that of an image file."""
    return name.lower().endswith(SUFFIXES)


def read_mask(kept: Kept, scans: Sequence[LabelledScan], patient: str = "") -> tuple[str, LabelSet] | Refusal | None:
    """Read a mask and put it on its scan.

    Parameters
    ----------
    kept : Kept
        The file.
    scans : sequence of LabelledScan
        Of the same folder.
    patient : str
        What tells the patient of the mask from others, where a list of files says it.

    Returns
    -------
    tuple, Refusal or None
        The scan's `uid` and the labels, each value as in the file; None when no scan has these voxels.
    """
    image = read_image_file(kept, _NO_KEY, {kept.name: Listed("mask", "OT")})
    if isinstance(image, Refusal):
        return image
    fitting = _scan_of(image, scans, patient)
    if fitting is None or isinstance(fitting, Refusal):
        return fitting
    scan, fit = fitting
    values = read_values(image.kept, image.header)
    if isinstance(values, Refusal):
        return values
    whole = np.rint(values)
    if values.min() < 0 or values.max() > MOST_SEGMENTS or not np.array_equal(whole, values):
        reason = f"its voxels are not whole numbers from 0 to {MOST_SEGMENTS}, so they are not labels."
        return Refusal("label-values", reason, (kept.name,))
    return scan.uid, _label_set(whole, fit, scan.grid)


def fit_grid(source: Geometry, target: Geometry) -> Fit | None:
    """Give how a grid lies in another; None unless each of its voxels is a voxel of the other."""
    last = np.array(source.shape) - 1.0
    corner = target.to_index(source.to_patient_mm(np.zeros(3)))
    moves = target.to_index(source.to_patient_mm(np.eye(3))) - corner
    axes = [int(np.argmax(np.abs(move))) for move in moves]
    if sorted(axes) != [0, 1, 2]:
        return None
    order = (axes.index(0), axes.index(1), axes.index(2))
    flipped = tuple(axis for n, axis in enumerate(axes) if moves[n][axis] < 0)
    # Voxels that are off by a part of a step are off most in one of the corners.
    whole, start = np.rint(moves), np.rint(corner)
    for reach in np.ndindex(2, 2, 2):
        off = corner + (np.array(reach) * last) @ moves - (start + (np.array(reach) * last) @ whole)
        if float(np.abs(off).max()) > TOLERANCE_VOXELS:
            return None
    far = start + last @ whole
    low, high = np.minimum(start, far), np.maximum(start, far)
    if low.min() < 0 or np.any(high >= target.shape):
        return None
    z, y, x = (int(n) for n in low)
    return Fit(order, flipped, (z, y, x), target.shape)


def _scan_of(
    image: ImageFile, scans: Sequence[LabelledScan], patient: str
) -> tuple[LabelledScan, Fit] | Refusal | None:
    """Give the scan with the voxels of a mask; of several, that of the same patient, then of the same folder.

    Scans that have no more voxels than the mask come before those that do.
    """
    found = [(scan, fit) for scan in scans if (fit := fit_grid(image.grid, scan.grid)) is not None]
    smallest = min((np.prod(scan.grid.shape) for scan, _ in found), default=0)
    found = [(scan, fit) for scan, fit in found if np.prod(scan.grid.shape) == smallest]
    folder = PurePosixPath(image.kept.name).parent
    beside = {scan.uid for scan, _ in found if any(PurePosixPath(name).parent == folder for name in scan.files)}
    same_patient = [fit for fit in found if patient and fit[0].patient == patient]
    for chosen in (same_patient, [fit for fit in found if fit[0].uid in beside], found):
        if len(chosen) == 1:
            return chosen[0]
    if not found:
        return None
    reason = "several scans have the same voxels, so its own is not known; put each mask into a folder with its scan."
    return Refusal("label-several-scans", reason, (image.kept.name,))


def _label_set(values: NDArray[Any], fit: Fit, grid: Geometry) -> LabelSet:
    volume = fit.place(values, np.uint8 if values.max() < 256 else np.uint16)
    counts = np.bincount(volume.ravel())
    segments = tuple(
        segment_facts(value, f"label {value}", int(counts[value]), grid)
        for value in np.flatnonzero(counts).tolist()
        if value > 0
    )
    return LabelSet("", "mask", segments, pack(volume), () if values.size == volume.size else (PART,))
