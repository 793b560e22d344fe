"""Label layers on the Python side: what may be given, what travels to the browser, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.viewer.conftest import GEOMETRY
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.array_volume import ArrayVolume
from workbench.viewer.label_layers import read_layers
from workbench.viewer.label_sources import without_overlap
from workbench.viewer.palette import hex_colour
from workbench.viewer.widget import CTView, Opened

# z 1: a block of 2 voxels of 7; one voxel of 65535.
SMALL = Geometry((3, 4, 5), (2.0, 1.0, 0.5), (10.0, 20.0, 30.0))


@pytest.fixture
def over() -> ArrayVolume:
    return ArrayVolume(np.zeros(SMALL.shape, dtype=np.int16), SMALL)


@pytest.fixture
def numbers() -> NDArray[np.int64]:
    array = np.zeros(SMALL.shape, dtype=np.int64)
    array[1, 2, 3:] = 7
    array[2, 0, 0] = 65535
    return array


@pytest.fixture
def shown(volume: Any) -> CTView:
    array = np.zeros(GEOMETRY.shape, dtype=np.uint16)
    array[20, 30, 50] = 300
    return CTView(Opened(volume, "V1"), position_mm=(5.0, 4.0, 150.5), window="lung", labels=(array, {300: "nodule"}))


def test_values_of_any_integer_type_become_segments_with_the_palette_colour(over: Any, numbers: Any) -> None:
    for kind in (np.int64, np.uint64, np.dtype(">i4"), np.uint16):
        (layer,) = read_layers(numbers.astype(kind), over)
        trait = layer.as_trait("l0")
        assert [segment["value"] for segment in trait["segments"]] == [7, 65535]
        assert [segment["colour"] for segment in trait["segments"]] == [hex_colour(7), hex_colour(65535)]
        assert (trait["kind"], trait["set"], trait["on_grid"]) == ("kernel", "", True)


def test_a_slice_holds_each_voxels_own_label(over: Any, numbers: Any) -> None:
    (layer,) = read_layers(numbers, over)
    coronal = layer.read_slice("coronal", 2, SMALL)
    assert coronal.dtype == np.uint16
    assert coronal.tolist() == [[0] * 5, [0, 0, 0, 7, 7], [0] * 5]


def test_labels_of_another_grid_are_taken_from_the_nearest_voxel(numbers: Any) -> None:
    fine = Geometry((3, 4, 10), (2.0, 1.0, 0.25), (9.875, 20.0, 30.0))
    (layer,) = read_layers(
        ArrayVolume(numbers, SMALL), ArrayVolume(np.zeros(fine.shape, dtype=np.int16), fine)
    )  # fmt: skip
    assert not layer.is_on_grid
    assert layer.read_slice("axial", 1, fine)[2].tolist() == [0, 0, 0, 0, 0, 0, 7, 7, 7, 7]


def test_the_centre_lies_in_the_region_whatever_its_form(over: Any) -> None:
    ring = np.zeros(SMALL.shape, dtype=np.uint8)
    ring[1] = 4
    ring[1, 1:3, 1:4] = 0
    (layer,) = read_layers(ring, over)
    z, y, x = np.rint(SMALL.to_index(np.array(layer.centre_of(4)))).astype(int)
    assert ring[z, y, x] == 4
    assert layer.centre_of(9) is None


def test_a_small_region_is_found_when_it_is_asked_for(volume: Any) -> None:
    array = np.zeros((200, 300, 300), dtype=np.uint8)
    array[150, 201, 101] = 1
    grid = Geometry(array.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    (layer,) = read_layers(array, ArrayVolume(array, grid))
    assert "centre_mm" not in layer.as_trait("l0")["segments"][0]
    assert layer.centre_of(1) == (101.0, 201.0, 150.0)


def test_masks_that_overlap_lie_on_different_layers(over: Any, numbers: Any) -> None:
    layers = read_layers({"gtv": numbers == 7, "ptv": numbers > 0, "far": numbers == 65535}, over)
    assert [[region.label for region in layer.regions] for layer in layers] == [["gtv", "far"], ["ptv"]]
    assert layers[1][1, 2].tolist() == [0, 0, 0, 2, 2]


def test_masks_share_a_layer_only_without_a_common_voxel() -> None:
    one = np.array([[[1, 1, 0, 0]]], dtype=bool)
    assert without_overlap({1: one, 2: ~one, 3: one, 4: np.zeros_like(one)}) == [
        {1: pytest.approx(one), 2: pytest.approx(~one), 4: pytest.approx(np.zeros_like(one))}, {3: pytest.approx(one)},
    ]  # fmt: skip


def test_named_arrays_and_lists_become_layers_of_their_own(over: Any, numbers: Any) -> None:
    layers = read_layers({"truth": numbers, "prediction": (numbers, {7: "liver", 3: "none here"})}, over)
    assert [layer.title for layer in layers] == ["truth", "prediction"]
    assert [(region.label, region.is_empty) for region in layers[1].regions] == [
        ("liver", False), ("label 65535", False), ("none here", True),
    ]  # fmt: skip
    assert [layer.title for layer in read_layers([numbers, numbers], over)] == ["labels 1", "labels 2"]


def test_more_values_than_a_legend_holds_are_drawn_and_counted(volume: Any) -> None:
    array = np.arange(np.prod(GEOMETRY.shape)).reshape(GEOMETRY.shape) % 1001
    (layer,) = read_layers(array, volume)
    trait = layer.as_trait("l0")
    assert (len(trait["segments"]), trait["rest"]) == (300, 700)
    assert layer.styled(trait)[0, 4].tolist() == list(range(320, 400))
    assert layer.styled({**trait, "rest_visible": False})[0, 3].tolist() == [*range(240, 301), *[0] * 19]


NUMBERS = np.ones(SMALL.shape, dtype=np.int32)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (NUMBERS * -1, "hold the value -1"), (NUMBERS * 70_000, "70000, and labels go from 0 to 65535"),
        (NUMBERS * 0.5, "a mask of probabilities"), (NUMBERS[0], "a volume"), (NUMBERS[:2], "the scan"),
        ("S0001", "masks by name"), ({}, "empty"), ((NUMBERS, {"liver": 1}), "by value"), ([None], "NoneType"),
        ([NUMBERS] * 17, "at most 16"), (NUMBERS.astype(complex), "a whole number"),
    ],
    ids=["negative", "huge", "float", "2d", "shape", "text", "empty", "names", "none", "many", "complex"],
)  # fmt: skip
def test_what_is_no_label_is_refused_in_a_sentence(over: Any, given: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_layers(given, over)


def test_labels_beside_the_volume_are_refused(over: Any) -> None:
    away = Geometry(SMALL.shape, SMALL.spacing_mm, (900.0, 20.0, 30.0))
    with pytest.raises(InvalidInput, match=r"beside this volume.*another scan"):
        read_layers(ArrayVolume(NUMBERS, away), over)


def test_how_a_layer_looks_can_be_set_in_part(shown: CTView) -> None:
    shown.labels = [{"id": "l0", "opacity": 0.8, "segments": [{"value": 300, "colour": "#112233", "visible": False}]}]
    (layer,) = shown.labels
    assert (layer["opacity"], layer["title"], layer["outline"]) == (0.8, "labels", False)
    assert layer["segments"][0] == {
        "value": 300, "label": "nodule", "colour": "#112233", "visible": False, "centre_mm": [5.0, 4.0, 150.5],
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "l7"}, {"id": "l0", "opacity": 1.5}, {"id": "l0", "opacity": "half"}, {"id": "l0", "visible": 1},
        {"id": "l0", "segments": [{"value": 4}]}, {"id": "l0", "segments": [{"value": 300, "colour": "red"}]},
        {"id": "l0", "segments": "all"},
    ],
)  # fmt: skip
def test_a_look_that_cannot_be_is_refused_and_the_old_one_stays(shown: CTView, wrong: dict[str, Any]) -> None:
    before = shown.labels
    with pytest.raises(InvalidInput):
        shown.labels = [wrong]
    assert shown.labels == before


def test_new_labels_take_the_place_of_old_ones_under_new_names(shown: CTView) -> None:
    old = shown.labels
    shown.labels = np.ones(GEOMETRY.shape, dtype=bool)
    assert [layer["id"] for layer in shown.labels] == ["l1"]
    # The browser had not heard of it yet when it turned the old layer off.
    shown.set_state({"labels": [{**old[0], "visible": False}]})
    assert [(layer["id"], layer["visible"]) for layer in shown.labels] == [("l1", True)]
    shown.labels = []
    assert shown.labels == []


def test_the_still_picture_shows_visible_labels_only(shown: CTView) -> None:
    with_labels = shown.picture()
    shown.labels = [{"id": "l0", "visible": False}]
    without = shown.picture()
    shown.labels = [{"id": "l0", "visible": True}]
    assert without != with_labels
    assert shown.picture() == with_labels


def test_the_kernel_tells_where_a_region_is(shown: CTView) -> None:
    told: list[Any] = []
    answerer: Any = shown._answerer
    answerer._send = lambda message, buffers: told.append(message)
    for value in (300, 4):
        answerer.take({"kind": "centre", "layer": "l0", "value": value})
    answerer._worker.submit(lambda: None).result()
    assert [message["centre_mm"] for message in told] == [(5.0, 4.0, 150.5), None]
