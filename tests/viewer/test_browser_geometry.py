"""Whatever way a scan was acquired, the letters, places and sizes on the screen are those of the patient.

Each phantom carries a bright block at the high end of each index axis; what is expected is worked out from the
directions by hand (`grids.py`), and what is shown is measured in the canvas's pixels.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.geometry import Geometry
from workbench.viewer.picture import PANES, Scene, draw_picture
from workbench.viewer.shown_volume import ArrayVolume
from workbench.viewer.widget import Opened

from .conftest import CountedVolume
from .grids import (
    AXES,
    CENTRE,
    DIRECTIONS,
    HALF,
    LESION,
    LESION_HU,
    OPPOSITE,
    SHAPE,
    SPACING,
    VALUES,
    block,
    extent,
    grid,
    letters,
    marked,
    marker,
    patient,
    picture,
    spot,
)  # fmt: skip
from .test_browser import plane

# 0 HU is black, 1000 HU white: the blocks are 51, 115 and 179 of 255.
WINDOW = (500, 1000)
GREYS = [value * 0.255 for value in VALUES]
EXTENT_MM = [n * s for n, s in zip(SHAPE, SPACING, strict=True)]
TISSUE_LABEL = 3


@pytest.fixture(params=DIRECTIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def volume(name: str) -> CountedVolume:
    return CountedVolume(marked(), grid(name))


@pytest.fixture
def view_options(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    made = getattr(request, "param", None)
    return {
        "position_mm": patient(name, CENTRE), "window": WINDOW, "boxes": [], "overlays_visible": False,
        **(made(name) if made else {}),
    }  # fmt: skip


def is_across(page: Any, name: str, shown: str, axis: int) -> bool:
    """Whether an index axis runs across the screen, by the letters at the plane's edges."""
    left, right, *_ = str(plane(page, shown).get_attribute("data-letters")).split()
    return letters(name, axis) in (left, right)


def scale_of(page: Any, name: str, shown: str, pixels: Any) -> float:
    """Give the pixels per mm of a plane that fits its canvas."""
    one, two = AXES[shown][1:]
    wide, high = (one, two) if is_across(page, name, shown, one) else (two, one)
    return float(min(pixels.shape[1] / EXTENT_MM[wide], pixels.shape[0] / EXTENT_MM[high]))


def tell(page: Any, **traits: Any) -> None:
    page.evaluate("traits => window.from_python(traits)", traits)
    page.wait_for_selector(".ctv[data-complete]")
    page.wait_for_timeout(60)


def tissue(page: Any, shown: str) -> Any:
    """Give where the lesion lies on a plane through its middle: left, right, top, bottom."""
    tell(page, window=[30000, 1], overlays_visible=False)
    black = picture(page, shown)
    tell(page, window=[0, 1])
    # Half grey is where a voxel ends; below stand the window's words.
    return extent((picture(page, shown) - black)[:-30].max(axis=-1) > 127)


def frame(page: Any, shown: str) -> Any:
    """Give the outline of the boxes, which alone are more blue than green, on black."""
    tell(page, window=[30000, 1], overlays_visible=True)
    red, green, blue = np.moveaxis(picture(page, shown), -1, 0)
    return extent((blue - red > 60) & (blue > green + 15))


def test_marked_ends_lie_at_the_edges_with_their_letters(page: Any, name: str) -> None:
    for shown, (_, *axes) in AXES.items():
        pixels = picture(page, shown)
        height, width = pixels.shape[:2]
        left, right, top, bottom = str(plane(page, shown).get_attribute("data-letters")).split()
        assert (left.translate(OPPOSITE), top.translate(OPPOSITE)) == (right, bottom)
        for axis in axes:
            x, y = spot(pixels, GREYS[axis]) - [width / 2, height / 2]
            edge = (right if x > 0 else left) if abs(x) > abs(y) else (bottom if y > 0 else top)
            assert edge == letters(name, axis), (shown, axis)


