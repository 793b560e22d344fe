"""Whether ordered slices lie on one straight line at one distance, and the name of what is wrong where they do not.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.2.1.1 (position); C.7.6.16.2.2 (stacks and time points in one series).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.ingest.refusals import Refusal
from workbench.ingest.series.frames import APART, Slice

# Positions are written with a few decimals, so a slice may lie this far off its place (mm, and share of a step).
TOLERANCE_MM, TOLERANCE_STEPS = 0.01, 0.01
# A unit vector written with six decimals is off by at most this much.
TOLERANCE_UNIT = 1e-4

Vectors = NDArray[np.float64]


def check_positions(slices: Sequence[Slice], positions: Vectors, normal: Vectors) -> Refusal | None:
    """Check slices in the order of their positions.

    Parameters
    ----------
    slices : sequence of Slice
    positions : ndarray, shape (n, 3)
        Patient positions, mm.
    normal : ndarray, shape (3,)
        The direction in which they follow each other.
    """
    along = positions @ normal
    refusal = _check_twins(slices, along) or _check_duplicates(slices, along)
    if refusal is not None:
        return refusal
    sideways = positions - positions[0] - np.outer(along - along[0], normal)
    drift = np.linalg.norm(sideways, axis=1)
    if np.any(drift > TOLERANCE_MM + TOLERANCE_UNIT * 10 * (along - along[0])):
        return _sideways(slices, sideways, along)
    return _check_gaps(slices, along, np.diff(along))


def _check_twins(slices: Sequence[Slice], along: Vectors) -> Refusal | None:
    seen: dict[tuple[str, int], Slice] = {}
    for one in slices:
        twin = seen.setdefault((one.instance, one.frame), one)
        if twin is not one:
            return Refusal("duplicate-slice", "the same instance lies there twice.", (twin.name, one.name))
    return None


def _check_duplicates(slices: Sequence[Slice], along: Vectors) -> Refusal | None:
    places = [place for place in _places(slices, along) if len(place) > 1]
    if not places:
        return None
    repeated = sum(len(place) for place in places)
    if 2 * repeated >= len(slices):
        for number, keyword in enumerate(APART):
            if all(_differ(place, number) for place in places):
                count = max(len(place) for place in places)
                reason = (
                    f"the series holds {count} volumes that differ in {keyword}; "
                    "export each of them as a series of its own, and ingest these."
                )
                return Refusal("several-volumes", reason, tuple(dict.fromkeys(one.name for one in slices)))
    first = places[0]
    reason = "two slices lie at the same position; remove one of them."
    return Refusal("duplicate-slice", reason, tuple(dict.fromkeys(one.name for one in first)))


def _places(slices: Sequence[Slice], along: Vectors) -> Iterator[list[Slice]]:
    """Give the slices that lie at the same position together."""
    place = [slices[0]]
    for one, gap in zip(slices[1:], np.diff(along), strict=True):
        if gap > TOLERANCE_MM:
            yield place
            place = []
        place.append(one)
    yield place


def _differ(place: Sequence[Slice], number: int) -> bool:
    """Whether slices at one position all say something else of one attribute."""
    said = [one.apart[number] for one in place]
    return all(said) and len(set(said)) == len(said)


def _sideways(slices: Sequence[Slice], sideways: Vectors, along: Vectors) -> Refusal:
    """Tell a tilted gantry (all slices shift alike) from slices that lie beside the others."""
    slope = np.median(np.diff(sideways, axis=0) / np.diff(along)[:, None], axis=0)
    off_line = np.linalg.norm(sideways - np.outer(along - along[0], slope), axis=1)
    limit = max(TOLERANCE_MM, 0.1 * float(np.linalg.norm(slope)) * float(np.diff(along).mean()))
    if np.all(off_line <= limit):
        angle = np.degrees(np.arctan(np.linalg.norm(slope)))
        reason = f"the slices are sheared by {angle:.1f}°, as from a tilted gantry; resample the series upright first."
        return Refusal("gantry-tilt", reason, tuple(dict.fromkeys(one.name for one in slices)))
    odd = tuple(dict.fromkeys(one.name for one, off in zip(slices, off_line, strict=True) if off > limit))
    return Refusal("shifted-slice", "slices lie beside the axis of the others.", odd)


def _check_gaps(slices: Sequence[Slice], along: Vectors, gaps: Vectors) -> Refusal | None:
    even = along[0] + np.arange(len(along)) * (along[-1] - along[0]) / (len(along) - 1)
    typical = float(np.median(gaps))
    if np.all(np.abs(along - even) <= max(TOLERANCE_MM, TOLERANCE_STEPS * typical)):
        return None
    pairs = list(pairwise(slices))
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
            return Refusal("missing-slice", reason, _names(pairs[first]))
    worst = int(np.argmax(np.abs(gaps - typical)))
    reason = f"slice distances are uneven: {gaps[worst]:.3f} mm here, {typical:.3f} mm in most of the series."
    return Refusal("uneven-spacing", reason, _names(pairs[worst]))


def _names(pair: tuple[Slice, Slice]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for one in pair))
