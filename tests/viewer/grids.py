"""Grids as scanners and resampling make them, with a marked end on each axis, and what a canvas shows of it.

The letters are worked out by hand from the directions: where the high end of the x, y and z index axis lies.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry

SHAPE, SPACING, ORIGIN = (16, 30, 36), (5.0, 1.0, 1.7), (-31.37, 22.81, -104.23)
C20, S20, C25, S25, C30, S30 = (f(math.radians(n)) for n in (20, 25, 30) for f in (math.cos, math.sin))
# Columns of the matrix: the patient directions (L, P, S) of the x, y and z index axes.
DIRECTIONS: dict[str, tuple[tuple[float, ...], tuple[str, str, str]]] = {
    "axial": ((1, 0, 0, 0, 1, 0, 0, 0, 1), ("L", "P", "S")),
    "feet first": ((-1, 0, 0, 0, 1, 0, 0, 0, -1), ("R", "P", "I")),
    "left-handed": ((1, 0, 0, 0, 1, 0, 0, 0, -1), ("L", "P", "I")),
    "coronal": ((1, 0, 0, 0, 0, 1, 0, -1, 0), ("L", "I", "P")),
    "sagittal": ((0, 0, -1, 1, 0, 0, 0, -1, 0), ("P", "I", "R")),
    "permuted": ((0, 1, 0, 0, 0, 1, 1, 0, 0), ("S", "L", "P")),
    # 20 degrees about x, then 30 about z; 0.17 of z points to the left, which is not worth a letter.
    "double oblique": ((C30, -S30 * C20, S30 * S20, S30, C30 * C20, -C30 * S20, 0, S20, C20), ("LP", "PRS", "SA")),
    "oblique sagittal": ((-S25, 0, -C25, C25, 0, -S25, 0, -1, 0), ("PR", "I", "RA")),
}
OPPOSITE = str.maketrans("LRPASI", "RLAPIS")
AXES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
CENTRE = (8, 15, 18)
# By index axis (z, y, x): the middle of the block at its high end, how far the block reaches each way, its HU.
ENDS, HALF, VALUES = (12, 24, 31), (1, 3, 2), (700, 450, 200)
# A lesion that no other block shares a slice with.
LESION, LESION_HU = (4, 7, 9), 850


def grid(name: str) -> Geometry:
    return Geometry(SHAPE, SPACING, ORIGIN, DIRECTIONS[name][0])


def letters(name: str, axis: int) -> str:
    """Give the letters of the high end of an index axis (0 = z, 1 = y, 2 = x)."""
    return DIRECTIONS[name][1][2 - axis]


def marker(axis: int) -> tuple[int, int, int]:
    z, y, x = (ENDS[one] if one == axis else CENTRE[one] for one in range(3))
    return z, y, x


def patient(name: str, index: tuple[float, float, float]) -> list[float]:
    """Give the patient mm (x, y, z) of a voxel, written out from DICOM's equation rather than taken from the code."""
    d = DIRECTIONS[name][0]
    steps = [index[2] * SPACING[2], index[1] * SPACING[1], index[0] * SPACING[0]]
    return [ORIGIN[row] + sum(d[3 * row + column] * steps[column] for column in range(3)) for row in range(3)]


def block(middle: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(at - half, at + half + 1) for at, half in zip(middle, HALF, strict=True))
    return z, y, x


def marked() -> NDArray[np.int16]:
    array = np.full(SHAPE, -1000, dtype=np.int16)
    for axis, value in enumerate(VALUES):
        array[block(marker(axis))] = value
    array[block(LESION)] = LESION_HU
    return array


PIXELS = """c => {
  const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  let text = '';
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return [c.height, c.width, btoa(text)];
}"""


def picture(page: Any, name: str) -> NDArray[np.int_]:
    """Give the pixels of a plane's canvas, shape (height, width, 3)."""
    height, width, text = page.locator(f".ctv-plane[data-plane={name}]").evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3].astype(int)


def spot(pixels: NDArray[np.int_], grey: float, tolerance: float = 2) -> NDArray[np.float64] | None:
    """Give the middle (x, y) of the area of a grey; lines, letters and soft edges are no area."""
    alike = (np.abs(pixels - grey) <= tolerance).all(axis=-1)
    core = alike.copy()
    for axis in (0, 1):
        core &= np.roll(alike, 1, axis) & np.roll(alike, -1, axis)
    if not core.any():
        return None
    left, right, top, bottom = extent(core)
    return np.array([left + right, top + bottom]) / 2


def extent(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the ends (left, right, top, bottom) of what is true, in pixels counted from their edges."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], columns[-1] + 1, rows[0], rows[-1] + 1], dtype=float)
