"""Two volumes compared in a real browser: blended, in squares, side by side, each pixel worked out by hand.

The second volume's number is 1000 times its column, so that it is 175 times the first volume's column (0.7 mm of
4 mm); it reaches from z 120.5 to 175.5 mm, the first one from 100.5 to 198.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.viewer.test_browser import axial_place, plane, trait
from workbench.geometry import Geometry
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import Opened

GRID = Geometry((12, 20, 24), (5.0, 4.0, 4.0), (-30.0, -20.0, 120.5))
# The same voxels as a sagittal scan has them: z towards the right, y towards the feet, x towards the back.
SAGITTAL = Geometry(
    (24, 12, 20), (4.0, 5.0, 4.0), (62.0, -20.0, 175.5), (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
)
# Level 7000, width 14000: column c is 175 c / 14000 of white.
WINDOW = (7000, 14000)


def ramp(modality: str, grid: Geometry = GRID) -> Opened:
    array = np.zeros(grid.shape, np.int16)
    array[:] = np.arange(grid.shape[2], dtype=np.int16) * 1000
    return Opened(ArrayVolume(array, grid, modality=modality, unit="Bq/ml", title=f"{modality} S0001"), "", True)


@pytest.fixture
def view_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give a second volume, and how it is compared."""
    given = {"modality": "MR", "grid": GRID, **getattr(request, "param", {})}
    other = ramp(given.pop("modality"), given.pop("grid"))
    # The pixels are looked at without the box and the crosshair that may lie over them.
    return {"other": other, "window_other": WINDOW, "overlays_visible": False, **given}


def opened(**options: Any) -> Any:
    """Open the page with a second volume and further options."""
    return pytest.mark.parametrize("view_options", [options], indirect=True, ids=["view"])


def pixel(page: Any, column: float, row: float) -> list[int]:
    x, y = axial_place(page, column, row)
    box = plane(page, "axial").bounding_box()
    script = "(c, at) => [...c.getContext('2d').getImageData(at[0], at[1], 1, 1).data].slice(0, 3)"
    return list(plane(page, "axial").evaluate(script, [round(x - box["x"]), round(y - box["y"])]))


def pair(page: Any) -> list[Any]:
    return [page.locator(f".ctv-plane[data-volume={name}]") for name in ("v0", "v1")]


def middle(page: Any, canvas: Any) -> list[float]:
    """Click the middle of a plane and give the patient position there."""
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return list(trait(page, "position_mm"))


@opened(compare={"mode": "blend", "share": 0.25})
def test_a_blend_mixes_both_volumes_at_each_patient_position(page: Any) -> None:
    # Voxel (20, 25, 40): 40 HU is grey 236; 7000 is half of white, 127.5: 0.75 × 236 + 0.25 × 127.5 = 208.9.
    assert pixel(page, 40, 25) == pytest.approx([209] * 3, abs=2)
    # Voxel (20, 25, 20): air is 59.5; 3500 is a quarter, 63.75: 60.6.
    assert pixel(page, 20, 25) == pytest.approx([61] * 3, abs=2)


@opened(compare="blend")
def test_the_share_goes_from_one_volume_to_the_other(page: Any) -> None:
    page.get_by_label("Share of MR S0001").fill("1")
    assert trait(page, "compare")["share"] == 1
    assert pixel(page, 40, 25) == pytest.approx([128] * 3, abs=2)
    page.get_by_label("Share of MR S0001").press("Home")
    assert trait(page, "compare")["share"] == 0
    assert pixel(page, 40, 25) == pytest.approx([236] * 3, abs=1)


@opened(compare={"mode": "blend", "share": 0.8}, position_mm=(5.0, 4.0, 100.5))
def test_where_the_second_volume_is_not_the_first_is_whole(page: Any) -> None:
    assert pixel(page, 40, 5) == pytest.approx([60] * 3, abs=1)
    said = plane(page, "axial").get_attribute("aria-description")
    assert said == "The crosshair lies outside of MR S0001"
    page.evaluate("window.from_python({position_mm: [5, 4, 150.5]})")
    page.wait_for_selector(".ctv-axial [data-shown='20']:not([data-outside])")


@opened(modality="PT", compare={"mode": "blend", "share": 1.0})
def test_uptake_lies_hot_and_low_uptake_see_through_over_the_scan(page: Any) -> None:
    page.evaluate("window.from_python({window_other: [3500, 7000]})")
    page.wait_for_timeout(100)
    # 55 × 175 = 9625 is beyond the window: the map's last colour, fcffa4.
    assert pixel(page, 55, 25) == pytest.approx([252, 255, 164], abs=2)
    # Column 0 holds no uptake: what is there is the first volume's air.
    assert pixel(page, 0, 25) == pytest.approx([60] * 3, abs=2)


@opened(compare={"mode": "checkerboard", "square_mm": 10})
def test_squares_alternate_between_the_volumes(page: Any) -> None:
    # From the slice's corner, row 25 lies 20.4 mm down (square 2); column 40 28.4 mm to the right (2), 55 38.9 (3).
    assert pixel(page, 40, 25) == pytest.approx([236] * 3, abs=1)
    # 55 × 175 / 14000 of 255 is 175.
    assert pixel(page, 55, 25) == pytest.approx([175] * 3, abs=2)


@opened(compare={"mode": "checkerboard", "square_mm": 10}, position_mm=(5.0, 4.0, 100.5))
def test_squares_without_a_second_volume_are_black(page: Any) -> None:
    assert pixel(page, 55, 25) == [0, 0, 0]
    assert pixel(page, 40, 25) == pytest.approx([60] * 3, abs=1)


