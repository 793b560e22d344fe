"""Resampling: right values beside seven oracles, in HU, right places in the patient, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging import buffers
from workbench.imaging.resampling import resample, resampled_geometry, resampled_grid

# What float32 can hold of a value around 2000 HU, and what the project promises of its cubic spline.
LINEAR_HU, CUBIC_HU = 1.8e-4, 1e-2
LIMIT_HU = {"linear": LINEAR_HU, "cubic": CUBIC_HU}
SPACING = (2.5, 0.7, 0.8)
ORIGIN_MM = (-110.0, 35.5, 1207.25)
FINER, COARSER, MIXED = (1.1, 0.45, 0.5), (4.0, 1.0, 1.3), (1.0, 1.0, 0.8)
# One slice, one row, one column, shorter than a vector, longer than two.
SHAPES = ((9, 21, 37), (1, 18, 33), (6, 1, 40), (5, 17, 1), (2, 2, 2), (1, 1, 1))


def hu_like(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.int16]:
    """Give values of a CT's range, as unlike their neighbours as they can be."""
    return np.random.default_rng(seed).integers(-1024, 1025, shape).astype(np.int16)


def at_places(volume: NDArray[Any], new: tuple[float, ...], order: str, align: str) -> NDArray[Any]:
    """Give scipy's values, in double precision, at the places of the new grid."""
    grid = resampled_grid(volume.shape, SPACING, new, align=align)  # type: ignore[arg-type]
    axes = [first + step * np.arange(n) for n, first, step in zip(grid.shape, *grid[2:], strict=True)]
    places = np.meshgrid(*axes, indexing="ij")
    mode = "mirror" if align == "physical" else "nearest"
    return ndimage.map_coordinates(volume.astype(float), places, order=1 if order == "linear" else 3, mode=mode)


def error_hu(made: NDArray[Any], oracle: NDArray[Any]) -> float:
    assert made.shape == oracle.shape
    return float(np.abs(made.astype(float) - oracle).max())


@pytest.mark.parametrize("new", [FINER, COARSER, MIXED])
@pytest.mark.parametrize("align", ["physical", "edges"])
@pytest.mark.parametrize("order", ["linear", "cubic"])
def test_each_value_is_that_of_scipy_at_the_same_place(order: str, align: str, new: tuple[float, ...]) -> None:
    for shape in SHAPES:
        volume = hu_like(shape)
        made = resample(volume, SPACING, new, order=order, align=align, dtype="float32")  # type: ignore[arg-type]
        assert error_hu(made, at_places(volume, new, order, align)) <= LIMIT_HU[order], shape


@pytest.mark.parametrize("new", [FINER, COARSER])
@pytest.mark.parametrize("order", ["linear", "cubic"])
def test_edges_are_those_of_scipy_zoom(order: str, new: tuple[float, ...]) -> None:
    volume = hu_like((9, 21, 37))
    made = resample(volume, SPACING, new, order=order, align="edges", dtype="float32")  # type: ignore[arg-type]
    factors = [m / n for m, n in zip(made.shape, volume.shape, strict=True)]
    number = 1 if order == "linear" else 3
    oracle = ndimage.zoom(volume.astype(float), factors, order=number, mode="nearest", grid_mode=True)
    assert error_hu(made, oracle) <= LIMIT_HU[order]


@pytest.mark.parametrize("new", [FINER, COARSER])
def test_edges_are_those_of_torch_without_aligned_corners(new: tuple[float, ...]) -> None:
    torch = pytest.importorskip("torch")
    volume = hu_like((9, 21, 37))
    made = resample(volume, SPACING, new, align="edges", dtype="float32")
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(volume)[None, None].double(), made.shape, mode="trilinear", align_corners=False
    )
    assert error_hu(made, grown[0, 0].numpy()) <= LINEAR_HU


def test_physical_is_torch_with_aligned_corners_where_both_ends_are_voxels() -> None:
    torch = pytest.importorskip("torch")
    volume = hu_like((5, 9, 13))
    made = resample(volume, (2, 1, 1), (1, 0.25, 2), dtype="float32")
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(volume)[None, None].double(), (9, 33, 7), mode="trilinear", align_corners=True
    )
    assert error_hu(made, grown[0, 0].numpy()) <= LINEAR_HU


@pytest.mark.parametrize("order", ["linear", "cubic"])
@pytest.mark.parametrize("new", [FINER, COARSER])
def test_edges_are_those_of_skimage(order: str, new: tuple[float, ...]) -> None:
    transform = pytest.importorskip("skimage.transform")
    volume = hu_like((9, 21, 37))
    made = resample(volume, SPACING, new, order=order, align="edges", dtype="float32")  # type: ignore[arg-type]
    number = 1 if order == "linear" else 3
    oracle = transform.resize(
        volume.astype(float), made.shape, order=number, mode="edge", clip=False, anti_aliasing=False
    )
    assert error_hu(made, oracle) <= LIMIT_HU[order]


