"""A slice of a volume on the grid of another one, so that two scans can be laid on top of each other.

The slice is made tile by tile: only the voxels around a tile are read, however large or oblique the volume is.

Runs in: anywhere
Source: DICOM PS3.3 2026c C.7.6.2.1.1 for where voxels lie; linear interpolation between the 8 voxels around a point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.slabs import NO_VALUE

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
Read = Callable[[Box], NDArray[Any]]
# To the next row of a slice and to its next column, in source voxels (z, y, x).
Steps = tuple[NDArray[np.float64], NDArray[np.float64]]

# Which array axis (0 = z, 1 = y, 2 = x) stands still, and those down the rows and along the columns.
PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}
# 2 MB of int16 read and 1 MB of floats made at a time.
MOST_VOXELS = 2**20
MOST_PIXELS = 2**18
# A point on a voxel's centre must come out as that voxel, although its place was computed by way of millimetres.
EXACT = 1e-5


class _Tile(NamedTuple):
    """Rows and columns of the slice, from and up to."""

    top: int
    bottom: int
    left: int
    right: int


def at_level(geometry: Geometry, level: int) -> Geometry:
    """Give the grid of a volume's coarser level, of which each voxel stands for 2^level fine ones an axis.

    >>> grid = at_level(Geometry((5, 4, 4), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0)), 1)
    >>> grid.shape, grid.spacing_mm, grid.origin_mm
    ((3, 2, 2), (4.0, 2.0, 2.0), (0.5, 0.5, 1.0))
    """
    factor = 2**level
    z, y, x = (-(-size // factor) for size in geometry.shape)
    dz, dy, dx = (step * factor for step in geometry.spacing_mm)
    origin = geometry.to_patient_mm(np.full(3, (factor - 1) / 2)).tolist()
    return Geometry((z, y, x), (dz, dy, dx), (origin[0], origin[1], origin[2]), geometry.direction)


def reformat(
    read: Read, source: Geometry, target: Geometry, plane: str, index: int, *, order: int = 1, outside: int = NO_VALUE
) -> NDArray[Any]:
    """Give a slice of another grid through a volume.

    Parameters
    ----------
    read : callable
        Gives the voxels of a box of the source, ((z0, z1), (y0, y1), (x0, x1)), as an array of that shape.
    source, target : Geometry
        The volume's grid, and the one whose slice is wanted.
    plane : {"axial", "coronal", "sagittal"}
        The z, y or x axis of the target stands still.
    index : int
        Which slice of the target along that axis, from 0.
    order : {1, 0}, default 1
        1 linear between the 8 voxels around; 0 the nearest voxel, for labels.
    outside : int, default −32768
        What stands where the volume is not: further than half a voxel beyond its outer voxels' centres.

    Returns
    -------
    ndarray, of the type that `read` gives, shape (rows, columns)
        Axial (y, x), coronal (z, x), sagittal (z, y) of the target. Linear: rounded to the nearest integer, and
        `outside` where a voxel that counts has no value (−32768).

    Raises
    ------
    InvalidInput
        When there is no such plane, slice or order.
    """
    normal, row, column = _checked(plane, index, order, target)
    start, down, across = _steps(source, target, (normal, row, column), index)
    made: NDArray[Any] | None = None
    waiting = [_Tile(0, target.shape[row], 0, target.shape[column])]
    while waiting:
        tile = waiting.pop()
        box = _box(source.shape, tile, start, down, across)
        if box is None:
            continue
        if _is_large(tile, box):
            waiting += _halves(tile)
            continue
        block = read(box)
        if made is None:
            made = np.full((target.shape[row], target.shape[column]), outside, dtype=block.dtype)
        offset = start + tile.top * down + tile.left * across
        size = (tile.bottom - tile.top, tile.right - tile.left)
        pixels = _sample(block, offset - [a for a, _ in box], (down, across), size, order)
        inside = _inside(source.shape, offset, (down, across), size)
        made[tile.top : tile.bottom, tile.left : tile.right][inside] = pixels[inside]
    if made is None:
        kind = read(((0, 1), (0, 1), (0, 1))).dtype
        return np.full((target.shape[row], target.shape[column]), outside, dtype=kind)
    return made


def _checked(plane: str, index: int, order: int, target: Geometry) -> tuple[int, int, int]:
    """Give the axes of a plane, refused with its index and order unless the target has that slice."""
    if plane not in PLANES:
        raise InvalidInput(f"There is no plane {str(plane)[:32]!r}; the planes are {', '.join(PLANES)}.")
    if order not in (0, 1):
        raise InvalidInput(f"A slice is made by order 1 (linear) or 0 (the nearest voxel), not {order!r}.")
    normal = PLANES[plane][0]
    if not 0 <= index < target.shape[normal]:
        last = target.shape[normal] - 1
        raise InvalidInput(f"The {plane} slices of this grid go from 0 to {last}; there is no slice {index}.")
    return PLANES[plane]


def _steps(
    source: Geometry, target: Geometry, axes: tuple[int, int, int], index: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the source index (z, y, x) of the slice's first pixel, and the steps to the next row and column."""
    corners = np.zeros((3, 3))
    corners[:, axes[0]] = index
    corners[1, axes[1]] = corners[2, axes[2]] = 1
    first, below, beside = source.to_index(target.to_patient_mm(corners))
    found = []
    for numbers in (first, below - first, beside - first):
        whole = np.rint(numbers)
        found.append(np.where(np.abs(numbers - whole) < EXACT / max(target.shape), whole, numbers))
    return found[0], found[1], found[2]


