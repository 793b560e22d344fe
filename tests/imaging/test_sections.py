"""Sections lie on one grid around the middle of a scan, and what they say comes back to the scan's own voxels."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import cut_sections, lay_back


def test_a_scan_on_the_grid_itself_comes_through_unchanged() -> None:
    hu = np.linspace(-1000, 400, 2 * 256 * 256).reshape(2, 256, 256).astype(np.int16)
    # Pixels of 1.5 mm: each section pixel is the mean of exactly two by two of them.
    means = ((hu + 1000.0) / 1400.0).reshape(2, 128, 2, 128, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(cut_sections(hu, (2.0, 1.5, 1.5))[:, 0], means, atol=1e-6)


def test_a_point_keeps_its_place_in_mm_whatever_the_pixels() -> None:
    hu = np.full((1, 201, 151), -1000, dtype=np.int16)
    hu[0, 140:146, 30:38] = 400
    # Rows 140 to 145 of 201 at 1.6 mm lie 68 mm behind the middle, columns 30 to 37 of 151 at 2 mm 83 mm beside it.
    row, column = np.average(
        np.argwhere(np.ones((128, 128))), axis=0, weights=cut_sections(hu, (3.0, 1.6, 2.0)).ravel()
    )
    assert (row - 63.5) * 3.0 == pytest.approx((142.5 - 100) * 1.6, abs=0.3)
    assert (column - 63.5) * 3.0 == pytest.approx((33.5 - 75) * 2.0, abs=0.3)


def test_values_are_cut_and_outside_is_air() -> None:
    sections = cut_sections(np.full((1, 32, 32), 3000, dtype=np.int16), (1.0, 3.0, 3.0))
    assert sections[0, 0, 64, 64] == 1.0 and sections[0, 0, 0, 0] == 0.0
    assert sections.dtype == np.float32 and sections.shape == (1, 1, 128, 128)


def test_there_and_back_keeps_a_mask_within_a_pixel() -> None:
    mask = np.zeros((1, 240, 240), dtype=bool)
    mask[0, 60:180, 80:150] = True
    share = cut_sections(np.where(mask, 400, -1000).astype(np.int16), (2.0, 1.5, 1.5))
    back = lay_back(share, (2.0, 1.5, 1.5), mask.shape) >= 0.5
    assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.98


def test_what_lies_beyond_the_sections_is_not_marked() -> None:
    said = lay_back(np.ones((1, 128, 128)), (1.0, 5.0, 5.0), (1, 100, 100))
    # 384 mm in the middle of 500 mm: 11.6 voxels on each side are outside.
    assert said[0, 50, 11:89].min() > 0 and said[0, 50, :11].max() == 0 and said[0, 50, 89:].max() == 0


@pytest.mark.parametrize("shape", [(2, 128, 127), (3, 128, 128), (128, 128), (2, 2, 128, 128)])
def test_sections_of_another_number_or_size_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="2 slices need sections"):
        lay_back(np.zeros(shape), (1.0, 1.0, 1.0), (2, 64, 64))
