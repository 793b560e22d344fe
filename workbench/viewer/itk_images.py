"""Volumes and labels as itk images, which itkwidgets draws.

Runs in: kernel
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.labels import LabelVolume
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.shown_volume import GovernedVolume, ShownVolume, level_geometry, values_of

# What itkwidgets draws of a volume along each axis; of a longer one it takes every second, third, … voxel.
LIMIT = 192
HIGHEST_LABEL = 65535


@contextmanager
def quiet() -> Iterator[None]:
    """Keep quiet about SWIG's own types, which itk makes by the dozen and which name no module (SWIG issue 2881)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def read_values(shown: ShownVolume, level: int) -> NDArray[Any]:
    """Give a level's values in the scan's unit, shape (z, y, x); voxels without a value hold the lowest one."""
    if isinstance(shown, GovernedVolume):
        stored = shown.scan.read(level)
    else:
        depth = level_geometry(shown.geometry, level).shape[0]
        stored = np.stack([shown.read_slice("axial", index, level) for index in range(depth)])
    if (shown.slope, shown.intercept) == (1.0, 0.0) and not shown.has_gaps:
        return np.asarray(stored)
    values = values_of(shown, stored)
    known = values[np.isfinite(values)]
    lowest = float(known.min()) if known.size else 0.0
    return np.nan_to_num(values, nan=lowest).astype(np.float32)


def read_labels(labels: object, shown: ShownVolume, level: int) -> NDArray[np.uint16]:
    """Give labels that lie on a scan's grid at a level, shape (z, y, x): the label of the nearest voxel.

    Raises
    ------
    InvalidInput
        When they lie on another grid, are no whole numbers, or go beyond 0 to 65535.
    """
    if isinstance(labels, LabelVolume):
        if labels.geometry != shown.geometry:
            raise InvalidInput(f"The labels {labels.title} lie on another grid than {shown.title}; give its own.")
        values: NDArray[Any] = labels.read(level)
    else:
        array = np.asarray(labels)
        if array.dtype.kind not in "biu" or array.shape != shown.geometry.shape:
            raise InvalidInput(
                f"Labels are whole numbers, one for each voxel of {shown.geometry.shape}; these are {array.dtype} "
                f"of shape {array.shape}."
            )
        if array.size and not 0 <= int(array.min()) <= int(array.max()) <= HIGHEST_LABEL:
            raise InvalidInput(f"Labels go from 0 to {HIGHEST_LABEL}, not from {array.min()} to {array.max()}.")
        coarse = level_geometry(shown.geometry, level).shape
        nearest = [np.minimum(np.arange(n) * 2**level + 2**level // 2, size - 1)
                   for n, size in zip(coarse, array.shape, strict=True)]  # fmt: skip
        values = array[np.ix_(*nearest)]
    return values.astype(np.uint16)


def label_names(labels: object) -> list[tuple[int, str]] | None:
    """Give the regions' values and names, where they have names."""
    if not isinstance(labels, LabelVolume):
        return None
    return [(0, "background"), *((int(one["value"]), str(one["label"])) for one in labels.segments)]


def overview(voxels: NDArray[Any], *, between: bool) -> NDArray[Any]:
    """Give voxels with at most `LIMIT` along each axis, over the same extent: between their neighbours, or the nearest.

    >>> overview(np.arange(4 * LIMIT).reshape(1, 1, -1), between=False).shape
    (1, 1, 192)
    """
    from scipy import ndimage  # noqa: PLC0415 - heavy, loaded on first use

    factors = [min(1.0, LIMIT / size) for size in voxels.shape]
    if min(factors) == 1:
        return voxels
    coarse: NDArray[Any] = ndimage.zoom(voxels, factors, order=int(between), mode="nearest", grid_mode=True)
    return coarse


def itk_image(voxels: NDArray[Any], extent: Geometry) -> Any:
    """Give an itk image of voxels that fill the extent of a grid, be they fewer than the grid's.

    itk counts (x, y, z) and writes the direction as the grid does.
    """
    import itk  # noqa: PLC0415 - heavy, loaded on first use

    ratios = [whole / size for whole, size in zip(extent.shape, voxels.shape, strict=True)]
    first = extent.to_patient_mm(np.array([(ratio - 1) / 2 for ratio in ratios]))
    steps = [mm * ratio for mm, ratio in zip(extent.spacing_mm, ratios, strict=True)]
    image = itk.image_from_array(np.ascontiguousarray(voxels))
    image.SetSpacing([float(step) for step in steps[::-1]])
    image.SetOrigin([float(place) for place in first])
    image.SetDirection(itk.matrix_from_array(np.asarray(extent.direction, np.float64).reshape(3, 3)))
    return image
