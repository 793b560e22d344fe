"""Dice and HD95 on masks small enough to count by hand, and against scipy's morphology and distance maps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from workbench.benchmark.metrics import overlap
from workbench.benchmark.metrics.overlap import dice, hd95_mm, mask_of, same_grid, surface
from workbench.errors import InvalidInput
from workbench.geometry import Geometry

ISOTROPIC = (1.0, 1.0, 1.0)


def mask(shape: tuple[int, ...], *voxels: tuple[int, ...]) -> np.ndarray:
    found = np.zeros(shape, dtype=bool)
    for voxel in voxels:
        found[voxel] = True
    return found


def row(length: int, *places: int) -> np.ndarray:
    return mask((1, 1, length), *((0, 0, place) for place in places))


def test_dice_counts_voxels() -> None:
    # |A| = 3, |B| = 2, one in common: 2 × 1 / 5.
    assert dice(row(6, 0, 1, 2), row(6, 2, 3)) == 0.4


@pytest.mark.parametrize(
    ("truth", "said", "value"), [((), (), 1.0), ((1,), (), 0.0), ((), (1,), 0.0), ((1,), (1,), 1.0)]
)
def test_dice_of_empty_masks(truth: tuple[int, ...], said: tuple[int, ...], value: float) -> None:
    assert dice(row(4, *truth), row(4, *said)) == value


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="same grid"):
        dice(row(4), row(5))
    with pytest.raises(InvalidInput, match="same grid"):
        hd95_mm(row(4), row(5), ISOTROPIC)


def test_the_surface_is_what_has_a_face_neighbour_outside() -> None:
    cube = np.zeros((5, 5, 5), dtype=bool)
    cube[1:4, 1:4, 1:4] = True
    assert surface(cube).sum() == 26  # all of 27 but the middle
    assert not surface(cube)[2, 2, 2]


def test_a_missing_diagonal_neighbour_is_no_surface() -> None:
    cube = np.ones((5, 5, 5), dtype=bool)
    cube[1, 1, 1] = False
    assert not surface(cube)[2, 2, 2]


def test_the_edge_of_the_volume_is_surface() -> None:
    assert surface(np.ones((3, 3, 3), dtype=bool)).sum() == 26


@pytest.mark.parametrize(("axis", "distance"), [(0, 10.0), (1, 3.0), (2, 1.0)])
def test_distances_are_in_millimetres_along_each_axis(axis: int, distance: float) -> None:
    other = tuple(4 if number == axis else 0 for number in range(3))
    first, second = mask((6, 6, 6), (0, 0, 0)), mask((6, 6, 6), other)
    assert hd95_mm(first, second, (2.5, 0.75, 0.25)) == distance


def test_across_the_axes_it_is_the_straight_line() -> None:
    # 1 × 3 mm along z and 2 × 2 mm along x: √(9 + 16) = 5.
    assert hd95_mm(mask((3, 3, 3), (0, 0, 0)), mask((3, 3, 3), (1, 0, 2)), (3.0, 1.0, 2.0)) == 5.0


def test_the_larger_direction_counts() -> None:
    # From the truth {0} to {0, 10}: 0. From {0, 10} to {0}: 0 and 10; the 95th percentile of two is 9.5.
    assert hd95_mm(row(12, 0), row(12, 0, 10), ISOTROPIC) == 9.5
    assert hd95_mm(row(12, 0, 10), row(12, 0), ISOTROPIC) == 9.5


def test_the_percentile_is_linear_between_order_statistics() -> None:
    # The prediction is 21 separate voxels, of which 20 lie on the truth and one 4 away: place 0.95 × 20 = 19, a 0.
    places = [2 * number for number in range(20)]
    truth, said = row(50, *places), row(50, *places, 42)
    assert hd95_mm(truth, said, ISOTROPIC) == 0.0
    # Of 20 voxels the 95th percentile lies at 0.95 × 19 = 18.05: 5 % of the way from 0 to 4.
    assert hd95_mm(row(50, *places[:19]), row(50, *places[:19], 40), ISOTROPIC) == pytest.approx(0.05 * 4, abs=1e-12)


def test_two_empty_masks_do_not_differ() -> None:
    assert hd95_mm(row(5), row(5), ISOTROPIC) == 0.0


def test_one_empty_mask_costs_the_diagonal_of_the_volume() -> None:
    # (4 - 1) × 1, (5 - 1) × 1 and 1 - 1: √(9 + 16) = 5.
    full, empty = mask((4, 5, 1), (0, 0, 0)), mask((4, 5, 1))
    assert (hd95_mm(full, empty, ISOTROPIC), hd95_mm(empty, full, ISOTROPIC)) == (5.0, 5.0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 1.0, 0.0), (1.0, -1.0, 1.0), (1.0, 1.0, np.nan)])
def test_an_impossible_spacing_is_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="positive spacing for each of the 3 axes"):
        hd95_mm(row(5, 0), row(5, 1), spacing)


def by_scipy(truth: np.ndarray, said: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Give HD95 by erosion and distance maps of the whole volume: other code, the same number."""
    edges = [part ^ ndimage.binary_erosion(part) for part in (truth, said)]
    far = [ndimage.distance_transform_edt(~edge, sampling=spacing) for edge in edges]
    return max(np.percentile(far[1][edges[0]], 95), np.percentile(far[0][edges[1]], 95))


