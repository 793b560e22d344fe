"""Distances, angles and regions measured on slices: read once, and checked against the places they are said to lie at.

The browser measures on the full-resolution slice that is on screen. What a person or a file gives without a value is
measured here in the same way.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import PLANES
from workbench.viewer.marks import Position, read_label
from workbench.viewer.regions import Points, Statistics, area_mm2, region_statistics
from workbench.viewer.shown_volume import ShownVolume

POINTS = {"distance": 2, "angle": 3, "ellipse": 2, "rectangle": 2}
UNITS = {"distance": "mm", "angle": "deg"}
EXAMPLE = "[{'kind': 'distance', 'points_mm': [(x, y, z), (x, y, z)]}]"
MOST_MEASUREMENTS = 1_000
# How far points may leave their slice: in slices, and in mm where slices are thin (as for contours).
TOLERANCE_SLICES, TOLERANCE_MM = 0.05, 0.02
# How far a value may be from what its points say: a table may keep fewer digits.
CLOSE_MM, CLOSE_DEG, CLOSE_SHARE = 0.01, 0.05, 0.001
SHORTEST_MM = 1e-3


@dataclass(frozen=True)
class MeasurementMark:
    """A measurement that was checked and can be drawn.

    Parameters
    ----------
    kind : str
        distance | angle | ellipse | rectangle.
    plane : str
        axial | coronal | sagittal: the index axis that all its points share.
    points_mm : tuple of positions
        Patient positions (x, y, z), LPS, mm: two ends; or an end, the vertex and the other end; or opposite corners.
    label : str
        May be empty.
    value : float
        The distance in mm, the angle in degrees, or the mean of the region.
    unit : str
        mm, deg, or the volume's unit.
    statistics : Statistics, optional
        Of a region.
    """

    kind: str
    plane: str
    points_mm: tuple[Position, ...]
    label: str
    value: float
    unit: str
    statistics: Statistics | None = None

    def as_dict(self) -> dict[str, object]:
        """Give the measurement as the plain values that travel to the browser."""
        plain: dict[str, object] = {
            "kind": self.kind, "plane": self.plane, "points_mm": [list(point) for point in self.points_mm],
            "label": self.label, "value": self.value, "unit": self.unit,
        }  # fmt: skip
        if self.statistics is not None:
            plain["statistics"] = asdict(self.statistics)
        return plain


def read_measurements(measurements: object, volume: ShownVolume) -> tuple[MeasurementMark, ...]:
    """Read measurements: objects or mappings with `kind` and `points_mm`, and perhaps value and statistics.

    Parameters
    ----------
    measurements : iterable or None
        Distances (2 points), angles (3, the vertex in the middle), ellipses and rectangles (2 opposite corners).
    volume : ShownVolume
        What they were measured on; a region without statistics is measured on its slice.

    Raises
    ------
    InvalidInput
        When one is malformed, leaves its slice or the volume, or its value cannot be that of its points; the message
        names which and why.
    """
    if measurements is None:
        return ()
    if isinstance(measurements, str | bytes | Mapping) or not isinstance(measurements, Iterable):
        raise InvalidInput(
            f"`measurements` is a {type(measurements).__name__}; give a list of them, for example {EXAMPLE}."
        )
    given = list(measurements)
    if len(given) > MOST_MEASUREMENTS:
        raise InvalidInput(
            f"{len(given)} measurements are more than a browser can draw; give at most {MOST_MEASUREMENTS}."
        )
    return tuple(_read(number, one, volume) for number, one in enumerate(given))


def distance_mm(points_mm: Points) -> float:
    """Give how far two patient positions are apart, mm."""
    return float(np.linalg.norm(points_mm[1] - points_mm[0]))


def angle_deg(points_mm: Points) -> float:
    """Give the angle at the middle one of three patient positions, degrees from 0 to 180.

    >>> angle_deg(np.array([[1.0, 0, 0], [0, 0, 0], [0, 2.0, 0]]))
    90.0
    """
    first, second = points_mm[0] - points_mm[1], points_mm[2] - points_mm[1]
    # The tangent stays exact where the cosine does not, near 0 and 180 degrees.
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second)))


def _read(number: int, given: object, volume: ShownVolume) -> MeasurementMark:
    def part(name: str) -> Any:
        return given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)

    kind = part("kind")
    if not isinstance(kind, str) or kind not in POINTS:
        raise InvalidInput(f"The kind of measurement {number} is {kind!r}; the kinds are {', '.join(POINTS)}.")
    name = f"measurement {number} ({kind})"
    points = _points(name, kind, part("points_mm"), volume.geometry)
    plane = _plane(name, part("plane"), points, volume.geometry)
    places = tuple((float(x), float(y), float(z)) for x, y, z in points)
    label = read_label(part("label"))
    unit = UNITS.get(kind, volume.unit)
    if part("unit") not in (None, "", unit):
        raise InvalidInput(f"The unit of {name} is {part('unit')!r}; on this volume it is {unit}.")
    if kind in UNITS:
        value = _length_or_angle(name, kind, points, part("value"))
        return MeasurementMark(kind, plane, places, label, value, unit)
    if min(np.delete(np.ptp(volume.geometry.to_index(points), axis=0), PLANES[plane])) <= 0:
        raise InvalidInput(f"{name.capitalize()} encloses nothing: its corners share a row or a column.")
    if part("statistics") is None:
        statistics = region_statistics(kind, plane, points, volume)
    else:
        area = area_mm2(kind, plane, points, volume.geometry)
        statistics = _read_statistics(name, part("statistics"), area, volume.geometry)
    return MeasurementMark(kind, plane, places, label, statistics.mean, unit, statistics)


def _points(name: str, kind: str, points: object, geometry: Geometry) -> Points:
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape != (POINTS[kind], 3) or not np.all(np.isfinite(array)):
        raise InvalidInput(
            f"points_mm of {name} must be {POINTS[kind]} positions of three finite numbers (x, y, z) in mm."
        )
    index = geometry.to_index(array)
    if np.any(index < -0.5 - 1e-6) or np.any(index > np.asarray(geometry.shape) - 0.5 + 1e-6):
        raise InvalidInput(
            f"{name.capitalize()} leaves this volume of {geometry.shape} voxels. "
            "Is it of another scan, or in voxels instead of patient millimetres?"
        )
    return array


def _plane(name: str, plane: object, points: Points, geometry: Geometry) -> str:
    away = np.ptp(geometry.to_index(points), axis=0)
    plane = plane or list(PLANES)[int(np.argmin(away))]
    if not isinstance(plane, str) or plane not in PLANES:
        raise InvalidInput(f"The plane of {name} is {plane!r}; the planes are {', '.join(PLANES)}.")
    axis = PLANES[plane]
    if away[axis] > max(TOLERANCE_SLICES, TOLERANCE_MM / geometry.spacing_mm[axis]):
        raise InvalidInput(
            f"{name.capitalize()} leaves its {plane} slice by {away[axis] * geometry.spacing_mm[axis]:.2f} mm; all its "
            "points lie in one slice of the scan. Is it of another scan, or of another plane?"
        )
    return plane


def _length_or_angle(name: str, kind: str, points: Points, said: object) -> float:
    """Give what the points say, when the given value agrees."""
    arms = [np.linalg.norm(points[one] - points[one + 1]) for one in range(len(points) - 1)]
    if min(arms) < SHORTEST_MM:
        raise InvalidInput(f"{name.capitalize()} has two points at the same place; move one of them.")
    measured = distance_mm(points) if kind == "distance" else angle_deg(points)
    close = CLOSE_MM + CLOSE_SHARE * measured if kind == "distance" else CLOSE_DEG
    if said is not None and not abs(_number(name, "value", said) - measured) <= close:
        unit = UNITS[kind]
        raise InvalidInput(
            f"The value of {name} is {said} {unit}, and its points say {measured:.2f} {unit}; leave the value out."
        )
    return measured


def _read_statistics(name: str, given: object, area: float, geometry: Geometry) -> Statistics:
    """Give the statistics when they can be those of a region of this area."""
    given = asdict(given) if isinstance(given, Statistics) else given
    if not isinstance(given, Mapping):
        raise InvalidInput(
            f"The statistics of {name} are a {type(given).__name__}; leave them out to have it measured."
        )
    names = ("mean", "sd", "minimum", "maximum", "area_mm2", "pixels")
    mean, sd, low, high, said, pixels = (_number(name, part, given.get(part)) for part in names)
    slab, mode = _number(name, "slab_mm", given.get("slab_mm", 0.0)), str(given.get("slab_mode") or "")
    rounding = 1e-3 * max(1.0, abs(low), abs(high))
    # Of numbers between two ends, none have a larger standard deviation than halves at either end.
    is_possible = (
        low - rounding <= mean <= high + rounding
        and 0 <= sd <= (high - low) / 2 + rounding
        and 1 <= pixels <= math.prod(geometry.shape)
        and pixels == int(pixels)
        and abs(said - area) <= CLOSE_MM + CLOSE_SHARE * area
        and (slab == 0 and not mode or 0 < slab <= 1000 and mode in ("mean", "mip", "minip"))
    )
    if not is_possible:
        raise InvalidInput(
            f"The statistics of {name} cannot be those of its region of {area:.1f} mm²: mean {mean:g}, sd {sd:g}, "
            f"{low:g} to {high:g}, {said:g} mm², {pixels:g} pixels. Leave them out to have it measured."
        )
    return Statistics(mean, sd, low, high, area, int(pixels), slab, mode)


def _number(name: str, part: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise InvalidInput(f"The {part} of {name} is {value!r}; it must be a finite number.")
    return float(value)
