"""Measurements as people write them: what is measured for them, and what cannot be."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.measurements import angle_deg, distance_mm, read_measurements
from workbench.viewer.shown_volume import ArrayVolume

GRID = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5))
COS, SIN = math.cos(0.5), math.sin(0.5)
OBLIQUE = Geometry((40, 64, 80), (2.5, 0.8, 0.7), (7.0, -3.0, 11.0), (COS, 0.0, SIN, 0.0, 1.0, 0.0, -SIN, 0.0, COS))


def volume(geometry: Geometry = GRID) -> ArrayVolume:
    """Give a volume whose every voxel is its column plus ten times its row."""
    rows, columns = np.mgrid[:64, :80]
    array = np.broadcast_to((columns + 10 * rows).astype(np.int16), (40, 64, 80))
    return ArrayVolume(array, geometry, modality="CT", title="phantom S0001")


def mark(kind: str, *index: tuple[float, float, float], geometry: Geometry = GRID, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "points_mm": geometry.to_patient_mm(np.array(index)).tolist(), **more}


@pytest.mark.parametrize("geometry", [GRID, OBLIQUE], ids=["axial", "oblique"])
def test_a_distance_is_of_the_patient_not_of_the_screen(geometry: Geometry) -> None:
    # 30 columns of 0.7 mm and 35 rows of 0.8 mm: the sides 21 and 28 of a right triangle with 35.
    (read,) = read_measurements([mark("distance", (20, 5, 10), (20, 40, 40), geometry=geometry)], volume(geometry))
    assert (read.value, read.unit, read.plane) == (pytest.approx(35), "mm", "axial")


@pytest.mark.parametrize("geometry", [GRID, OBLIQUE], ids=["axial", "oblique"])
def test_an_angle_is_of_the_patient_not_of_the_screen(geometry: Geometry) -> None:
    # Arms of 8 rows (6.4 mm) and, on a diagonal, 8 rows and 8 columns: atan(5.6 / 6.4), not 45 degrees.
    given = mark("angle", (20, 20, 30), (20, 28, 30), (20, 20, 38), geometry=geometry)
    (read,) = read_measurements([given], volume(geometry))
    assert (read.value, read.unit) == (pytest.approx(math.degrees(math.atan(7 / 8))), "deg")


def test_angles_of_nought_and_of_half_a_turn_are_exact() -> None:
    along = np.array([[3.0, 0, 0], [0, 0, 0], [1.0, 0, 0]])
    assert angle_deg(along) == 0
    assert angle_deg(along * [[1], [1], [-1]]) == 180
    assert distance_mm(along) == 3


def test_a_rectangle_without_statistics_is_measured_on_its_slice() -> None:
    (read,) = read_measurements([mark("rectangle", (20, 9.5, 1.5), (20, 11.5, 4.5))], volume())
    # Rows 10 and 11, columns 2, 3, 4: 102 103 104 112 113 114; deviations of ±5 and of −1, 0, 1: √(25 + 2/3).
    expected = {"mean": 108, "sd": math.sqrt(25 + 2 / 3), "minimum": 102, "maximum": 114, "pixels": 6}
    assert read.statistics is not None
    assert {name: getattr(read.statistics, name) for name in expected} == pytest.approx(expected)
    assert read.statistics.area_mm2 == pytest.approx(3 * 0.7 * 2 * 0.8)
    assert (read.value, read.unit) == (pytest.approx(108), "HU")


def test_an_ellipse_leaves_the_corners_out() -> None:
    (read,) = read_measurements([mark("ellipse", (20, 9, 1), (20, 11, 3))], volume())
    assert read.statistics is not None
    # Radius of one pixel around row 10, column 2: the pixel and its four neighbours.
    assert (read.statistics.pixels, read.statistics.mean, read.statistics.maximum) == (5, 102, 112)
    assert read.statistics.area_mm2 == pytest.approx(math.pi * 0.8 * 0.7)


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_each_plane_measures_its_own_slice(plane: str) -> None:
    fixed = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
    ends = [[20.0, 30.0, 40.0], [24.0, 34.0, 44.0]]
    ends[1][fixed] = ends[0][fixed]
    (read,) = read_measurements([mark("rectangle", *(tuple(end) for end in ends))], volume())
    rows, columns = ({30} if fixed == 1 else {30, 34}), ({40} if fixed == 2 else {40, 44})
    assert read.plane == plane
    assert read.statistics is not None
    assert read.statistics.minimum == 10 * min(rows) + min(columns)
    assert read.statistics.maximum == 10 * max(rows) + max(columns)


def test_pixels_without_a_value_are_left_out() -> None:
    array = np.full((2, 4, 4), 7.5, dtype=np.float32)
    array[0, 1, 1] = np.nan
    shown = ArrayVolume(array, Geometry((2, 4, 4), (1, 1, 1), (0, 0, 0)), modality="OT", unit="arbitrary")
    (read,) = read_measurements([{"kind": "rectangle", "points_mm": [(0, 0, 0), (2, 2, 0)]}], shown)
    assert read.statistics is not None
    assert (read.statistics.pixels, read.statistics.mean) == (8, pytest.approx(7.5))


def test_what_was_read_reads_the_same_again() -> None:
    given = [mark("ellipse", (20, 9, 1), (20, 19, 13), label="aorta"), mark("distance", (1, 2, 3), (1, 9, 9))]
    first = read_measurements(given, volume())
    assert read_measurements([one.as_dict() for one in first], volume()) == first
    assert read_measurements(list(first), volume()) == first


def test_statistics_of_a_slab_keep_saying_so() -> None:
    said = {"mean": 5, "sd": 1, "minimum": 3, "maximum": 7, "area_mm2": 7.0 * 8.0, "pixels": 121}
    given = mark("rectangle", (20, 10, 10), (20, 20, 20), statistics={**said, "slab_mm": 10, "slab_mode": "mip"})
    (read,) = read_measurements([given], volume())
    assert read.as_dict()["statistics"] == {**said, "slab_mm": 10, "slab_mode": "mip"}


def test_objects_and_mappings_read_the_same_and_none_is_none() -> None:
    plain = mark("distance", (1, 2, 3), (1, 9, 9), label="x" * 99)
    assert read_measurements([SimpleNamespace(**plain)], volume()) == read_measurements([plain], volume())
    assert len(read_measurements([plain], volume())[0].label) == 60
    assert read_measurements(None, volume()) == ()


GOOD = {"mean": 5, "sd": 1, "minimum": 3, "maximum": 7, "area_mm2": 56.0, "pixels": 121}
SQUARE = mark("rectangle", (20, 10, 10), (20, 20, 20))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("distance", "list of them"),
        ([17], "kind of measurement 0 is None"),
        ([mark("volume", (1, 2, 3), (1, 3, 4))], "kinds are distance"),
        ([mark("distance", (1, 2, 3))], "must be 2 positions"),
        ([mark("angle", (1, 2, 3), (1, 5, 5))], "must be 3 positions"),
        ([{"kind": "distance", "points_mm": [(0, 0, float("nan")), (0, 0, 120)]}], "three finite numbers"),
        ([mark("distance", (1, 2, 3), (1, 2, 81))], "leaves this volume"),
        ([mark("distance", (1, 2, 3), (4, 9, 9), plane="axial")], "leaves its axial slice by 7.50 mm"),
        ([mark("distance", (1, 2, 3), (1, 9, 9), plane="oblique")], "planes are axial"),
        ([mark("distance", (1, 2, 3), (1, 2, 3))], "same place"),
        ([mark("angle", (1, 2, 3), (1, 2, 3), (1, 9, 9))], "same place"),
        ([mark("distance", (1, 2, 3), (1, 9, 9), value=12)], "its points say 7.00 mm"),
        ([mark("distance", (1, 2, 3), (1, 9, 9), value="7")], "finite number"),
        ([mark("distance", (1, 2, 3), (1, 9, 9), unit="cm")], "it is mm"),
        ([mark("ellipse", (1, 2, 3), (1, 2, 9))], "encloses nothing"),
        ([mark("rectangle", (1, 2.1, 3.1), (1, 2.9, 3.9))], "no pixel"),
        ([mark("distance", (1, 2, 3), (1, 9, 9))] * 1001, "at most 1000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_measurements_are_refused_with_a_sentence(given: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_measurements(given, volume())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": 8}, {"sd": 3}, {"sd": -1}, {"area_mm2": 60}, {"pixels": 0}, {"pixels": 1.5}, {"slab_mm": 5},
        {"slab_mode": "mip"}, {"slab_mm": 5, "slab_mode": "sum"}, {"mean": float("nan")}, {"maximum": None},
    ],
    ids=str,
)  # fmt: skip
def test_statistics_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    assert read_measurements([{**SQUARE, "statistics": GOOD}], volume())[0].value == 5
    with pytest.raises(InvalidInput, match=r"of measurement 0 \(rectangle\)"):
        read_measurements([{**SQUARE, "statistics": {**GOOD, **wrong}}], volume())
