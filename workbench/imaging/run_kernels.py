"""The loops of connected parts over stretches of voxels instead of voxels: find them, join them, paint some.

Runs in: anywhere
Source: He, Chao and Suzuki, IEEE Trans Image Process 17 (2008) 749; the smallest number of a part stands for it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types

from workbench.imaging.compiled import Kernel, array

# Voxels looked at together: most blocks of a CT are all air or all body.
BLOCK = 32
# The size of a part that touches a side of the picture.
OUTSIDE = -(2**31)


def _find(volume: Any, z: int, threshold: float, counts: Any, runs: Any, used: int) -> int:
    """Write the stretches of a slice that lie below the threshold; give how many there are now."""
    height, width = volume.shape[1], volume.shape[2]
    whole = width - width % BLOCK
    limit = np.float32(threshold)
    for y in range(height):
        row, before, is_air = volume[z, y], used, False
        for x in range(0, whole, BLOCK):
            below = np.int32(0)
            for i in range(BLOCK):
                below += np.int32(np.float32(row[x + i]) < limit)
            if below == (BLOCK if is_air else 0):
                continue
            for i in range(BLOCK):
                if (np.float32(row[x + i]) < limit) != is_air:
                    runs[used, 1 if is_air else 0] = x + i
                    used += 1 if is_air else 0
                    is_air = not is_air
        for x in range(whole, width):
            if (np.float32(row[x]) < limit) != is_air:
                runs[used, 1 if is_air else 0] = x
                used += 1 if is_air else 0
                is_air = not is_air
        if is_air:
            runs[used, 1] = width
            used += 1
        counts[z * height + y] = used - before
    return used


@numba.njit(nogil=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _root(parent: Any, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _join_rows(runs: Any, parent: Any, a: int, a_end: int, b: int, b_end: int) -> None:
    """Join the stretches of one row with those of another where they overlap."""
    while a < a_end and b < b_end:
        if runs[a, 0] < runs[b, 1] and runs[b, 0] < runs[a, 1]:
            one, two = _root(parent, a), _root(parent, b)
            if one < two:
                parent[two] = one
            elif two < one:
                parent[one] = two
        if runs[a, 1] < runs[b, 1]:
            a += 1
        else:
            b += 1


def _join(ends: Any, runs: Any, height: int, width: int, parent: Any, sizes: Any) -> None:
    """Give every stretch the number of its part, and every part its voxels; fewer than 0 where it touches a side."""
    for row in range(ends.shape[0]):
        begin, end = ends[row - 1] if row else 0, ends[row]
        if row % height:
            _join_rows(runs, parent, begin, end, ends[row - 2] if row > 1 else 0, begin)
        if row >= height:
            above = row - height
            _join_rows(runs, parent, begin, end, ends[above - 1] if above else 0, ends[above])
    for row in range(ends.shape[0]):
        is_side = row % height == 0 or row % height == height - 1
        for run in range(ends[row - 1] if row else 0, ends[row]):
            # A part's number is the smallest of its stretches', so the parent of an earlier one is final by now.
            part = parent[parent[run]]
            parent[run] = part
            if is_side or runs[run, 0] == 0 or runs[run, 1] == width:
                sizes[part] = OUTSIDE
            elif sizes[part] != OUTSIDE:
                sizes[part] += runs[run, 1] - runs[run, 0]


def _paint(ends: Any, runs: Any, parent: Any, kept: Any, mask: Any, first: int, last: int) -> None:
    """Write 1 where a stretch belongs to a kept part and 0 elsewhere, in the slices from `first` up to `last`."""
    height = mask.shape[1]
    for z in range(first, last):
        for y in range(height):
            number, row = z * height + y, mask[z, y]
            row[:] = 0
            for run in range(ends[number - 1] if number else 0, ends[number]):
                for part in kept:
                    if parent[run] == part:
                        row[runs[run, 0] : runs[run, 1]] = 1


def _find_signature(kind: Any) -> Any:
    volume, number = array(kind, 3, read_only=True), types.int64
    return number(volume, number, types.float64, array(types.int32, 1), array(types.int16, 2), number)


_ENDS, _RUNS = array(types.int32, 1, read_only=True), array(types.int16, 2, read_only=True)
_NUMBERS = array(types.int32, 1)
FIND = Kernel(_find, {"int16": _find_signature(types.int16), "float32": _find_signature(types.float32)})
JOIN = Kernel(_join, {"runs": types.void(_ENDS, _RUNS, types.int64, types.int64, _NUMBERS, _NUMBERS)})
PAINT = Kernel(
    _paint,
    {"runs": types.void(_ENDS, _RUNS, _ENDS, _ENDS, array(types.uint8, 3), types.int64, types.int64)},
)
