"""The three index planes of a volume, hung as radiologists read them.

The same rules as `extensions/ct-viewer/src/planes.ts`, so that the still picture and the widget agree: the patient's
right lies on the left of the screen, anterior and superior on top, whatever the sign of the volume's axes.

Runs in: kernel
Source: DICOM PS3.3 2026c C.7.6.1.1.1 (Patient Orientation), for the letters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry

AXES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
TITLES = ("Sagittal", "Coronal", "Axial")
POSITIVE, NEGATIVE = "LPS", "RAI"
# A component of less than about 11 degrees is not worth a letter.
LETTER_THRESHOLD = 0.2
OBLIQUE_BELOW = 0.95


@dataclass(frozen=True)
class Plane:
    """One index plane and how it lies on the screen.

    Parameters
    ----------
    name : str
        axial | coronal | sagittal: the index axis z, y or x is fixed.
    title : str
        The anatomical name of what it shows, which differs from `name` on a series that was not acquired axially.
    normal, row, column : int
        Array axes (0 = z, 1 = y, 2 = x): the fixed one, and those down the rows and along the columns.
    flip_columns, flip_rows : bool
        Whether the stored slice is mirrored for display.
    left, right, top, bottom : str
        Orientation letters at the edges.
    """

    name: str
    title: str
    normal: int
    row: int
    column: int
    flip_columns: bool
    flip_rows: bool
    left: str
    right: str
    top: str
    bottom: str


def lay_planes(geometry: Geometry) -> list[Plane]:
    """Give the axial, coronal and sagittal index planes of a volume."""
    return [_lay(geometry, name) for name in AXES]


def axis_direction(geometry: Geometry, axis: int) -> NDArray[np.float64]:
    """Give the patient direction (unit vector x, y, z, LPS) in which an array axis (0 = z, 1 = y, 2 = x) grows."""
    matrix = np.asarray(geometry.direction, dtype=np.float64).reshape(3, 3)
    column: NDArray[np.float64] = matrix[:, 2 - axis]
    return column


def dominant(vector: NDArray[np.float64]) -> int:
    """Name the patient component (0 = x, 1 = y, 2 = z) that a vector follows most."""
    size = np.abs(vector)
    if size[2] >= size[0] and size[2] >= size[1]:
        return 2
    return 1 if size[1] >= size[0] else 0


def letters(vector: NDArray[np.float64]) -> str:
    """Give the letters of a patient direction, strongest first.

    >>> letters(np.array([0.8, -0.6, 0.0]))
    'LA'
    """
    order = sorted(range(3), key=lambda i: -abs(vector[i]))
    named = (i for i in order if abs(vector[i]) >= LETTER_THRESHOLD)
    return "".join(POSITIVE[i] if vector[i] > 0 else NEGATIVE[i] for i in named)


def _lay(geometry: Geometry, name: str) -> Plane:
    normal, row, column = AXES[name]
    across, down, through = (axis_direction(geometry, axis) for axis in (column, row, normal))
    flip_columns = bool(across[dominant(across)] < 0)
    downwards = -1 if dominant(down) == 2 else 1
    flip_rows = bool(down[dominant(down)] * downwards < 0)
    right = -across if flip_columns else across
    bottom = -down if flip_rows else down
    title = TITLES[dominant(through)]
    if abs(through[dominant(through)]) < OBLIQUE_BELOW:
        title += " (oblique)"
    return Plane(
        name, title, normal, row, column, flip_columns, flip_rows,
        left=letters(-right), right=letters(right), top=letters(-bottom), bottom=letters(bottom),
    )  # fmt: skip