def _box(
    shape: tuple[int, int, int], tile: _Tile, start: NDArray[np.float64], down: NDArray[np.float64],
    across: NDArray[np.float64],
) -> Box | None:  # fmt: skip
    """Give the voxels that a tile needs, or None where it lies beside the volume."""
    rows, columns = (tile.top, tile.bottom - 1), (tile.left, tile.right - 1)
    corners = np.array([start + r * down + c * across for r in rows for c in columns])
    low, high, size = corners.min(axis=0), corners.max(axis=0), np.array(shape)
    if (high < -0.5 - EXACT).any() or (low > size - 0.5 + EXACT).any():
        return None
    first = np.clip(np.floor(low - EXACT), 0, size - 1).astype(int).tolist()
    last = np.clip(np.floor(high + EXACT) + 1, 0, size - 1).astype(int).tolist()
    z, y, x = ((a, b + 1) for a, b in zip(first, last, strict=True))
    return z, y, x


def _is_large(tile: _Tile, box: Box) -> bool:
    pixels = (tile.bottom - tile.top) * (tile.right - tile.left)
    voxels = np.prod([float(stop - start) for start, stop in box])
    return pixels > 1 and bool(pixels > MOST_PIXELS or voxels > MOST_VOXELS)


def _halves(tile: _Tile) -> list[_Tile]:
    if tile.bottom - tile.top >= tile.right - tile.left:
        middle = (tile.top + tile.bottom) // 2
        return [tile._replace(top=middle), tile._replace(bottom=middle)]
    middle = (tile.left + tile.right) // 2
    return [tile._replace(left=middle), tile._replace(right=middle)]


def _inside(
    shape: tuple[int, int, int],
    offset: NDArray[np.float64],
    steps: Steps,
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    """Give which pixels of a tile lie in the volume."""
    inside = np.ones(size, dtype=bool)
    for axis, voxels in enumerate(shape):
        ends = [
            offset[axis] + r * steps[0][axis] + c * steps[1][axis] for r in (0, size[0] - 1) for c in (0, size[1] - 1)
        ]
        if min(ends) < -0.5 or max(ends) > voxels - 0.5:
            place = offset[axis] + np.arange(size[0])[:, None] * steps[0][axis] + np.arange(size[1]) * steps[1][axis]
            inside &= (place >= -0.5 - EXACT) & (place <= voxels - 0.5 + EXACT)
    return inside


def _sample(
    block: NDArray[Any],
    offset: NDArray[np.float64],
    steps: Steps,
    size: tuple[int, int],
    order: int,
) -> NDArray[Any]:
    """Give the pixels of a tile, shape `size`, from the block of voxels around it."""
    if order == 0:
        return _by_matrix(block, offset, steps, size, order=0)
    interpolate = _along_axes if _follow_axes(steps) else _by_matrix
    empty = block == NO_VALUE
    values = np.where(empty, 0, block) if empty.any() else block
    pixels = np.floor(interpolate(values, offset, steps, size) + np.float32(0.5))
    if values is not block:
        # A pixel has a value only where all voxels that count have one.
        pixels[interpolate(empty.astype(np.uint8), offset, steps, size) > EXACT] = NO_VALUE
    return pixels.astype(block.dtype)


def _by_matrix(
    values: NDArray[Any], offset: NDArray[np.float64], steps: Steps, size: tuple[int, int], *, order: int = 1
) -> NDArray[Any]:
    """Interpolate whatever way the tile lies; linear gives float32, the nearest voxel the type it has."""
    # The first column belongs to an axis of one pixel, along which nothing moves.
    matrix = np.stack([np.zeros(3), *steps], axis=1)
    kind = np.float32 if order else values.dtype
    made: NDArray[Any] = ndimage.affine_transform(
        values, matrix, offset, output_shape=(1, *size), order=order, mode="nearest", output=kind
    )
    pixels: NDArray[Any] = made[0]
    return pixels


def _follow_axes(steps: Steps) -> bool:
    """Whether rows and columns of the tile each run along an axis of the volume."""
    moving = [np.flatnonzero(step) for step in steps]
    return all(len(axes) == 1 for axes in moving) and moving[0][0] != moving[1][0]


def _along_axes(
    values: NDArray[Any], offset: NDArray[np.float64], steps: Steps, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Interpolate linearly one axis after the other: about six times quicker, measured on 512×512 pixels."""
    row, column = (int(np.flatnonzero(step)[0]) for step in steps)
    normal = 3 - row - column
    made: NDArray[Any] = values.transpose(normal, row, column)
    places = (
        offset[normal : normal + 1],
        offset[row] + np.arange(size[0]) * steps[0][row],
        offset[column] + np.arange(size[1]) * steps[1][column],
    )
    for axis, place in enumerate(places):
        held = np.clip(place, 0, made.shape[axis] - 1)
        low = np.floor(held).astype(np.intp)
        part = (held - low).astype(np.float32)
        below = made.take(low, axis=axis).astype(np.float32, copy=False)
        if part.any():
            above = made.take(np.minimum(low + 1, made.shape[axis] - 1), axis=axis).astype(np.float32, copy=False)
            above -= below
            above *= part.reshape([-1 if n == axis else 1 for n in range(3)])
            below += above
        made = below
    flat: NDArray[np.float32] = made[0]
    return flat