@opened(compare="blend")
def test_the_cursor_reads_both_volumes(page: Any) -> None:
    page.mouse.move(*axial_place(page, 44, 30))
    assert page.locator(".ctv-cursor").inner_text().endswith(": 44 HU · MR S0001: 7700 Bq/ml")


@opened(modality="PT")
def test_controls_change_the_traits_and_follow_them(page: Any) -> None:
    page.get_by_label("How the two volumes are compared").select_option("checkerboard")
    page.get_by_label("Squares in mm").fill("900")
    page.get_by_label("Squares in mm").press("Enter")
    page.get_by_label("Colours of PT S0001").select_option("grey")
    wanted = {"mode": "checkerboard", "share": 0.5, "square_mm": 500, "colour": "grey", "plane": "axial"}
    assert trait(page, "compare") == wanted
    page.evaluate("window.from_python({compare: {...window.model.get('compare'), mode: 'off'}})")
    assert page.get_by_label("How the two volumes are compared").input_value() == "off"
    assert page.get_by_label("Squares in mm").is_hidden()


def test_the_second_window_is_its_own(page: Any, server: Any) -> None:
    presets = server.view.presets_other
    page.get_by_label("How the two volumes are compared").select_option("blend")
    page.get_by_label("Window preset of MR S0001").select_option(presets[1]["name"])
    assert trait(page, "window_other") == presets[1]["name"]
    page.get_by_label("Window width of MR S0001").fill("5000")
    page.get_by_label("Window width of MR S0001").press("Enter")
    assert trait(page, "window_other") == [presets[1]["level"], 5000]
    assert trait(page, "window") == "lung"


@opened(arrangement="side-by-side")
def test_side_by_side_shows_the_same_position_in_both_grids(page: Any) -> None:
    first, second = pair(page)
    # z 150.5: (150.5 - 100.5) / 2.5 = 20, and (150.5 - 120.5) / 5 = 6.
    assert (first.get_attribute("data-shown"), second.get_attribute("data-shown")) == ("20", "6")
    first.focus()
    page.keyboard.press("PageUp")
    # z 175.5 is the middle of slice 11, the last one of the second volume.
    page.wait_for_selector(".ctv-plane[data-volume=v1][data-shown='11']")
    assert second.get_attribute("data-outside") is None


@opened(arrangement="side-by-side")
def test_stepping_through_the_second_volume_moves_the_first(page: Any) -> None:
    first, second = pair(page)
    second.focus()
    page.keyboard.press("ArrowUp")
    # One slice of 5 mm: two of 2.5 mm.
    page.wait_for_selector(".ctv-plane[data-volume=v0][data-shown='22']")
    assert trait(page, "position_mm")[2] == pytest.approx(155.5)
    assert second.get_attribute("data-shown") == "7"
    assert first.get_attribute("data-shown") == "22"


@opened(arrangement="side-by-side", position_mm=(5.0, 4.0, 198.0))
def test_a_slice_of_another_place_is_not_shown(page: Any) -> None:
    _, second = pair(page)
    assert second.get_attribute("aria-description") == "MR S0001 has no slice at this position"
    box = second.bounding_box()
    script = "(c, at) => [...c.getContext('2d').getImageData(at[0], at[1], 60, 60).data].filter((v, i) => i % 4 < 3)"
    assert set(second.evaluate(script, [round(box["width"] / 4), round(box["height"] * 0.6)])) == {0}
    second.focus()
    # Its own last slice is one step away.
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".ctv-plane[data-volume=v1]:not([data-outside])")


@opened(arrangement="side-by-side")
def test_both_planes_zoom_and_pan_as_one(page: Any) -> None:
    first, second = pair(page)
    box = second.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 120)
    page.keyboard.down("Control")
    for _ in range(5):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_timeout(100)
    at_second, at_first = middle(page, second), middle(page, first)
    # A click goes to a voxel's middle: within half a voxel of each grid.
    assert at_first[0] == pytest.approx(at_second[0], abs=(0.7 + 4) / 2)
    assert at_first[1] == pytest.approx(at_second[1], abs=(0.8 + 4) / 2)
    # The zoom kept what lay left of the middle (x −2.4, y 5.2) and above it.
    assert at_first[0] < -4 and at_first[1] < 5


@opened(arrangement="side-by-side", grid=SAGITTAL)
def test_a_volume_stored_in_another_order_shows_the_same_plane(page: Any) -> None:
    _, second = pair(page)
    assert second.get_attribute("aria-label") == "Axial plane of MR S0001"
    # z 150.5 is 25 mm below 175.5: row 5 of its stored slices.
    assert second.get_attribute("data-shown") == "5"
    assert second.get_attribute("data-plane") == "coronal"


@opened(arrangement="side-by-side")
def test_all_three_planes_may_stand_side_by_side(page: Any) -> None:
    page.get_by_label("Plane side by side").select_option("all")
    page.wait_for_selector(".ctv[data-complete] .ctv-ground[data-layout=pairs]")
    names = page.get_by_role("slider", name="plane").evaluate_all("all => all.map(one => one.ariaLabel)")
    planes = ["Axial", "Coronal", "Sagittal"]
    assert names == [name for one in planes for name in (f"{one} plane", f"{one} plane of MR S0001")]
    page.get_by_label("Layout").select_option("planes")
    assert page.locator(".ctv-plane").count() == 3


@opened(compare="blend")
def test_a_refusal_takes_the_second_volume_away_too(page: Any, server: Any) -> None:
    server.refusal = (403, "No grant.")
    plane(page, "axial").press("PageUp")
    page.wait_for_selector(".ctv[data-refused]")
    is_black = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every((v, i) => i % 4 > 2 || !v)"
    assert plane(page, "axial").evaluate(is_black)
    assert page.locator(".ctv").get_attribute("data-cache-bytes") == "0"
