"""The loops of cubic B-spline resampling: the recursive filter along an axis, then its four taps, axis by axis.

Along x sixteen rows go side by side, along y a whole slice, along z a whole row of columns: the filter runs one after
the other along its axis, and the processor's vectors lie across it.

Runs in: anywhere
Source: Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Process Mag 16 (1999) 22, box 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types

from workbench.imaging.compiled import Kernel, array

LANES = 16
POLE = np.float32(np.sqrt(3.0) - 2.0)
# What the last coefficient takes of the last two filtered values at a mirrored border.
END = np.float32((np.sqrt(3.0) - 2.0) / ((np.sqrt(3.0) - 2.0) ** 2 - 1.0))


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"}, inline="always")  # type: ignore[untyped-decorator]
def _filter(values: Any, start: Any) -> None:
    """Turn values into coefficients / 6 along the first axis, in place."""
    count, width = values.shape
    if count == 1:
        return
    first = values[0]
    for x in range(width):
        first[x] *= start[0]
    for k in range(1, start.shape[0]):
        row, weight = values[k], start[k]
        for x in range(width):
            first[x] += weight * row[x]
    for k in range(1, count):
        row, before = values[k], values[k - 1]
        for x in range(width):
            row[x] += POLE * before[x]
    row, before = values[count - 1], values[count - 2]
    for x in range(width):
        row[x] = END * (row[x] + POLE * before[x])
    for k in range(count - 2, -1, -1):
        row, after = values[k], values[k + 1]
        for x in range(width):
            row[x] = POLE * (after[x] - row[x])


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"}, inline="always")  # type: ignore[untyped-decorator]
def _filter_lanes(lanes: Any, count: int, start: Any) -> None:
    """Do the same for sixteen rows side by side in one flat array."""
    if count == 1:
        return
    for x in range(LANES):
        total = np.float32(0.0)
        for k in range(start.shape[0]):
            total += start[k] * lanes[k * LANES + x]
        lanes[x] = total
    for k in range(LANES, count * LANES, LANES):
        for x in range(LANES):
            lanes[k + x] += POLE * lanes[k - LANES + x]
    last = (count - 1) * LANES
    for x in range(LANES):
        lanes[last + x] = END * (lanes[last + x] + POLE * lanes[last - LANES + x])
    for back in range(LANES, count * LANES, LANES):
        k = last - back
        for x in range(LANES):
            lanes[k + x] = POLE * (lanes[k + LANES + x] - lanes[k + x])


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"}, inline="always")  # type: ignore[untyped-decorator]
def _pad_rows(values: Any, pad: int) -> None:
    """Copy the border rows outwards."""
    last = values.shape[0] - 1 - pad
    for k in range(pad):
        values[k] = values[pad]
        values[last + 1 + k] = values[last]


def _slices(
    volume: Any, between: Any, xi: Any, xw: Any, x_pad: int, x_start: Any, yi: Any, yw: Any, y_pad: int, y_start: Any,
    first: int, last: int, lanes: Any, plane: Any,
) -> None:  # fmt: skip
    """Filter and tap both axes of the slices from `first` up to `last`; `lanes` and `plane` are scratch."""
    height, width = volume.shape[1], volume.shape[2]
    new_height, new_width = between.shape[1], between.shape[2]
    end = width + x_pad
    for z in range(first, last):
        for top in range(0, height, LANES):
            for lane in range(LANES):
                # Beyond the last row the last one is done again, and not written.
                row = volume[z, min(top + lane, height - 1)]
                for x in range(width):
                    lanes[(x + x_pad) * LANES + lane] = row[x]
            for k in range(x_pad):
                for lane in range(LANES):
                    lanes[k * LANES + lane] = lanes[x_pad * LANES + lane]
                    lanes[(end + k) * LANES + lane] = lanes[(end - 1) * LANES + lane]
            _filter_lanes(lanes, width + 2 * x_pad, x_start)
            rows = min(LANES, height - top)
            for x in range(new_width):
                a, b = np.int64(xi[0, x]) * LANES, np.int64(xi[1, x]) * LANES
                c, d = np.int64(xi[2, x]) * LANES, np.int64(xi[3, x]) * LANES
                for lane in range(rows):
                    plane[y_pad + top + lane, x] = (
                        lanes[a + lane] * xw[0, x] + lanes[b + lane] * xw[1, x]
                        + lanes[c + lane] * xw[2, x] + lanes[d + lane] * xw[3, x]
                    )  # fmt: skip
        _pad_rows(plane, y_pad)
        _filter(plane, y_start)
        for y in range(new_height):
            target = between[z, y]
            a, b, c, d = plane[yi[0, y]], plane[yi[1, y]], plane[yi[2, y]], plane[yi[3, y]]
            wa, wb, wc, wd = yw[0, y], yw[1, y], yw[2, y], yw[3, y]
            for x in range(new_width):
                target[x] = a[x] * wa + b[x] * wb + c[x] * wc + d[x] * wd


def _across(is_rounded: bool) -> Callable[..., None]:
    def across(
        between: Any, made: Any, zi: Any, zw: Any, pad: int, start: Any, first: int, last: int, column: Any
    ) -> None:
        """Filter and tap along z the rows from `first` up to `last`; `column` is scratch."""
        depth, width = between.shape[0], between.shape[2]
        for y in range(first, last):
            for z in range(depth):
                row, source = column[pad + z], between[z, y]
                for x in range(width):
                    row[x] = source[x]
            _pad_rows(column, pad)
            _filter(column, start)
            for z in range(made.shape[0]):
                target = made[z, y]
                a, b, c, d = column[zi[0, z]], column[zi[1, z]], column[zi[2, z]], column[zi[3, z]]
                wa, wb, wc, wd = zw[0, z], zw[1, z], zw[2, z], zw[3, z]
                for x in range(width):
                    value = a[x] * wa + b[x] * wb + c[x] * wc + d[x] * wd
                    if is_rounded:
                        target[x] = np.rint(min(max(value, np.float32(-32768.0)), np.float32(32767.0)))
                    else:
                        target[x] = value

    return across


_INDEX, _WEIGHTS = array(types.uint32, 2, read_only=True), array(types.float32, 2, read_only=True)
_START, _FLAT = array(types.float32, 1, read_only=True), array(types.float32, 1)
_PLANE, _VOLUME = array(types.float32, 2), array(types.float32, 3)
_AXIS = (_INDEX, _WEIGHTS, types.int64, _START)


def _slices_signature(source: Any) -> Any:
    volume = array(source, 3, read_only=True)
    return types.void(volume, _VOLUME, *_AXIS, *_AXIS, types.int64, types.int64, _FLAT, _PLANE)


def _across_signature(target: Any) -> Any:
    return types.void(_VOLUME, array(target, 3), *_AXIS, types.int64, types.int64, _PLANE)


SLICES = Kernel(_slices, {"int16": _slices_signature(types.int16), "float32": _slices_signature(types.float32)})
ACROSS = Kernel(_across(False), {"float32": _across_signature(types.float32)})
ACROSS_ROUNDED = Kernel(_across(True), {"int16": _across_signature(types.int16)})
