"""Where each voxel of a new grid lies on the old one, and which old voxels it is made of, with which weights.

The tables are made here once per axis and used alike by the processor, cupy and torch. Two conventions exist:
`physical` keeps the centre of the first voxel (SimpleITK, MONAI, scipy's affine_transform); `edges` keeps the outer
borders of the volume (skimage, nnU-Net, torch with align_corners=False, scipy's zoom with grid_mode=True).

Runs in: anywhere
Source: Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Process Mag 16 (1999) 22, for the
cubic B-spline, its pole √3 − 2 and its gain 6; Thévenaz, Blu and Unser, Interpolation revisited, IEEE Trans Med
Imaging 19 (2000) 739, appendix, for the mirrored border.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry

Align = Literal["physical", "edges"]
Order = Literal["linear", "cubic"]
ALIGNS = ("physical", "edges")
ORDERS = ("linear", "cubic")
POLE = np.sqrt(3.0) - 2.0
GAIN = 6.0
# POLE to this power is below 1e-7 of a HU for any CT.
HORIZON = 20
# Beyond a border whose voxels go on unchanged, this many make the spline forget that it is cut (scipy takes as many).
EDGE_VOXELS = 12
MOST_VOXELS_AN_AXIS = 32767
SHORTEST_MM, LONGEST_MM = 1e-3, 1e3


class Grid(NamedTuple):
    """The grid of a resampled volume, told before any voxel is made.

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels along (z, y, x).
    spacing_mm : tuple of 3 float
        The spacing that the voxels really have; with `edges` a whole number of them fills the old volume.
    first_index : tuple of 3 float
        Where the centre of the new voxel (0, 0, 0) lies, as an index (z, y, x) of the old grid.
    step : tuple of 3 float
        From one new voxel to the next, in old voxels (z, y, x).
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    first_index: tuple[float, float, float]
    step: tuple[float, float, float]


class Taps(NamedTuple):
    """One axis: new voxel i is the sum over t of weights[t, i] · old[voxels[t, i]].

    Attributes
    ----------
    voxels : ndarray, uint32, shape (taps, new size)
        Into the old axis; for the cubic spline into the axis with `pad` voxels more at either end.
    weights : ndarray, float32, shape (taps, new size)
        For the cubic spline the gain of its filter is in them.
    pad : int
        Copies of the border voxel put before and after the axis.
    """

    voxels: NDArray[np.uint32]
    weights: NDArray[np.float32]
    pad: int


def resampled_grid(
    shape: Sequence[int], spacing_mm: Sequence[float], new_spacing_mm: Sequence[float], *, align: Align = "physical"
) -> Grid:
    """Give the size, the spacing and the first voxel's place of a resampled volume.

    Parameters
    ----------
    shape : sequence of 3 int
        Of the volume, (z, y, x).
    spacing_mm, new_spacing_mm : sequence of 3 float
        Along (z, y, x), mm, 0.001 to 1000.
    align : {"physical", "edges"}
        `physical`: as many voxels as have their centre within the old centres. `edges`: the old extent divided by the
        new spacing, rounded.

    Raises
    ------
    InvalidInput
        When a shape, a spacing or the alignment is not usable.

    Examples
    --------
    >>> resampled_grid((100, 512, 512), (2.5, 0.7, 0.7), (1, 1, 1)).shape
    (248, 358, 358)
    """
    if align not in ALIGNS:
        raise InvalidInput(f"There is no alignment {str(align)[:32]!r}; choose physical or edges.")
    if len(shape) != 3 or min(shape) < 1:
        raise InvalidInput(f"A volume has three axes (z, y, x), none empty; this one has shape {tuple(shape)}.")
    old, new = checked_spacing(spacing_mm), checked_spacing(new_spacing_mm)
    factors = [b / a for a, b in zip(old, new, strict=True)]
    if align == "physical":
        sizes = [int((n - 1) / factor + 1e-6) + 1 for n, factor in zip(shape, factors, strict=True)]
        steps, firsts = factors, [0.0, 0.0, 0.0]
    else:
        sizes = [max(1, round(n / factor)) for n, factor in zip(shape, factors, strict=True)]
        steps = [n / m for n, m in zip(shape, sizes, strict=True)]
        firsts = [(step - 1) / 2 for step in steps]
    if max(sizes) > MOST_VOXELS_AN_AXIS:
        raise InvalidInput(
            f"At {new} mm the volume would have {max(sizes)} voxels along an axis, {MOST_VOXELS_AN_AXIS} at most; "
            "the new spacing is too fine for this scan, so choose a coarser one."
        )
    real = [a * step for a, step in zip(old, steps, strict=True)] if align == "edges" else list(new)
    return Grid(
        (sizes[0], sizes[1], sizes[2]),
        (real[0], real[1], real[2]),
        (firsts[0], firsts[1], firsts[2]),
        (steps[0], steps[1], steps[2]),
    )


