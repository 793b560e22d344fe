"""Contours drawn on slices: read once from what a person wrote, filled to masks, and found around masks.

A contour is a closed polygon in one slice of one plane. Several of one label in one slice make holes in each other.

Runs in: kernel
Source: DICOM PS3.3 2026c C.8.8.6.3, for what inner contours mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.polygons import fill, is_flat
from workbench.viewer.array_volume import PLANES
from workbench.viewer.marks import Position, read_label
from workbench.viewer.outlines import outlines

# What a browser still draws and the kernel's socket still carries at once; a whole structure set has fewer.
MOST_CONTOURS = 5_000
MOST_POINTS = 200_000
# How far the points of a contour may leave their slice: in slices, and in mm where slices are thin.
TOLERANCE_SLICES, TOLERANCE_MM = 0.05, 0.02
# Where a region without a name needs one.
NAMELESS = "region"

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class ContourMark:
    """A contour that was checked and can be drawn.

    Parameters
    ----------
    label : str
        Of the region it bounds; may be empty.
    plane : str
        axial | coronal | sagittal: the index axis that all its points share.
    points_mm : tuple of positions
        At least 3 patient positions (x, y, z), LPS, mm; the last is joined to the first.
    """

    label: str
    plane: str
    points_mm: tuple[Position, ...]

    def as_dict(self) -> dict[str, object]:
        """Give the contour as the plain values that travel to the browser."""
        return {"label": self.label, "plane": self.plane, "points_mm": [list(point) for point in self.points_mm]}

    def in_slice(self, geometry: Geometry) -> tuple[int, Points]:
        """Give its slice, and its points within, shape (points, 2): row and column index, with fractions."""
        axis = PLANES[self.plane]
        index = geometry.to_index(np.asarray(self.points_mm))
        return int(np.floor(np.median(index[:, axis]) + 0.5)), np.delete(index, axis, axis=1)

    def area_mm2(self, geometry: Geometry) -> float:
        """Give the area that it encloses, mm²."""
        _, points = self.in_slice(geometry)
        spacing = np.delete(np.asarray(geometry.spacing_mm), PLANES[self.plane])
        row, column = (points * spacing).T
        return float(abs(np.dot(row, np.roll(column, -1)) - np.dot(column, np.roll(row, -1))) / 2)


def read_contours(contours: object, geometry: Geometry) -> tuple[ContourMark, ...]:
    """Read contours: objects or mappings with `points_mm` [(x, y, z), …], and perhaps `label` and `plane`.

    Raises
    ------
    InvalidInput
        When one is malformed, leaves its slice, or lies wholly outside the volume; the message names which and why.
    """
    if contours is None:
        return ()
    if isinstance(contours, str | bytes | Mapping) or not isinstance(contours, Iterable):
        raise InvalidInput(
            f"`contours` is a {type(contours).__name__}; give a list of contours, for example "
            "[{'label': 'tumour', 'plane': 'axial', 'points_mm': [(x, y, z), …]}]."
        )
    marks = tuple(_read_contour(number, contour, geometry) for number, contour in enumerate(contours))
    points = sum(len(mark.points_mm) for mark in marks)
    if len(marks) > MOST_CONTOURS or points > MOST_POINTS:
        raise InvalidInput(
            f"{len(marks)} contours with {points} points are more than a browser can draw; give at most "
            f"{MOST_CONTOURS} with {MOST_POINTS} points, or show the region as labels."
        )
    return marks


def contour_labels(contours: Iterable[ContourMark]) -> list[str]:
    """Give the labels in the order in which they first come; a nameless one as `region`."""
    return list(dict.fromkeys(mark.label or NAMELESS for mark in contours))


def contours_to_mask(contours: Sequence[ContourMark], geometry: Geometry, label: str | None = None) -> Mask:
    """Give the voxels whose centres the contours enclose.

    Parameters
    ----------
    contours : sequence of ContourMark
        Those of one slice and plane make holes in each other; those of different planes are joined.
    geometry : Geometry
        The grid.
    label : str, optional
        Take only the contours of this label.

    Returns
    -------
    ndarray, bool, shape (z, y, x)
    """
    mask = np.zeros(geometry.shape, dtype=np.bool_)
    slices: dict[tuple[str, int], dict[bytes, Points]] = {}
    for mark in contours:
        if label is None or (mark.label or NAMELESS) == label:
            at, points = mark.in_slice(geometry)
            # The same contour twice would cancel out by the even-odd rule.
            slices.setdefault((mark.plane, at), {})[points.round(4).tobytes()] = points
    for (plane, at), points_of in slices.items():
        axis = PLANES[plane]
        rows, columns = np.delete(np.asarray(geometry.shape), axis)
        inside, (top, left) = fill(list(points_of.values()), (int(rows), int(columns)))
        if inside.size:
            part = np.moveaxis(mask, axis, 0)[at]
            part[top : top + inside.shape[0], left : left + inside.shape[1]] |= inside
    return mask


def mask_to_contours(
    mask: NDArray[Any], geometry: Geometry, *, label: str = "", plane: str = "axial"
) -> tuple[ContourMark, ...]:
    """Give the outlines of a mask along the edges of its voxels; filled, they give the same mask again.

    Parameters
    ----------
    mask : ndarray, bool or integer, shape (z, y, x)
        Whatever is not 0 belongs to the region; holes become contours within.
    geometry : Geometry
        Its grid.
    label : str, optional
        Of the region.
    plane : {"axial", "coronal", "sagittal"}, default "axial"
        In whose slices to draw.

    Raises
    ------
    InvalidInput
        When the mask is not of the grid's shape, or there is no such plane.
    """
    if plane not in PLANES:
        raise InvalidInput(f"There is no plane {plane!r}; the planes are {', '.join(PLANES)}.")
    if tuple(np.shape(mask)) != geometry.shape:
        raise InvalidInput(f"The mask has shape {np.shape(mask)}, and its grid {geometry.shape}.")
    axis, found, label = PLANES[plane], [], read_label(label)
    for at, part in enumerate(np.moveaxis(np.asarray(mask) != 0, axis, 0)):
        for corners in outlines(part) if part.any() else ():
            places = geometry.to_patient_mm(np.insert(corners, axis, at, axis=1))
            found.append(ContourMark(label, plane, tuple((float(x), float(y), float(z)) for x, y, z in places)))
    return tuple(found)


def _read_contour(number: int, contour: object, geometry: Geometry) -> ContourMark:
    def part(name: str) -> object:
        return contour.get(name) if isinstance(contour, Mapping) else getattr(contour, name, None)

    points = _points(number, part("points_mm"))
    index = geometry.to_index(points)
    away = np.ptp(index, axis=0)
    plane = part("plane") or list(PLANES)[int(np.argmin(away))]
    if not isinstance(plane, str) or plane not in PLANES:
        raise InvalidInput(f"The plane of contour {number} is {plane!r}; the planes are {', '.join(PLANES)}.")
    axis = PLANES[plane]
    if away[axis] > max(TOLERANCE_SLICES, TOLERANCE_MM / geometry.spacing_mm[axis]):
        raise InvalidInput(
            f"Contour {number} leaves its {plane} slice by {away[axis] * geometry.spacing_mm[axis]:.2f} mm; a contour "
            "lies in one slice of the scan. Is it drawn on another scan, or in another plane?"
        )
    low, high = index.min(axis=0), index.max(axis=0)
    if np.any(high < -0.5) or np.any(low > np.asarray(geometry.shape) - 0.5):
        raise InvalidInput(
            f"Contour {number} lies outside this volume, at voxel ({', '.join(f'{n:.1f}' for n in low)}) of "
            f"{geometry.shape}. Is it of another scan, or in voxels instead of patient millimetres?"
        )
    if is_flat(np.delete(index, axis, axis=1)):
        raise InvalidInput(f"Contour {number} encloses nothing: its points lie on one line.")
    places = tuple((float(x), float(y), float(z)) for x, y, z in points)
    return ContourMark(read_label(part("label")), plane, places)


def _points(number: int, points: object) -> Points:
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 2 or array.shape[1] != 3 or not np.all(np.isfinite(array)):
        raise InvalidInput(
            f"points_mm of contour {number} is no list of positions; it holds three finite numbers (x, y, z) in mm "
            "for each point."
        )
    if len(array) < 3:
        raise InvalidInput(f"Contour {number} has {len(array)} points; a closed contour has at least three.")
    return array
