"""Keep the memory of a step for the next one, where the worker's own settings would give it back each time.

Dask starts its workers with MALLOC_TRIM_THRESHOLD_ set, so that idle ones hold little; glibc then also stops learning
which sizes recur and asks the system anew for each tensor above 128 KiB. Training does that at every layer.

Runs in: kernel
Source: mallopt(3); distributed's documentation on memory that is not returned.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM, _MAP = -1, -3
# What glibc sets at most by itself, where nobody has set anything.
_KEPT_MAP_BYTES = 32 * 2**20
_USUAL_MAP_BYTES = 128 * 2**10


@contextmanager
def kept_memory() -> Iterator[None]:
    """Have this process keep freed memory, for a block; elsewhere than on glibc nothing changes."""
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is None:
        yield
        return
    tune(_MAP, _KEPT_MAP_BYTES)
    tune(_TRIM, 2 * _KEPT_MAP_BYTES)
    try:
        yield
    finally:
        told = os.environ.get("MALLOC_TRIM_THRESHOLD_", "")
        tune(_MAP, _USUAL_MAP_BYTES)
        tune(_TRIM, int(told) if told.isdecimal() else _USUAL_MAP_BYTES)
