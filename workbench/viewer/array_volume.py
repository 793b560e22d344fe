"""An array made in the notebook as a volume that the viewer can show: int16 slices and what they stand for.

Only what is asked for is converted, so an array on disk or larger than the memory stays where it is.

Runs in: kernel
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.data.indexing import read_key
from workbench.errors import InvalidInput
from workbench.geometry import Geometry

# What stands for "no value": NaN, infinite, masked, or beyond the edge of a volume.
NO_VALUE = -32768
HIGHEST = 32767
# The axis of the voxel grid that a plane holds fixed.
PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}
# The coarsest level is the first with no axis longer than this, as for governed scans.
SMALLEST = 64
# Voxels looked at in one step of finding the range, and for a window.
PIECE, SAMPLE = 4_000_000, 500_000
# Programs mark voxels without a value by the largest number of single or double precision, or nearly so.
NOTHING_FROM, LARGEST, NOTHING_AGAIN_FROM = 3e38, float(np.finfo(np.float32).max), 1.7e308
# Values that differ by less are drawn as one.
LEAST_DIFFERENCE = 1e-301
WINDOW_PERCENT = (1.0, 99.5)
LUNG = (-600.0, 1500.0)

Stored = NDArray[np.int16]


class ArrayLike(Protocol):
    """What is asked of an array: its shape, its type, and boxes of its voxels."""

    @property
    def shape(self) -> Any:
        """Voxels along (z, y, x)."""

    @property
    def dtype(self) -> Any:
        """The type of a voxel, as numpy names it."""

    def __getitem__(self, key: Any) -> Any:
        """Give a box of voxels by three slices."""


@dataclass(frozen=True)
class Scale:
    """How values become int16: value = stored × slope + intercept; `lowest` is the value stored as −32767.

    `is_void` says that no voxel has a value.
    """

    slope: float = 1.0
    intercept: float = 0.0
    lowest: int = 0
    is_direct: bool = False
    has_gaps: bool = False
    is_void: bool = False


class ArrayVolume:
    """Any real array (z, y, x) on a grid, as stored numbers (int16) with slope and intercept.

    Integers that fit keep slope 1; others are spread over 65,535 steps between their lowest and highest value. NaN,
    infinite and masked voxels, −32768 in an int16 array, and the largest number of single or double precision in a
    floating one, have no value.

    Parameters
    ----------
    array : ArrayLike, bool, integer or floating, shape (z, y, x)
        Never copied whole, and never written to.
    geometry : Geometry
        Its grid; of the same shape.
    modality : str, default "OT"
        CT, MR, PT or OT.
    unit : str, optional
        Of the values; HU for CT and `arbitrary` for others when left out.
    title : str, default "array"
        What the picture is called.
    value_range : pair of int, optional
        Lowest and highest value, where they are known; otherwise the array is looked through once.
    """

    def __init__(
        self, array: ArrayLike, geometry: Geometry, *, modality: str = "OT", unit: str | None = None,
        title: str = "array", value_range: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        if tuple(array.shape) != geometry.shape:
            raise InvalidInput(f"The array has shape {tuple(array.shape)} and its grid {geometry.shape}; give its own.")
        self.array, self.geometry, self.modality, self.title = array, geometry, modality, title
        self.unit = unit if unit is not None else ("HU" if modality == "CT" else "arbitrary")
        self.scale = _scale(array, value_range)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.geometry.shape

    @property
    def slope(self) -> float:
        """What one step of a stored number is worth, in `unit`."""
        return self.scale.slope

    @property
    def intercept(self) -> float:
        """The value of the stored number 0."""
        return self.scale.intercept

    @property
    def has_gaps(self) -> bool:
        """Whether voxels may have no value; they are stored as −32768."""
        return self.scale.has_gaps

    @property
    def levels(self) -> int:
        """Number of resolution levels; each next one has half the voxels along each axis."""
        return levels_of(self.geometry)

    @property
    def window(self) -> tuple[float, float]:
        """The display window that suits the values: level and width in `unit`; the lung's for CT."""
        if self.modality == "CT":
            return LUNG
        values = self.sample()
        values = values[np.isfinite(values)]
        if not values.size:
            return 0.0, 1.0
        low, high = np.percentile(values, WINDOW_PERCENT)
        if high <= low:
            # Most voxels are alike, as around a few findings: then all that there is.
            low, high = values.min(), values.max()
        width = float(high) - float(low)
        return float(low) / 2 + float(high) / 2, width if 0 < width < np.inf else 1.0

    def sample(self) -> NDArray[np.float64]:
        """Give the values of evenly spaced voxels, at most half a million; NaN where there is none."""
        step = max(
            1,
            int(
                np.ceil((self.geometry.shape[0] * self.geometry.shape[1] * self.geometry.shape[2] / SAMPLE) ** (1 / 3))
            ),
        )
        planes = [self[z, ::step, ::step] for z in range(0, self.shape[0], step)]
        return values_of(self, np.stack(planes)).ravel()

    def read_slice(self, plane: str, index: int, level: int = 0) -> Stored:
        """Give one slice at a resolution level, shape (rows, columns); each voxel is the mean of those it stands for.

        Raises
        ------
        InvalidInput
            When there is no such plane, slice or level.
        """
        axis = check_slice(self, plane, index, level)
        block = 2**level
        span = (index * block, min((index + 1) * block, self.shape[axis]))
        box = tuple(slice(*span) if n == axis else slice(0, size) for n, size in enumerate(self.shape))
        stored = self._read(box)
        return np.squeeze(_coarser(stored, block) if level else stored, axis)

    def __getitem__(self, key: object) -> Any:
        """Give stored numbers (int16) by integers, slices and `…`; integers drop their axis."""
        selection = read_key(key, self.shape)
        if selection.is_empty:
            return np.empty(selection.result_shape, dtype=np.int16)
        return self._read(tuple(slice(*span) for span in selection.box))[selection.within]

    def __repr__(self) -> str:
        """Say what it is and how large."""
        z, y, x = self.shape
        return f"ArrayVolume({self.title!r}: {z} × {y} × {x} voxels of {self.array.dtype}, {self.unit})"

    def _read(self, box: tuple[slice, ...]) -> Stored:
        """Convert a box of voxels; what was written into the array since it was looked through is cut off."""
        part, masked = _taken(self.array, box)
        scale = self.scale
        with np.errstate(all="ignore"):
            if scale.is_direct:
                stored = part.astype(np.int16)
            elif part.dtype.kind == "f":
                values = part.astype(np.float64)
                steps = np.rint((values - scale.intercept) / scale.slope)
                is_value = np.abs(values) < NOTHING_FROM
                stored = np.where(is_value, np.clip(steps, -HIGHEST, HIGHEST), NO_VALUE).astype(np.int16)
            else:
                # Unsigned arithmetic wraps, so the distance from the lowest value is exact for every integer type.
                above = part.astype(np.uint64) - np.uint64(scale.lowest % 2**64)
                steps = np.minimum(np.rint(above.astype(np.float64) / scale.slope), 2 * HIGHEST)
                stored = (steps - HIGHEST).astype(np.int16)
        if masked is not None:
            stored[masked] = NO_VALUE
        return stored


