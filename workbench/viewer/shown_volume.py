"""What the viewer can show: a governed scan, labels, or an array made in the notebook, all read the same way.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from workbench.data.labels import LabelVolume
from workbench.data.volume import Volume
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import (
    NO_VALUE,
    PLANES,
    ArrayVolume,
    Stored,
    check_slice,
    level_geometry,
    levels_of,
    values_of,
)
from workbench.viewer.given_array import check_array, find_array, find_grid

__all__ = [
    "NO_VALUE", "PLANES", "ArrayVolume", "GovernedVolume", "ShownVolume", "as_second", "as_shown", "level_geometry",
    "levels_of", "values_of",
]  # fmt: skip

MODALITIES = ("CT", "MR", "PT", "OT")
# A CT has air in or around the patient; values without any are hardly HU.
AIR_BELOW_HU = -200


@runtime_checkable
class ShownVolume(Protocol):
    """A volume as the viewer reads it: int16 stored numbers, value = stored × slope + intercept."""

    @property
    def geometry(self) -> Geometry:
        """Its grid in the patient."""

    @property
    def modality(self) -> str:
        """CT, MR, PT or OT."""

    @property
    def unit(self) -> str:
        """Of the values, such as HU."""

    @property
    def slope(self) -> float:
        """What one step of a stored number is worth."""

    @property
    def intercept(self) -> float:
        """The value of the stored number 0."""

    @property
    def has_gaps(self) -> bool:
        """Whether voxels may have no value; they are stored as −32768."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def levels(self) -> int:
        """Number of resolution levels; 0 is full resolution."""

    @property
    def window(self) -> tuple[float, float]:
        """Level and width that suit it, in `unit`."""

    def read_slice(self, plane: str, index: int, level: int = 0) -> Stored:
        """Give one slice of a plane at a level, shape (rows, columns)."""

    def __getitem__(self, key: object) -> Any:
        """Give stored numbers (int16) by integers and slices (z, y, x)."""


class GovernedVolume:
    """A scan of a dataset; its voxels are read through the gateway, which decides on each request.

    Parameters
    ----------
    scan : Volume
        From `dataset.volume(scan_id)`.
    """

    intercept = 0.0
    has_gaps = False

    def __init__(self, scan: Volume) -> None:
        self.scan = scan

    @property
    def geometry(self) -> Geometry:
        """Its grid in the patient."""
        return self.scan.geometry

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.scan.shape

    @property
    def modality(self) -> str:
        """CT, MR, PT or OT."""
        return self.scan.modality

    @property
    def unit(self) -> str:
        """Of the values, such as HU."""
        return self.scan.unit

    @property
    def slope(self) -> float:
        """What one step of a stored number is worth; 1 for CT."""
        return self.scan.scale

    @property
    def title(self) -> str:
        """Dataset and scan."""
        return f"{self.scan.dataset} {self.scan.scan}"

    @property
    def levels(self) -> int:
        """Number of resolution levels; 0 is full resolution."""
        return self.scan.levels

    @property
    def window(self) -> tuple[float, float]:
        """Level and width that suit it, in `unit`."""
        level, width = self.scan.window
        return level * self.slope, width * self.slope

    def read_slice(self, plane: str, index: int, level: int = 0) -> Stored:
        """Give one slice of a plane at a level, shape (rows, columns)."""
        axis = check_slice(self, plane, index, level)
        spans = [(0, size) for size in self.scan.level_shape(level)]
        spans[axis] = (index, index + 1)
        return np.squeeze(self.scan.read_box((spans[0], spans[1], spans[2]), level), axis)

    def __getitem__(self, key: object) -> Any:
        """Give stored numbers (int16) by integers and slices (z, y, x)."""
        return self.scan[key]


# What has its own grid and unit.
KNOWN = (Volume, LabelVolume, GovernedVolume, ArrayVolume)


