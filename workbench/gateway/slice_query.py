"""Which picture the address of a slice means, checked before anything is read for it.

Runs in: gateway
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import InvalidInput, NotFound
from workbench.geometry import IDENTITY, Geometry
from workbench.imaging.reformat import PLANES
from workbench.imaging.slabs import check_mode

# The longest body there is; a PET of a whole one is looked at in slabs as thick as it is wide.
MOST_SLAB_MM = 2500.0
MOST_PIXELS = 4096 * 4096
# 512×512×1024: a slab on another grid is interpolated voxel by voxel, about a second for each 50 million.
MOST_GRID_VOXELS = 2**28
MOST_GRID_SIZE = 65_536
MOST_GRID_MM = 1e6

_GRID = (
    "It is JSON such as {“shape”: [z, y, x], “spacing_mm”: [z, y, x], “origin_mm”: [x, y, z], "
    "“direction”: [9 numbers]}."
)


@dataclass(frozen=True)
class SliceQuery:
    """One slice.

    Parameters
    ----------
    plane : str
        axial | coronal | sagittal: the z, y or x axis stands still.
    index : int
        Which slice along that axis, of the level or of the grid.
    level : int
        0 is full resolution.
    slab_mm : float
        Thickness, mm; 0 is one slice.
    mode : str
        mean | mip | minip, of a slab.
    grid : Geometry, optional
        The grid whose slice is wanted; without it the scan's own.
    is_packed : bool
        Whether it travels smaller, without loss.
    """

    plane: str
    index: int
    level: int = 0
    slab_mm: float = 0.0
    mode: str = "mean"
    grid: Geometry | None = None
    is_packed: bool = False


def read_slice_query(path: Mapping[str, str], query: Mapping[str, str]) -> SliceQuery:
    """Give what the path's `plane` and `index` and the query's `level, slab_mm, mode, grid, pack` mean.

    Raises
    ------
    NotFound
        When there is no such plane, or the index or level is no whole number.
    InvalidInput
        When another part of the query makes no sense.
    """
    plane, index = path["plane"], path["index"]
    if plane not in PLANES:
        raise NotFound(f"There is no plane “{plane[:32]}”; the planes are {', '.join(PLANES)}.")
    if not _is_whole(index, 9):
        raise NotFound("A slice is named by a whole number from 0.")
    level = query.get("level", "0")
    if not _is_whole(level, 2):
        raise NotFound(f"“level” is a whole number from 0 (full resolution), not “{level[:32]}”.")
    if query.get("pack", "0") not in ("0", "1"):
        raise InvalidInput(f"“pack” is 1 for a packed slice or 0, not “{query['pack'][:32]}”.")
    slab_mm = _slab(query.get("slab_mm", "0"))
    # Of one slice every mode shows the same, so that it has one name.
    mode = check_mode(query.get("mode", "mean")) if slab_mm else "mean"
    grid = _grid(query["grid"]) if "grid" in query else None
    if grid is not None:
        _check_slice(grid, plane, int(index))
    return SliceQuery(plane, int(index), int(level), slab_mm, mode, grid, query.get("pack") == "1")


def _is_whole(text: str, digits: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= digits


def _slab(text: str) -> float:
    try:
        slab_mm = float(text) if len(text) <= 32 and "_" not in text else math.nan
    except ValueError:
        slab_mm = math.nan
    if not 0 <= slab_mm <= MOST_SLAB_MM:
        raise InvalidInput(f"“slab_mm” is a thickness from 0 (one slice) to {MOST_SLAB_MM:g} mm, not “{text[:32]}”.")
    return slab_mm


def _grid(text: str) -> Geometry:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput(f"“grid” is not JSON. {_GRID}") from None
    if not isinstance(body, dict):
        raise InvalidInput(f"“grid” is JSON but no object. {_GRID}")
    shape = _numbers(body, "shape", 3, lowest=1, highest=MOST_GRID_SIZE)
    spacing = _numbers(body, "spacing_mm", 3, lowest=1e-6, highest=MOST_GRID_MM)
    origin = _numbers(body, "origin_mm", 3, lowest=-MOST_GRID_MM, highest=MOST_GRID_MM)
    direction = _numbers({"direction": IDENTITY, **body}, "direction", 9, lowest=-1.001, highest=1.001)
    if any(number != int(number) for number in shape):
        raise InvalidInput(f"The “shape” of a grid is three whole numbers, not {shape}.")
    matrix = np.array(direction).reshape(3, 3)
    if np.abs(matrix.T @ matrix - np.eye(3)).max() > 1e-2:
        raise InvalidInput(
            "The “direction” of a grid is a rotation: three directions of length 1, square to each other."
        )
    z, y, x = (int(number) for number in shape)
    return Geometry(
        (z, y, x), (spacing[0], spacing[1], spacing[2]), (origin[0], origin[1], origin[2]), tuple(direction)
    )


def _numbers(body: Mapping[str, Any], name: str, count: int, *, lowest: float, highest: float) -> list[float]:
    values = body.get(name)
    if not isinstance(values, list | tuple) or len(values) != count:
        raise InvalidInput(f"The “{name}” of a grid is a list of {count} numbers. {_GRID}")
    for value in values:
        # Whole numbers are compared as they are: one of a thousand digits is no float.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not lowest <= value <= highest:
            raise InvalidInput(
                f"The “{name}” of a grid holds numbers from {lowest:g} to {highest:g}, not {str(value)[:32]}."
            )
    return [float(value) for value in values]


def _check_slice(grid: Geometry, plane: str, index: int) -> None:
    normal, row, column = PLANES[plane]
    rows, columns = grid.shape[row], grid.shape[column]
    if index >= grid.shape[normal]:
        raise NotFound(
            f"The {plane} slices of this grid go from 0 to {grid.shape[normal] - 1}; there is no slice {index}."
        )
    if rows * columns > MOST_PIXELS:
        raise InvalidInput(
            f"A slice of this grid would have {rows} × {columns} pixels; at most {MOST_PIXELS} are made. "
            "Ask for a grid with larger spacing."
        )
