"""The loops of linear resampling: rows of two slices blended, then rows of a slice, then voxels of a row.

Nothing of the size of a volume is made in between; the rows stay in the processor's first cache.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from workbench.imaging.compiled import Kernel, array


def _planes(is_rounded: bool) -> Callable[..., None]:
    def linear_planes(
        volume: Any, made: Any, zi: Any, zw: Any, yi: Any, yw: Any, xi: Any, xw: Any, first: int, last: int, rows: Any
    ) -> None:
        """Make the slices from `first` up to `last`; `rows` is scratch, three rows of the old width."""
        columns, width = volume.shape[2], made.shape[2]
        line = rows[2]
        for z in range(first, last):
            upper, lower = volume[zi[0, z]], volume[zi[1, z]]
            # The second tap's weight alone: the first value plus a part of the difference is rounded less often.
            lower_weight = zw[1, z]
            even, odd = np.int64(-1), np.int64(-1)
            for y in range(made.shape[1]):
                for tap in range(2):
                    row = np.int64(yi[tap, y])
                    # Neighbouring rows are one even and one odd: each is blended once, however often it is used.
                    if row == (odd if row & 1 else even):
                        continue
                    if row & 1:
                        odd = row
                    else:
                        even = row
                    blended, one, two = rows[row & 1], upper[row], lower[row]
                    for x in range(columns):
                        start = np.float32(one[x])
                        blended[x] = start + lower_weight * (np.float32(two[x]) - start)
                before, after = rows[np.int64(yi[0, y]) & 1], rows[np.int64(yi[1, y]) & 1]
                after_weight = yw[1, y]
                for x in range(columns):
                    line[x] = before[x] + after_weight * (after[x] - before[x])
                target = made[z, y]
                for x in range(width):
                    start = line[xi[0, x]]
                    value = start + xw[1, x] * (line[xi[1, x]] - start)
                    target[x] = np.rint(value) if is_rounded else value

    return linear_planes


def _signature(source: Any, target: Any) -> Any:
    volume, rows = array(source, 3, read_only=True), array(types.float32, 2)
    tables = (array(types.uint32, 2, read_only=True), array(types.float32, 2, read_only=True)) * 3
    return types.void(volume, array(target, 3), *tables, types.int64, types.int64, rows)


LINEAR = Kernel(
    _planes(False),
    {
        "int16 to float32": _signature(types.int16, types.float32),
        "float32 to float32": _signature(types.float32, types.float32),
    },
)
LINEAR_ROUNDED = Kernel(_planes(True), {"int16 to int16": _signature(types.int16, types.int16)})
