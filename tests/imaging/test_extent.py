"""A spot is as wide as where it has fallen to half its height, whatever the spacing, beside a vessel too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.extent import spot_diameters_mm

SPACING = (1.5, 0.7, 0.7)
CENTRE = (20, 40, 40)


def ball(diameter_mm: float) -> np.ndarray:
    places = np.indices((41, 81, 81)).reshape(3, -1).T
    apart_mm = np.linalg.norm((places - CENTRE) * SPACING, axis=1).reshape(41, 81, 81)
    return np.where(apart_mm < diameter_mm / 2, 40, -850).astype(np.int16)


@pytest.mark.parametrize("diameter_mm", [6.0, 10.0, 18.0, 28.0])
def test_a_ball_is_as_wide_as_it_is(diameter_mm: float) -> None:
    assert spot_diameters_mm(ball(diameter_mm), SPACING, np.array([CENTRE]))[0] == pytest.approx(diameter_mm, abs=1.0)


def test_a_vessel_and_a_wall_beside_it_do_not_widen_it() -> None:
    hu = ball(10.0)
    hu[:, 38:43, 40:] = 40  # a vessel from the middle outwards
    hu[:, :, :26] = 40  # the wall of the chest, 5 mm from its edge
    assert spot_diameters_mm(hu, SPACING, np.array([CENTRE]))[0] == pytest.approx(10.0, abs=2.0)


def test_places_at_the_edge_and_beyond_are_answered() -> None:
    widths = spot_diameters_mm(ball(10.0), SPACING, np.array([[0, 0, 0], [40, 80, 80], [300, 0, 0]]))
    assert widths.shape == (3,) and (widths >= 0).all() and np.isfinite(widths).all()


def test_no_place_has_no_width() -> None:
    assert spot_diameters_mm(ball(6.0), SPACING, np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize("centres", [np.array([1.0, 2.0, 3.0]), np.array([[np.nan, 0, 0]])])
def test_what_is_no_place_is_refused(centres: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="Centres are finite"):
        spot_diameters_mm(ball(6.0), SPACING, centres)


def test_any_of_the_48_orders_of_axes_is_turned_upright_and_back() -> None:
    rng = np.random.default_rng(3)
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[order, range(3)] = signs
            grid = Geometry((4, 5, 6), (1.0, 2.0, 3.0), (7.0, -8.0, 9.0), tuple(matrix.ravel()))
            values, upright = rng.integers(0, 99, (4, 5, 6)), grid.upright()
            turned = upright.turn(values)
            assert upright.geometry.direction == pytest.approx(np.eye(3).ravel())
            assert upright.degrees == pytest.approx(0.0) and turned.shape == upright.geometry.shape
            assert np.array_equal(upright.turn_back(turned), values)
            # The same place of the patient holds the same value.
            index = np.array([1, 2, 3])
            there = upright.geometry.to_index(grid.to_patient_mm(index)).round().astype(int)
            assert turned[tuple(there)] == values[tuple(index)]


def test_a_slightly_oblique_grid_says_by_how_much() -> None:
    c, s = np.cos(np.radians(7.0)), np.sin(np.radians(7.0))
    grid = Geometry((4, 5, 6), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0))
    assert grid.upright().degrees == pytest.approx(7.0)
    assert grid.upright().geometry.direction == pytest.approx(grid.direction)