def test_planes_hang_as_radiologists_read_them(page: Any) -> None:
    titles = set()
    for shown in AXES:
        left, right, top, _ = str(plane(page, shown).get_attribute("data-letters")).split()
        titles.add((left[0], right[0], top[0]))
    assert titles == {("R", "L", "A"), ("R", "L", "S"), ("A", "P", "S")}


def test_millimetres_are_as_long_both_ways_and_the_scale_bar_says_so(page: Any, name: str) -> None:
    for shown, (_, *axes) in AXES.items():
        tell(page, window=WINDOW)
        pixels = picture(page, shown)
        middle = np.array([pixels.shape[1] / 2, pixels.shape[0] / 2])
        scale = scale_of(page, name, shown, pixels)
        for axis in axes:
            away = np.abs(spot(pixels, GREYS[axis]) - middle)[0 if is_across(page, name, shown, axis) else 1]
            assert away == pytest.approx((marker(axis)[axis] + 0.5 - SHAPE[axis] / 2) * SPACING[axis] * scale, abs=1)
        assert bar_px(page, shown) == pytest.approx(bar_mm(page, shown) * scale, abs=1)
        assert spot(picture(page, shown), GREYS[axes[0]]) is None


def bar_mm(page: Any, shown: str) -> float:
    return float(plane(page, shown).get_attribute("data-bar-mm"))


def bar_px(page: Any, shown: str) -> int:
    """Measure the scale bar on a black picture: its line is 2 px thick, so each end's tick adds 1 px."""
    tell(page, window=[30000, 1])
    height = picture(page, shown).shape[0]
    row = picture(page, shown)[height - 11 : height - 8].min(axis=-1).max(axis=0) > 160
    ends = np.flatnonzero(~row[8:])
    return int(ends[0]) + 8 - int(np.flatnonzero(row)[0]) - 2


def test_zoom_and_pan_keep_distances_and_the_scale_bar(page: Any, name: str) -> None:
    tell(page, position_mm=patient(name, LESION))
    for shown in AXES:
        tell(page, window=WINDOW)
        pixels = picture(page, shown)
        scale, middle = scale_of(page, name, shown, pixels), np.array(pixels.shape[1::-1]) / 2
        before = spot(pixels, LESION_HU * 0.255) - middle
        # Two steps of 1.15 each; then 24 px to the left and down.
        for key in ("+", "+", "Shift+ArrowLeft", "Shift+ArrowDown"):
            plane(page, shown).press(key)
        page.wait_for_timeout(60)
        after = spot(picture(page, shown), LESION_HU * 0.255) - middle
        assert after == pytest.approx(before * 1.15**2 + [-24, 24], abs=1), shown
        assert bar_px(page, shown) == pytest.approx(bar_mm(page, shown) * scale * 1.15**2, abs=1), shown


def test_a_click_on_a_known_voxel_gives_its_patient_position(page: Any, server: Any, name: str) -> None:
    for shown, (_, *axes) in AXES.items():
        tell(page, position_mm=patient(name, CENTRE))
        for axis in axes:
            place, box = spot(picture(page, shown), GREYS[axis]), plane(page, shown).bounding_box()
            page.mouse.move(box["x"] + place[0], box["y"] + place[1])
            expected = patient(name, marker(axis))
            words = " ".join(f"{letter} {mm:.1f}" for letter, mm in zip("xyz", expected, strict=True))
            said = page.locator(".ctv-cursor").inner_text()
            assert said == f"cursor {words} mm (LPS): {VALUES[axis]} HU".replace("-", "−")
            page.mouse.click(box["x"] + place[0], box["y"] + place[1])
            page.evaluate("window.settled()")
            assert server.view.position_mm == pytest.approx(expected, abs=0.01)
            tell(page, position_mm=patient(name, CENTRE))


