"""What a picture shows: where, through which window, with what on top.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.viewer.compare import Compared
from workbench.viewer.marks import BoxMark, Position
from workbench.viewer.palette import LARGEST_VALUE, Colour, colour

OPACITY = 0.35


class ReadableVolume(Protocol):
    """What a picture needs of a volume: its grid and its slices."""

    @property
    def geometry(self) -> Geometry:
        """The grid."""

    def __getitem__(self, key: object) -> Any:
        """Give stored numbers by index (z, y, x)."""


class ReadableLabels(Protocol):
    """Labels that a picture can lay over a volume, such as `data.labels.LabelVolume`; they may lie on another grid.

    `opacity` (0 to 1), `outline`, `visible` and `rest_visible` (whether values without a segment are drawn) are used
    where an object has them, and so are `colour` (#rrggbb) and `visible` of a segment.
    """

    @property
    def geometry(self) -> Geometry:
        """The grid."""

    @property
    def segments(self) -> Sequence[Mapping[str, Any]]:
        """Each region: `value` and `label`."""

    def __getitem__(self, key: object) -> Any:
        """Give label values by index (z, y, x)."""


@dataclass(frozen=True)
class Scene:
    """What the picture shows.

    Parameters
    ----------
    position_mm : tuple of 3 float
        The crosshair, patient position (x, y, z), LPS, mm.
    level, width : float
        The window, in the volume's unit.
    boxes : tuple of BoxMark
        Boxes, drawn where they cut the shown slices.
    title : str
        What it is a picture of, for the caption.
    overlays : bool
        Whether crosshair, boxes, labels, contours and measurements are drawn.
    unit : str, default "HU"
        Of the window.
    slab_mm : float, default 0
        Thickness of what is projected onto each plane, mm; 0 is one slice.
    slab_mode : {"mean", "mip", "minip"}
        How it is projected.
    labels : tuple of ReadableLabels
        Label layers, the first one lowest.
    contours, measurements : tuple
        Mappings or objects, as the traits of the viewer hold them.
    inverted : bool, default False
        Whether high values are black.
    crosshair : bool, default True
        Whether the crosshair is drawn among the overlays.
    truth : tuple of BoxMark
        Boxes of the ground truth, in a colour of their own.
    candidates : tuple
        Places that a detector proposes, drawn as circles with their score: `position_mm`, `score`, perhaps
        `diameter_mm` and `label`.
    compared : Compared, optional
        A second volume, which may lie over the first or stand beside it.
    """

    position_mm: Position
    level: float
    width: float
    boxes: tuple[BoxMark, ...] = ()
    title: str = ""
    overlays: bool = True
    unit: str = "HU"
    slab_mm: float = 0.0
    slab_mode: str = "mean"
    labels: tuple[ReadableLabels, ...] = ()
    contours: tuple[object, ...] = ()
    measurements: tuple[object, ...] = ()
    inverted: bool = False
    crosshair: bool = True
    truth: tuple[BoxMark, ...] = ()
    candidates: tuple[object, ...] = ()
    compared: Compared | None = None

    def contour_colours(self) -> dict[str, Colour]:
        """Give the colour of each name of a contour: that of the segment so named, or the next one of the palette."""
        named = {str(one["label"]): segment_colour(one) for layer in self.labels for one in layer.segments}
        names = dict.fromkeys(str(part(contour, "label") or "") for contour in self.contours)
        return {name: named.get(name) or colour(1 + number % LARGEST_VALUE) for number, name in enumerate(names)}


@dataclass(frozen=True, eq=False)
class Placed:
    """A contour whose points were already turned into voxel indices (z, y, x), with fractions, shape (n, 3)."""

    mark: object
    index: NDArray[np.float64]


def place(marks: Sequence[object], geometry: Geometry) -> tuple[Placed, ...]:
    """Turn the points of many contours into voxel indices at once."""
    if all(isinstance(mark, Placed) for mark in marks):
        return tuple(mark for mark in marks if isinstance(mark, Placed))
    points = [np.asarray(part(mark, "points_mm"), dtype=np.float64).reshape(-1, 3) for mark in marks]
    ends = np.cumsum([len(one) for one in points])
    return tuple(map(Placed, marks, np.split(geometry.to_index(np.concatenate(points)), ends[:-1])))


def part(one: object, name: str) -> Any:
    """Give a part of a mark, which may be a mapping or an object; None where it has none."""
    one = one.mark if isinstance(one, Placed) else one
    return one.get(name) if isinstance(one, Mapping) else getattr(one, name, None)


def segment_colour(segment: Mapping[str, Any]) -> Colour:
    """Give a segment's colour: the one it brings, or that of its value."""
    own = segment.get("colour")
    return read_colour(str(own)) if own else colour(int(segment["value"]))


def read_colour(written: str) -> Colour:
    """Give red, green, blue of ``#rrggbb``."""
    number = int(written.removeprefix("#"), 16)
    return number >> 16 & 255, number >> 8 & 255, number & 255
