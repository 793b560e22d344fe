"""An array becomes int16 slices that say what they stand for, whatever its type, layout and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import NO_VALUE, ArrayVolume, level_geometry, levels_of, values_of

SHAPE = (4, 5, 6)
GRID = Geometry(SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
RAMP = np.arange(120).reshape(SHAPE)


def shown(array: Any, **told: Any) -> ArrayVolume:
    grid = Geometry(array.shape, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return ArrayVolume(array, grid, **told)


def read(array: Any) -> NDArray[np.float64]:
    volume = shown(array)
    return values_of(volume, volume[:])


@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">u2", ">i4", ">f4", "f2", "f4", "f8", "g"]
)
def test_whole_numbers_are_stored_as_they_are(dtype: str) -> None:
    volume = shown(RAMP.astype(dtype))
    assert (volume.slope, volume.intercept) == (1.0, 0.0)
    assert volume[:].dtype == np.int16
    assert np.array_equal(volume[:], RAMP.astype(dtype).astype(int))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "g"])
def test_fractions_are_off_by_at_most_half_a_step(dtype: str) -> None:
    array = (RAMP / 119 * 2 - 1).astype(dtype)
    volume = shown(array)
    assert volume.slope == pytest.approx(2 / 65534, rel=1e-3)
    assert np.abs(read(array) - array.astype(float)).max() <= volume.slope * 0.5001


def test_an_array_is_read_box_by_box_and_never_whole() -> None:
    class Counted:
        shape, dtype, most = (40, 50, 60), np.dtype(np.int16), 0

        def __getitem__(self, key: tuple[slice, ...]) -> NDArray[np.int16]:
            part = np.zeros(self.shape, np.int16)[key]
            self.most = max(self.most, part.size)
            return part

    array = Counted()
    volume = shown(array)
    assert volume.read_slice("coronal", 3).shape == (40, 60)
    assert array.most == 40 * 60


def test_missing_and_infinite_values_have_no_value_and_leave_the_others_alone() -> None:
    array = RAMP.astype(np.float32)
    array[0, 0, :3] = np.nan, np.inf, -np.inf
    volume = shown(array)
    assert volume.has_gaps
    assert volume[0, 0].tolist() == [NO_VALUE, NO_VALUE, NO_VALUE, 3, 4, 5]
    assert np.isnan(read(array)[0, 0, :3]).all()


def test_an_array_of_nothing_but_nan_has_no_value_anywhere_and_still_a_window() -> None:
    volume = shown(np.full(SHAPE, np.nan))
    assert (volume[:] == NO_VALUE).all()
    assert volume.window == (0.0, 1.0)


def test_masked_voxels_have_no_value() -> None:
    array = np.ma.masked_greater(RAMP.astype(np.int32), 100)
    volume = shown(array)
    assert volume.has_gaps
    assert np.array_equal(volume[:] == NO_VALUE, RAMP > 100)


@pytest.mark.parametrize("value", [0, 7, -1000.5, 1e30, -1e-30, 2e38, 5e-324])
def test_a_constant_array_reads_as_its_constant(value: float) -> None:
    assert np.all(read(np.full(SHAPE, value)) == pytest.approx(value, rel=1e-12, abs=1e-300))


def test_the_widest_floats_are_spread_over_all_steps() -> None:
    array = np.where(RAMP < 60, -2e38, 2e38)
    assert np.allclose(read(array), array, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_largest_number_of_a_type_stands_for_no_value(dtype: str) -> None:
    array = (RAMP / 2).astype(dtype)
    array[0, 0, :2] = np.finfo(dtype).max, np.finfo(dtype).min
    assert np.isnan(read(array)[0, 0, :2]).all()
    assert shown(array).slope < 0.001


@pytest.mark.parametrize("value", [1e39, -1e300])
def test_numbers_beyond_all_that_is_measured_are_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="divide it by a power of ten"):
        shown(np.where(RAMP == 5, value, 0.0))


def test_extended_floats_beyond_double_have_no_value() -> None:
    array = RAMP.astype(np.longdouble)
    array[0, 0, 0] = np.finfo(np.longdouble).max
    assert np.isnan(read(array)[0, 0, 0]) == (np.finfo(np.longdouble).maxexp > 1024)


def test_the_largest_unsigned_integers_stay_apart() -> None:
    array = RAMP.astype(np.uint64) + np.uint64(2**64 - 120)
    stored = shown(array)[:]
    assert np.array_equal(stored - stored.min(), RAMP)


def test_integers_from_end_to_end_of_their_type_keep_their_order() -> None:
    ends = np.iinfo(np.int64)
    array = np.linspace(float(ends.min), float(ends.max) / 1.01, 120).astype(np.int64).reshape(SHAPE)
    array[0, 0, 0], array[-1, -1, -1] = ends.min, ends.max
    stored = shown(array)[:].ravel()
    assert (np.diff(stored.astype(int)) > 0).all()
    assert (stored[0], stored[-1]) == (-32767, 32767)


def test_wide_integers_within_65535_steps_are_exact() -> None:
    array = RAMP.astype(np.uint16) * np.uint16(550)
    volume = shown(array)
    assert volume.slope == 1.0
    assert np.array_equal(read(array), array)


def test_minus_32768_of_a_wide_integer_is_a_value_and_of_int16_is_none() -> None:
    wide = np.where(RAMP == 0, -32768, RAMP).astype(np.int32)
    assert read(wide)[0, 0, 0] == -32768
    assert np.isnan(read(wide.astype(np.int16))[0, 0, 0])


@pytest.mark.parametrize("layout", ["fortran", "negative", "broadcast", "strided", "read-only"])
def test_every_layout_in_memory_reads_the_same(layout: str) -> None:
    array = RAMP.astype(np.float32)
    given = {
        "fortran": np.asfortranarray(array),
        "negative": np.ascontiguousarray(array[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
        "broadcast": np.broadcast_to(array[0], SHAPE),
        "strided": np.repeat(array, 2, axis=2)[:, :, ::2],
        "read-only": array.copy(),
    }[layout]
    if layout == "read-only":
        given.flags.writeable = False
    assert np.array_equal(read(given), np.asarray(given))


def test_an_array_on_disk_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    np.save(path, RAMP.astype(np.float32) / 2)
    mapped = np.load(path, mmap_mode="r")
    volume = shown(mapped)
    assert volume.array is mapped
    assert values_of(volume, volume.read_slice("axial", 1)) == pytest.approx(RAMP[1] / 2, abs=volume.slope)


def test_what_grows_after_it_was_looked_through_is_cut_off_and_does_not_wrap() -> None:
    array = RAMP.astype(np.float32) / 119
    volume = shown(array)
    array[0, 0, 0] = 1e9
    assert volume[0, 0, 0] == 32767


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 6), (4, 1, 1), (1, 1, 6)])
def test_thin_arrays_have_all_three_planes(shape: tuple[int, int, int]) -> None:
    volume = shown(np.ones(shape, np.float32))
    z, y, x = shape
    planes = [volume.read_slice(plane, 0).shape for plane in ("axial", "coronal", "sagittal")]
    assert planes == [(y, x), (z, x), (z, y)]


def test_a_coarse_level_is_the_mean_of_those_that_have_a_value() -> None:
    array = np.zeros((2, 2, 130), np.float32)
    array[:, :, 0], array[:, :, 1] = 10, 20
    array[0, :, 2:4] = np.nan
    array[1, :, 2:4] = 40
    volume = shown(array)
    assert volume.levels == 3
    assert volume.read_slice("axial", 0, 1)[0, :3].tolist() == [15, 40, 0]


def test_an_odd_axis_repeats_its_last_slice_at_a_coarse_level() -> None:
    array = np.arange(129, dtype=np.int16)[:, None, None] * np.ones((1, 2, 2), np.int16)
    assert shown(array).read_slice("axial", 64, 1).tolist() == [[128]]


def test_a_coarse_voxel_lies_amid_those_it_stands_for() -> None:
    grid = Geometry((10, 20, 31), (2.0, 1.0, 0.5), (5.0, 6.0, 7.0))
    coarse = level_geometry(grid, 1)
    assert coarse.shape == (5, 10, 16)
    assert coarse.spacing_mm == (4.0, 2.0, 1.0)
    # Half a fine voxel further along each axis: 0.25, 0.5 and 1 mm.
    assert coarse.origin_mm == (5.25, 6.5, 8.0)


@pytest.mark.parametrize(("longest", "levels"), [(1, 1), (64, 1), (65, 2), (128, 2), (512, 4), (513, 5)])
def test_levels_end_where_no_axis_is_longer_than_64(longest: int, levels: int) -> None:
    assert levels_of(Geometry((1, longest, 1), (1, 1, 1), (0, 0, 0))) == levels


def test_indices_read_as_numpy_reads_them() -> None:
    volume = shown(RAMP.astype(np.float64))
    for key in (2, -1, slice(1, 3), (..., 3), (slice(None), 2), (1, 2, 3), slice(None, None, -2), slice(3, 3)):
        assert np.array_equal(volume[key], RAMP[key])


@pytest.mark.parametrize(
    ("plane", "index", "level", "words"),
    [
        ("oblique", 0, 0, "no plane"),
        ("axial", 4, 0, "from 0 to 3; there is no slice 4"),
        ("axial", -1, 0, "no slice -1"),
        ("axial", 1.0, 0, "no slice 1.0"),
        ("axial", True, 0, "no slice True"),
        ("axial", 0, 1, "levels 0 to 0"),
        ("axial", 0, -1, "no level -1"),
        ("axial", 0, 99, "no level 99"),
    ],
)
def test_slices_that_are_not_there_are_refused(plane: str, index: Any, level: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        shown(RAMP).read_slice(plane, index, level)


def test_the_window_of_other_images_holds_nearly_all_values() -> None:
    level, width = shown(np.linspace(0, 100, 120).reshape(SHAPE)).window
    assert (level, width) == pytest.approx((50, 98.5), abs=1.0)


def test_the_window_of_a_few_findings_in_nothing_holds_the_findings() -> None:
    array = np.zeros((40, 40, 40), np.float32)
    array[20, 20, 20] = 0.5
    assert shown(array).window == pytest.approx((0.25, 0.5))


def test_an_array_and_a_grid_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"shape \(4, 5, 6\) and its grid \(4, 5, 7\)"):
        ArrayVolume(RAMP, Geometry((4, 5, 7), (1, 1, 1), (0, 0, 0)))


def test_a_volume_says_what_it_is() -> None:
    assert repr(shown(RAMP.astype("f4"), title="error")) == (
        "ArrayVolume('error': 4 × 5 × 6 voxels of float32, arbitrary)"
    )
