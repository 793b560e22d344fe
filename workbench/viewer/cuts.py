"""The slices that a picture is made of: of the volume, of a slab of it, and of labels on any grid.

Runs in: kernel
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.imaging.reformat import Box, reformat
from workbench.imaging.slabs import Slab, slab_reach
from workbench.viewer.planes import Plane
from workbench.viewer.scene import ReadableLabels, ReadableVolume, Scene

# A slice across the chunks of a stored scan unpacks 64 times its voxels; above 128 MB of these a coarser level serves.
CHUNK = 64
MOST_UNPACKED = 2**26
# Slices of a slab that are held at once.
AT_ONCE = 16
SAME_GRID = 1e-6


def index_of(geometry: Geometry, position_mm: object) -> NDArray[np.int_]:
    """Give the voxel (z, y, x) that holds a patient position, or the closest one to it."""
    centre = geometry.to_index(np.asarray(position_mm))
    return np.clip(np.floor(centre + 0.5), 0, np.asarray(geometry.shape) - 1).astype(int)


def reach_of(geometry: Geometry, plane: Plane, scene: Scene) -> int:
    """Give how many slices on each side of the shown one belong to the scene's slab."""
    return slab_reach(scene.slab_mm, geometry.spacing_mm[plane.normal])


def level_for(volume: ReadableVolume, plane: Plane, pixels: tuple[int, int], most_unpacked: int = MOST_UNPACKED) -> int:
    """Give the coarsest level that still fills the pixels (columns, rows), 0 unless a full slice is costly to read."""
    shape = volume.geometry.shape
    counts = shape[plane.column], shape[plane.row]
    if not hasattr(volume, "read_slice") or counts[0] * counts[1] * CHUNK <= most_unpacked:
        return 0
    level, last = 0, int(getattr(volume, "levels", 1)) - 1
    while level < last and all(n / 2 ** (level + 1) >= wanted for n, wanted in zip(counts, pixels, strict=True)):
        level += 1
    return level


def read_cut(volume: ReadableVolume, plane: Plane, index: int, scene: Scene, level: int = 0) -> NDArray[np.int16]:
    """Give a slice or slab as stored numbers, int16, shape (rows, columns); −32768 is no value."""
    reach = reach_of(volume.geometry, plane, scene)
    if not reach:
        if level:
            coarse: Any = volume
            return np.asarray(coarse.read_slice(plane.name, index >> level, level))
        return np.asarray(volume[_at(plane, index)])
    first, last = max(0, index - reach), min(volume.geometry.shape[plane.normal] - 1, index + reach)
    slab = Slab(scene.slab_mode)
    for start in range(first, last + 1, AT_ONCE):
        stack = np.asarray(volume[_at(plane, slice(start, min(start + AT_ONCE, last + 1)))])
        slab.add(np.moveaxis(stack, plane.normal, 0))
    return slab.slice()


def read_label_cut(labels: ReadableLabels, geometry: Geometry, plane: Plane, index: int) -> NDArray[np.uint16]:
    """Give the labels of a slice of a grid, uint16, shape (rows, columns); 0 where the labels do not reach."""
    if is_same_grid(labels.geometry, geometry):
        return np.asarray(labels[_at(plane, index)]).astype(np.uint16)

    def read(box: Box) -> NDArray[np.uint16]:
        return np.asarray(labels[tuple(slice(*span) for span in box)]).astype(np.uint16)

    return reformat(read, labels.geometry, geometry, plane.name, index, order=0, outside=0)


def is_same_grid(one: Geometry, other: Geometry) -> bool:
    """Whether two grids are the same voxel for voxel, but for rounding."""
    return one.shape == other.shape and np.allclose(
        [*one.spacing_mm, *one.origin_mm, *one.direction],
        [*other.spacing_mm, *other.origin_mm, *other.direction], rtol=0, atol=SAME_GRID,
    )  # fmt: skip


def _at(plane: Plane, index: int | slice) -> tuple[int | slice, ...]:
    at: list[int | slice] = [slice(None)] * 3
    at[plane.normal] = index
    return tuple(at)
