"""How wide a bright spot is: the distance between the places where it has fallen to half of its height.

Rays leave the centre in 26 directions; on each the first place is taken that is halfway between the spot and what
lies around it. The median over the thirteen lines keeps a vessel or the pleura on one side from widening it.

Runs in: anywhere
Source: full width at half maximum, as in Levine et al., Med Phys 21 (1994) 1155, for the size of small objects in CT.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import InvalidInput
from workbench.imaging.volume import AIR_HU, check_volume

REACH_MM = 20.0
STEP_MM = 0.5
CORE_MM = 1.5
GROUND_PERCENT = 20
# Lines through the centre, each once: 3 along the axes, 6 across faces, 4 across the cube.
_LINES = np.array([step for step in np.ndindex(3, 3, 3) if step > (1, 1, 1)], dtype=np.float64) - 1.0
LINES = _LINES / np.sqrt((_LINES**2).sum(axis=1, keepdims=True))


def spot_diameters_mm(hu: NDArray[Any], spacing_mm: Sequence[float], centres_zyx: NDArray[Any]) -> NDArray[np.float64]:
    """Give the width at half height of bright spots.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    centres_zyx : ndarray, shape (n, 3)
        Voxel indices; fractions allowed.

    Returns
    -------
    ndarray, float64, shape (n,)
        Diameters, 0…40 mm.

    Raises
    ------
    InvalidInput
        When a shape or spacing is not usable, or a centre is not finite.

    Examples
    --------
    >>> z, y, x = np.mgrid[:41, :41, :41] - 20
    >>> ball = np.where(z**2 + y**2 + x**2 <= 25, 0, -850)
    >>> 9.5 <= spot_diameters_mm(ball, (1, 1, 1), np.array([[20, 20, 20]]))[0] <= 11
    np.True_
    """
    spacing = np.array(check_volume(hu, spacing_mm))
    centres = np.asarray(centres_zyx, dtype=np.float64)
    if centres.ndim != 2 or centres.shape[1] != 3 or not np.isfinite(centres).all():
        raise InvalidInput(f"Centres are finite voxel indices of shape (n, 3), not of shape {centres.shape}.")
    steps = np.arange(0.0, REACH_MM + STEP_MM / 2, STEP_MM)
    away = np.concatenate([LINES, -LINES])[:, None, :] * steps[None, :, None] / spacing
    return np.array([_width(hu, centre, away, steps) for centre in centres], dtype=np.float64)


def _width(
    hu: NDArray[Any], centre: NDArray[np.float64], away: NDArray[np.float64], steps: NDArray[np.float64]
) -> float:
    places = centre + away
    low = np.maximum(np.floor(places.min(axis=(0, 1))).astype(int) - 1, 0)
    high = np.maximum(np.ceil(places.max(axis=(0, 1))).astype(int) + 2, low + 1)
    block = np.asarray(hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], dtype=np.float32)
    if 0 in block.shape:
        return 0.0
    index = np.moveaxis(places - low, -1, 0)
    rays = ndimage.map_coordinates(block, index, order=1, mode="constant", cval=AIR_HU, output=np.float32)
    top = float(np.median(rays[:, steps <= CORE_MM]))
    ground = float(np.percentile(rays, GROUND_PERCENT))
    half = (top + ground) / 2
    under = rays < half
    first = np.where(under.any(axis=1), under.argmax(axis=1), len(steps) - 1)
    before = np.maximum(first - 1, 0)
    row = np.arange(len(rays))
    fall = rays[row, before] - rays[row, first]
    part = np.clip((rays[row, before] - half) / np.where(fall > 0, fall, 1.0), 0.0, 1.0)
    radius = steps[before] + np.where(first > 0, part, 0.0) * STEP_MM
    lines = radius[: len(LINES)] + radius[len(LINES) :]
    return float(np.median(lines))