@pytest.mark.parametrize("align", ["physical", "edges"])
@pytest.mark.parametrize(("order", "new"), [("linear", FINER), ("linear", COARSER), ("cubic", FINER), ("cubic", MIXED)])
def test_an_oblique_scan_is_resampled_as_simpleitk_does(order: str, new: tuple[float, ...], align: str) -> None:
    itk = pytest.importorskip("SimpleITK")
    volume, old = hu_like((26, 30, 40)), _oblique((26, 30, 40))
    grid = resampled_geometry(old, new, align=align)  # type: ignore[arg-type]
    image = itk.GetImageFromArray(volume.astype(np.float64))
    _place(image, old)
    reference = itk.Image(*(int(n) for n in grid.shape[::-1]), itk.sitkFloat64)
    _place(reference, grid)
    kind = itk.sitkLinear if order == "linear" else itk.sitkBSpline
    oracle = itk.GetArrayFromImage(itk.Resample(image, reference, itk.Transform(), kind))
    made = resample(volume, SPACING, new, order=order, align=align, dtype="float32")  # type: ignore[arg-type]
    # ITK's spline mirrors at the outermost centres, so the borders of `edges` are left to scipy, torch and skimage.
    away = 0 if align == "physical" else 1 if order == "linear" else 11
    edge = [int(np.ceil(away * a / b)) for a, b in zip(SPACING, grid.spacing_mm, strict=True)]
    inner = tuple(slice(margin, n - margin) for margin, n in zip(edge, grid.shape, strict=True))
    assert error_hu(made[inner], oracle[inner]) <= LIMIT_HU[order]


@pytest.mark.parametrize("align", ["physical", "edges"])
def test_a_ramp_in_the_patient_stays_that_ramp(align: str) -> None:
    old = _oblique((14, 20, 24))
    new = resampled_geometry(old, (1.6, 1.0, 0.5), align=align)  # type: ignore[arg-type]
    made = resample(_ramp(old), SPACING, (1.6, 1.0, 0.5), align=align)  # type: ignore[arg-type]
    inner = (slice(1, -1),) * 3
    assert made.shape == new.shape
    assert error_hu(made[inner], _ramp(new)[inner].astype(float)) < 2e-3


def test_edges_keep_the_outer_borders_and_physical_the_first_centre() -> None:
    old = _oblique((14, 20, 24))
    kept = resampled_geometry(old, (1.6, 1.0, 0.5), align="edges")
    corner = np.array([-0.5, -0.5, -0.5])
    assert np.allclose(kept.to_patient_mm(corner), old.to_patient_mm(corner))
    ends = [np.array(grid.shape) - 0.5 for grid in (kept, old)]
    assert np.allclose(kept.to_patient_mm(ends[0]), old.to_patient_mm(ends[1]))
    physical = resampled_geometry(old, (1.6, 1.0, 0.5))
    assert physical.origin_mm == pytest.approx(old.origin_mm)
    assert physical.spacing_mm == (1.6, 1.0, 0.5)
    assert physical.direction == kept.direction == old.direction


@pytest.mark.parametrize("order", ["linear", "cubic"])
@pytest.mark.parametrize("align", ["physical", "edges"])
def test_the_same_spacing_changes_nothing(order: str, align: str) -> None:
    volume = hu_like((4, 19, 35))
    made = resample(volume, SPACING, SPACING, order=order, align=align)  # type: ignore[arg-type]
    assert made.dtype == np.int16
    assert np.array_equal(made, volume)


def test_integers_come_back_rounded_and_cut_to_their_range() -> None:
    wall = np.full((1, 1, 40), -32768, np.int16)
    wall[..., 20:] = 32767
    rounded = resample(wall, (1, 1, 1), (1, 1, 0.5), order="cubic")
    exact = resample(wall, (1, 1, 1), (1, 1, 0.5), order="cubic", dtype="float32")
    assert exact.max() > 32768
    assert np.array_equal(rounded, np.clip(np.rint(exact), -32768, 32767))
    halves = resample(np.array([[[0, 3]]], np.int16), (1, 1, 1), (1, 1, 0.25))
    assert halves.tolist() == [[[0, 1, 2, 2, 3]]]


