"""CT arrays made ready for reading and for networks: resample, window, patches.

Runs in: anywhere
Source: window presets as in Radiopaedia, "Windowing (CT)" (radiopaedia.org/articles/windowing-ct) and as the ACR-STR
practice parameter for thoracic CT expects lung and mediastinal settings; DICOM PS3.3 C.11.2.1.2 for what a window is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import InvalidInput

AIR_HU = -1000
PATCH_RANGE_HU = (-1000.0, 400.0)


@dataclass(frozen=True)
class Window:
    """A grey scale: HU `level` is the middle grey, `width` HU lie between black and white."""

    level: float
    width: float


WINDOWS = {
    "lung": Window(-600, 1500),
    "mediastinum": Window(40, 400),
    "bone": Window(400, 1800),
    "brain": Window(40, 80),
    "liver": Window(60, 160),
    "abdomen": Window(50, 400),
}


def check_volume(hu: NDArray[Any], spacing_mm: Sequence[float]) -> tuple[float, float, float]:
    """Refuse what is not a volume with a spacing; give the spacing (z, y, x) as floats, mm.

    Raises
    ------
    InvalidInput
        When `hu` has not 3 dimensions or is empty, or `spacing_mm` is not 3 positive finite numbers.
    """
    if np.ndim(hu) != 3 or 0 in np.shape(hu):
        raise InvalidInput(f"A volume has three axes (z, y, x), none empty; this array has shape {np.shape(hu)}.")
    spacing = tuple(float(step) for step in spacing_mm)
    if len(spacing) != 3 or not all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise InvalidInput(f"Spacing is three positive, finite millimetre values (z, y, x), not {spacing}.")
    return spacing[0], spacing[1], spacing[2]


def resample(
    volume: NDArray[Any], spacing_mm: Sequence[float], new_spacing_mm: Sequence[float], order: int = 1
) -> NDArray[Any]:
    """Give the volume on a grid of another spacing, with the centre of voxel (0, 0, 0) kept where it is.

    Parameters
    ----------
    volume : ndarray, shape (z, y, x)
        Integers come back as the same integers type, rounded.
    spacing_mm, new_spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    order : int, default 1
        0 nearest, 1 linear, 3 cubic spline.

    Returns
    -------
    ndarray, shape (z', y', x')
        As many voxels as have their centre within the old grid's centres.

    Raises
    ------
    InvalidInput
        When shape, a spacing or the order is not usable.

    Examples
    --------
    >>> resample(np.array([[[0, 10, 20]]], np.int16), (1, 1, 1), (1, 1, 0.5)).tolist()
    [[[0, 5, 10, 15, 20]]]
    """
    old, new = check_volume(volume, spacing_mm), check_volume(volume, new_spacing_mm)
    if order not in (0, 1, 3):
        raise InvalidInput(f"Order {order!r} is not 0 (nearest), 1 (linear) or 3 (cubic).")
    factor = np.array(new) / np.array(old)
    shape = tuple(int((size - 1) / f + 1e-6) + 1 for size, f in zip(volume.shape, factor, strict=True))
    result: NDArray[Any] = ndimage.affine_transform(
        np.asarray(volume, np.float32), factor, output_shape=shape, order=order, mode="nearest", output=np.float32
    )
    if np.issubdtype(volume.dtype, np.integer):
        limits = np.iinfo(volume.dtype)
        result = np.clip(np.rint(result), limits.min, limits.max).astype(volume.dtype)
    return result


def window(hu: NDArray[Any], level: float | str, width: float | None = None) -> NDArray[np.float32]:
    """Give grey values 0 (black) to 1 (white), float32, by a preset's name or by level and width in HU.

    Raises
    ------
    InvalidInput
        When the preset is unknown or the width is not positive.

    Examples
    --------
    >>> window(np.array([-1350, -600, 150]), "lung").tolist()
    [0.0, 0.5, 1.0]
    """
    if isinstance(level, str):
        if level not in WINDOWS:
            raise InvalidInput(f"No window preset {level!r}; there are {', '.join(WINDOWS)}.")
        return window(hu, WINDOWS[level].level, WINDOWS[level].width)
    if width is None or not np.isfinite([level, width]).all() or width <= 0:
        raise InvalidInput(f"A window needs a finite level and a width above 0 HU, not {level!r} and {width!r}.")
    grey = np.asarray(hu, dtype=np.float32) - np.float32(level - width / 2)
    grey /= np.float32(width)
    return np.clip(grey, 0, 1, out=grey)


def extract_patches(
    hu: NDArray[Any], spacing_mm: Sequence[float], centres_zyx: NDArray[Any], *, size: int = 32, spacing: float = 1.25
) -> NDArray[np.float32]:
    """Give isotropic cubes around points, ready for a network.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    centres_zyx : ndarray, shape (n, 3)
        Voxel indices; fractions allowed.
    size : int, default 32
        Edge of a cube in voxels, 4 to 128.
    spacing : float, default 1.25
        Spacing of a cube's voxels, mm.

    Returns
    -------
    ndarray, float32, shape (n, 1, size, size, size)
        −1000 HU is 0 and 400 HU is 1; beyond the scan there is air.

    Raises
    ------
    InvalidInput
        When a shape, spacing or size is not usable, or a centre is not finite.
    """
    steps = check_volume(hu, spacing_mm)
    centres = np.asarray(centres_zyx, dtype=np.float64)
    if centres.ndim != 2 or centres.shape[1] != 3 or not np.isfinite(centres).all():
        raise InvalidInput(f"Centres are finite voxel indices of shape (n, 3), not of shape {centres.shape}.")
    if not 4 <= size <= 128 or not np.isfinite(spacing) or spacing <= 0:
        raise InvalidInput(f"A patch has 4 to 128 voxels an edge at a positive spacing, not {size} at {spacing} mm.")
    low, high = PATCH_RANGE_HU
    result = np.empty((len(centres), 1, size, size, size), dtype=np.float32)
    reach = (np.arange(size) - (size - 1) / 2) * spacing
    for patch, centre in zip(result, centres, strict=True):
        patch[0] = _linear(hu, [middle + reach / step for middle, step in zip(centre, steps, strict=True)])
    result -= np.float32(low)
    result *= np.float32(1 / (high - low))
    return np.clip(result, 0, 1, out=result)


def _linear(hu: NDArray[Any], grid: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Interpolate linearly on a grid given by its positions along each axis, one axis after the other."""
    firsts = [int(np.floor(axis[0])) for axis in grid]
    lasts = [int(np.floor(axis[-1])) + 2 for axis in grid]
    inner = tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(firsts, lasts, strict=True))
    block = np.asarray(hu[inner], dtype=np.float32)
    margin = [
        (min(max(-a, 0), b - a), max(b - max(size, a), 0)) for a, b, size in zip(firsts, lasts, hu.shape, strict=True)
    ]
    if any(before or after for before, after in margin):
        block = np.pad(block, margin, constant_values=AIR_HU)
    for number, (axis, first) in enumerate(zip(grid, firsts, strict=True)):
        base = np.floor(axis).astype(np.intp)
        part = (axis - base).astype(np.float32).reshape([-1 if i == number else 1 for i in range(3)])
        low = block.take(base - first, axis=number)
        block = low + part * (block.take(base - first + 1, axis=number) - low)
    return block
