"""A slice on another grid shows what lies there in the patient, read tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging import reformat as module
from workbench.imaging.reformat import Box, at_level, reformat
from workbench.imaging.slabs import NO_VALUE

PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}
# 30 degrees around the patient's axis, as columns of the x, y and z index axes.
COS, SIN = np.sqrt(3) / 2, 0.5
TURNED = (COS, -SIN, 0.0, SIN, COS, 0.0, 0.0, 0.0, 1.0)


class Source:
    """A volume that notes how much of it was read at once."""

    def __init__(self, voxels: NDArray[np.int16] | NDArray[np.uint16]) -> None:
        self.voxels = voxels
        self.largest = 0

    def __call__(self, box: Box) -> NDArray[np.int16] | NDArray[np.uint16]:
        z, y, x = (slice(*span) for span in box)
        block = self.voxels[z, y, x]
        assert block.shape == tuple(b - a for a, b in box)
        self.largest = max(self.largest, block.size)
        return block


def random_source(shape: tuple[int, int, int]) -> Source:
    return Source(np.random.default_rng(1).integers(-1000, 1000, shape).astype(np.int16))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("direction", [TURNED, (-1.0, 0, 0, 0, 1, 0, 0, 0, -1), (0.0, 0, 1, 1, 0, 0, 0, 1, 0)])
def test_on_its_own_grid_a_volume_is_itself(plane: str, direction: tuple[float, ...]) -> None:
    source = random_source((5, 6, 7))
    grid = Geometry((5, 6, 7), (2.5, 0.7, 0.33), (-101.3, 57.9, 1033.7), direction)
    made = reformat(source, grid, grid, plane, 3)
    assert np.array_equal(made, source.voxels.take(3, axis=PLANES[plane])) and made.dtype == np.int16


def test_between_voxels_it_is_linear_and_beyond_the_border_nothing() -> None:
    source = Source(np.array([[[0, 100]]], dtype=np.int16))
    grid = Geometry((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    # Positions -0.75, -0.5, -0.25, … 1.75: half a voxel of border belongs to the volume.
    fine = Geometry((1, 1, 11), (1.0, 1.0, 0.25), (-0.75, 0.0, 0.0))
    expected = [NO_VALUE, 0, 0, 0, 25, 50, 75, 100, 100, 100, NO_VALUE]
    assert reformat(source, grid, fine, "axial", 0).tolist() == [expected]


def test_a_linear_field_keeps_its_values_on_any_oblique_grid() -> None:
    grid = Geometry((30, 40, 50), (2.0, 1.0, 0.8), (10.0, -20.0, 5.0), TURNED)
    places = grid.to_patient_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    source = Source(np.rint(places @ np.array([7.0, -3.0, 5.0])).astype(np.int16))
    other = Geometry((9, 11, 13), (3.0, 1.5, 1.1), (18.0, -2.0, 20.0), (0.0, 0, 1, 0.6, 0.8, 0, -0.8, 0.6, 0))
    for plane, axis in PLANES.items():
        made = reformat(source, grid, other, plane, 4).astype(float)
        where = np.take(other.to_patient_mm(np.moveaxis(np.indices(other.shape), 0, -1)), 4, axis=axis)
        at = grid.to_index(where)
        # In the outer half of a border voxel its value is held; between centres the field is linear.
        inside = ((at >= 0) & (at <= np.array(grid.shape) - 1)).all(axis=-1)
        assert inside.mean() > 0.5 and (made[inside] != NO_VALUE).all()
        # It is rounded once when stored and once when made.
        assert np.abs(made - where @ np.array([7.0, -3.0, 5.0]))[inside].max() <= 1.0


def test_a_slice_made_in_tiles_is_the_slice_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    source, grid = random_source((40, 50, 60)), Geometry((40, 50, 60), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    other = Geometry((20, 70, 80), (3.0, 0.9, 0.7), (20.0, -5.0, 10.0), (COS, 0, SIN, 0, 1, 0, -SIN, 0, COS))
    whole = reformat(source, grid, other, "axial", 8)
    monkeypatch.setattr(module, "MOST_VOXELS", 600)
    monkeypatch.setattr(source, "largest", 0)
    assert np.array_equal(reformat(source, grid, other, "axial", 8), whole)
    assert 0 < source.largest <= 600


@pytest.mark.parametrize("direction", [(1.0, 0, 0, 0, 1, 0, 0, 0, 1), (0.0, 0, 1, -1, 0, 0, 0, -1, 0)])
def test_a_grid_along_the_axes_gives_what_the_general_way_gives(
    direction: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, grid = random_source((20, 24, 28)), Geometry((20, 24, 28), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    source.voxels[7, 8, 9] = NO_VALUE
    other = Geometry((33, 31, 37), (1.3, 0.9, 0.7), (12.2, 11.4, 13.6), direction)
    for plane in PLANES:
        quick = reformat(source, grid, other, plane, 4)
        with monkeypatch.context() as patched:
            patched.setattr(module, "_follow_axes", lambda _: False)
            general = reformat(source, grid, other, plane, 4)
        assert np.array_equal(quick == NO_VALUE, general == NO_VALUE) and len(np.unique(quick)) > 20
        # A value halfway between two integers may be rounded either way.
        assert np.abs(quick.astype(int) - general).max() <= 1


def test_a_coarse_grid_through_a_fine_volume_reads_little_at_a_time() -> None:
    grid = Geometry((2000, 2000, 2000), (0.1, 0.1, 0.1), (0.0, 0.0, 0.0))
    sizes: list[int] = []

    def read(box: Box) -> NDArray[np.int16]:
        shape = [b - a for a, b in box]
        sizes.append(int(np.prod(shape)))
        return np.full(shape, 7, dtype=np.int16)

    coarse = Geometry((8, 8, 8), (25.0, 25.0, 25.0), (0.0, 0.0, 0.0), (COS, 0, SIN, 0, 1, 0, -SIN, 0, COS))
    made = reformat(read, grid, coarse, "axial", 2)
    assert max(sizes) <= module.MOST_VOXELS and {7, NO_VALUE} == set(made.ravel().tolist())


def test_a_pixel_has_no_value_where_a_voxel_that_counts_has_none() -> None:
    source = Source(np.array([[[10, NO_VALUE, 30, 50]]], dtype=np.int16))
    grid = Geometry((1, 1, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    halves = Geometry((1, 1, 7), (1.0, 1.0, 0.5), (0.0, 0.0, 0.0))
    expected = [10, NO_VALUE, NO_VALUE, NO_VALUE, 30, 40, 50]
    assert reformat(source, grid, halves, "axial", 0).tolist() == [expected]


def test_labels_are_never_mixed() -> None:
    source = Source(np.array([[[1, 9, 65535]]], dtype=np.uint16))
    grid = Geometry((1, 1, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    fine = Geometry((1, 1, 10), (1.0, 1.0, 0.4), (-0.9, 0.0, 0.0))
    made = reformat(source, grid, fine, "axial", 0, order=0, outside=0)
    # Positions -0.9, -0.5, -0.1, 0.3, 0.7, 1.1, 1.5, 1.9, 2.3, 2.7.
    assert made.tolist() == [[0, 1, 1, 1, 9, 9, 65535, 65535, 65535, 0]] and made.dtype == np.uint16


def test_beside_the_volume_there_is_nothing_but_outside() -> None:
    source, grid = random_source((4, 4, 4)), Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    far = Geometry((2, 3, 5), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))
    made = reformat(source, grid, far, "coronal", 1)
    assert made.shape == (2, 5) and (made == NO_VALUE).all() and made.dtype == np.int16


def test_a_coarser_level_lies_where_its_voxels_stand_for_fine_ones() -> None:
    fine = Geometry((8, 8, 8), (2.0, 1.0, 1.0), (5.0, 6.0, 7.0), TURNED)
    coarse = at_level(fine, 2)
    # Four fine voxels an axis: the first coarse centre lies at index 1.5 of the fine grid, the next at 5.5.
    assert coarse.shape == (2, 2, 2) and coarse.spacing_mm == (8.0, 4.0, 4.0)
    assert fine.to_index(coarse.to_patient_mm(np.array([1, 0, 1]))) == pytest.approx([5.5, 1.5, 5.5])


@pytest.mark.parametrize(
    ("plane", "index", "order", "sentence"),
    [
        ("oblique", 0, 1, "no plane"),
        ("axial", 4, 1, "from 0 to 3"),
        ("axial", -1, 1, "from 0 to 3"),
        ("axial", 0, 3, "order 1"),
    ],
)
def test_what_is_no_slice_is_refused(plane: str, index: int, order: int, sentence: str) -> None:
    grid = Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(InvalidInput, match=sentence):
        reformat(random_source((4, 4, 4)), grid, grid, plane, index, order=order)