def resampled_geometry(geometry: Geometry, new_spacing_mm: Sequence[float], *, align: Align = "physical") -> Geometry:
    """Give the grid of a resampled volume in the patient, oblique directions kept.

    Raises
    ------
    InvalidInput
        When the spacing or the alignment is not usable.

    Examples
    --------
    >>> resampled_geometry(Geometry((4, 4, 4), (2, 1, 1), (0, 0, 0)), (1, 1, 1), align="edges").origin_mm
    (0.0, 0.0, -0.5)
    """
    grid = resampled_grid(geometry.shape, geometry.spacing_mm, new_spacing_mm, align=align)
    x, y, z = (float(value) for value in geometry.to_patient_mm(np.array(grid.first_index)))
    return Geometry(grid.shape, grid.spacing_mm, (x, y, z), geometry.direction)


def checked_spacing(spacing_mm: Sequence[float]) -> tuple[float, float, float]:
    """Give three spacings as floats, mm, refused unless each is 0.001 to 1000 mm."""
    try:
        spacing = tuple(float(step) for step in spacing_mm)
    except (TypeError, ValueError) as problem:
        raise InvalidInput("Spacing is three millimetre values (z, y, x), such as (1.0, 0.7, 0.7).") from problem
    if len(spacing) != 3 or not all(SHORTEST_MM <= step <= LONGEST_MM for step in spacing):
        raise InvalidInput(
            f"Spacing is three millimetre values (z, y, x) between {SHORTEST_MM} and {LONGEST_MM:g}, not {spacing}; "
            "read it from the scan's geometry."
        )
    return spacing[0], spacing[1], spacing[2]


def axis_taps(size: int, new_size: int, first: float, step: float, *, order: Order) -> Taps:
    """Give the taps of one axis.

    Parameters
    ----------
    size, new_size : int
        Old and new voxels along the axis.
    first, step : float
        The first new voxel's place and the distance to the next, in old voxels.
    order : {"linear", "cubic"}
    """
    # A millionth of a voxel: a place that should be whole came by way of millimetres.
    place = first + step * np.arange(new_size, dtype=np.float64)
    near = np.rint(place)
    place = np.where(np.abs(place - near) < 1e-6, near, place)
    base = np.floor(place)
    part = place - base
    if order == "linear":
        index = np.clip(np.stack([base, base + 1]), 0, size - 1)
        return Taps(index.astype(np.uint32), np.stack([1 - part, part]).astype(np.float32), 0)
    weights = GAIN / 6 * np.stack(
        [(1 - part) ** 3, 4 - 3 * part**2 * (2 - part), 4 - 3 * (1 - part) ** 2 * (1 + part), part**3]
    )  # fmt: skip
    if size == 1:
        # A single slice is the same everywhere, and its filter has nothing to sharpen.
        return Taps(np.zeros((4, new_size), np.uint32), (weights / GAIN).astype(np.float32), 0)
    # Only with `edges` does the grid begin off the first centre; there the border voxel goes on, as scipy's does.
    pad = EDGE_VOXELS if first else 0
    index = np.stack([base - 1, base, base + 1, base + 2]).astype(np.int64) + pad
    return Taps(_mirrored(index, size + 2 * pad).astype(np.uint32), weights.astype(np.float32), pad)


def all_taps(shape: Sequence[int], grid: Grid, *, order: Order) -> tuple[Taps, Taps, Taps]:
    """Give the taps of the three axes (z, y, x)."""
    if order not in ORDERS:
        raise InvalidInput(f"There is no interpolation {str(order)[:32]!r}; choose linear or cubic.")
    z, y, x = (
        axis_taps(size, new_size, first, step, order=order)
        for size, new_size, first, step in zip(shape, grid.shape, grid.first_index, grid.step, strict=True)
    )
    return z, y, x


def filter_start(size: int) -> NDArray[np.float32]:
    """Give the weights of the first voxels of an axis in the causal filter's first value, its border mirrored."""
    if size == 1:
        return np.ones(1, np.float32)
    if size > HORIZON:
        return np.asarray(POLE ** np.arange(HORIZON), np.float32)
    k = np.arange(size)
    weights = POLE**k + POLE ** (2 * (size - 1) - k)
    weights[0], weights[-1] = 1.0, POLE ** (size - 1)
    return np.asarray(weights / (1 - POLE ** (2 * (size - 1))), np.float32)


def _mirrored(index: NDArray[Any], size: int) -> NDArray[Any]:
    """Fold indices back at the first and the last voxel, which stand once."""
    period = 2 * (size - 1)
    folded = np.abs(index) % period
    result: NDArray[Any] = np.minimum(folded, period - folded)
    return result