@pytest.mark.parametrize("most_points", [10**9, 0])
@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_with_distance_maps(seed: int, most_points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "TREE_POINTS", most_points)
    draw = np.random.default_rng(seed)
    truth, said = (draw.random((9, 8, 11)) < draw.choice([0.02, 0.4, 0.95]) for _ in range(2))
    spacing = tuple(float(n) for n in draw.uniform(0.3, 3, 3))
    assert hd95_mm(truth, said, spacing) == pytest.approx(by_scipy(truth, said, spacing), abs=1e-12)
    assert hd95_mm(truth, said, spacing) == hd95_mm(said, truth, spacing)


def test_what_lies_around_the_masks_changes_nothing() -> None:
    draw = np.random.default_rng(4)
    truth, said = (np.pad(draw.random((5, 5, 5)) < 0.5, 1) for _ in range(2))
    wide = [np.pad(part, ((7, 3), (2, 0), (11, 5))) for part in (truth, said)]
    assert hd95_mm(*wide, (1.25, 0.7, 0.7)) == hd95_mm(truth, said, (1.25, 0.7, 0.7))


def test_a_label_picks_its_structure() -> None:
    values = np.array([0, 1, 2, 2, -1])
    assert mask_of(values, 2).tolist() == [False, False, True, True, False]
    assert mask_of(values).tolist() == [False, True, True, True, False]
    assert mask_of(np.array([0.0, 2.0]), 2).tolist() == [False, True]


def test_probabilities_are_no_labels() -> None:
    with pytest.raises(InvalidInput, match="not labels"):
        mask_of(np.array([0.0, 0.4]))
    with pytest.raises(InvalidInput, match="not labels"):
        mask_of(np.array([0.0, np.nan]))


GRID = Geometry((4, 5, 6), (2.0, 1.0, 1.0), (10.0, 20.0, 30.0))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (GRID, True),
        (Geometry((4, 5, 6), (2.0, 1.0, 1.00001), (10.0, 20.0, 30.001)), True),
        (Geometry((4, 5, 7), (2.0, 1.0, 1.0), (10.0, 20.0, 30.0)), False),
        (Geometry((4, 5, 6), (2.1, 1.0, 1.0), (10.0, 20.0, 30.0)), False),
        (Geometry((4, 5, 6), (2.0, 1.0, 1.0), (10.0, 20.2, 30.0)), False),
        (Geometry((4, 5, 6), (2.0, 1.0, 1.0), (10.0, 20.0, 30.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0)), False),
    ],
)
def test_grids_are_the_same_to_a_tenth_of_a_voxel(other: Geometry, same: bool) -> None:
    assert same_grid(GRID, other) is same
