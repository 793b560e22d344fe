"""The loop that goes through voxels once: a window.

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


def _window_signature(kind: Any) -> Any:
    return types.void(array(kind, 1, read_only=True), array(types.float32, 1), types.float32, types.float32)


# Without fused products, so that the values are those that numpy computes.
WINDOW = Kernel(
    _window, {"int16": _window_signature(types.int16), "float32": _window_signature(types.float32)}, fastmath=False
)
