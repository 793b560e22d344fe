"""Planes hang as radiologists read them, and their letters tell the truth, whatever the volume's axes."""

from __future__ import annotations

import math

import pytest

from workbench.geometry import Geometry
from workbench.viewer.planes import Plane, closest_axes, lay_planes


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
    first, *others = planes(0, 0, -1, 1, 0, 0, 0, -1, 0)
    assert (first.name, first.title, edges(first), first.is_turned) == ("axial", "Sagittal", "A P S I", False)
    # What cuts across it stands as every axial and coronal picture does, not on its side.
    assert [(p.title, edges(p), p.is_turned) for p in others] == [
        ("Axial", "R L A P", True),
        ("Coronal", "R L S I", True),
    ]


def test_coronal_series_stands_upright_in_every_plane() -> None:
    # Columns run to the left, rows to inferior, slices to posterior.
    found = planes(1, 0, 0, 0, 0, 1, 0, -1, 0)
    titles = [("Coronal", "R L S I", False), ("Axial", "R L A P", False), ("Sagittal", "A P S I", True)]
    assert [(p.title, edges(p), p.is_turned) for p in found] == titles


def test_axes_share_out_the_patient_s_directions() -> None:
    # Each axis follows two directions equally; (z, y, x) as they are have 8/27 together, and the first order wins.
    steep = Geometry((4, 5, 6), (1, 1, 1), (0, 0, 0), tuple(n / 3 for n in (2, -1, 2, 2, 2, -1, -1, 2, 2)))
    assert closest_axes(steep) == (2, 1, 0)
    assert sorted(plane.title for plane in lay_planes(steep)) == [
        "Axial (oblique)", "Coronal (oblique)", "Sagittal (oblique)"
    ]  # fmt: skip


@pytest.mark.parametrize(("degrees", "right"), [(5, "L"), (30, "LP"), (60, "LA")])
def test_oblique_planes_carry_two_letters(degrees: float, right: str) -> None:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    axial, coronal, _ = planes(c, -s, 0, s, c, 0, 0, 0, 1)
    # Beyond 45 degrees it is the other axis that runs across the screen.
    assert (axial.right, axial.is_turned) == (right, degrees > 45)
    assert coronal.title.endswith("(oblique)") == (degrees > 18)