def test_the_still_picture_hangs_as_the_widget_does(page: Any, volume: Any, name: str) -> None:
    png = draw_picture(volume, Scene(tuple(patient(name, CENTRE)), *WINDOW, overlays=False))
    still = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    for shown, (_, *axes) in AXES.items():
        left, top, width, height = PANES[shown]
        pane, live = still[top : top + height, left : left + width], picture(page, shown)
        scales = [scale_of(page, name, shown, pixels) for pixels in (pane, live)]
        for axis in axes:
            # The still picture has 64 greys or fewer.
            places = [spot(pane, GREYS[axis], 5), spot(live, GREYS[axis])]
            middles = [np.array(pixels.shape[1::-1]) / 2 for pixels in (pane, live)]
            still_mm, live_mm = ((at - mid) / s for at, mid, s in zip(places, middles, scales, strict=True))
            assert still_mm == pytest.approx(live_mm, abs=1.5 / scales[0])


def box_around(name: str) -> dict[str, Any]:
    """Give the box around the lesion: each side along the patient direction that its axis follows most."""
    size = [0.0, 0.0, 0.0]
    for axis in range(3):
        component = "RLAPIS".index(letters(name, axis)[0]) // 2
        size[component] = (2 * HALF[axis] + 1) * SPACING[axis]
    return {"centre_mm": patient(name, LESION), "size_mm": size, "label": ""}


def test_a_box_in_mm_covers_the_same_tissue_in_every_plane(page: Any, name: str) -> None:
    tell(page, boxes=[box_around(name)], position_mm=patient(name, LESION))
    for shown in AXES:
        assert frame(page, shown) == pytest.approx(tissue(page, shown), abs=2), shown


def draw_box(page: Any, shown: str) -> None:
    # What the tool says may need a line of its own, which makes the planes smaller.
    plane(page, shown).press("b")
    left, right, top, bottom = tissue(page, shown)
    tell(page, overlays_visible=True)
    at = plane(page, shown).bounding_box()
    page.mouse.move(at["x"] + left, at["y"] + top)
    page.mouse.down()
    page.mouse.move(at["x"] + right, at["y"] + bottom, steps=4)
    page.mouse.up()
    page.keyboard.press("Escape")
    page.evaluate("window.settled()")


def test_a_box_drawn_in_one_plane_has_its_extent_in_the_others(page: Any, server: Any, name: str) -> None:
    for shown, (_, *axes) in AXES.items():
        tell(page, boxes=[], position_mm=patient(name, LESION))
        draw_box(page, shown)
        (drawn,) = server.view.boxes
        assert drawn["centre_mm"] == pytest.approx(patient(name, LESION), abs=1), shown
        # Its name is blue too.
        tell(page, boxes=[{**drawn, "label": ""}])
        for other in set(AXES) - {shown}:
            found, seen = frame(page, other), tissue(page, other)
            (shared,) = set(axes) & set(AXES[other][1:])
            ends = slice(0, 2) if is_across(page, name, other, shared) else slice(2, 4)
            assert found[ends] == pytest.approx(seen[ends], abs=3), (shown, other)


def labelled(name: str) -> dict[str, Any]:
    values = np.zeros(SHAPE, dtype=np.uint16)
    values[block(LESION)] = TISSUE_LABEL
    return {"labels": values}


@pytest.mark.parametrize("view_options", [labelled], indirect=True, ids=["labels"])
def test_labels_cover_the_tissue_they_were_drawn_on(page: Any, name: str) -> None:
    tell(page, position_mm=patient(name, LESION))
    for shown in AXES:
        seen = tissue(page, shown)
        bare = picture(page, shown)
        tell(page, overlays_visible=True)
        # The crosshair is drawn as well, one pixel wide: what is filled is an area.
        pixels = picture(page, shown)
        tinted = (np.ptp(pixels, axis=-1) > 20) & (np.abs(pixels - bare).max(axis=-1) > 20)
        filled = tinted & np.roll(tinted, 4, 0) & np.roll(tinted, 4, 1) & np.roll(tinted, (4, 4), (0, 1))
        assert extent(filled) - [4, 0, 4, 0] == pytest.approx(seen, abs=2), shown


