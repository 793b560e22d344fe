"""Resample, window and patches: right values, right places, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import WINDOWS, extract_patches, resample, window

RAMP = (10 * np.arange(4)[:, None, None] + 100 * np.arange(5)[:, None] + 7 * np.arange(6)).astype(np.int16)


def test_resampling_a_ramp_gives_the_ramp():
    result = resample(RAMP.astype(np.float32), (2, 1, 1), (1, 0.5, 1))
    assert result.shape == (7, 9, 6)
    assert result[3, 5, 2] == pytest.approx(10 * 1.5 + 100 * 2.5 + 7 * 2)


def test_resampling_to_the_same_spacing_changes_nothing():
    result = resample(RAMP, (2, 1, 1), (2, 1, 1))
    assert result.dtype == np.int16
    assert np.array_equal(result, RAMP)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_resampling_keeps_the_first_voxel_where_it_is(order: int):
    assert resample(RAMP, (1, 1, 1), (1.5, 2, 2.5), order)[0, 0, 0] == RAMP[0, 0, 0]


@pytest.mark.parametrize("spacing", [(1, 1), (1, 1, 0), (1, 1, -2), (1, 1, np.nan), (np.inf, 1, 1)])
def test_unusable_spacing_is_refused(spacing: tuple[float, ...]):
    with pytest.raises(InvalidInput, match="Spacing is three positive"):
        resample(RAMP, spacing, (1, 1, 1))
    with pytest.raises(InvalidInput, match="Spacing is three positive"):
        resample(RAMP, (1, 1, 1), spacing)


@pytest.mark.parametrize("shape", [(4, 4), (2, 2, 2, 2), (0, 4, 4)])
def test_an_array_that_is_no_volume_is_refused(shape: tuple[int, ...]):
    with pytest.raises(InvalidInput, match="three axes"):
        resample(np.zeros(shape), (1, 1, 1), (1, 1, 1))


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(InvalidInput, match="Order 2"):
        resample(RAMP, (1, 1, 1), (1, 1, 1), order=2)


def test_a_window_maps_its_ends_to_black_and_white():
    grey = window(np.array([-2000, -160, 40, 240, 3000]), 40, 400)
    assert grey.dtype == np.float32
    assert grey.tolist() == [0, 0, 0.5, 1, 1]


def test_a_preset_is_its_level_and_width():
    hu = np.arange(-1500, 500)
    for name, preset in WINDOWS.items():
        assert np.array_equal(window(hu, name), window(hu, preset.level, preset.width))


@pytest.mark.parametrize(("level", "width"), [("chest", None), (0, None), (0, 0), (0, -5), (np.nan, 400), (0, np.inf)])
def test_an_unusable_window_is_refused(level: float | str, width: float | None):
    with pytest.raises(InvalidInput):
        window(RAMP, level, width)


def test_a_patch_at_its_own_spacing_is_the_volume_scaled():
    hu = np.random.default_rng(0).integers(-1000, 401, (20, 20, 20))
    patch = extract_patches(hu, (1, 1, 1), np.array([[9.5, 9.5, 9.5]]), size=8, spacing=1)
    assert patch.shape == (1, 1, 8, 8, 8)
    assert np.allclose(patch[0, 0], (hu[6:14, 6:14, 6:14] + 1000) / 1400, atol=1e-6)


def test_a_patch_interpolates_along_each_axis_by_its_spacing():
    hu = np.broadcast_to(10.0 * np.arange(30)[:, None, None], (30, 30, 30)) - 500
    patch = extract_patches(hu, (2, 1, 1), np.array([[10.0, 15, 15]]), size=4, spacing=1)
    expected = (-500 + 10 * (10 + np.array([-1.5, -0.5, 0.5, 1.5]) / 2) + 1000) / 1400
    assert np.allclose(patch[0, 0, :, 1, 1], expected)


@pytest.mark.parametrize("centre", [(0, 0, 0), (-500, 3, 3), (3, 900, 3)])
def test_a_patch_beyond_the_scan_holds_air(centre: tuple[float, ...]):
    patch = extract_patches(np.full((6, 6, 6), 400), (1, 1, 1), np.array([centre]), size=16, spacing=1)
    assert patch[0, 0, 0, 0, 0] == 0
    assert patch.max() == (1 if centre == (0, 0, 0) else 0)


def test_no_centres_give_no_patches():
    assert extract_patches(RAMP, (1, 1, 1), np.empty((0, 3))).shape == (0, 1, 32, 32, 32)


@pytest.mark.parametrize("centres", [np.zeros(3), np.zeros((2, 4)), np.array([[0, 0, np.nan]])])
def test_unusable_centres_are_refused(centres: np.ndarray):
    with pytest.raises(InvalidInput, match="Centres are finite"):
        extract_patches(RAMP, (1, 1, 1), centres)


@pytest.mark.parametrize(("size", "spacing"), [(2, 1), (500, 1), (32, 0), (32, np.nan)])
def test_an_unusable_patch_is_refused(size: int, spacing: float):
    with pytest.raises(InvalidInput, match="A patch has"):
        extract_patches(RAMP, (1, 1, 1), np.zeros((1, 3)), size=size, spacing=spacing)
