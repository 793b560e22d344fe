"""The taps of an axis as one small matrix, for machines that multiply matrices faster than they follow lists.

The cubic spline's filter is in the matrix: it is solved here, in double precision, from the equations that the spline
goes through the voxels, and not by the recursion that the processor's kernels run.

Runs in: anywhere
Source: see `taps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.imaging.taps import GAIN, Grid, Order, Taps, all_taps


def axis_matrices(shape: Sequence[int], grid: Grid, *, order: Order) -> tuple[NDArray[np.float32], ...]:
    """Give the matrices of the axes (z, y, x): new = matrix @ old along each.

    Parameters
    ----------
    shape : sequence of 3 int
        Of the old volume.
    grid : Grid
        Of the new one, as `resampled_grid` gives it.
    order : {"linear", "cubic"}

    Returns
    -------
    tuple of 3 ndarray, float32, shape (new size, old size)
        Read-only: those of the last grids are kept.

    Raises
    ------
    InvalidInput
        When the order is unknown.
    """
    return _kept(tuple(shape), grid, order)


@lru_cache(maxsize=8)
def _kept(shape: tuple[int, ...], grid: Grid, order: Order) -> tuple[NDArray[np.float32], ...]:
    tables = all_taps(shape, grid, order=order)
    made = tuple(_matrix(size, taps, is_cubic=order == "cubic") for size, taps in zip(shape, tables, strict=True))
    for matrix in made:
        matrix.setflags(write=False)
    return made


def _matrix(size: int, taps: Taps, *, is_cubic: bool) -> NDArray[np.float32]:
    padded = size + 2 * taps.pad
    matrix: NDArray[np.float64] = np.zeros((taps.voxels.shape[1], padded))
    for index, weights in zip(taps.voxels, taps.weights, strict=True):
        np.add.at(matrix, (np.arange(len(index)), index), weights.astype(np.float64))
    if is_cubic and size > 1:
        # What the four taps give at the voxels themselves is 1, 4, 1 sixths, the border mirrored.
        spline = np.eye(padded) * 4 + np.eye(padded, k=1) + np.eye(padded, k=-1)
        spline[0, 1] = spline[-1, -2] = 2
        matrix = np.asarray(np.linalg.solve(spline.T, matrix.T).T * (6 / GAIN), np.float64)
    # The copies of a border voxel are that voxel.
    core = matrix[:, taps.pad : taps.pad + size].copy()
    core[:, 0] += matrix[:, : taps.pad].sum(axis=1)
    core[:, -1] += matrix[:, taps.pad + size :].sum(axis=1)
    return core.astype(np.float32)
