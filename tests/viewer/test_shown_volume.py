"""What people give to be shown, and the sentence they get where it cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.data.labels import LabelVolume
from workbench.data.volume import Volume
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.shown_volume import ArrayVolume, GovernedVolume, ShownVolume, as_shown, values_of

OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
FACTS = {
    "scan": "S0001", "shape": [4, 5, 6], "spacing_mm": [2.5, 0.7, 0.7], "origin_mm": [1.0, 2.0, 3.0],
    "direction": list(OBLIQUE), "levels": 1, "modality": "CT", "unit": "HU", "scale": 1.0, "window": [-600, 1500],
}  # fmt: skip
SCAN = Volume("chest-ct", "v1", FACTS)
CT = np.linspace(-1000, 1000, 120).reshape(4, 5, 6)


def test_a_governed_scan_is_shown_as_it_is() -> None:
    shown = as_shown(SCAN)
    assert isinstance(shown, GovernedVolume)
    assert isinstance(shown, ShownVolume)
    assert (shown.title, shown.modality, shown.unit, shown.slope) == ("chest-ct S0001", "CT", "HU", 1.0)
    assert as_shown(shown) is shown


def test_the_window_of_a_governed_pet_scan_is_given_in_its_unit() -> None:
    pet = Volume("pet", "v1", {**FACTS, "modality": "PT", "unit": "Bq/ml", "scale": 0.5, "window": [1000, 2000]})
    assert as_shown(pet).window == (500.0, 1000.0)


def test_an_array_like_a_scan_lies_on_its_grid_with_its_unit() -> None:
    shown = as_shown(CT, like=SCAN)
    assert shown.geometry == SCAN.geometry
    assert (shown.modality, shown.unit, shown.window) == ("CT", "HU", (-600.0, 1500.0))


@pytest.mark.parametrize("array", [CT / 2000 + 0.5, np.ones((4, 5, 6), bool)])
def test_probabilities_and_masks_on_a_ct_are_no_hu(array: Any) -> None:
    shown = as_shown(array, like=SCAN)
    assert (shown.modality, shown.unit) == ("OT", "arbitrary")


def test_what_is_said_of_an_array_goes_before_what_is_guessed() -> None:
    shown = as_shown(CT, like=SCAN, modality="OT", unit="mSv", title="dose")
    assert (shown.modality, shown.unit, shown.title) == ("OT", "mSv", "dose")
    assert as_shown(CT, spacing_mm=1, modality="CT").unit == "HU"


def test_one_spacing_stands_for_all_axes_and_the_first_voxel_lies_at_zero() -> None:
    shown = as_shown(CT, spacing_mm=2)
    assert shown.geometry == Geometry((4, 5, 6), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))


def test_labels_are_shown_by_their_values_without_reading_them() -> None:
    facts = {**FACTS, "name": "lesions", "kind": "seg", "dtype": "uint16", "segments": [{"value": 40000}]}
    shown = as_shown(LabelVolume(SCAN, facts))
    assert isinstance(shown, ArrayVolume)
    assert (shown.unit, shown.slope, shown.intercept) == ("label", 1.0, 32767.0)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float16", "bfloat16", "float64", "int64"])
def test_tensors_share_their_memory(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(120).reshape(4, 5, 6).to(getattr(torch, dtype))
    assert np.array_equal(as_shown(tensor, spacing_mm=1)[:], tensor.float().numpy())


def test_a_tensor_that_learns_is_shown_without_its_gradient() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(120.0).reshape(4, 5, 6).permute(2, 1, 0).requires_grad_()
    assert as_shown(tensor, spacing_mm=1).read_slice("axial", 5).shape == (5, 4)


def test_tensors_of_other_places_and_forms_are_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidInput, match=r"lies on meta.*tensor\.cpu\(\)"):
        as_shown(torch.zeros((4, 5, 6), device="meta"), spacing_mm=1)
    with pytest.raises(InvalidInput, match=r"sparse"):
        as_shown(torch.zeros((4, 5, 6)).to_sparse(), spacing_mm=1)
    with pytest.raises(InvalidInput, match="complex"):
        as_shown(torch.zeros((4, 5, 6), dtype=torch.complex64), spacing_mm=1)


def test_an_itk_image_brings_its_own_oblique_grid_and_outlives_its_name() -> None:
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(CT)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((1, 2, 3))
    image.SetDirection(OBLIQUE)
    where = image.TransformIndexToPhysicalPoint((5, 4, 3))
    shown = as_shown(image)
    del image
    assert shown.geometry.to_patient_mm(np.array([3, 4, 5])) == pytest.approx(where)
    assert values_of(shown, shown[:]) == pytest.approx(CT, abs=shown.slope)


@pytest.mark.parametrize(
    ("size", "kind", "words"),
    [
        ((4, 5), "sitkFloat32", "2 axes"),
        ((4, 5, 6, 2), "sitkFloat32", "4 axes"),
        ((4, 5, 6), "sitkVectorUInt8", "3 channels"),
        ((4, 5, 6), "sitkComplexFloat32", "complex"),
        ((0, 5, 6), "sitkFloat32", "empty"),
    ],
)
def test_itk_images_that_are_no_volume_are_refused(size: tuple[int, ...], kind: str, words: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    with pytest.raises(InvalidInput, match=words):
        as_shown(sitk.Image(size, getattr(sitk, kind)))


BOX = np.zeros((4, 5, 6))


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (np.zeros((2, 4, 5, 6)), r"4 axes.*array\[0\]"),
        (np.zeros((1, 1, 4, 5, 6)), "5 axes"),
        (np.zeros((4, 5, 6, 3)), r"one channel.*array\[\.\.\., 0\]"),
        (np.zeros((5, 6)), r"one slice.*array\[None\]"),
        (np.zeros(5), "1 axes"),
        (np.float64(3), "0 axes"),
        (np.zeros((480, 640, 3), np.uint8), "colour picture"),
        (np.zeros((480, 640, 4), np.uint8), "colour picture"),
        (np.zeros((0, 5, 6)), "empty"),
        (BOX.astype(complex), r"complex numbers; give np\.abs"),
        (BOX.astype("U3"), "text"),
        (BOX.astype("S3"), "text"),
        (BOX.astype(object), "Python objects"),
        (BOX.astype("M8[s]"), "dates"),
        (BOX.astype("m8[s]"), "durations"),
        (np.zeros((4, 5, 6), [("value", "f4")]), "records"),
        (np.broadcast_to(np.int16(0), (1, 1, 20_000)), "larger than a browser"),
        (np.broadcast_to(np.int16(0), (1, 9_000, 9_000)), "larger than a browser"),
        ([[[1, 2]], [[3]]], "one length along each"),
        ("scan.nii.gz", "this is a str"),
        (b"DICM", "this is a bytes"),
        (None, r"nothing \(None\)"),
        ({"image": BOX}, "this is a dict"),
        (object(), "this is an object that makes no array"),
        (np.full((4, 5, 6), np.nan), "nothing to show"),
        (np.full((4, 5, 6), -np.inf), "nothing to show"),
        (np.ma.masked_all((4, 5, 6)), "nothing to show"),
        (np.full((4, 5, 6), -32768, np.int16), "nothing to show"),
        (np.ma.masked_all((4, 5, 6), np.uint8), "nothing to show"),
        (np.full((4, 5, 6), 1e200), "divide it by a power of ten"),
    ],
)  # fmt: skip
def test_what_is_no_volume_of_numbers_is_refused_with_a_hint(scan: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        as_shown(scan, spacing_mm=1)


def test_a_table_is_refused_as_what_it_is() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidInput, match="one slice"):
        as_shown(pandas.DataFrame(np.zeros((5, 6))), spacing_mm=1)


def test_nested_lists_are_taken_as_an_array() -> None:
    assert as_shown([[[1, 2], [3, 4]]], spacing_mm=1)[0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "does not say where"),
        ({"spacing_mm": 0}, "positive numbers"),
        ({"spacing_mm": (1, -1, 1)}, "positive numbers"),
        ({"spacing_mm": (1, np.nan, 1)}, "positive numbers"),
        ({"spacing_mm": (1, np.inf, 1)}, "positive numbers"),
        ({"spacing_mm": (1, 1)}, "one or three"),
        ({"spacing_mm": "1 mm"}, "one or three"),
        ({"spacing_mm": 1e9}, r"1e\+09.*another unit"),
        ({"spacing_mm": 1e-9}, "another unit"),
        ({"spacing_mm": 1, "like": SCAN}, "more than once"),
        ({"like": np.zeros((4, 5, 6))}, "does not say where"),
        ({"like": "S0001"}, "this is a str"),
        ({"geometry": Geometry((4, 5, 7), (1, 1, 1), (0, 0, 0))}, r"\(4, 5, 6\) and its grid has \(4, 5, 7\)"),
        ({"geometry": Geometry((4, 5, 6), (1, 1, 1), (1e9, 0, 0))}, "farther than a kilometre"),
        ({"geometry": Geometry((4, 5, 6), (1, 1, 1), (0, 0, 0), (1.0,) * 9)}, "right angles"),
        ({"geometry": 5}, "is an int; give a Geometry"),
        ({"geometry": {"shape": (4, 5, 6)}}, "is a dict; give a Geometry"),
        ({"spacing_mm": 1, "title": 5}, "title is 5; give it as text"),
        ({"spacing_mm": 1, "unit": b"HU"}, "unit is b'HU'; give it as text"),
        ({"spacing_mm": 1, "modality": "XR"}, "one of CT, MR, PT, OT"),
    ],
)
def test_a_place_that_is_missing_double_or_impossible_is_refused(told: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        as_shown(BOX, **told)


def test_an_array_of_another_shape_than_its_scan_is_refused_with_both_shapes() -> None:
    with pytest.raises(InvalidInput, match=r"\(4, 5, 7\) and the scan of like= has \(4, 5, 6\)"):
        as_shown(np.zeros((4, 5, 7)), like=SCAN)


def test_a_scan_keeps_its_own_grid() -> None:
    with pytest.raises(InvalidInput, match="knows its own grid"):
        as_shown(SCAN, spacing_mm=1)


def test_a_thin_volume_of_a_known_grid_is_no_colour_picture() -> None:
    grid = Geometry((480, 640, 3), (1, 1, 1), (0, 0, 0))
    assert as_shown(np.zeros((480, 640, 3)), geometry=grid).read_slice("sagittal", 2).shape == (480, 640)
