"""Label layers in a real browser: colours over the slices, edges, the legend, names under the pointer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.viewer.conftest import GEOMETRY
from tests.viewer.test_browser import IS_BLACK, axial_place, plane, trait
from workbench.geometry import Geometry
from workbench.viewer.array_volume import ArrayVolume
from workbench.viewer.label_layer import LabelLayer, Region
from workbench.viewer.label_sources import GivenLabels

LIVER, LESION = 1, 40_000
COARSE = Geometry((20, 32, 40), (5.0, 1.6, 1.4), (-29.65, -19.6, 101.75))


def organs() -> np.ndarray[Any, Any]:
    """Draw a liver of z 10 to 29, rows 20 to 39, columns 30 to 59, and a lesion of one voxel in it."""
    array = np.zeros(GEOMETRY.shape, dtype=np.int32)
    array[10:30, 20:40, 30:60] = LIVER
    array[25, 33, 35] = LESION
    return array


@pytest.fixture
def view_options() -> dict[str, Any]:
    named = organs(), {LIVER: "liver", LESION: "lesion", 9: "spleen"}
    set_of_scan = np.zeros(GEOMETRY.shape, dtype=np.uint8)
    set_of_scan[:, :10, :10] = 3
    governed = LabelLayer(
        GivenLabels(set_of_scan, GEOMETRY), [Region(3, "table")], GEOMETRY, title="rtstruct", name="rtstruct-1"
    )
    return {"labels": [named, governed], "boxes": []}


def colour_at(page: Any, column: float, row: float, name: str = "axial") -> tuple[int, int, int]:
    x, y = axial_place(page, column, row)
    box = plane(page, name).bounding_box()
    script = "(c, at) => [...c.getContext('2d').getImageData(at[0], at[1], 1, 1).data]"
    red, green, blue, _ = plane(page, name).evaluate(script, [round(x - box["x"]), round(y - box["y"])])
    return red, green, blue


def legend(page: Any, layer: str = "l0") -> Any:
    return page.locator(f"[data-layer={layer}]")


def test_regions_are_tinted_with_their_colour_and_nothing_else_is(page: Any) -> None:
    # 40 HU in the lung window is grey 236; 35 % of #e69f00 (230, 159, 0) over it.
    assert colour_at(page, 40, 25) == pytest.approx((234, 209, 153), abs=2)
    red, green, blue = colour_at(page, 20, 50)
    assert red == green == blue


def test_a_hidden_layer_a_hidden_region_and_space_take_the_colour_away(page: Any) -> None:
    legend(page).get_by_label("Show liver").uncheck()
    assert colour_at(page, 40, 25) == (236, 236, 236)
    legend(page).get_by_label("Show liver").check()
    legend(page).get_by_label("Show labels 1").uncheck()
    assert trait(page, "labels")[0]["visible"] is False
    assert colour_at(page, 40, 25) == (236, 236, 236)
    assert plane(page, "axial").get_attribute("data-labels") == "l1"
    plane(page, "axial").press(" ")
    page.wait_for_timeout(100)
    assert colour_at(page, 3, 3) == (60, 60, 60)


def test_label_edges_stay_crisp_when_zoomed_in(page: Any) -> None:
    x, y = axial_place(page, 30, 30)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(20):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.evaluate("window.settled()")
    box = plane(page, "axial").bounding_box()
    script = "(c, at) => [...c.getContext('2d').getImageData(at[0], at[1], 120, 1).data]"
    data = plane(page, "axial").evaluate(script, [round(x - box["x"]) - 80, round(y - box["y"]) + 25])
    tinted = [data[i] - data[i + 2] > 8 for i in range(0, len(data), 4)]
    # One step from untinted to tinted, whose first pixels are the edge in the region's own colour.
    assert tinted.count(True) > 0
    assert sum(a != b for a, b in zip(tinted, tinted[1:], strict=False)) == 1
    first = 4 * tinted.index(True)
    assert tuple(data[first + 4 : first + 7]) == pytest.approx((230, 159, 0), abs=12)


def test_keys_turn_labels_off_and_on_and_into_outlines(page: Any) -> None:
    axial = plane(page, "axial")
    axial.press("o")
    assert [layer["outline"] for layer in trait(page, "labels")] == [True, True]
    assert colour_at(page, 40, 25) == (236, 236, 236)
    axial.press("o")
    axial.press("l")
    assert [layer["visible"] for layer in trait(page, "labels")] == [False, False]
    assert colour_at(page, 40, 25) == (236, 236, 236)
    axial.press("l")
    assert [layer["visible"] for layer in trait(page, "labels")] == [True, True]
    assert colour_at(page, 40, 25) != (236, 236, 236)


def test_opacity_goes_from_nothing_to_full_colour(page: Any) -> None:
    slider = legend(page).get_by_label("Opacity of labels 1")
    slider.press("End")
    assert trait(page, "labels")[0]["opacity"] == 1
    assert colour_at(page, 40, 25) == (230, 159, 0)
    slider.press("Home")
    page.wait_for_timeout(100)
    assert colour_at(page, 40, 25) == (236, 236, 236)


def test_a_name_leads_to_the_middle_of_its_region(page: Any) -> None:
    legend(page).get_by_role("button", name="Go to lesion").press("Enter")
    # Voxel (z 25, y 33, x 35): origin + index × spacing.
    assert trait(page, "position_mm") == pytest.approx([-30 + 35 * 0.7, -20 + 33 * 0.8, 100.5 + 25 * 2.5], abs=0.01)
    assert legend(page).get_by_role("button", name="spleen").is_disabled()


def test_a_region_without_a_known_place_is_asked_of_the_kernel(page: Any, server: Any) -> None:
    layers = trait(page, "labels")
    del layers[0]["segments"][1]["centre_mm"]
    page.evaluate("labels => window.from_python({ labels })", layers)
    legend(page).get_by_role("button", name="Go to lesion").click()
    page.wait_for_selector(".ctv-axial [data-shown='25']")
    assert {"kind": "centre", "layer": "l0", "value": LESION} in server.messages


def test_the_pointer_names_the_region_of_any_number(page: Any) -> None:
    legend(page).get_by_role("button", name="Go to lesion").click()
    page.wait_for_selector(".ctv[data-complete] .ctv-axial [data-shown='25']")
    words = {}
    for place in ((35, 33), (40, 25), (3, 3), (20, 50)):
        page.mouse.move(*axial_place(page, *place))
        words[place] = page.locator(".ctv-cursor").inner_text().partition(" HU")[2]
    assert words == {(35, 33): " · lesion", (40, 25): " · liver", (3, 3): " · table", (20, 50): ""}


def test_slices_of_a_label_set_come_from_the_server_and_of_an_array_from_the_kernel(page: Any, server: Any) -> None:
    asked = {path.partition("?")[0].rpartition("/views/V1/")[2] for path, _, _ in server.requests}
    assert "labels/rtstruct-1/slices/axial/20" in asked
    kernel = [(one["layer"], one["plane"], one["index"]) for one in server.messages if one["kind"] == "slice"]
    assert {layer for layer, _, _ in kernel} == {"l0"}
    assert ("l0", "axial", 20) in kernel


def test_nothing_is_asked_for_a_hidden_layer(page: Any, server: Any) -> None:
    plane(page, "axial").press("l")
    page.evaluate("window.settled()")
    server.messages.clear()
    server.requests.clear()
    plane(page, "axial").press("PageUp")
    page.wait_for_selector(".ctv[data-complete] .ctv-axial [data-shown='30']")
    assert [one for one in server.messages if one["kind"] == "slice"] == []
    assert not [path for path, _, _ in server.requests if "/labels/" in path]


def test_labels_of_another_grid_lie_where_they_are_in_the_patient(page: Any, server: Any) -> None:
    coarse = np.zeros(COARSE.shape, dtype=np.uint8)
    # Fine voxels z 20 to 21, rows 10 to 11, columns 20 to 23.
    coarse[10, 5, 10:12] = 1
    server.view.labels = ArrayVolume(coarse, COARSE)
    page.evaluate("labels => window.from_python({ labels })", server.view.labels)
    page.wait_for_selector(".ctv[data-complete] [data-labels='l2']")
    tinted = {
        (column, row) for column in range(17, 27) for row in range(8, 14) if len(set(colour_at(page, column, row))) > 1
    }
    assert tinted == {(column, row) for column in range(20, 24) for row in (10, 11)}


def test_python_repaints_with_its_own_colours(page: Any, server: Any) -> None:
    server.view.labels = [
        {"id": "l0", "opacity": 1.0, "segments": [{"value": LIVER, "colour": "#0000ff", "label": "hepar"}]}
    ]
    page.evaluate("labels => window.from_python({ labels })", server.view.labels)
    page.wait_for_timeout(100)
    assert colour_at(page, 40, 25) == (0, 0, 255)
    assert legend(page).get_by_role("button", name="Go to hepar").count() == 1
    assert legend(page, "l1").count() == 0


def test_a_refusal_takes_labels_away_with_the_pictures(page: Any, server: Any) -> None:
    server.refusal = (403, "No grant for phantom: yours ended on 3 May.")
    plane(page, "axial").press("PageUp")
    page.wait_for_selector(".ctv[data-refused]")
    assert plane(page, "axial").evaluate(IS_BLACK)


def test_all_and_none_keep_to_the_rows_that_are_found(page: Any, server: Any) -> None:
    many = np.arange(np.prod(GEOMETRY.shape)).reshape(GEOMETRY.shape) % 30
    server.view.labels = (many, {number: f"organ {number}" for number in range(1, 30)})
    page.evaluate("labels => window.from_python({ labels })", server.view.labels)
    part = legend(page, "l2")
    part.get_by_label("Find in labels").fill("organ 2")
    part.get_by_role("button", name="None").click()
    hidden = [one["value"] for one in trait(page, "labels")[0]["segments"] if not one["visible"]]
    assert hidden == [2, *range(20, 30)]
