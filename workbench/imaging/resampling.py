"""Bring a CT to another spacing at the speed of memory, linear or by cubic B-splines, in both conventions.

Runs in: anywhere
Source: see `taps`, where the tables come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.buffers import check_memory
from workbench.imaging.inputs import checked_target, checked_volume, in_parts
from workbench.imaging.taps import (
    Align,
    Grid,
    Order,
    Taps,
    all_taps,
    filter_start,
    resampled_geometry,
    resampled_grid,
)  # fmt: skip

__all__ = ["Grid", "resample", "resampled_geometry", "resampled_grid"]


def resample(
    volume: NDArray[Any],
    spacing_mm: Sequence[float],
    new_spacing_mm: Sequence[float],
    *,
    order: Order = "linear",
    align: Align = "physical",
    out: NDArray[Any] | None = None,
    dtype: Literal["int16", "float32"] | None = None,
    threads: int = 1,
) -> NDArray[Any]:
    """Give a volume on a grid of another spacing.

    `resampled_grid` tells the size and the first voxel's place, `resampled_geometry` the grid in the patient.

    Parameters
    ----------
    volume : ndarray, int16 or float, shape (z, y, x), HU
    spacing_mm, new_spacing_mm : sequence of 3 float
        Along (z, y, x), mm, 0.001 to 1000.
    order : {"linear", "cubic"}, default "linear"
        Cubic is the B-spline through the voxels; it may overshoot at edges, and int16 is then cut to its range.
    align : {"physical", "edges"}, default "physical"
        `physical` keeps the centre of voxel (0, 0, 0), as SimpleITK and MONAI do; `edges` keeps the outer borders, as
        torch, skimage and nnU-Net do. The two differ by hundreds of HU at the surface of a body: choose what the
        network was trained with.
    out : ndarray, int16 or float32, shape (z', y', x'), optional
        Takes the result; used again, it saves more time than the arithmetic takes.
    dtype : {"int16", "float32"}, optional
        Of the result, when there is no `out`: int16, rounded, for integers and float32 for floats when left out.
    threads : int, default 1
        The caller says how many cores.

    Returns
    -------
    ndarray, shape (z', y', x')

    Raises
    ------
    InvalidInput
        When the volume, a spacing, an option or `out` is not usable, or the result does not fit into memory.

    Examples
    --------
    >>> resample(np.array([[[0, 10, 20]]], np.int16), (1, 1, 1), (1, 1, 0.5)).tolist()
    [[[0, 5, 10, 15, 20]]]
    """
    source = checked_volume(volume)
    grid = resampled_grid(source.shape, spacing_mm, new_spacing_mm, align=align)
    tables = all_taps(source.shape, grid, order=order)
    made = _target(source, grid, order, out, dtype)
    work = _linear if order == "linear" else _cubic
    work(source, made, tables, threads)
    return made


def _target(
    source: NDArray[Any], grid: Grid, order: Order, out: NDArray[Any] | None, dtype: str | None
) -> NDArray[Any]:
    kinds = ("int16", "float32") if source.dtype == np.int16 else ("float32",)
    if dtype is not None and dtype not in kinds:
        raise InvalidInput(f"The result of a {source.dtype} volume is {' or '.join(kinds)}, not {str(dtype)[:32]!r}.")
    made = checked_target(out, grid.shape, kinds, source)
    kind = np.dtype(dtype or source.dtype)
    needed = 0 if made is not None else prod(grid.shape) * kind.itemsize
    # The cubic spline keeps the old slices in their new rows and columns.
    needed += 0 if order == "linear" else 4 * source.shape[0] * grid.shape[1] * grid.shape[2]
    check_memory(needed, f"A volume of {grid.shape} voxels")
    return np.empty(grid.shape, kind) if made is None else made


def _linear(source: NDArray[Any], made: NDArray[Any], tables: tuple[Taps, Taps, Taps], threads: int) -> None:
    from workbench.imaging.linear_kernels import LINEAR, LINEAR_ROUNDED  # noqa: PLC0415 - numba, loaded on first use

    kernel = (LINEAR_ROUNDED if made.dtype == np.int16 else LINEAR)[f"{source.dtype} to {made.dtype}"]
    words = [table for taps in tables for table in (taps.voxels, taps.weights)]

    def work(first: int, last: int) -> None:
        kernel(source, made, *words, first, last, np.empty((3, source.shape[2]), np.float32))

    in_parts(work, made.shape[0], threads)


def _cubic(source: NDArray[Any], made: NDArray[Any], tables: tuple[Taps, Taps, Taps], threads: int) -> None:
    from workbench.imaging import cubic_kernels as kernels  # noqa: PLC0415 - numba, loaded on first use

    z, y, x = tables
    depth, height, width = source.shape
    new_height, new_width = made.shape[1:]
    # Both in-plane axes first, slice by slice: the larger arrays then stay small where the grid becomes coarser.
    between = np.empty((depth, new_height, new_width), np.float32)
    starts = [filter_start(n + 2 * taps.pad) for n, taps in zip(source.shape, tables, strict=True)]
    in_slice = kernels.SLICES[str(source.dtype)]
    across = (kernels.ACROSS_ROUNDED if made.dtype == np.int16 else kernels.ACROSS)[str(made.dtype)]

    def slices(first: int, last: int) -> None:
        lanes = np.empty((width + 2 * x.pad) * kernels.LANES, np.float32)
        plane = np.empty((height + 2 * y.pad, new_width), np.float32)
        in_slice(source, between, x.voxels, x.weights, x.pad, starts[2], y.voxels, y.weights, y.pad, starts[1],
                 first, last, lanes, plane)  # fmt: skip

    def rows(first: int, last: int) -> None:
        column = np.empty((depth + 2 * z.pad, new_width), np.float32)
        across(between, made, z.voxels, z.weights, z.pad, starts[0], first, last, column)

    in_parts(slices, depth, threads)
    in_parts(rows, new_height, threads)
