"""A grid in patient millimetres to paint anatomy on: soft-edged ellipses, tapered tubes and fine threads.

Voxel values are made only with + − × ÷ √ and the FFT, never with `exp` or `sin` on arrays of voxels: those differ in
the last bit between processors, and a phantom must have the same bytes everywhere.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Canvas:
    """A volume being painted; every coordinate is in model mm, x to the left, y to posterior, z to superior.

    Parameters
    ----------
    x, y, z : ndarray, float32, shapes (1, 1, X), (1, Y, 1), (Z, 1, 1)
        Voxel centres, model mm.
    step_mm : tuple of 3 float
        Voxel spacing along (z, y, x), model mm.
    hu : ndarray, float32, shape (Z, Y, X), HU
    """

    x: Floats
    y: Floats
    z: Floats
    step_mm: tuple[float, float, float]
    hu: Floats = field(repr=False)

    @property
    def softness_mm(self) -> float:
        """The width over which an edge goes from one tissue to the next: the mean voxel edge."""
        return sum(self.step_mm) / 3

    def box(self, low: Point, high: Point) -> tuple[slice, slice, slice]:
        """Give the index slices (z, y, x) of the voxels between two points (x, y, z), clipped to the grid."""
        slices = []
        for axis, size, lowest, highest in zip(
            (self.z, self.y, self.x), self.hu.shape, reversed(low), reversed(high), strict=True
        ):
            first, step = float(axis.flat[0]), float(axis.flat[1]) - float(axis.flat[0])
            start = max(0, int((lowest - first) / step))
            slices.append(slice(start, min(size, max(start, int((highest - first) / step) + 2))))
        return slices[0], slices[1], slices[2]


def cover(distance_mm: Floats, softness_mm: float) -> Floats:
    """Give the fraction of a voxel inside a shape from its signed distance (negative inside)."""
    fraction: Floats = distance_mm * np.float32(-1 / softness_mm)
    fraction += np.float32(0.5)
    return np.clip(fraction, 0, 1, out=fraction)


def blend(hu: Floats, value: Any, fraction: Floats) -> None:
    """Lay a tissue of HU `value` over `hu` in place, where and as much as `fraction` says."""
    change = np.subtract(np.float32(value), hu)
    change *= fraction
    hu += change


def ellipse(x: Floats, y: Floats, centre: tuple[float, float], radii: tuple[float, float], **shape: float) -> Floats:
    """Give the approximate signed distance to an ellipse, mm.

    Parameters
    ----------
    x, y : ndarray, float32, broadcastable
        Positions, mm.
    centre, radii : tuple of 2 float
        Along (x, y), mm.
    **shape : float
        `turn`, the sine of the angle from x towards y, and `square`, 0 for an ellipse to 1 for a rectangle.
    """
    across, along = x - np.float32(centre[0]), y - np.float32(centre[1])
    sine = shape.get("turn", 0.0)
    if sine:
        cosine = np.float32((1 - sine * sine) ** 0.5)
        across, along = cosine * across + np.float32(sine) * along, cosine * along - np.float32(sine) * across
    u2, v2 = (across / np.float32(radii[0])) ** 2, (along / np.float32(radii[1])) ** 2
    square = shape.get("square", 0.0)
    level: Floats = u2 + v2
    if square:
        corner = np.minimum(u2, np.float32(1)) * np.float32(square)
        level -= corner * np.minimum(v2, np.float32(1))
    np.sqrt(level, out=level)
    level -= np.float32(1)
    level *= np.float32(min(radii))
    return level


def paint_tube(
    canvas: Canvas, ends: tuple[Point, Point], radii_mm: tuple[float, float], layers: tuple[tuple[float, float], ...],
    *, flat: float = 1.0, only: Floats | None = None,
) -> None:  # fmt: skip
    """Paint a tapered tube with round ends.

    Parameters
    ----------
    canvas : Canvas
    ends : tuple of 2 points
        Start and end (x, y, z), mm.
    radii_mm : tuple of 2 float
        Radius at start and at end.
    layers : tuple of (inset_mm, hu)
        Painted in this order, each as the tube made thinner by `inset_mm`.
    flat : float, default 1
        Below 1 the section is taller along z than wide, as a rib's is.
    only : ndarray, float32, shape (Z, Y, X), optional
        Fraction of each voxel that may be painted.
    """
    (x0, y0, z0), (x1, y1, z1) = ends
    reach = max(radii_mm) + canvas.softness_mm
    where = canvas.box(
        (min(x0, x1) - reach, min(y0, y1) - reach, min(z0, z1) - reach / flat),
        (max(x0, x1) + reach, max(y0, y1) + reach, max(z0, z1) + reach / flat),
    )
    hu = canvas.hu[where]
    if not hu.size:
        return
    ax, ay, az = np.float32(x1 - x0), np.float32(y1 - y0), np.float32((z1 - z0) * flat)
    dx = canvas.x[:, :, where[2]] - np.float32(x0)
    dy = canvas.y[:, where[1], :] - np.float32(y0)
    dz = (canvas.z[where[0]] - np.float32(z0)) * np.float32(flat)
    length2 = np.float32(max(float(ax) ** 2 + float(ay) ** 2 + float(az) ** 2, 1e-6))
    along = np.clip((dx * ax + dy * ay + dz * az) / length2, 0, 1)
    distance = np.sqrt((dx - along * ax) ** 2 + (dy - along * ay) ** 2 + (dz - along * az) ** 2)
    distance -= np.float32(radii_mm[0]) + along * np.float32(radii_mm[1] - radii_mm[0])
    for inset, value in layers:
        fraction = cover(distance + np.float32(inset), canvas.softness_mm)
        blend(hu, value, fraction if only is None else fraction * only[where])


def paint_threads(
    canvas: Canvas, ends: tuple[NDArray[Any], NDArray[Any]], radii_mm: NDArray[Any], hu: float, *, only: Floats
) -> None:
    """Paint many tubes thinner than a voxel at once, each voxel by the share of its volume they fill.

    Parameters
    ----------
    canvas : Canvas
    ends : tuple of 2 ndarray, float, shape (n, 3)
        Starts and ends (x, y, z), mm.
    radii_mm : ndarray, float, shape (n,)
    hu : float
        The tubes' HU.
    only : ndarray, float32, shape (Z, Y, X)
        Fraction of each voxel that may be painted.
    """
    step = min(canvas.step_mm) * 0.7
    starts, stops = ends
    length = np.sqrt(((stops - starts) ** 2).sum(axis=1))
    count = np.maximum(np.ceil(length / step).astype(np.intp), 1)
    which = np.repeat(np.arange(len(count)), count)
    order = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    place = starts[which] + ((order + 0.5) / count[which])[:, None] * (stops - starts)[which]
    volume = (np.pi * radii_mm**2 * length / count)[which] / float(np.prod(canvas.step_mm))
    first = np.array([canvas.z.flat[0], canvas.y.flat[0], canvas.x.flat[0]], dtype=np.float64)
    index = (place[:, ::-1] - first) / np.array(canvas.step_mm)
    keep = np.all((index >= 0) & (index < np.array(canvas.hu.shape) - 1), axis=1)
    index, volume = index[keep], volume[keep]
    base = index.astype(np.intp)
    part = index - base
    weights, voxels = [], []
    for corner in np.ndindex(2, 2, 2):
        near = np.where(corner, part, 1 - part)
        weights.append(near[:, 0] * near[:, 1] * near[:, 2] * volume)
        voxels.append(np.ravel_multi_index(tuple((base + corner).T), canvas.hu.shape))
    touched, place_of = np.unique(np.concatenate(voxels), return_inverse=True)
    filled = np.bincount(place_of, np.concatenate(weights))
    fraction = np.minimum(filled, 1).astype(np.float32) * only.ravel()[touched]
    flat = canvas.hu.reshape(-1)
    flat[touched] += fraction * (np.float32(hu) - flat[touched])
