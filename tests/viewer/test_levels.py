"""A coarse picture lies where the full one does, to half a coarse voxel, also where sizes are odd."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.geometry import Geometry
from workbench.imaging.reformat import at_level
from workbench.viewer.array_volume import ArrayVolume, level_geometry

OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
SHAPES = [(45, 203, 187), (64, 200, 129), (3, 257, 131)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "×".join(str(n) for n in shape))
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_coarse_picture_lies_where_the_full_one_does(shape: tuple[int, int, int], share: float) -> None:
    grid = Geometry(shape, (2.5, 0.7, 0.9), (-30.0, 12.5, 100.25), OBLIQUE)
    low = [min(int(n * share), n - 1) for n in shape]
    ball = tuple(slice(at, min(at + 7, n)) for at, n in zip(low, shape, strict=True))
    array = np.zeros(shape, dtype=np.int16)
    array[ball] = 1000
    volume = ArrayVolume(array, grid)
    full = grid.to_patient_mm(np.argwhere(array).mean(axis=0))
    for level in range(1, volume.levels):
        coarse = level_geometry(grid, level)
        assert coarse == at_level(grid, level)
        stack = np.stack([volume.read_slice("axial", z, level) for z in range(coarse.shape[0])]).astype(float)
        assert stack.shape == coarse.shape
        weights = stack / stack.sum()
        middle = [float((weights * n).sum()) for n in np.indices(stack.shape)]
        away = coarse.to_index(full) - middle
        # Where a block reaches beyond the volume, its last voxels count for what is missing.
        assert np.abs(away).max() <= 0.5, (level, away)
