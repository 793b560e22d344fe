"""The three index planes of a volume, hung as radiologists read them.

The same rules as `extensions/ct-viewer/src/planes.ts`, so that the still picture and the widget agree: the patient's
right lies on the left of the screen, anterior and superior on top, whatever the order and sign of the volume's axes.

Runs in: kernel
Source: DICOM PS3.3 2026c C.7.6.1.1.1 (Patient Orientation), for the letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry

# The fixed axis, and those down the rows and along the columns of the stored slice.
AXES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
TITLES = ("Sagittal", "Coronal", "Axial")
POSITIVE, NEGATIVE = "LPS", "RAI"
# A component of less than about 11 degrees is not worth a letter.
LETTER_THRESHOLD = 0.2
OBLIQUE_BELOW = 0.95
# A single plane is at most this many times as high as wide, and at least that many.
TALLEST, FLATTEST = 1.25, 1 / 3
# Orders that fit equally well but for rounding: the first one is taken.
DRAW = 1e-9


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
        Array axes (0 = z, 1 = y, 2 = x): the fixed one, and those that run down and across the screen.
    is_turned : bool
        Whether the stored slice has them the other way round: its rows run across the screen.
    flip_columns, flip_rows : bool
        Whether the slice, perhaps turned, is mirrored for display.
    left, right, top, bottom : str
        Orientation letters at the edges.
    """

    name: str
    title: str
    normal: int
    row: int
    column: int
    is_turned: bool
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


def closest_axes(geometry: Geometry) -> tuple[int, int, int]:
    """Name the patient component (0 = x, 1 = y, 2 = z) that each array axis (z, y, x) stands for: three different ones.

    On a steep oblique grid two axes may follow one component most; together they share out all three so that the
    product of what they have of it is the largest.

    >>> closest_axes(Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    (2, 1, 0)
    """
    matrix = np.asarray(geometry.direction, dtype=np.float64).reshape(3, 3)
    best, most = (2, 1, 0), -1.0
    for order in permutations((2, 1, 0), 3):
        fit = abs(float(np.prod([matrix[part, 2 - axis] for axis, part in enumerate(order)])))
        if fit > most + DRAW:
            best, most = order, fit
    return best


def letters(vector: NDArray[np.float64]) -> str:
    """Give the letters of a patient direction, strongest first.

    >>> letters(np.array([0.8, -0.6, 0.0]))
    'LA'
    """
    order = sorted(range(3), key=lambda i: -abs(vector[i]))
    named = (i for i in order if abs(vector[i]) >= LETTER_THRESHOLD)
    return "".join(POSITIVE[i] if vector[i] > 0 else NEGATIVE[i] for i in named)


def pane_height(geometry: Geometry, plane: Plane, width: int) -> int:
    """Give how high a pane of a width is that holds a plane, px; very long and very flat ones keep room beside them."""
    high, wide = (geometry.shape[axis] * geometry.spacing_mm[axis] for axis in (plane.row, plane.column))
    return round(width * min(max(high / wide, FLATTEST), TALLEST))


def read_planes(plane: str | None, planes: Sequence[str]) -> tuple[str, ...]:
    """Give the names of the wanted planes, each once; refuse others."""
    several = list(planes) if isinstance(planes, Iterable) and not isinstance(planes, str) else [planes]
    names = several if plane is None else [plane]
    wrong = [name for name in names if not isinstance(name, str) or name not in AXES]
    if wrong or not names:
        said = f"There is no plane {wrong[0]!r}" if wrong else "No plane is named"
        raise InvalidInput(f"{said}; the planes are {', '.join(AXES)}.")
    return tuple(dict.fromkeys(str(name) for name in names))


def _lay(geometry: Geometry, name: str) -> Plane:
    normal, *stored = AXES[name]
    closest = closest_axes(geometry)
    # Up and down is the head's direction, in axial planes the front's.
    is_turned = closest[stored[0]] < closest[stored[1]]
    column, row = stored if is_turned else reversed(stored)
    across, down, through = (axis_direction(geometry, axis) for axis in (column, row, normal))
    flip_columns = bool(across[closest[column]] < 0)
    downwards = -1 if closest[row] == 2 else 1
    flip_rows = bool(down[closest[row]] * downwards < 0)
    right = -across if flip_columns else across
    bottom = -down if flip_rows else down
    title = TITLES[closest[normal]]
    if abs(through[closest[normal]]) < OBLIQUE_BELOW:
        title += " (oblique)"
    return Plane(
        name, title, normal, row, column, is_turned, flip_columns, flip_rows,
        left=letters(-right), right=letters(right), top=letters(-bottom), bottom=letters(bottom),
    )  # fmt: skip
