"""The fast lung mask: the same voxels as labelling every voxel, on noise, on a phantom and at every border."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import workbench.imaging
from workbench.errors import InvalidInput
from workbench.imaging.lung_mask import lung_mask
from workbench.imaging.phantom import Phantom

AIR, BODY = -900, 40


def labelled(hu: NDArray[Any], parts: int = 2, smallest: float = 1, threshold: float = -400) -> NDArray[np.bool_]:
    """Give the same with scipy, voxel by voxel; of two parts of one size the first."""
    labels, count = ndimage.label(hu < threshold)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        sizes[np.unique(side)] = 0
    kept = [label for label in np.argsort(-sizes, kind="stable")[:parts] if sizes[label] >= smallest]
    return np.isin(labels, kept)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.33, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(7, 20, 75), (1, 30, 64), (12, 9, 31), (3, 3, 3)])
def test_every_noise_is_labelled_as_scipy_labels_it(shape: tuple[int, int, int], share: float) -> None:
    for seed in range(4):
        air = np.random.default_rng(seed).random(shape) < share
        hu = np.where(air, AIR, BODY).astype(np.int16)
        for parts in (1, 2, 5):
            assert np.array_equal(lung_mask(hu, (1, 1, 1), parts=parts, smallest_ml=0), labelled(hu, parts))


def test_the_lungs_of_a_phantom_are_found(phantom: Phantom) -> None:
    mask = lung_mask(phantom.hu, phantom.geometry.spacing_mm)
    smallest = 150 * 1000 / np.prod(phantom.geometry.spacing_mm)
    assert np.array_equal(mask, labelled(phantom.hu, smallest=smallest))
    closed = workbench.imaging.lung_mask(phantom.hu, phantom.geometry.spacing_mm)
    # The closed mask holds vessels and walls too; the air is nearly all within it.
    assert mask.sum() > 0.6 * closed.sum()
    assert (mask & ~closed).sum() < 0.02 * mask.sum()


def test_two_lungs_are_kept_and_a_third_part_and_the_outside_are_not() -> None:
    hu = np.full((20, 40, 70), BODY, np.int16)
    hu[:, :4] = AIR
    hu[2:18, 10:30, 10:25] = hu[2:18, 10:30, 40:60] = AIR
    hu[2:5, 33:36, 30:35] = AIR
    mask = lung_mask(hu, (10, 10, 10), smallest_ml=1)
    assert mask.sum() == 16 * 20 * (15 + 20)
    assert mask[5, 15, 12] and mask[5, 15, 45] and not mask[3, 34, 32] and not mask[5, 0, 5]


def test_a_part_smaller_than_a_lung_is_no_lung() -> None:
    hu = np.full((12, 12, 12), BODY, np.int16)
    hu[4:8, 4:8, 4:8] = AIR
    assert lung_mask(hu, (10, 10, 10), smallest_ml=64).sum() == 64
    assert not lung_mask(hu, (10, 10, 10), smallest_ml=64.1).any()
    assert not lung_mask(np.full((3, 4, 5), BODY, np.int16), (1, 1, 1)).any()
    assert not lung_mask(np.full((3, 4, 5), AIR, np.int16), (1, 1, 1), smallest_ml=0).any()


def test_a_lung_cut_by_the_first_slice_is_kept_and_one_cut_by_a_side_is_not() -> None:
    hu = np.full((8, 20, 20), BODY, np.int16)
    hu[0:4, 5:10, 5:10] = AIR
    assert lung_mask(hu, (1, 1, 1), smallest_ml=0).sum() == 100
    for side in (np.s_[:4, :10, 5:10], np.s_[:4, 5:10, 15:]):
        cut = np.full((8, 20, 20), BODY, np.int16)
        cut[side] = AIR
        assert not lung_mask(cut, (1, 1, 1), smallest_ml=0).any()


def test_threads_floats_and_a_used_target_give_the_same_mask() -> None:
    hu = np.where(np.random.default_rng(5).random((23, 30, 50)) < 0.33, AIR, BODY).astype(np.int16)
    one = lung_mask(hu, (1, 1, 1), smallest_ml=0)
    target = np.ones(hu.shape, bool)
    assert lung_mask(hu, (1, 1, 1), smallest_ml=0, out=target, threads=2) is target
    assert np.array_equal(one, target)
    assert np.array_equal(one, lung_mask(hu.astype(np.float64), (1, 1, 1), smallest_ml=0))


def test_the_threshold_itself_is_no_air() -> None:
    hu = np.full((3, 5, 5), BODY, np.int16)
    hu[1, 2, 1:4] = [-401, -400, -399]
    assert np.argwhere(lung_mask(hu, (1, 1, 1), smallest_ml=0)).tolist() == [[1, 2, 1]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threshold_hu": float("nan")}, "finite threshold"),
        ({"parts": 0}, "1 to 255 parts"),
        ({"smallest_ml": -1}, "0 ml or more"),
        ({"out": np.empty((4, 4, 4), np.uint8)}, "out must be"),
        ({"threads": 1.5}, "threads is a whole number"),
    ],
)  # fmt: skip
def test_an_unusable_option_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        lung_mask(np.zeros((4, 4, 4), np.int16), (1, 1, 1), **options)


@pytest.mark.parametrize("hu", [np.zeros((4, 4)), np.full((3, 3, 3), np.nan), np.zeros((3, 3, 3), np.int64)])
def test_what_is_no_volume_of_hu_is_refused(hu: NDArray[Any]) -> None:
    with pytest.raises(InvalidInput):
        lung_mask(hu, (1, 1, 1))


def test_a_spacing_of_nought_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Spacing"):
        lung_mask(np.zeros((4, 4, 4), np.int16), (1, 0, 1))


def test_the_module_does_not_hide_the_function_of_the_same_name() -> None:
    from workbench.imaging import lung_mask as closed
    from workbench.imaging.lungs import lung_mask as original

    assert closed is original
