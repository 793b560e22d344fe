"""The lung mask: both lungs, nodules at the wall included, nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import lung_mask
from workbench.imaging.phantom import Phantom

SPACING = (3.0, 2.0, 2.0)


def _chest() -> np.ndarray:
    """Two boxes of lung, 65 × 200 × 60 mm, in soft tissue in air."""
    hu = np.full((80, 140, 140), -1000, np.int16)
    hu[:, 10:130, 10:130] = 40
    hu[8:75, 20:120, 20:60] = hu[8:75, 20:120, 80:120] = -850
    return hu


def test_the_mask_is_the_two_lungs():
    hu = _chest()
    mask = lung_mask(hu, SPACING)
    lungs = hu == -850
    assert (mask & lungs).sum() / lungs.sum() > 0.97
    assert (mask & ~lungs).sum() / lungs.sum() < 0.03


def test_a_nodule_at_the_wall_belongs_to_the_lung():
    hu = _chest()
    hu[38:42, 60:66, 20:25] = 30
    assert lung_mask(hu, SPACING)[39:41, 61:65, 22:25].all()


def test_air_around_the_body_is_not_lung():
    assert not lung_mask(_chest(), SPACING)[:, :5].any()


def test_a_scan_without_lungs_gives_an_empty_mask():
    assert not lung_mask(np.full((30, 40, 40), 40, np.int16), SPACING).any()


def test_the_lungs_of_a_phantom_have_a_plausible_volume(full_phantom: Phantom):
    mask = lung_mask(full_phantom.hu, full_phantom.geometry.spacing_mm)
    litres = mask.sum() * np.prod(full_phantom.geometry.spacing_mm) / 1e6
    assert 3 < litres < 8


@pytest.mark.parametrize("spacing", [(1, 1, np.nan), (1, 0, 1), (1, 1)])
def test_unusable_spacing_is_refused(spacing: tuple[float, ...]):
    with pytest.raises(InvalidInput, match="Spacing"):
        lung_mask(_chest(), spacing)


def test_a_single_slice_array_is_refused():
    with pytest.raises(InvalidInput, match="three axes"):
        lung_mask(_chest()[0], SPACING)
