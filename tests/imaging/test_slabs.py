"""A slab holds the slices within half its thickness, and shows their mean, brightest or darkest voxel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.imaging.slabs import NO_VALUE, Slab, project, slab_reach


def stack_of(*slices: list[int]) -> NDArray[np.int16]:
    return np.array([[one] for one in slices], dtype=np.int16)


@pytest.mark.parametrize(
    ("slab_mm", "spacing_mm", "reach"),
    [(0, 2.5, 0), (4.9, 2.5, 0), (5, 2.5, 1), (10, 2.5, 2), (1.8, 0.3, 3), (2.1, 0.7, 1), (0.3, 0.1, 1), (30, 300, 0)],
)
def test_a_slab_holds_the_slices_whose_centres_lie_within_half_of_it(
    slab_mm: float, spacing_mm: float, reach: int
) -> None:
    assert slab_reach(slab_mm, spacing_mm) == reach


@pytest.mark.parametrize("slab_mm", [-0.1, float("nan"), float("inf")])
def test_a_thickness_that_is_none_is_refused(slab_mm: float) -> None:
    with pytest.raises(InvalidInput, match="A slab is 0 mm"):
        slab_reach(slab_mm, 1.0)


@pytest.mark.parametrize("spacing_mm", [0.0, -1.0, float("nan")])
def test_slices_without_a_distance_are_refused(spacing_mm: float) -> None:
    with pytest.raises(InvalidInput, match="positive distance"):
        slab_reach(5.0, spacing_mm)


def test_the_mean_is_rounded_to_the_nearest_and_halves_go_up() -> None:
    # 1/3, 2/3, 3/2, -3/2 and the mean of the two outermost values, -1/2.
    stack = stack_of([1, 2, 1, -1, 32767], [0, 0, 2, -2, -32767], [0, 0, 0, 0, 0])
    assert project(stack, "mean").tolist() == [[0, 1, 1, -1, 0]]
    assert project(stack[:2], "mean").tolist() == [[1, 1, 2, -1, 0]]


def test_the_brightest_and_the_darkest_are_found_at_the_ends_of_the_range() -> None:
    stack = stack_of([-32767, 5], [32767, -1000], [0, 4])
    assert project(stack, "mip").tolist() == [[32767, 5]]
    assert project(stack, "minip").tolist() == [[-32767, -1000]]


@pytest.mark.parametrize(("mode", "shown"), [("mean", 15), ("mip", 20), ("minip", 10)])
def test_voxels_without_a_value_are_left_out(mode: str, shown: int) -> None:
    stack = stack_of([NO_VALUE, NO_VALUE], [10, NO_VALUE], [20, NO_VALUE])
    assert project(stack, mode).tolist() == [[shown, NO_VALUE]]


@pytest.mark.parametrize("mode", ["mean", "mip", "minip"])
def test_one_slice_is_itself(mode: str) -> None:
    stack = np.random.default_rng(1).integers(-32768, 32768, (1, 20, 30)).astype(np.int16)
    assert np.array_equal(project(stack, mode), stack[0])


@pytest.mark.parametrize("mode", ["mean", "mip", "minip"])
def test_a_slab_taken_in_piece_by_piece_is_the_same(mode: str) -> None:
    stack = np.random.default_rng(2).integers(-1000, 1000, (11, 20, 30)).astype(np.int16)
    stack[np.random.default_rng(3).random(stack.shape) < 0.3] = NO_VALUE
    slab = Slab(mode)
    for piece in (stack[:4], stack[4:5], stack[5:]):
        slab.add(piece)
    assert np.array_equal(slab.slice(), project(stack, mode))


def test_a_slab_of_very_many_slices_does_not_overflow() -> None:
    # 70,000 × 32,767 is more than 32 bits hold.
    assert project(np.full((70_000, 1, 1), 32767, dtype=np.int16), "mean").tolist() == [[32767]]


@pytest.mark.parametrize("mode", ["average", "", "MIP", None])
def test_an_unknown_mode_is_refused_by_name(mode: str) -> None:
    with pytest.raises(InvalidInput, match="mean, mip, minip"):
        project(np.zeros((1, 1, 1), dtype=np.int16), mode)


@pytest.mark.parametrize("shape", [(0, 2, 2), (2, 2)])
def test_what_is_no_stack_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="stack of slices"):
        project(np.zeros(shape, dtype=np.int16), "mean")
