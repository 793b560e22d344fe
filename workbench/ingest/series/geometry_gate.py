"""The strict gate from slices to a grid: every way in which a series is not a regular volume has a name.

Other readers build a volume from such series without a word, with wrong distances in it.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.2.1.1 (position and orientation), C.8.2.1 (CT image), C.11.1 (rescale).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.ingest.refusals import Refusal
from workbench.ingest.series.frames import Slice
from workbench.ingest.series.positions import TOLERANCE_UNIT, check_positions

UPRIGHT_DEGREES = 0.1
# Beyond these no scanner makes an image; such numbers are mistakes, or meant to exhaust memory.
LARGEST_EDGE, LARGEST_VOXELS, LARGEST_MM, LARGEST_SPACING_MM = 16384, 2**31, 1e5, 1000.0

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
    positions = np.array([one.position for one in slices], dtype=np.float64)
    direction = _directions(_main_orientation(slices)[None])[0]
    order = np.argsort(positions @ direction[:, 2], kind="stable")
    ordered, positions = [slices[int(i)] for i in order], positions[order]
    refusal = check_positions(ordered, positions, direction[:, 2])
    if refusal is not None:
        return refusal
    depth = float((positions[-1] - positions[0]) @ direction[:, 2])
    # Nine decimals of a millimetre take away the noise of binary sums, nothing else.
    step = round(depth / (len(ordered) - 1), 9)
    first = ordered[0]
    rows, columns = _edges(first)
    x, y, z = first.position
    rows_mm, columns_mm = first.spacing
    shape, spacing_mm = (len(ordered), rows, columns), (step, rows_mm, columns_mm)
    return ordered, Geometry(shape, spacing_mm, (x, y, z), tuple(float(n) for n in direction.ravel()))


def _main_orientation(slices: Sequence[Slice]) -> Vectors:
    """Give the orientation that most slices have; of two as frequent the smaller, whatever the files' names."""
    counted = Counter(one.orientation for one in slices)
    return np.array(max(counted.items(), key=lambda item: (item[1], item[0]))[0], dtype=np.float64)


def _directions(orientations: Vectors) -> Vectors:
    """Give for each orientation the 3×3 matrix whose columns are the directions of the x, y and z index axes."""
    row, column = orientations[:, :3], orientations[:, 3:]
    normal = np.cross(row, column)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = normal / np.where(length > 0, length, 1.0)
    matrices: Vectors = np.stack([row, column, normal], axis=2) + 0.0  # no negative zeros
    return matrices


def _edges(one: Slice) -> tuple[int, int]:
    return (one.stored.rows, one.stored.columns) if one.stored else (0, 0)


def _named(slices: Sequence[Slice], is_bad: Callable[[Slice], bool]) -> tuple[str, ...]:
    """Name the files of bad slices, each once."""
    return tuple(dict.fromkeys(one.name for one in slices if is_bad(one)))


def _check_localizer(slices: Sequence[Slice]) -> Refusal | None:
    found = _named(slices, is_localizer)
    return Refusal("localizer", "a localizer (scout) is mixed into the series; take it out.", found) if found else None


def is_localizer(one: Slice) -> bool:
    """Whether a slice is an overview picture (scout, topogram)."""
    return "LOCALIZER" in one.context.image_type


def _check_values(slices: Sequence[Slice]) -> Refusal | None:
    for one in slices:
        if one.lacking:
            lacking = _named(slices, lambda each, keyword=one.lacking: each.lacking == keyword)  # type: ignore[misc]
            return Refusal("missing-attribute", f"{one.lacking} is missing or not usable.", lacking)
    required: dict[str, Callable[[Slice], bool]] = {
        "ImagePositionPatient": lambda one: not one.position,
        "ImageOrientationPatient": lambda one: not one.orientation,
        "PixelSpacing": lambda one: not one.spacing,
        "RescaleSlope": lambda one: not one.slope,
        "RescaleIntercept": lambda one: not one.intercept,
    }
    for keyword, is_missing in required.items():
        lacking = _named(slices, is_missing)
        if lacking:
            return Refusal("missing-attribute", f"{keyword} is missing or not usable.", lacking)
    return None


def _check_numbers(slices: Sequence[Slice]) -> Refusal | None:
    """Refuse numbers that no scanner writes: not finite, negative where a length belongs, or far too large."""
    wrong: dict[str, Callable[[Slice], bool]] = {
        "ImagePositionPatient is not a place in a patient": lambda one: not _within(one.position, LARGEST_MM),
        "ImageOrientationPatient is not a direction": lambda one: not _within(one.orientation, 1.1),
        "PixelSpacing is not a length in millimetres": lambda one: (
            not _within(one.spacing, LARGEST_SPACING_MM) or min(one.spacing) <= 0
        ),
        "Rows or Columns is not the size of an image": lambda one: (
            not all(1 <= edge <= LARGEST_EDGE for edge in _edges(one))
        ),
    }
    for what, is_wrong in wrong.items():
        found = _named(slices, is_wrong)
        if found:
            return Refusal("impossible-value", f"{what}; export the series again.", found)
    rows, columns = _edges(slices[0])
    if len(slices) * rows * columns > LARGEST_VOXELS:
        reason = f"the series has more than {LARGEST_VOXELS // 2**30} × 2^30 voxels; split it first."
        return Refusal("impossible-value", reason, (slices[0].name,))
    bad = _named(slices, lambda one: not (_within(one.slope + one.intercept, 1e30) and one.slope[0] > 0))
    reason = "its rescale slope or intercept is zero, negative or not finite, so its values mean nothing."
    return Refusal("bad-rescale", reason, bad) if bad else None


