"""The loops that go through voxels once: windows and boxes cut out.

Runs in: anywhere
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from workbench.imaging.compiled import Kernel, array


def _window(voxels: Any, grey: Any, low: Any, width: Any) -> None:
    """Write (HU − low) / width, cut to 0 and 1."""
    black, white = np.float32(0.0), np.float32(1.0)
    for x in range(voxels.shape[0]):
        grey[x] = min(max((np.float32(voxels[x]) - low) / width, black), white)


def _boxes(volume: Any, starts: Any, made: Any, outside: Any, first: int, last: int) -> None:
    """Copy the boxes from `first` up to `last`, `outside` where the volume is not."""
    depth, height, width = volume.shape
    for box in range(first, last):
        z0, y0, x0 = starts[box, 0], starts[box, 1], starts[box, 2]
        left = min(max(-x0, 0), made.shape[3])
        right = max(min(width - x0, made.shape[3]), left)
        for dz in range(made.shape[1]):
            z = z0 + dz
            for dy in range(made.shape[2]):
                y, target = y0 + dy, made[box, dz, dy]
                if z < 0 or z >= depth or y < 0 or y >= height:
                    target[:] = outside
                    continue
                target[:left] = outside
                source = volume[z, y, x0 + left : x0 + right]
                inner = target[left:right]
                for x in range(inner.shape[0]):
                    inner[x] = source[x]
                target[right:] = outside


def _window_signature(kind: Any) -> Any:
    return types.void(array(kind, 1, read_only=True), array(types.float32, 1), types.float32, types.float32)


def _boxes_signature(kind: Any) -> Any:
    starts = array(types.int64, 2, read_only=True)
    return types.void(array(kind, 3, read_only=True), starts, array(kind, 4), kind, types.int64, types.int64)


# Without fused products, so that the values are those that numpy computes.
WINDOW = Kernel(
    _window, {"int16": _window_signature(types.int16), "float32": _window_signature(types.float32)}, fastmath=False
)
BOXES = Kernel(_boxes, {"int16": _boxes_signature(types.int16), "float32": _boxes_signature(types.float32)})
