"""Planes hang as radiologists read them, and their letters tell the truth, whatever the volume's axes."""

from __future__ import annotations

import math

import pytest

from workbench.geometry import Geometry
from workbench.viewer.planes import Plane, lay_planes


def planes(*direction: float) -> list[Plane]:
    return lay_planes(Geometry((10, 20, 30), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), direction))


def edges(plane: Plane) -> str:
    return f"{plane.left} {plane.right} {plane.top} {plane.bottom}"


def test_axial_series_has_right_on_the_left_and_head_on_top() -> None:
    axial, coronal, sagittal = planes(1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert [edges(p) for p in (axial, coronal, sagittal)] == ["R L A P", "R L S I", "A P S I"]
    assert (axial.flip_rows, coronal.flip_rows, sagittal.flip_rows) == (False, True, True)


def test_mirrored_axes_are_mirrored_back() -> None:
    axial, coronal, _ = planes(-1, 0, 0, 0, -1, 0, 0, 0, -1)
    assert (edges(axial), edges(coronal)) == ("R L A P", "R L S I")
    assert (axial.flip_columns, axial.flip_rows, coronal.flip_rows) == (True, True, False)


def test_sagittal_series_is_named_for_what_it_shows() -> None:
    # Columns run to posterior, rows to inferior, slices to the right.
    first = planes(0, 0, -1, 1, 0, 0, 0, -1, 0)[0]
    assert (first.name, first.title, edges(first)) == ("axial", "Sagittal", "A P S I")


@pytest.mark.parametrize(("degrees", "right"), [(5, "L"), (30, "LP"), (60, "PL")])
def test_oblique_planes_carry_two_letters(degrees: float, right: str) -> None:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    axial, coronal, _ = planes(c, -s, 0, s, c, 0, 0, 0, 1)
    assert axial.right == right or axial.left == right
    assert coronal.title.endswith("(oblique)") == (degrees > 18)
