"""The pixels within an ellipse or a rectangle on a slice: mean, standard deviation, ends and area.

A pixel belongs to a region when its centre does. The standard deviation is that of these pixels, over their
number.

Runs in: kernel
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import NO_VALUE, PLANES
from workbench.viewer.shown_volume import ShownVolume

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """What the pixels of a region say.

    Parameters
    ----------
    mean, sd, minimum, maximum : float
        In the volume's unit.
    area_mm2 : float
        Of the drawn figure, mm².
    pixels : int
        How many pixel centres lie within it and have a value.
    slab_mm : float, default 0
        Thickness of the projected slab they were taken from, mm; 0 is one slice.
    slab_mode : str
        mean, mip or minip, where it was a slab.
    """

    mean: float
    sd: float
    minimum: float
    maximum: float
    area_mm2: float
    pixels: int
    slab_mm: float = 0.0
    slab_mode: str = ""


def region_statistics(kind: str, plane: str, points_mm: Points, volume: ShownVolume) -> Statistics:
    """Measure the ellipse or rectangle between two corners on its slice of a volume.

    Raises
    ------
    InvalidInput
        When no pixel with a value has its centre within.
    """
    geometry, axis = volume.geometry, PLANES[plane]
    index = geometry.to_index(points_mm)
    at = int(np.floor(index[:, axis].mean() + 0.5))
    corners = np.delete(index, axis, axis=1)
    low, high = corners.min(axis=0), corners.max(axis=0)
    first = np.maximum(np.ceil(low - 1e-9), 0).astype(int)
    end = np.minimum(np.floor(high + 1e-9) + 1, np.delete(np.asarray(geometry.shape), axis)).astype(int)
    rows, columns = np.ogrid[first[0] : max(end[0], first[0]), first[1] : max(end[1], first[1])]
    inside = _inside(kind, rows, columns, (low, high))
    box: list[Any] = [slice(int(a), int(b)) for a, b in zip(first, end, strict=True)]
    stored = np.asarray(volume[tuple([*box[:axis], at, *box[axis:]])]) if inside.any() else np.empty(inside.shape)
    taken = stored[inside & (stored != NO_VALUE)]
    if not taken.size:
        raise InvalidInput(f"The {kind} holds no pixel with a value; draw it larger or elsewhere.")
    values = taken.astype(np.float64) * volume.slope + volume.intercept
    ends = float(values.min()), float(values.max())
    return Statistics(
        float(values.mean()), float(values.std()), *ends, area_mm2(kind, plane, points_mm, geometry), int(taken.size)
    )


def area_mm2(kind: str, plane: str, points_mm: Points, geometry: Geometry) -> float:
    """Give the area of the ellipse or rectangle between two corners, mm²."""
    sides = np.delete(np.ptp(geometry.to_index(points_mm), axis=0) * np.asarray(geometry.spacing_mm), PLANES[plane])
    return float(np.prod(sides)) * (math.pi / 4 if kind == "ellipse" else 1.0)


def _inside(kind: str, rows: Any, columns: Any, ends: tuple[Points, Points]) -> NDArray[np.bool_]:
    """Tell which pixel centres lie within the figure between its lowest and highest row and column."""
    low, high = ends
    if kind == "rectangle" or min(high - low) <= 0:
        return np.ones(np.broadcast_shapes(rows.shape, columns.shape), dtype=np.bool_)
    middle, half = (low + high) / 2, (high - low) / 2
    within: NDArray[np.bool_] = ((rows - middle[0]) / half[0]) ** 2 + ((columns - middle[1]) / half[1]) ** 2 <= 1 + 1e-9
    return within
