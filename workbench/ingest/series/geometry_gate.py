"""The strict gate from slices to a grid: every way in which a series is not a regular volume has a name.

Other readers build a volume from such series without a word, with wrong distances in it.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.2.1.1 (position and orientation), C.8.2.1 (CT image), C.11.1 (rescale).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from workbench.geometry import Geometry
from workbench.ingest.deidentify.cleaner import texts
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.folder import Slice, is_localizer

REQUIRED = {
    "SOPInstanceUID": 1, "ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2, "Rows": 1,
    "Columns": 1, "RescaleSlope": 1, "RescaleIntercept": 1, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 1,
    "PixelRepresentation": 1, "SamplesPerPixel": 1, "PhotometricInterpretation": 1,
}  # fmt: skip
# Positions are written with a few decimals, so a slice may lie this far off its place (mm, and share of a step).
TOLERANCE_MM, TOLERANCE_STEPS = 0.01, 0.01
# A unit vector written with six decimals is off by at most this much.
TOLERANCE_UNIT = 1e-4
UPRIGHT_DEGREES = 0.1

Vectors = NDArray[np.float64]


def check_series(slices: Sequence[Slice]) -> tuple[list[Slice], Geometry] | Refusal:
    """Order the slices of a series along its normal and give their grid, or say why there is none.

    Returns
    -------
    tuple or Refusal
        The slices from first to last index z, and the grid: origin exactly as written in the first slice, spacing
        from positions (never from slice thickness), direction from the orientation.
    """
    for check in HEADER_CHECKS:
        refusal = check(slices)
        if refusal is not None:
            return refusal
    positions = np.array([one.header.ImagePositionPatient for one in slices], dtype=np.float64)
    direction = _direction(slices[0].header)
    order = np.argsort(positions @ direction[:, 2], kind="stable")
    ordered, positions = [slices[int(i)] for i in order], positions[order]
    refusal = _check_positions(ordered, positions, direction[:, 2])
    if refusal is not None:
        return refusal
    depth = float((positions[-1] - positions[0]) @ direction[:, 2])
    # Nine decimals of a millimetre take away the noise of binary sums, nothing else.
    step = round(depth / (len(ordered) - 1), 9)
    header = ordered[0].header
    rows_mm, columns_mm = (float(value) for value in header.PixelSpacing)
    x, y, z = (float(value) for value in header.ImagePositionPatient)
    shape = len(ordered), int(header.Rows), int(header.Columns)
    grid = Geometry(shape, (step, rows_mm, columns_mm), (x, y, z), tuple(float(n) for n in direction.ravel()))
    return ordered, grid


def _direction(header: Dataset) -> Vectors:
    """Give the 3×3 matrix whose columns are the directions of the x, y and z index axes."""
    numbers = np.array(header.ImageOrientationPatient, dtype=np.float64)
    row, column = numbers[:3], numbers[3:]
    normal = np.cross(row, column)
    length = float(np.linalg.norm(normal)) or 1.0
    matrix: Vectors = np.stack([row, column, normal / length], axis=1) + 0.0  # no negative zeros
    return matrix


def _check_values(slices: Sequence[Slice]) -> Refusal | None:
    for keyword, count in REQUIRED.items():
        lacking = tuple(one.name for one in slices if len(texts(one.header.get(keyword))) != count)
        if lacking:
            return Refusal("missing-attribute", f"{keyword} is missing or not usable.", lacking)
    return None


def _check_localizer(slices: Sequence[Slice]) -> Refusal | None:
    found = tuple(one.name for one in slices if is_localizer(one))
    return Refusal("localizer", "a localizer (scout) is mixed into the series.", found) if found else None


def _check_pixels(slices: Sequence[Slice]) -> Refusal | None:
    def is_plain(header: Dataset) -> bool:
        stored, high = int(header.BitsStored), int(header.HighBit)
        return (
            int(header.SamplesPerPixel) == 1
            and header.PhotometricInterpretation == "MONOCHROME2"
            and int(header.BitsAllocated) == 16
            and 1 <= stored <= 16
            and high == stored - 1
            and int(header.get("NumberOfFrames") or 1) == 1
            and header.get("RescaleType", "HU") == "HU"
        )

    odd = tuple(one.name for one in slices if not is_plain(one.header))
    reason = "its pixels are not one 16-bit grey frame in Hounsfield units."
    return Refusal("unsupported-pixels", reason, odd) if odd else None


def _check_one_series(slices: Sequence[Slice]) -> Refusal | None:
    facts: dict[str, Callable[[Slice], object]] = {
        "patient": lambda one: one.patient,
        "study": lambda one: one.study,
        "frame of reference": lambda one: tuple(texts(one.header.get("FrameOfReferenceUID"))),
        "convolution kernel": lambda one: tuple(texts(one.header.get("ConvolutionKernel"))),
    }
    for name, fact in facts.items():
        odd = _odd_ones(slices, fact)
        if odd:
            return Refusal("mixed-series", f"the slices of one series disagree about the {name}.", odd)
    return None


def _check_sizes(slices: Sequence[Slice]) -> Refusal | None:
    odd = _odd_ones(slices, lambda one: (one.header.Rows, one.header.Columns, *map(float, one.header.PixelSpacing)))
    return Refusal("mixed-size", "rows, columns or pixel spacing differ from the other slices.", odd) if odd else None


def _check_orientation(slices: Sequence[Slice]) -> Refusal | None:
    for one in slices:
        matrix = _direction(one.header)
        if not np.allclose(matrix.T @ matrix, np.eye(3), atol=TOLERANCE_UNIT):
            return Refusal("bad-orientation", "row and column directions are not unit vectors at 90°.", (one.name,))
    main = Counter(tuple(map(float, one.header.ImageOrientationPatient)) for one in slices).most_common(1)[0][0]
    odd = tuple(
        one.name
        for one in slices
        if not np.allclose(np.array(one.header.ImageOrientationPatient, float), main, atol=TOLERANCE_UNIT)
    )
    return Refusal("mixed-orientation", "its orientation differs from the other slices.", odd) if odd else None


def _check_tilt_tag(slices: Sequence[Slice]) -> Refusal | None:
    """Refuse a header that says tilted above an orientation that says upright: one of them is wrong."""
    tilted = tuple(
        one.name
        for one in slices
        if abs(float(texts(one.header.get("GantryDetectorTilt", 0))[0])) > UPRIGHT_DEGREES
        and abs(_direction(one.header)[2, 2]) > np.cos(np.radians(UPRIGHT_DEGREES))
    )
    reason = "the gantry was tilted, but the orientation of the slices says upright."
    return Refusal("gantry-tilt", reason, tilted) if tilted else None


def _check_count(slices: Sequence[Slice]) -> Refusal | None:
    if len(slices) > 1:
        return None
    return Refusal("single-slice", "one slice alone has no slice distance, so it is no volume.", (slices[0].name,))


HEADER_CHECKS: tuple[Callable[[Sequence[Slice]], Refusal | None], ...] = (
    _check_localizer, _check_values, _check_pixels, _check_one_series, _check_sizes, _check_orientation,
    _check_tilt_tag, _check_count,
)  # fmt: skip


def _odd_ones(slices: Sequence[Slice], fact: Callable[[Slice], object]) -> tuple[str, ...]:
    """Name the slices that differ from what most slices say."""
    values = [fact(one) for one in slices]
    most = Counter(values).most_common(1)[0][0]
    return tuple(one.name for one, value in zip(slices, values, strict=True) if value != most)


def _check_positions(slices: Sequence[Slice], positions: Vectors, normal: Vectors) -> Refusal | None:
    along = positions @ normal
    gaps = np.diff(along)
    seen: dict[str, Slice] = {}
    for one in slices:
        twin = seen.setdefault(one.instance, one)
        if twin is not one:
            return Refusal("duplicate-slice", "the same instance lies there twice.", (twin.name, one.name))
    for (one, other), gap in zip(pairwise(slices), gaps, strict=True):
        if gap <= TOLERANCE_MM:
            return Refusal("duplicate-slice", "two slices lie at the same position.", (one.name, other.name))
    sideways = positions - positions[0] - np.outer(along - along[0], normal)
    drift = np.linalg.norm(sideways, axis=1)
    if np.any(drift > TOLERANCE_MM + TOLERANCE_UNIT * 10 * (along - along[0])):
        return _sideways(slices, sideways, along)
    return _check_gaps(slices, along, gaps)


def _sideways(slices: Sequence[Slice], sideways: Vectors, along: Vectors) -> Refusal:
    """Tell a tilted gantry (all slices shift alike) from slices that lie beside the others."""
    slope = np.median(np.diff(sideways, axis=0) / np.diff(along)[:, None], axis=0)
    off_line = np.linalg.norm(sideways - np.outer(along - along[0], slope), axis=1)
    limit = max(TOLERANCE_MM, 0.1 * float(np.linalg.norm(slope)) * float(np.diff(along).mean()))
    if np.all(off_line <= limit):
        angle = np.degrees(np.arctan(np.linalg.norm(slope)))
        reason = f"the slices are sheared by {angle:.1f}°, as from a tilted gantry; resample the series upright first."
        return Refusal("gantry-tilt", reason, tuple(one.name for one in slices))
    odd = tuple(one.name for one, off in zip(slices, off_line, strict=True) if off > limit)
    return Refusal("shifted-slice", "slices lie beside the axis of the others.", odd)


def _check_gaps(slices: Sequence[Slice], along: Vectors, gaps: Vectors) -> Refusal | None:
    even = along[0] + np.arange(len(along)) * (along[-1] - along[0]) / (len(along) - 1)
    typical = float(np.median(gaps))
    if np.all(np.abs(along - even) <= max(TOLERANCE_MM, TOLERANCE_STEPS * typical)):
        return None
    for step in (typical, float(gaps.min())):
        steps = gaps / step
        is_whole = np.abs(steps - np.rint(steps)) <= 0.05 * np.rint(steps)
        wide = np.flatnonzero(np.rint(steps) > 1)
        if np.all(is_whole) and len(wide):
            first = int(wide[0])
            lost = int(np.rint(steps[wide]).sum() - len(wide))
            reason = (
                f"{lost} {'slice is' if lost == 1 else 'slices are'} missing: between these two lie "
                f"{gaps[first]:.3f} mm where the others are {step:.3f} mm apart; export the series again."
            )
            return Refusal("missing-slice", reason, (slices[first].name, slices[first + 1].name))
    worst = int(np.argmax(np.abs(gaps - typical)))
    reason = f"slice distances are uneven: {gaps[worst]:.3f} mm here, {typical:.3f} mm in most of the series."
    return Refusal("uneven-spacing", reason, (slices[worst].name, slices[worst + 1].name))
