"""Where the lungs are: air inside the body, in its two largest parts, with nodules and vessels filled in.

Runs in: anywhere
Source: Hu, Hoffman and Reinhardt, Automatic lung segmentation, IEEE Trans Med Imaging 20 (2001) 490, with a fixed
threshold of −400 HU and a closing ball instead of dynamic programming.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.imaging.volume import check_volume

THRESHOLD_HU, AIR_HU = -400, -500
COARSE_MM = 3.6
CLOSING_MM = 10.0
SMALLEST_ML = 150.0


def lung_mask(hu: NDArray[Any], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Give the lungs, nodules at the pleura included.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.

    Returns
    -------
    ndarray, bool, shape (z, y, x)
        All false when there is no lung.

    Raises
    ------
    InvalidInput
        When shape or spacing is not usable.
    """
    spacing = check_volume(hu, spacing_mm)
    factors = [max(1, round(COARSE_MM / step)) for step in spacing]
    picks = [
        np.minimum(np.arange(f // 2, size + f // 2, f), size - 1) for f, size in zip(factors, hu.shape, strict=True)
    ]
    coarse = hu[np.ix_(*picks)] < THRESHOLD_HU
    steps = [step * factor for step, factor in zip(spacing, factors, strict=True)]
    air = _largest_inside(coarse, steps)
    depth = _closed_depth(air, steps)
    # The depth is smooth where the coarse mask has stairs, so its zero gives the wall to within about a millimetre.
    result: NDArray[np.bool_] = _spread_smoothly(depth, picks, hu.shape) > 0
    result |= _spread(air, factors, hu.shape) & (hu < THRESHOLD_HU)
    return result


def air_inside(hu: NDArray[Any], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Give the air that the body encloses, below -500 HU and in parts of 150 ml or more: what needs no learning.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x), HU
    spacing_mm : sequence of 3 float
        Along (z, y, x), mm.

    Raises
    ------
    InvalidInput
        When shape or spacing is not usable.
    """
    voxel_ml = float(np.prod(check_volume(hu, spacing_mm))) / 1000.0
    parts, count = ndimage.label(hu < AIR_HU)
    kept = np.bincount(parts.ravel(), minlength=count + 1) * voxel_ml >= SMALLEST_ML
    kept[0] = False
    for side in _sides(parts):
        kept[np.unique(side)] = False
    mask: NDArray[np.bool_] = kept[parts]
    return mask


def _sides(values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Give the four sides of a volume along the body; its upper and lower end may be cut."""
    return values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]


def _spread(coarse: NDArray[np.bool_], factors: list[int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    full = coarse.repeat(factors[0], 0).repeat(factors[1], 1).repeat(factors[2], 2)
    result: NDArray[np.bool_] = full[: shape[0], : shape[1], : shape[2]]
    return result


def _spread_smoothly(
    coarse: NDArray[np.float32], picks: list[NDArray[np.intp]], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Interpolate linearly from the picked voxels to all, one axis after the other."""
    for axis, (pick, size) in enumerate(zip(picks, shape, strict=True)):
        place = np.interp(np.arange(size), pick, np.arange(len(pick)))
        base = np.minimum(place.astype(np.intp), max(len(pick) - 2, 0))
        part = (place - base).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
        low = coarse.take(base, axis=axis)
        coarse = low + part * (coarse.take(np.minimum(base + 1, len(pick) - 1), axis=axis) - low)
    return coarse


def _largest_inside(air: NDArray[np.bool_], spacing: list[float]) -> NDArray[np.bool_]:
    """Keep the two largest pieces of air that touch no side of the picture."""
    labels, count = ndimage.label(air)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    for side in _sides(labels):
        sizes[np.unique(side)] = 0
    smallest = SMALLEST_ML * 1000 / float(np.prod(spacing))
    keep = [label for label in np.argsort(-sizes, kind="stable")[:2] if sizes[label] > smallest]
    return np.isin(labels, keep)


def _closed_depth(mask: NDArray[np.bool_], spacing: list[float]) -> NDArray[np.float32]:
    """Fill holes and close bays up to a ball of `CLOSING_MM`, so that nodules within and at the wall are lung.

    Gives the depth below the surface of the closed mask, mm, negative outside.
    """
    if not mask.any():
        return np.full(mask.shape, -1, np.float32)
    margin = [(int(CLOSING_MM / step) + 2,) * 2 for step in spacing]
    padded = np.pad(mask, margin)
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing) <= CLOSING_MM
    # Growing cut the vessels that tie a large nodule to the hilum: what is still outside but enclosed is a nodule.
    outside, _ = ndimage.label(~grown)
    grown = outside != outside[0, 0, 0]
    depth = ndimage.distance_transform_edt(grown, sampling=spacing)
    core = tuple(slice(before, size - after) for (before, after), size in zip(margin, padded.shape, strict=True))
    result: NDArray[np.float32] = depth[core].astype(np.float32) - np.float32(CLOSING_MM + min(spacing) / 2)
    return result