def as_shown(
    scan: object, *, like: object = None, spacing_mm: float | Sequence[float] | None = None,
    geometry: Geometry | None = None, modality: str | None = None, unit: str | None = None, title: str | None = None,
) -> ShownVolume:  # fmt: skip
    """Give what the viewer can show of a scan, of labels, or of an array made in the notebook.

    Parameters
    ----------
    scan : Volume, LabelVolume, ndarray, torch tensor, SimpleITK image or other array, shape (z, y, x)
        Arrays hold booleans, integers or floating numbers; NaN and infinite voxels have no value.
    like : Volume or anything shown, optional
        A scan on whose grid the array lies, voxel for voxel.
    spacing_mm : float or 3 float, optional
        Instead of `like`: voxel spacing along (z, y, x), mm; the first voxel then lies at (0, 0, 0) mm.
    geometry : Geometry, optional
        Instead of both: the whole grid.
    modality : {"CT", "MR", "PT", "OT"}, optional
        Left out, that of `like` where the values suit it (a CT has air, below −200 HU), else OT.
    unit : str, optional
        Of the values; left out, it follows from the modality.
    title : str, optional
        What the picture is called.

    Returns
    -------
    ShownVolume

    Raises
    ------
    InvalidInput
        When it is no volume, holds no real numbers or nothing but NaN, or its grid is missing, impossible or of another
        shape.

    Examples
    --------
    >>> as_shown(np.zeros((4, 5, 6)), spacing_mm=(2.5, 1, 1)).slope
    1.0
    """
    if modality is not None and modality not in MODALITIES:
        raise InvalidInput(f"The modality {modality!r} is unknown; it is one of {', '.join(MODALITIES)}.")
    for name, words in (("unit", unit), ("title", title)):
        if words is not None and not isinstance(words, str):
            raise InvalidInput(f"The {name} is {words!r}; give it as text.")
    if isinstance(scan, KNOWN):
        if (like, spacing_mm, geometry, modality, unit) != (None,) * 5:
            raise InvalidInput(f"{scan!r} knows its own grid and unit; leave out like, spacing_mm, geometry and unit.")
        return _own_grid(scan, title)
    array, own = find_array(scan)
    check_array(array, may_be_thin=like is not None or geometry is not None or own is not None)
    base = as_shown(like) if like is not None else None
    theirs = base.geometry if base is not None else None
    grid = find_grid(tuple(array.shape), own, theirs, spacing_mm=spacing_mm, geometry=geometry)
    shown = ArrayVolume(
        array, grid, modality=modality or "OT", unit=unit, title=title or ("image" if own else "array")
    )  # fmt: skip
    _refuse_void(shown)
    if base is not None and modality is None and _suits(shown, base.modality):
        shown.modality, shown.unit = base.modality, unit or base.unit
    return shown


def as_second(scan: object, first: ShownVolume) -> ShownVolume:
    """Give a volume to compare with another; an array of the same shape lies on the grid of the first one."""
    knows_its_grid = isinstance(scan, KNOWN)
    is_alike = not knows_its_grid and tuple(getattr(scan, "shape", ())) == first.geometry.shape
    return as_shown(scan, like=first if is_alike else None)


def _own_grid(scan: Volume | LabelVolume | GovernedVolume | ArrayVolume, title: str | None) -> ShownVolume:
    """Give what already knows its grid and unit."""
    if isinstance(scan, LabelVolume):
        highest = max((int(segment["value"]) for segment in scan.segments), default=0)
        name = title or f"{scan.dataset} {scan.title}"
        return ArrayVolume(scan, scan.geometry, unit="label", title=name, value_range=(0, highest))
    return GovernedVolume(scan) if isinstance(scan, Volume) else scan


def _refuse_void(shown: ArrayVolume) -> None:
    if shown.scale.is_void or (shown.has_gaps and not any(_has_value(shown, z) for z in range(shown.shape[0]))):
        raise InvalidInput(
            "Every voxel of the array is NaN or infinite or has no value, so there is nothing to show; look where it "
            "was computed, or "
            "for example whether a division by zero went before."
        )


def _has_value(shown: ArrayVolume, z: int) -> bool:
    return bool((shown[z] != NO_VALUE).any())


def _suits(shown: ArrayVolume, modality: str) -> bool:
    """Whether values could be of a modality: a CT has air, and others have more than 0 to 1."""
    if modality == "OT" or shown.array.dtype.kind == "b":
        return False
    values = shown.sample()
    known = values[np.isfinite(values)]
    return bool(known.size) and bool(known.min() <= AIR_BELOW_HU if modality == "CT" else known.max() > 1)