def _within(values: tuple[float, ...], limit: float) -> bool:
    return all(abs(value) <= limit for value in values)  # False for what is not a number


def _check_pixels(slices: Sequence[Slice]) -> Refusal | None:
    for is_good, reason in (
        (_is_plain, "its pixels are not one grey frame of 8 or 16 bits (MONOCHROME2); convert it first."),
        (_is_in_known_unit, "its values are not in Hounsfield units, though it is CT; leave it out."),
    ):
        odd = _named(slices, lambda one, good=is_good: not good(one))  # type: ignore[misc]
        if odd:
            return Refusal("unsupported-pixels", reason, odd)
    return None


def _is_plain(one: Slice) -> bool:
    stored = one.stored
    return (
        stored is not None
        and stored.samples == 1
        and stored.photometric == "MONOCHROME2"
        and stored.allocated in (8, 16)
        and 1 <= stored.bits <= stored.allocated
        and stored.high == stored.bits - 1
        and 0 <= one.frame < stored.frames
    )


def _is_in_known_unit(one: Slice) -> bool:
    """Whether CT values are those of a scanner; where these name no unit (US), a derived map could be anything."""
    context = one.context
    if context.modality != "CT" or context.rescale_type in ("", "HU"):
        return True
    return context.rescale_type == "US" and context.image_type[:2] == ("ORIGINAL", "PRIMARY")


def _check_one_series(slices: Sequence[Slice]) -> Refusal | None:
    facts: dict[str, Callable[[Slice], object]] = {
        "patient": lambda one: one.patient,
        "study": lambda one: one.study,
        "kind of image": lambda one: one.context.sop_class,
        "frame of reference": lambda one: one.context.frame_of_reference,
        "convolution kernel": lambda one: one.context.kernel,
        "units": lambda one: one.context.units,
    }
    for name, fact in facts.items():
        odd = _odd_ones(slices, fact)
        if odd:
            return Refusal("mixed-series", f"the slices of one series disagree about the {name}.", odd)
    return None


def _check_sizes(slices: Sequence[Slice]) -> Refusal | None:
    odd = _odd_ones(slices, lambda one: (_edges(one), one.spacing))
    return Refusal("mixed-size", "rows, columns or pixel spacing differ from the other slices.", odd) if odd else None


def _odd_ones(slices: Sequence[Slice], fact: Callable[[Slice], object]) -> tuple[str, ...]:
    """Name the files that differ from what most slices say."""
    values = [fact(one) for one in slices]
    most = Counter(values).most_common(1)[0][0]
    return tuple(dict.fromkeys(one.name for one, value in zip(slices, values, strict=True) if value != most))


def _check_orientation(slices: Sequence[Slice]) -> Refusal | None:
    orientations = np.array([one.orientation for one in slices], dtype=np.float64)
    matrices = _directions(orientations)
    off = np.abs(matrices.transpose(0, 2, 1) @ matrices - np.eye(3)).max(axis=(1, 2))
    bad = tuple(slices[int(at)].name for at in np.flatnonzero(off > TOLERANCE_UNIT))
    if bad:
        return Refusal("bad-orientation", "row and column directions are not unit vectors at 90°.", bad)
    turned = np.abs(orientations - _main_orientation(slices)).max(axis=1) > TOLERANCE_UNIT
    odd = tuple(dict.fromkeys(slices[int(at)].name for at in np.flatnonzero(turned)))
    return Refusal("mixed-orientation", "its orientation differs from the other slices.", odd) if odd else None


def _check_tilt_tag(slices: Sequence[Slice]) -> Refusal | None:
    """Refuse a header that says tilted above an orientation that says upright: one of them is wrong."""
    upright = np.cos(np.radians(UPRIGHT_DEGREES))

    def is_tilted(one: Slice) -> bool:
        # A tilt that is not a number is as good as one that is wrong.
        says_upright = all(abs(angle) <= UPRIGHT_DEGREES for angle in one.context.tilt)
        return not says_upright and abs(_directions(np.array([one.orientation]))[0, 2, 2]) > upright

    tilted = _named(slices, is_tilted)
    reason = "the gantry was tilted, but the orientation of the slices says upright."
    return Refusal("gantry-tilt", reason, tilted) if tilted else None


def _check_count(slices: Sequence[Slice]) -> Refusal | None:
    if len(slices) > 1:
        return None
    return Refusal("single-slice", "one slice alone has no slice distance, so it is no volume.", (slices[0].name,))


HEADER_CHECKS: tuple[Callable[[Sequence[Slice]], Refusal | None], ...] = (
    _check_localizer, _check_values, _check_numbers, _check_pixels, _check_one_series, _check_sizes,
    _check_orientation, _check_tilt_tag, _check_count,
)  # fmt: skip