def outlined(name: str) -> dict[str, Any]:
    """Give a polygon around the lesion, on the slice of each plane through its middle."""
    contours = []
    for shown, (normal, row, column) in AXES.items():
        points = []
        for down, right in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
            index = [float(n) for n in LESION]
            index[row] += down * (HALF[row] + 0.5)
            index[column] += right * (HALF[column] + 0.5)
            points.append(patient(name, (index[0], index[1], index[2])))
        contours.append({"label": "", "plane": shown, "points_mm": points})
        assert index[normal] == LESION[normal]
    return {"contours": contours}


@pytest.mark.parametrize("view_options", [outlined], indirect=True, ids=["contours"])
def test_contours_run_around_the_tissue_they_were_drawn_on(page: Any, server: Any, name: str) -> None:
    centre = patient(name, LESION)
    assert len(server.view.contours) == 3
    for shown in AXES:
        tell(page, position_mm=centre)
        seen = tissue(page, shown)
        left, right, top, bottom = (round(n) for n in seen)
        tell(page, window=[30000, 1], overlays_visible=True)
        is_drawn = np.ptp(picture(page, shown), axis=-1) > 30
        upright, level = slice(top + 3, bottom - 3), slice(left + 3, right - 3)
        # Each side is a line within 2 px of where the tissue ends, and unbroken but for its corners.
        for x in (left, right):
            assert is_drawn[upright, x - 2 : x + 2].any(axis=1).all(), shown
        for y in (top, bottom):
            assert is_drawn[y - 2 : y + 2, level].any(axis=0).all(), shown


def compared(name: str) -> dict[str, Any]:
    """Give a second volume, axial and finer, with one bright ball where the first one has the middle of the lesion."""
    ball = patient(name, LESION)
    corner = [mm - 30.0 for mm in ball]
    z, y, x = np.meshgrid(*[np.arange(41) * 1.5] * 3, indexing="ij")
    array = np.where((z - 30) ** 2 + (y - 30) ** 2 + (x - 30) ** 2 <= 81, 700, 0).astype(np.int16)
    on = Geometry((41, 41, 41), (1.5, 1.5, 1.5), (corner[0], corner[1], corner[2]))
    other = Opened(ArrayVolume(array, on, modality="MR", title="other"), "", True)
    compare = {"mode": "blend", "share": 1.0, "colour": "grey"}
    return {"other": other, "window_other": WINDOW, "compare": compare, "position_mm": ball}


@pytest.mark.parametrize("view_options", [compared], indirect=True, ids=["compare"])
def test_a_compared_scan_lies_where_the_patient_is(page: Any, name: str) -> None:
    for shown in AXES:
        tell(page, compare={"mode": "off", "share": 1.0, "square_mm": 20, "colour": "grey", "plane": "axial"})
        left, right, top, bottom = tissue(page, shown)
        tell(page, compare={"mode": "blend", "share": 1.0, "square_mm": 20, "colour": "grey", "plane": "axial"})
        laid = spot(picture(page, shown), VALUES[0] * 0.255)
        assert laid == pytest.approx([(left + right) / 2, (top + bottom) / 2], abs=1.5), shown


def test_a_slab_holds_the_slices_within_half_its_thickness(page: Any) -> None:
    for shown, (normal, *_) in AXES.items():
        # The nearest slice of the block at the end of the plane's own axis.
        away = (marker(normal)[normal] - HALF[normal] - CENTRE[normal]) * SPACING[normal]
        tell(page, slab_mm=2 * away - 0.1, slab_mode="mip")
        assert spot(picture(page, shown), GREYS[normal]) is None
        tell(page, slab_mm=2 * away, slab_mode="mip")
        pixels = picture(page, shown)
        middle = np.array([pixels.shape[1] / 2, pixels.shape[0] / 2])
        assert np.abs(spot(pixels, GREYS[normal]) - middle).max() < 20
        tell(page, slab_mm=0)
