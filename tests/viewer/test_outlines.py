"""Outlines run along the edges of pixels, close, and fill to the mask they came from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.imaging.polygons import fill
from workbench.viewer.outlines import outlines


def test_one_pixel_has_four_corners_at_halves() -> None:
    mask = np.zeros((3, 3), bool)
    mask[1, 2] = True
    (corners,) = outlines(mask)
    assert corners.tolist() == [[0.5, 1.5], [0.5, 2.5], [1.5, 2.5], [1.5, 1.5]]


def test_pixels_that_touch_by_a_corner_are_apart() -> None:
    first, second = outlines(np.eye(2, dtype=bool))
    assert (len(first), len(second)) == (4, 4)


def test_a_hole_is_an_outline_of_its_own() -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    assert sorted(len(corners) for corners in outlines(mask)) == [4, 4]


def test_nothing_has_no_outline() -> None:
    assert outlines(np.zeros((3, 3), bool)) == []


@settings(max_examples=200, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_filled_outlines_are_the_mask_again(mask: np.ndarray) -> None:
    again = np.zeros_like(mask)
    if polygons := outlines(mask):
        inside, (top, left) = fill(polygons, (mask.shape[0], mask.shape[1]))
        again[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    assert np.array_equal(again, mask)