@pytest.mark.parametrize("order", ["linear", "cubic"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_threads_and_a_used_target_give_the_same_bits(order: str, dtype: str) -> None:
    volume = hu_like((11, 34, 45))
    one = resample(volume, SPACING, MIXED, order=order, dtype=dtype)  # type: ignore[arg-type]
    target = np.full(one.shape, 7, dtype)
    two = resample(volume, SPACING, MIXED, order=order, out=target, threads=3)  # type: ignore[arg-type]
    assert two is target
    assert np.array_equal(one, two)


def shifted(volume: NDArray[Any]) -> NDArray[Any]:
    """Give the volume at an odd address."""
    room = np.zeros(volume.nbytes + 1, np.uint8)
    moved = room[1:].view(volume.dtype).reshape(volume.shape)
    moved[:] = volume
    return moved


@pytest.mark.parametrize(
    "change", [lambda a: a.astype(float), lambda a: a.astype(">i2"), lambda a: np.asfortranarray(a), shifted]
)
def test_floats_other_byte_orders_and_scattered_arrays_are_read(change: Callable[[Any], Any]) -> None:
    volume = hu_like((4, 9, 20))
    read_only = change(volume)
    read_only.setflags(write=False)
    made = resample(read_only, SPACING, MIXED)
    assert made.dtype == (np.float32 if read_only.dtype.kind == "f" else np.int16)
    assert error_hu(made, resample(volume, SPACING, MIXED, dtype="float32")) <= 0.5


@pytest.mark.parametrize(
    ("volume", "sentence"),
    [
        (np.zeros((3, 3), np.int16), "three axes"),
        (np.zeros((0, 3, 3), np.int16), "none empty"),
        (np.zeros((3, 3, 3), np.int32), "int32; convert it"),
        (np.zeros((3, 3, 3), bool), "bool; convert it"),
        (np.zeros((3, 3, 3), complex), "complex128; convert it"),
        (np.full((3, 3, 3), np.nan, np.float32), "NaN or infinite"),
        (np.array([[[0.0, np.inf]]]), "NaN or infinite"),
        ([[[1]]], "numpy array"),
        (np.ma.masked_less(np.zeros((3, 3, 3), np.int16), 1), "masked array"),
    ],
)  # fmt: skip
def test_what_is_no_volume_of_hu_is_refused(volume: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        resample(volume, (1, 1, 1), (1, 1, 1))


@pytest.mark.parametrize(
    "spacing", [(0, 1, 1), (1, 1), (1, -1, 1), (1, 1, np.nan), (1e9, 1, 1), (1e-9, 1, 1), "abc", 3]
)
def test_a_spacing_of_nought_or_of_kilometres_is_refused(spacing: Any) -> None:
    for pair in ((spacing, (1, 1, 1)), ((1, 1, 1), spacing)):
        with pytest.raises(InvalidInput, match="Spacing is three millimetre values"):
            resample(hu_like((3, 3, 3)), *pair)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"order": "nearest"}, "choose linear or cubic"),
        ({"align": "corners"}, "choose physical or edges"),
        ({"dtype": "float64"}, "int16 or float32"),
        ({"threads": 0}, "threads is a whole number"),
        ({"out": np.empty((3, 3, 4), np.int16)}, "out must be"),
        ({"out": np.empty((3, 3, 3), np.int64)}, "out must be"),
        ({"out": np.empty((3, 3, 6), np.int16)[..., ::2]}, "contiguous"),
        ({"out": [1]}, "out must be"),
        ({"out": np.zeros(55, np.uint8)[1:].view(np.int16).reshape(3, 3, 3)}, "aligned in memory"),
    ],
)  # fmt: skip
def test_an_unusable_option_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        resample(hu_like((3, 3, 3)), (1, 1, 1), (1, 1, 1), **options)


def test_a_target_that_is_the_volume_is_refused() -> None:
    volume = hu_like((3, 3, 3))
    with pytest.raises(InvalidInput, match="no part of the volume"):
        resample(volume, (1, 1, 1), (1, 1, 1), out=volume)


def test_a_result_too_large_for_memory_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="choose a coarser"):
        resample(hu_like((2, 2, 40)), (1, 1, 1), (1, 1, 0.001))
    monkeypatch.setattr(buffers, "free_memory_bytes", lambda: 1000)
    with pytest.raises(InvalidInput, match="GiB of memory are free; choose a coarser spacing"):
        resample(hu_like((10, 20, 20)), (1, 1, 1), (0.5, 1, 1))


def _oblique(shape: tuple[int, int, int]) -> Geometry:
    tilt, turn = 0.3, -0.5
    around_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    around_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return Geometry(shape, SPACING, ORIGIN_MM, tuple((around_z @ around_x).ravel().tolist()))


def _place(image: Any, grid: Geometry) -> None:
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)


def _ramp(grid: Geometry) -> NDArray[np.float32]:
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return ((grid.to_patient_mm(index) - ORIGIN_MM) @ np.array([1.5, -2.0, 3.0])).astype(np.float32)
