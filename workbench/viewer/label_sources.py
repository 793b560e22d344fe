"""Labels made in the notebook, arrays of numbers or masks by name, read piece by piece and never copied whole.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import ArrayLike, levels_of
from workbench.viewer.palette import LARGEST_VALUE

# Voxels looked at in one step.
PIECE = 4_000_000
# Voxels that several masks share, looked at in one step.
COLUMNS = 2**16
Labels = NDArray[np.uint16]


class GivenLabels:
    """An array whose voxels hold the number of the region they belong to, or 0.

    Parameters
    ----------
    array : ArrayLike, bool or integer, shape (z, y, x)
        Its values were checked by `values_of`.
    geometry : Geometry
        Of the same shape.
    """

    def __init__(self, array: ArrayLike, geometry: Geometry) -> None:
        self.array, self.geometry = array, geometry
        self.levels = levels_of(geometry)

    def __getitem__(self, key: Any) -> Labels:
        """Give label values by integers and slices (z, y, x)."""
        return _plain(self.array[key]).astype(np.uint16)

    def read(self, level: int = 0) -> Labels:
        """Give evenly spaced voxels: of each block of 2^level an axis, the one nearest to its centre."""
        return self[sample_key(level)]


class GivenMasks:
    """Masks by value that do not overlap, as one array of labels.

    Parameters
    ----------
    masks : mapping of int to ArrayLike, bool or integer, shape (z, y, x)
        All of one shape; voxels other than 0 belong to the region.
    geometry : Geometry
        Of the same shape.
    """

    def __init__(self, masks: Mapping[int, ArrayLike], geometry: Geometry) -> None:
        self.masks, self.geometry = dict(masks), geometry
        self.levels = levels_of(geometry)

    def __getitem__(self, key: Any) -> Labels:
        """Give label values by integers and slices (z, y, x)."""
        labels: Labels | None = None
        for value, mask in self.masks.items():
            part = _plain(mask[key]) != 0
            labels = np.zeros(part.shape, dtype=np.uint16) if labels is None else labels
            labels[part] = value
        return labels if labels is not None else np.zeros(0, dtype=np.uint16)

    def read(self, level: int = 0) -> Labels:
        """Give evenly spaced voxels: of each block of 2^level an axis, the one nearest to its centre."""
        return self[sample_key(level)]


def sample_key(level: int) -> tuple[slice, slice, slice]:
    """Give the index of one voxel of each block of 2^level, the rule by which governed labels are thinned out."""
    step = 2**level
    one = slice(max(step // 2 - 1, 0), None, step)
    return one, one, one


def values_of(array: ArrayLike, name: str) -> list[int]:
    """Give the values other than 0 that an array holds, in order.

    Raises
    ------
    InvalidInput
        When one is negative or above 65535; the message says which.
    """
    if array.dtype.kind == "b":
        return [1] if any(part.any() for part in pieces(array)) else []
    seen = np.zeros(LARGEST_VALUE + 1, dtype=bool)
    for part in pieces(array):
        lowest, highest = int(part.min()), int(part.max())
        if lowest < 0 or highest > LARGEST_VALUE:
            raise InvalidInput(
                f"{name} hold the value {lowest if lowest < 0 else highest}, and labels go from 0 to {LARGEST_VALUE}. "
                + ("Set voxels to ignore to 0." if lowest < 0 else "Number the regions anew, from 1.")
            )
        # Most voxels belong to no region; leaving them out first halves the time.
        seen[part[part != 0].astype(np.intp, copy=False)] = True
    return [value for value in np.flatnonzero(seen).tolist() if value]


def without_overlap(masks: Mapping[int, ArrayLike]) -> list[dict[int, ArrayLike]]:
    """Share masks out so that those of one group do not overlap, in as few groups as their order gives."""
    clashes: set[tuple[int, int]] = set()
    values = list(masks)
    size = PIECE // len(values)
    for parts in zip(*(pieces(mask, 0, size) for mask in masks.values()), strict=True):
        inside = [part != 0 for part in parts]
        count = np.zeros(inside[0].shape, dtype=np.uint16)
        for one in inside:
            count += one
        shared = np.flatnonzero(count > 1)
        for start in range(0, len(shared), COLUMNS):
            at = shared[start : start + COLUMNS]
            held = np.stack([one.ravel()[at] for one in inside]).astype(np.float32)
            clashes |= {(values[a], values[b]) for a, b in np.argwhere(held @ held.T).tolist() if a != b}
    groups: list[dict[int, ArrayLike]] = []
    for value, mask in masks.items():
        free = next((group for group in groups if not any((value, other) in clashes for other in group)), None)
        if free is None:
            groups.append(free := {})
        free[value] = mask
    return groups


def pieces(array: ArrayLike, axis: int | None = None, most: int = PIECE) -> Iterator[NDArray[Any]]:
    """Go through an array in pieces that lie together in memory, or along an axis."""
    strides = getattr(array, "strides", None) or (3, 2, 1)
    if axis is None:
        axis = max(range(3), key=lambda n: (array.shape[n] > 1, abs(strides[n])))
    size = max(1, int(np.prod(array.shape, dtype=np.int64)))
    thick = max(1, most * array.shape[axis] // size)
    for start in range(0, array.shape[axis], thick):
        yield _plain(array[tuple(slice(start, start + thick) if n == axis else slice(None) for n in range(3))])


def _plain(part: Any) -> NDArray[Any]:
    """Give a piece as numpy has it; what is masked belongs to no region."""
    return np.asarray(part.filled(0) if isinstance(part, np.ma.MaskedArray) else part)
