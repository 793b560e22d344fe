"""The volumes and grids that every device resamples, and what the processor makes of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.imaging.resampling import resample

TOLERANCE_HU = 1e-3
SPACING = (2.5, 0.7, 0.8)
CASES = list(
    product(
        ("linear", "cubic"),
        ("physical", "edges"),
        ((1.1, 0.45, 0.5), (4.0, 1.0, 1.3), (1.0, 1.0, 0.8)),
        ((30, 31, 45), (1, 18, 33), (6, 1, 40), (2, 3, 1)),
    )
)
BY_NAME = {f"{order}-{align}-{new[0]}mm-{'x'.join(map(str, shape))}": (order, align, new, shape)
           for order, align, new, shape in CASES}  # fmt: skip


def volume_of(shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Give values of a CT's range, as unlike their neighbours as they can be."""
    return np.random.default_rng(17).integers(-1024, 1025, shape).astype(np.int16)


def on_processor(name: str, dtype: str = "float32") -> NDArray[Any]:
    """Give the processor's result for a case."""
    order, align, new, shape = BY_NAME[name]
    return resample(volume_of(shape), SPACING, new, order=order, align=align, dtype=dtype)  # type: ignore[arg-type]
