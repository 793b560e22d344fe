"""A pixel belongs to a region when its centre lies inside; edges belong to one side, holes to none."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.imaging.polygons import fill, is_flat

SHAPE = (12, 15)
coordinates = st.floats(-3, 18, allow_nan=False).map(lambda n: round(n, 3))


def square(top_left: tuple[float, float], bottom_right: tuple[float, float]) -> list[tuple[float, float]]:
    """Give the corners of a rectangle as (row, column)."""
    (top, left), (bottom, right) = top_left, bottom_right
    return [(top, left), (top, right), (bottom, right), (bottom, left)]


def drawn(*contours: object) -> NDArray[np.bool_]:
    whole = np.zeros(SHAPE, dtype=bool)
    inside, (top, left) = fill([np.array(each, dtype=float) for each in contours], SHAPE)
    whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return whole


def test_rectangle_holds_the_centres_between_its_edges() -> None:
    found = drawn(square((1.5, 2.4), (4.6, 7.5)))
    assert found.sum() == 3 * 5
    assert found[2:5, 3:8].all()


def test_edges_through_centres_belong_to_one_side_alone() -> None:
    left, right = drawn(square((2, 3), (6, 7))), drawn(square((2, 7), (6, 11)))
    assert (left.sum(), right.sum(), (left & right).sum()) == (16, 16, 0)
    assert left[2:6, 3:7].all()
    assert right[2:6, 7:11].all()


def test_contour_inside_another_is_a_hole() -> None:
    found = drawn(square((0.5, 0.5), (9.5, 9.5)), square((3.5, 3.5), (6.5, 6.5)))
    assert found.sum() == 81 - 9
    assert not found[4:7, 4:7].any()


def test_keyhole_contour_leaves_its_hole_and_no_seam() -> None:
    outer, inner = square((0.5, 0.5), (9.5, 9.5)), square((3.5, 3.5), (6.5, 6.5))
    keyhole = [*outer, outer[0], *reversed([*inner[1:], inner[0]]), inner[0], outer[0]]
    assert np.array_equal(drawn(keyhole), drawn(outer, inner))


def test_direction_and_start_of_a_contour_do_not_matter() -> None:
    points = [(1.2, 3.1), (8.7, 2.4), (9.9, 11.3), (4.4, 12.8), (5.1, 6.0)]
    assert np.array_equal(drawn(points), drawn(points[::-1]))
    assert np.array_equal(drawn(points), drawn(points[3:] + points[:3]))


def test_what_lies_beyond_the_image_is_cut() -> None:
    assert drawn(square((-50, -50), (50, 50))).all()
    assert not drawn(square((-50, -50), (-40, 50))).any()
    assert drawn(square((-50, 12.5), (50, 900))).sum() == 2 * SHAPE[0]


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3, unique=True))
@settings(max_examples=150, deadline=None)
def test_triangle_holds_what_lies_on_one_side_of_all_its_edges(points: list[tuple[float, float]]) -> None:
    corners = np.array(points)
    centres = np.stack(np.mgrid[: SHAPE[0], : SHAPE[1]], axis=-1).reshape(-1, 1, 2)
    edges, reach = np.roll(corners, -1, axis=0) - corners, centres - corners
    side = edges[:, 0] * reach[..., 1] - edges[:, 1] * reach[..., 0]
    found = drawn(points).ravel()
    assert found[(side > 1e-3).all(axis=1) | (side < -1e-3).all(axis=1)].all()
    assert not found[(side > 1e-3).any(axis=1) & (side < -1e-3).any(axis=1)].any()


def test_neighbours_with_a_common_border_share_no_pixel_and_leave_none_out() -> None:
    rng = np.random.default_rng(3)
    border = np.column_stack([np.linspace(0, 11.5, 24).round(3), rng.uniform(4, 10, 24).round(3)])
    left = drawn([*border, (11.5, -0.5), (0, -0.5)])
    right = drawn([*border, (11.5, 14.5), (0, 14.5)])
    assert not (left & right).any()
    assert (left | right).all()


def test_lines_and_points_are_flat() -> None:
    assert is_flat(np.array([[1.0, 2], [3, 4], [5, 6], [1, 2]]))
    assert is_flat(np.array([[1.0, 2], [1, 2], [1, 2]]))
    assert not is_flat(np.array([[1.0, 1], [1, 3], [3, 1], [3, 3]]))


def test_a_million_edges_are_filled() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    inside, _ = fill([np.column_stack([6 + 4 * np.sin(angle), 7 + 4 * np.cos(angle)])], SHAPE)
    # 45 centres lie inside a circle of radius 4, and 4 on it.
    assert 45 <= inside.sum() <= 49
