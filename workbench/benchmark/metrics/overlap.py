"""Dice and the 95 % Hausdorff distance of two masks on the same grid.

Runs in: anywhere
Source: Dice, Ecology 26 (1945) 297-302; Huttenlocher, Klanderman, Rucklidge, IEEE PAMI 15 (1993) 850-863, with the
percentile of Taha and Hanbury, BMC Medical Imaging 15 (2015) 29, pinned as `definitions.DEFINITIONS["hd95:v1"]` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry

PERCENTILE = 95.0
TREE_POINTS = 2_000_000  # more surface voxels than this are no organ; a distance map bounds time and memory then
OFF_LABEL = 1e-3  # a label may be off by the rounding of its file's scale: 255 × (1/255) is 1.00000006
OFF_GRID = 0.1  # voxels that two grids may be apart, from rounding in a file's header

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def dice(truth: Bools, prediction: Bools) -> float:
    """Give 2 |A ∩ B| / (|A| + |B|): 1 when both masks are empty, 0 when one is.

    Parameters
    ----------
    truth, prediction : ndarray, bool, the same shape

    Examples
    --------
    >>> dice(np.array([True, True, False]), np.array([False, True, False])) == 2 / 3
    True
    """
    _same_shape(truth, prediction)
    both, sizes = int(np.count_nonzero(truth & prediction)), int(np.count_nonzero(truth) + np.count_nonzero(prediction))
    return 2.0 * both / sizes if sizes else 1.0


def surface(mask: Bools) -> Bools:
    """Give the voxels of a mask with a face neighbour that is not in it, or at the edge of the array."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        # Views in which the axis comes first, so that one line does for each.
        into, here = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        into[1:] &= here[:-1]
        into[:-1] &= here[1:]
        into[0] = into[-1] = False
    result: Bools = mask & ~inner
    return result


def hd95_mm(truth: Bools, prediction: Bools, spacing_mm: Sequence[float]) -> float:
    """Give the larger of the two directed 95th percentiles of the surface distances, in mm.

    Parameters
    ----------
    truth, prediction : ndarray, bool, the same shape
    spacing_mm : sequence of float
        Between voxel centres, in the order of the array's axes.

    Returns
    -------
    float
        0 when both masks are empty; when one is, the distance between opposite corner voxels.

    Examples
    --------
    >>> one, other = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), bool)
    >>> one[0, 0, 1] = other[0, 0, 5] = True
    >>> hd95_mm(one, other, (1.0, 1.0, 0.5))
    2.0
    """
    _same_shape(truth, prediction)
    step = np.asarray(spacing_mm, dtype=np.float64)
    if step.shape != (truth.ndim,) or not np.isfinite(step).all() or step.min() <= 0:
        raise InvalidInput(f"HD95 needs a positive spacing for each of the {truth.ndim} axes; got {list(spacing_mm)}.")
    if not truth.any() or not prediction.any():
        empty = not truth.any() and not prediction.any()
        return 0.0 if empty else float(np.sqrt((((np.array(truth.shape) - 1) * step) ** 2).sum()))
    box = _box(truth, prediction)
    # Outside this box nothing is in a mask, so its edge is a border as much as the edge of the volume.
    first, second = surface(truth[box]), surface(prediction[box])
    return max(
        float(np.percentile(_distances(first, second, step), PERCENTILE)),
        float(np.percentile(_distances(second, first, step), PERCENTILE)),
    )


def _distances(source: Bools, target: Bools, step: Floats) -> Floats:
    """Give the distance of each voxel of one surface to the nearest of the other, mm."""
    start, end = np.argwhere(source), np.argwhere(target)
    if len(start) + len(end) > TREE_POINTS:
        from scipy.ndimage import distance_transform_edt  # noqa: PLC0415 - scipy, heavy, loaded on first use

        far: Floats = distance_transform_edt(~target, sampling=step)[source]
        return far
    from scipy.spatial import cKDTree  # noqa: PLC0415 - scipy, heavy, loaded on first use

    nearest = cKDTree(end * step, balanced_tree=False, compact_nodes=False).query(start * step)[1]
    apart = (start - end[nearest]) * step
    result: Floats = np.sqrt((apart * apart).sum(axis=1))
    return result


def _box(truth: Bools, prediction: Bools) -> tuple[slice, ...]:
    """Give the smallest box around two masks, of which one voxel is set at least."""
    box = []
    for axis in range(truth.ndim):
        others = tuple(other for other in range(truth.ndim) if other != axis)
        hit = np.flatnonzero(truth.any(axis=others) | prediction.any(axis=others))
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(box)


def mask_of(values: NDArray[Any], label: int | None = None) -> Bools:
    """Give the voxels of one label, or all above 0.

    Parameters
    ----------
    values : ndarray
        Labels as whole numbers, to a thousandth.
    label : int, optional
        Which structure; all voxels above 0 when left out.

    Raises
    ------
    InvalidInput
        When the voxels are no labels: not whole, or not numbers.
    """
    if values.dtype.kind == "f":
        labels = np.rint(values)
        with np.errstate(invalid="ignore"):
            is_whole = bool((np.abs(values - labels) <= OFF_LABEL).all())
        if not is_whole:
            raise InvalidInput("the voxels are not labels: some are not whole numbers; give a mask, not probabilities.")
        values = labels
    result: Bools = values > 0 if label is None else values == label
    return result


def same_grid(truth: Geometry, prediction: Geometry) -> bool:
    """Tell whether two grids have the same voxels: the same shape, and every corner within a tenth of a voxel."""
    if truth.shape != prediction.shape:
        return False
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(truth.shape) - 1.0)
    # A grid of one voxel along an axis must still point the same way, so a step is added to each corner.
    corners = np.concatenate([corners, corners + 1.0])
    off = truth.to_index(prediction.to_patient_mm(corners)) - corners
    return bool(np.abs(off).max() <= OFF_GRID)


def _same_shape(truth: Bools, prediction: Bools) -> None:
    if truth.shape != prediction.shape:
        raise InvalidInput(
            f"Truth and prediction must lie on the same grid; their shapes are {truth.shape} and {prediction.shape}."
        )