def values_of(shown: Any, stored: NDArray[np.int16]) -> NDArray[np.float64]:
    """Give what stored numbers of a shown volume stand for, float64, in its unit; NaN where there is no value."""
    values = stored.astype(np.float64) * shown.slope + shown.intercept
    return np.where(stored == NO_VALUE, np.nan, values) if shown.has_gaps else values


def levels_of(geometry: Geometry) -> int:
    """Give the number of resolution levels of a grid, as for governed scans.

    >>> levels_of(Geometry((300, 512, 512), (1, 1, 1), (0, 0, 0)))
    4
    """
    return 1 + max(0, int(np.ceil(np.log2(max(geometry.shape) / SMALLEST))))


def level_geometry(geometry: Geometry, level: int) -> Geometry:
    """Give the grid of a resolution level; the centre of a coarse voxel lies amid those it stands for."""
    block = 2**level
    z, y, x = (-(-size // block) for size in geometry.shape)
    sz, sy, sx = (step * block for step in geometry.spacing_mm)
    ox, oy, oz = (float(n) for n in geometry.to_patient_mm(np.full(3, (block - 1) / 2)))
    return Geometry((z, y, x), (sz, sy, sx), (ox, oy, oz), geometry.direction)


def check_slice(shown: Any, plane: str, index: int, level: int) -> int:
    """Give the axis that a plane holds fixed, when the slice exists.

    Raises
    ------
    InvalidInput
        When there is no such plane, slice or level.
    """
    if plane not in PLANES:
        raise InvalidInput(f"There is no plane {plane!r}; the planes are {', '.join(PLANES)}.")
    if isinstance(level, bool) or not isinstance(level, int | np.integer) or not 0 <= level < shown.levels:
        raise InvalidInput(f"{shown.title} has levels 0 to {shown.levels - 1}; there is no level {level!r}.")
    axis = PLANES[plane]
    last = -(-shown.geometry.shape[axis] // 2**level) - 1
    if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index <= last:
        raise InvalidInput(f"The {plane} slices at level {level} go from 0 to {last}; there is no slice {index!r}.")
    return axis


def _taken(array: ArrayLike, box: tuple[slice, ...]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Read a box; give its voxels and, for a masked array, which are masked."""
    part = array[box]
    if isinstance(part, np.ma.MaskedArray):
        return np.asarray(part.data), np.ma.getmaskarray(part)
    return np.asarray(part), None


def _scale(array: ArrayLike, value_range: tuple[int, int] | None) -> Scale:
    kind, size = array.dtype.kind, array.dtype.itemsize
    is_masked = isinstance(array, np.ma.MaskedArray)
    if kind == "b" or (kind in "iu" and size == 1) or (kind == "i" and size == 2):
        return Scale(is_direct=True, has_gaps=is_masked or size == 2)
    if kind == "f":
        low, high, is_whole, has_gaps = _float_range(array)
        if low > high:
            return Scale(has_gaps=True, is_void=True)
        if is_whole and -HIGHEST <= low and high <= HIGHEST:
            return Scale(has_gaps=has_gaps)
        slope = (high - low) / (2 * HIGHEST)
        return Scale(slope if high - low > LEAST_DIFFERENCE else 1.0, (low + high) / 2, has_gaps=has_gaps)
    first, last = value_range or _integer_range(array)
    if -HIGHEST <= first and last <= HIGHEST:
        return Scale(lowest=-HIGHEST, has_gaps=is_masked)
    slope = max(1.0, (last - first) / (2 * HIGHEST))
    return Scale(slope, float(first) + HIGHEST * slope, first, has_gaps=is_masked)


def _pieces(array: ArrayLike) -> Any:
    """Go through an array in pieces that lie together in memory."""
    strides = getattr(array, "strides", None) or (3, 2, 1)
    axis = max(range(3), key=lambda n: (array.shape[n] > 1, abs(strides[n])))
    thick = max(1, PIECE * array.shape[axis] // max(1, int(np.prod(array.shape, dtype=np.int64))))
    for start in range(0, array.shape[axis], thick):
        box = tuple(slice(start, start + thick) if n == axis else slice(None) for n in range(3))
        yield _taken(array, box)


def _integer_range(array: ArrayLike) -> tuple[int, int]:
    found = [part if masked is None else part[~masked] for part, masked in _pieces(array)]
    ends = [(int(part.min()), int(part.max())) for part in found if part.size]
    return min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)


def _float_range(array: ArrayLike) -> tuple[float, float, bool, bool]:
    """Give the lowest and highest value, whether all are whole numbers, and whether some are missing.

    Where all are missing, the lowest is above the highest.
    """
    low, high, is_whole, has_gaps = np.inf, -np.inf, True, False
    with np.errstate(all="ignore"):
        for part, masked in _pieces(array):
            values = part.astype(np.float64) if part.dtype.itemsize > 8 or part.dtype.itemsize < 4 else part
            known = np.abs(values) < NOTHING_FROM
            if masked is not None:
                known &= ~masked
            if not known.all():
                _refuse_huge(values if masked is None else values[~masked])
                has_gaps, values = True, values[known]
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
                is_whole = is_whole and bool((values == np.rint(values)).all())
    return low, high, is_whole, has_gaps


def _refuse_huge(values: NDArray[Any]) -> None:
    """Refuse numbers that no picture can tell apart from others, unless they stand for nothing."""
    size = np.abs(values.astype(np.float64))
    huge = size[(size > LARGEST) & (size < NOTHING_AGAIN_FROM)]
    if huge.size:
        raise InvalidInput(
            f"The array holds values as large as {float(huge.max()):.3g}, and the viewer counts to {LARGEST:.3g}; "
            "divide it by a power of ten, or set what has no value to NaN."
        )


def _coarser(stored: Stored, block: int) -> Stored:
    """Give the mean of each block of voxels that have a value; an edge repeats its last voxel."""
    margin = [(0, -size % block) for size in stored.shape]
    padded = np.pad(stored, margin, mode="edge")
    z, y, x = (size // block for size in padded.shape)
    blocks = padded.reshape(z, block, y, block, x, block)
    known = blocks != NO_VALUE
    count = known.sum(axis=(1, 3, 5))
    total = np.where(known, blocks, 0).sum(axis=(1, 3, 5), dtype=np.int64)
    mean = np.rint(total / np.maximum(count, 1))
    return np.where(count > 0, mean, NO_VALUE).astype(np.int16)
