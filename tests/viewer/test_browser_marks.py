"""Boxes, contours and measurements drawn, changed and named in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import math
from typing import Any

import pytest

from workbench.viewer.measurements import read_measurements

from .test_browser import axial_place, plane, trait

# Of the volume in conftest.py: origin and spacing (x, y, z).
ORIGIN, SPACING = (-30.0, -20.0, 100.5), (0.7, 0.8, 2.5)


def patient(column: float, row: float, index: float = 20) -> list[float]:
    return [o + s * n for o, s, n in zip(ORIGIN, SPACING, (column, row, index), strict=True)]


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*axial_place(page, *start))
    page.mouse.down()
    page.mouse.move(*axial_place(page, *(start[0] + 1, start[1] + 1)))
    page.mouse.move(*axial_place(page, *end), steps=3)
    page.mouse.up()


def choose(page: Any, key: str) -> None:
    plane(page, "axial").focus()
    page.keyboard.press(key)


def crosshair(page: Any, column: float, row: float) -> None:
    page.evaluate(f"window.from_python({{position_mm: {patient(column, row)}}})")


def count(page: Any, name: str, kind: str) -> str | None:
    page.wait_for_timeout(60)
    return str(plane(page, name).get_attribute(f"data-{kind}"))


def test_a_box_drawn_in_one_plane_appears_right_in_the_others(page: Any, server: Any) -> None:
    choose(page, "b")
    drag(page, (10, 10), (30, 20))
    drawn = trait(page, "boxes")[1]
    # 20 columns of 0.7 mm, 10 rows of 0.8 mm, and as deep as their mean: 11 mm.
    assert drawn["size_mm"] == pytest.approx([14, 8, 11], abs=0.3)
    assert drawn["centre_mm"] == pytest.approx(patient(20, 15), abs=0.3)
    assert server.view.marks[1].size_mm == pytest.approx(drawn["size_mm"])
    crosshair(page, 20, 15)
    page.wait_for_selector(".ctv[data-complete]")
    assert [count(page, name, "boxes") for name in ("axial", "coronal", "sagittal")] == ["2", "1", "1"]
    # Column 32 lies between the boxes, and row 22 only in the one that was there.
    crosshair(page, 32, 22)
    page.wait_for_selector(".ctv[data-complete]")
    assert [count(page, name, "boxes") for name in ("axial", "coronal", "sagittal")] == ["2", "1", "0"]


def test_a_side_moves_in_another_plane_and_undo_brings_it_back(page: Any) -> None:
    page.get_by_label("Name of box 1").focus()
    before = trait(page, "boxes")
    box = plane(page, "coronal").bounding_box()
    scale = min(box["width"] / 56, box["height"] / 100)
    # The box spans 143.5 to 157.5 mm in z; its upper side's handle lies in the middle, at x 1.5 mm.
    x = box["x"] + box["width"] / 2 + (1.5 + 30 - 27.65) * scale
    y = box["y"] + box["height"] / 2 - (157.5 - 100.5 - 48.75) * scale
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 5 * scale)
    page.mouse.up()
    moved = trait(page, "boxes")[0]
    assert moved["size_mm"] == pytest.approx([14, 14, 19], abs=0.2)
    assert moved["centre_mm"] == pytest.approx([1.5, 4, 153], abs=0.1)
    page.keyboard.press("Control+z")
    assert trait(page, "boxes") == before
    page.keyboard.press("Control+Shift+z")
    assert trait(page, "boxes")[0] == moved


def test_an_edge_moves_the_whole_box_and_a_click_chooses_it(page: Any) -> None:
    # The left edge: x 1.5 − 7 mm, column 35; eight pixels beside it still count.
    x, y = axial_place(page, 35, 32)
    page.mouse.click(x - 7, y)
    assert page.get_by_label("Name of box 1").get_attribute("aria-current") == "true"
    assert trait(page, "position_mm") == pytest.approx([5.0, 4.0, 150.5])
    drag(page, (35, 32), (25, 32))
    moved = trait(page, "boxes")[0]
    assert moved["size_mm"] == pytest.approx([14, 14, 14])
    assert moved["centre_mm"] == pytest.approx([1.5 - 7, 4, 150.5], abs=0.2)


def test_two_corners_at_one_place_are_no_box(page: Any) -> None:
    choose(page, "b")
    for _ in range(2):
        page.mouse.click(*axial_place(page, 10, 10))
    assert "two corners apart" in page.locator(".ctv-said").inner_text()
    assert len(trait(page, "boxes")) == 1


def test_a_box_is_drawn_by_keys_alone(page: Any) -> None:
    crosshair(page, 10, 10)
    choose(page, "b")
    page.keyboard.press("Enter")
    for key in ("Control+Shift+ArrowRight", "Control+ArrowDown", "Control+ArrowDown", "Enter"):
        page.keyboard.press(key)
    drawn = trait(page, "boxes")[1]
    assert drawn["centre_mm"] == pytest.approx(patient(15, 11))
    assert drawn["size_mm"] == pytest.approx([7, 1.6, 4.3])


def test_numbers_of_a_box_are_typed_and_impossible_ones_refused(page: Any, server: Any) -> None:
    page.get_by_label("Name of box 1").focus()
    field = page.get_by_label("Size z in mm")
    field.fill("20")
    field.press("Enter")
    assert trait(page, "boxes")[0]["size_mm"] == [14, 14, 20]
    field.fill("-3")
    field.press("Enter")
    assert "sizes above 0" in page.locator(".ctv-said").inner_text()
    centre = page.get_by_label("Centre x in mm")
    centre.fill("500")
    centre.press("Enter")
    assert "outside" in page.locator(".ctv-said").inner_text()
    assert (field.input_value(), centre.input_value()) == ("20", "1.5")
    assert server.view.boxes[0]["size_mm"] == [14, 14, 20]


def test_names_reach_python_and_come_from_python(page: Any, server: Any) -> None:
    field = page.get_by_label("Name of box 1")
    field.fill("left upper lobe")
    field.press("Enter")
    trait(page, "boxes")
    assert server.view.boxes[0]["label"] == "left upper lobe"
    page.evaluate("window.from_python({boxes: [{centre_mm: [0, 0, 150], size_mm: [9, 9, 9], label: 'from Python'}]})")
    plane(page, "axial").focus()
    assert field.input_value() == "from Python"


def test_delete_takes_the_chosen_mark_and_undo_brings_it_back(page: Any) -> None:
    page.mouse.click(*axial_place(page, 35, 32))
    page.keyboard.press("Delete")
    assert trait(page, "boxes") == []
    assert page.locator("[data-panel=marks]").is_hidden()
    page.keyboard.press("Control+z")
    assert trait(page, "boxes")[0]["label"] == "nodule"
    page.get_by_role("button", name="Delete nodule").click()
    assert trait(page, "boxes") == []
    assert page.evaluate("document.activeElement.className") == "ctv-plane"


def test_go_to_moves_the_crosshair_to_the_mark(page: Any) -> None:
    crosshair(page, 5, 5)
    page.get_by_role("button", name="Go to nodule").press("Enter")
    assert trait(page, "position_mm") == pytest.approx(patient(45, 30), abs=0.36)


def test_a_freehand_contour_keeps_its_shape_with_few_points(page: Any, server: Any) -> None:
    choose(page, "c")
    turns = [2 * math.pi * step / 90 for step in range(90)]
    places = [axial_place(page, 20 + 10 * math.cos(one), 32 + 8 * math.sin(one)) for one in turns]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    (drawn,) = trait(page, "contours")
    assert 8 < len(drawn["points_mm"]) < 60
    assert (drawn["label"], drawn["plane"], drawn["points_mm"][0][2]) == ("region", "axial", pytest.approx(150.5))
    xs = [point[0] for point in drawn["points_mm"]]
    assert (max(xs) + 30) / 0.7 == pytest.approx(30, abs=0.4)
    assert len(server.view.contours) == 1


def test_a_contour_is_clicked_point_by_point_and_closed_at_its_first(page: Any) -> None:
    choose(page, "c")
    for place in ((10, 10), (20, 10), (70, 60), (20, 20)):
        page.mouse.click(*axial_place(page, *place))
        if place == (70, 60):
            page.keyboard.press("Backspace")
    page.mouse.click(*axial_place(page, 10.2, 10))
    (drawn,) = trait(page, "contours")
    expected = [patient(*place) for place in ((10, 10), (20, 10), (20, 20))]
    assert [pytest.approx(point, abs=0.2) for point in drawn["points_mm"]] == expected
    assert count(page, "axial", "contours") == "1"
    assert count(page, "coronal", "contours") == "0"


def test_a_contour_is_drawn_by_keys_alone_and_its_points_moved_by_the_panel(page: Any) -> None:
    choose(page, "c")
    for column, row in ((10, 10), (20, 10), (20, 20)):
        crosshair(page, column, row)
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert trait(page, "contours")[0]["points_mm"][1] == pytest.approx(patient(20, 10))
    crosshair(page, 30, 12)
    page.get_by_label("Point", exact=True).fill("2")
    page.get_by_role("button", name="To crosshair").press("Enter")
    assert trait(page, "contours")[0]["points_mm"][1] == pytest.approx(patient(30, 12))
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    assert len(trait(page, "contours")[0]["points_mm"]) == 4
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    assert len(trait(page, "contours")[0]["points_mm"]) == 3
    page.get_by_role("button", name="Remove", exact=True).press("Enter")
    assert "at least three points" in page.locator(".ctv-said").inner_text()


def test_points_of_a_contour_are_dragged_added_and_removed(page: Any) -> None:
    square = [patient(*place) for place in ((5, 5), (25, 5), (25, 18), (5, 18))]
    page.evaluate(f"window.from_python({{contours: [{{label: 'a', plane: 'axial', points_mm: {square}}}]}})")
    page.mouse.click(*axial_place(page, 15, 5))
    drag(page, (25, 18), (28, 22))
    assert trait(page, "contours")[0]["points_mm"][2] == pytest.approx(patient(28, 22), abs=0.2)
    page.keyboard.down("Shift")
    page.mouse.click(*axial_place(page, 15, 5))
    page.keyboard.up("Shift")
    assert trait(page, "contours")[0]["points_mm"][1] == pytest.approx(patient(15, 5), abs=0.2)
    page.keyboard.down("Shift")
    page.mouse.click(*axial_place(page, 15, 5))
    page.keyboard.up("Shift")
    assert len(trait(page, "contours")[0]["points_mm"]) == 4


def test_a_distance_is_measured_in_patient_millimetres(page: Any, server: Any) -> None:
    choose(page, "d")
    drag(page, (10, 10), (40, 45))
    (drawn,) = trait(page, "measurements")
    # 21 and 28 mm: the sides of a right triangle with 35.
    assert (drawn["value"], drawn["unit"]) == (pytest.approx(35, abs=0.3), "mm")
    crosshair(page, 10, 10)
    choose(page, "d")
    choose(page, "d")
    page.keyboard.press("Enter")
    crosshair(page, 40, 45)
    page.keyboard.press("Enter")
    assert trait(page, "measurements")[1]["value"] == pytest.approx(35)
    assert "35.0 mm" in page.locator("[data-panel=marks]").inner_text()
    assert server.view.measurements[1]["value"] == pytest.approx(35)


def test_an_angle_is_measured_in_the_patient(page: Any) -> None:
    choose(page, "g")
    for column, row in ((30, 20), (30, 28), (38, 20)):
        crosshair(page, column, row)
        page.keyboard.press("Enter")
    (drawn,) = trait(page, "measurements")
    assert (drawn["value"], drawn["unit"]) == (pytest.approx(math.degrees(math.atan(7 / 8))), "deg")


def test_a_point_on_another_slice_begins_anew(page: Any) -> None:
    crosshair(page, 10, 10)
    choose(page, "d")
    for key in ("Enter", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert "lies in one slice" in page.locator(".ctv-said").inner_text()
    assert trait(page, "measurements") == []


@pytest.mark.parametrize(("key", "kind"), [("q", "rectangle"), ("e", "ellipse")])
def test_a_region_has_the_statistics_of_its_pixels(page: Any, server: Any, key: str, kind: str) -> None:
    choose(page, key)
    drag(page, (31, 24), (51, 36))
    (drawn,) = trait(page, "measurements")
    (measured,) = read_measurements([{**drawn, "statistics": None}], server.view.volume)
    assert measured.statistics is not None
    assert drawn["statistics"] == pytest.approx({**vars(measured.statistics)})
    assert (drawn["kind"], drawn["unit"], drawn["value"]) == (kind, "HU", pytest.approx(measured.value))
    # Soft tissue of 40 HU, and one row whose every voxel is its column.
    assert drawn["statistics"]["minimum"] < 33
    assert drawn["statistics"]["maximum"] > 49
    assert server.view.measurements[0]["statistics"]["pixels"] == drawn["statistics"]["pixels"]


def test_a_measurement_belongs_to_its_slice(page: Any) -> None:
    choose(page, "q")
    drag(page, (31, 24), (51, 36))
    before = trait(page, "measurements")
    assert count(page, "axial", "measurements") == "1"
    plane(page, "axial").press("PageUp")
    page.wait_for_selector(".ctv-axial [data-shown='30']")
    assert count(page, "axial", "measurements") == "0"
    assert trait(page, "measurements") == before


def test_statistics_of_a_slab_say_so(page: Any, server: Any) -> None:
    page.evaluate("window.from_python({slab_mm: 10, slab_mode: 'mip'})")
    page.wait_for_selector(".ctv[data-complete]")
    choose(page, "q")
    drag(page, (5, 25), (25, 35))
    statistics = trait(page, "measurements")[0]["statistics"]
    # The row of column numbers lies in the slab; without it there is only air.
    assert (statistics["slab_mm"], statistics["slab_mode"], statistics["minimum"]) == (10, "mip", -1000)
    assert statistics["maximum"] > 20
    assert "mip slab of 10 mm" in page.locator("[data-panel=marks]").inner_text()


def test_a_region_waits_for_its_full_slice(page: Any, server: Any) -> None:
    page.evaluate("window.settled()")
    server.delay_s = 30
    crosshair(page, 31, 24)
    page.evaluate(f"window.from_python({{position_mm: {patient(31, 24, 12)}}})")
    choose(page, "q")
    page.keyboard.press("Enter")
    page.evaluate(f"window.from_python({{position_mm: {patient(41, 34, 12)}}})")
    page.keyboard.press("Enter")
    assert "full resolution" in page.locator(".ctv-said").inner_text()
    assert trait(page, "measurements") == []
    server.released.set()
    page.wait_for_function("window.model.get('measurements').length === 1")
    assert trait(page, "measurements")[0]["value"] == 40


def test_escape_forgets_what_is_half_drawn(page: Any) -> None:
    choose(page, "d")
    page.mouse.click(*axial_place(page, 10, 10))
    page.keyboard.press("Escape")
    page.mouse.click(*axial_place(page, 20, 20))
    assert trait(page, "measurements") == []
    assert trait(page, "position_mm") == pytest.approx(patient(20, 20))


def test_every_field_and_button_of_the_list_has_a_name(page: Any) -> None:
    choose(page, "d")
    drag(page, (10, 10), (40, 45))
    script = "all => all.map(one => one.getAttribute('aria-label') || one.closest('label')?.textContent || one.title)"
    names = page.locator("[data-panel=marks]").locator("input, button").evaluate_all(script)
    assert len(names) >= 8
    assert all(names)
