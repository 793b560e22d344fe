"""Axial sections on one grid for networks that look at a slice at a time, and the way back to a scan's own voxels.

Every slice becomes 128 × 128 pixels of 3 mm around the middle of the scan, whatever its pixels were: 384 mm hold a
chest. Interpolation is linear, in a fixed order of additions, so that equal scans give equal sections on any machine.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.volume import check_volume

SECTION_PIXELS = 128
SECTION_PIXEL_MM = 3.0
SECTION_HU = (-1000.0, 400.0)
OUTSIDE_HU = -1000.0
# Each section pixel is the mean of so many by so many points, for a scan's pixels are smaller than it.
POINTS = 2

Floats = NDArray[np.float32]


def cut_sections(hu: NDArray[Any], spacing_mm: Sequence[float]) -> Floats:
    """Give every axial slice of a scan on the common grid.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.

    Returns
    -------
    ndarray, float32, shape (z, 1, 128, 128)
        HU -1000…400 scaled to 0…1; 0 outside of the scan.

    Raises
    ------
    InvalidInput
        When shape or spacing is not usable.

    Examples
    --------
    >>> cut_sections(np.full((2, 64, 64), 400, dtype=np.int16), (2.0, 6.0, 6.0))[0, 0, 64, 64]
    np.float32(1.0)
    """
    spacing = check_volume(hu, spacing_mm)
    low, high = SECTION_HU
    scaled = (np.clip(hu, low, high).astype(np.float32) - np.float32(low)) / np.float32(high - low)
    rest = np.float32((OUTSIDE_HU - low) / (high - low))
    finer = SECTION_PIXEL_MM / POINTS
    places = [
        _places(SECTION_PIXELS * POINTS, finer, size, step)
        for size, step in zip(hu.shape[1:], spacing[1:], strict=True)
    ]
    sections = np.empty((len(hu), 1, SECTION_PIXELS, SECTION_PIXELS), dtype=np.float32)
    for z, image in enumerate(scaled):
        fine = _read(image, places[0], places[1], rest)
        rows = fine[0::POINTS] + fine[1::POINTS]
        sections[z, 0] = (rows[:, 0::POINTS] + rows[:, 1::POINTS]) / np.float32(POINTS * POINTS)
    return sections


def lay_back(probability: NDArray[Any], spacing_mm: Sequence[float], shape: Sequence[int]) -> Floats:
    """Give what sections say at the voxels of their scan.

    Parameters
    ----------
    probability : ndarray, shape (z, 128, 128) or (z, 1, 128, 128)
        One image for each slice of the scan.
    spacing_mm : sequence of 3 float
        Of the scan, along (z, y, x), mm.
    shape : sequence of 3 int
        Of the scan, (z, y, x).

    Returns
    -------
    ndarray, float32, shape (z, y, x)
        0 where the scan reaches beyond the sections.

    Raises
    ------
    InvalidInput
        When there is not one section of that size for each slice.
    """
    said = np.asarray(probability, dtype=np.float32)
    if said.ndim == 4 and said.shape[1] == 1:
        said = said[:, 0]
    if said.shape != (shape[0], SECTION_PIXELS, SECTION_PIXELS):
        raise InvalidInput(
            f"{shape[0]} slices need sections of shape ({shape[0]}, {SECTION_PIXELS}, {SECTION_PIXELS}); "
            f"got {said.shape}."
        )
    places = [
        _places(size, step, SECTION_PIXELS, SECTION_PIXEL_MM)
        for size, step in zip(shape[1:], spacing_mm[1:], strict=True)
    ]
    result = np.empty(tuple(shape), dtype=np.float32)
    for z, image in enumerate(said):
        result[z] = _read(image, places[0], places[1], np.float32(0))
    return result


Places = tuple[NDArray[np.intp], Floats]


def _places(count: int, step_mm: float, size: int, spacing_mm: float) -> Places:
    """Say where `count` points, `step_mm` apart around the common middle, lie in an axis of `size` voxels.

    Gives the voxel before each point (of the axis with one voxel of margin on each side) and how far beyond it lies.
    """
    index = (np.arange(count) - (count - 1) / 2) * step_mm / spacing_mm + (size - 1) / 2
    # Beyond half a voxel past the end nothing is known; between there and the end the margin fades in.
    index = np.clip(index, -1, size)
    before = np.minimum(np.floor(index), size - 1).astype(np.intp)
    return before + 1, (index - before).astype(np.float32)


def _read(image: Floats, rows: Places, columns: Places, rest: np.float32) -> Floats:
    """Read an image at the points of two axes, linearly."""
    padded = np.pad(image, 1, constant_values=rest)
    (row, down), (column, right) = rows, columns
    lines = padded[row] * (np.float32(1) - down)[:, None] + padded[row + 1] * down[:, None]
    result: Floats = (lines[:, column] * (np.float32(1) - right) + lines[:, column + 1] * right).astype(np.float32)
    return result
