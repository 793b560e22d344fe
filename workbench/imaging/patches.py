"""Cut many boxes out of a volume at once, with padding where a box reaches beyond it.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.buffers import check_memory
from workbench.imaging.inputs import checked_target, checked_volume, in_parts
from workbench.imaging.volume import AIR_HU

# A box this far from the volume holds nothing of it, and its sums stay far from the largest integer.
FARTHEST = 2**31


def cut_patches(
    volume: NDArray[Any],
    starts_zyx: NDArray[Any] | Sequence[Sequence[int]],
    size: int | Sequence[int],
    *,
    outside_hu: float = AIR_HU,
    out: NDArray[Any] | None = None,
    threads: int = 1,
) -> NDArray[Any]:
    """Give the voxels of many boxes of one size.

    Parameters
    ----------
    volume : ndarray, int16 or float, shape (z, y, x), HU
    starts_zyx : array of int, shape (n, 3)
        The first voxel of each box; it may lie before the volume or beyond it.
    size : int or sequence of 3 int
        Voxels of a box along (z, y, x).
    outside_hu : float, default −1000
        What stands where the volume is not.
    out : ndarray, of the volume's type, shape (n, z, y, x), optional
        Takes the result.
    threads : int, default 1

    Returns
    -------
    ndarray, int16 for integers and float32 for floats, shape (n, z, y, x)

    Raises
    ------
    InvalidInput
        When the volume, the boxes or `out` is not usable, or the result does not fit into memory.

    Examples
    --------
    >>> cut_patches(np.array([[[1, 2, 3]]], np.int16), [(0, 0, 1)], (1, 1, 3), outside_hu=0).tolist()
    [[[[2, 3, 0]]]]
    """
    source = checked_volume(volume)
    starts, box = _checked_boxes(starts_zyx, size)
    if not np.isfinite(outside_hu) or (source.dtype == np.int16 and not -32768 <= outside_hu <= 32767):
        raise InvalidInput(f"outside_hu is a value that {source.dtype} holds, such as -1000, not {outside_hu!r}.")
    shape = (len(starts), *box)
    made = checked_target(out, shape, (str(source.dtype),), source)
    if made is None:
        check_memory(int(np.prod(shape, dtype=object)) * source.itemsize, f"{len(starts)} boxes of {box} voxels")
        made = np.empty(shape, source.dtype)
    places = starts.tolist()

    def work(first: int, last: int) -> None:
        for patch, start in zip(made[first:last], places[first:last], strict=True):
            _copy(source, patch, start, outside_hu)

    in_parts(work, len(starts), threads)
    return made


def _copy(source: NDArray[Any], patch: NDArray[Any], start: list[int], outside_hu: float) -> None:
    """Copy one box; numpy copies rows faster here than a compiled loop, and without Python's lock too."""
    begin = [min(max(-at, 0), size) for at, size in zip(start, patch.shape, strict=True)]
    end = [
        max(min(old - at, size), first)
        for at, size, old, first in zip(start, patch.shape, source.shape, begin, strict=True)
    ]
    if begin != [0, 0, 0] or end != list(patch.shape):
        patch.fill(outside_hu)
    inner = tuple(slice(a, b) for a, b in zip(begin, end, strict=True))
    there = tuple(slice(max(at + a, 0), max(at + b, 0)) for at, a, b in zip(start, begin, end, strict=True))
    patch[inner] = source[there]


def _checked_boxes(starts_zyx: Any, size: Any) -> tuple[NDArray[np.int64], tuple[int, int, int]]:
    starts = np.asarray(starts_zyx)
    if starts.size == 0:
        starts = np.zeros((0, 3), np.int64)
    if starts.ndim != 2 or starts.shape[1] != 3 or starts.dtype.kind not in "iu":
        raise InvalidInput(f"Boxes begin at whole voxels, an array of shape (n, 3), not {starts.dtype} {starts.shape}.")
    box = (size, size, size) if isinstance(size, int | np.integer) else tuple(size)
    if len(box) != 3 or not all(isinstance(n, int | np.integer) and 1 <= n <= 32767 for n in box):
        raise InvalidInput(f"A box has 1 to 32767 voxels along each of three axes (z, y, x), not {size!r}.")
    near = np.clip(starts, -FARTHEST, FARTHEST).astype(np.int64)
    return np.ascontiguousarray(near), (int(box[0]), int(box[1]), int(box[2]))
