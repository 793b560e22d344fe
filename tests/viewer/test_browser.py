"""The widget in a real browser: hands, keys, caches and refusals."""

from __future__ import annotations

import time
from typing import Any

import pytest

IS_BLACK = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.every((v, i) => i % 4 === 3 || v === 0)"
WIDTH_MM, HEIGHT_MM = 80 * 0.7, 64 * 0.8


def plane(page: Any, name: str) -> Any:
    return page.locator(f".ctv-plane[data-plane={name}]")


def trait(page: Any, name: str) -> Any:
    # The widget sends what hands do at most every 120 ms.
    page.evaluate("window.settled()")
    return page.evaluate(f"window.model.get('{name}')")


def axial_place(page: Any, column: float, row: float) -> tuple[float, float]:
    """Work out where on the page an axial voxel's centre lies: fitted, centred, physically square."""
    box = plane(page, "axial").bounding_box()
    scale = min(box["width"] / WIDTH_MM, box["height"] / HEIGHT_MM)
    x = box["x"] + box["width"] / 2 + (column + 0.5 - 40) * 0.7 * scale
    return x, box["y"] + box["height"] / 2 + (row + 0.5 - 32) * 0.8 * scale


def grey_at(page: Any, column: float, row: float) -> int:
    x, y = axial_place(page, column, row)
    box = plane(page, "axial").bounding_box()
    script = "(c, at) => [...c.getContext('2d').getImageData(at[0], at[1], 1, 1).data]"
    red, green, blue, _ = plane(page, "axial").evaluate(script, [round(x - box["x"]), round(y - box["y"])])
    assert red == green == blue
    return int(red)


def full(requests: list[Any]) -> list[str]:
    """Give the paths of full-resolution slices; on a slow machine coarse ones come before them."""
    return [path for path, _, _ in requests if "level=" not in path]


def asked_about(requests: list[Any]) -> dict[str, int]:
    """Give the answer's status for each slice that was asked about by its ETag."""
    return {path: status for path, known, status in requests if known}


def index_of(path: str) -> int:
    return int(path.split("?")[0].rsplit("/", 1)[1])


def shown(page: Any, name: str) -> int:
    return int(plane(page, name).get_attribute("data-shown"))


def test_click_puts_the_crosshair_on_the_voxel(page: Any) -> None:
    page.mouse.click(*axial_place(page, 55, 12))
    # Voxel (z 20, y 12, x 55): origin + index × spacing, worked out by hand.
    assert trait(page, "position_mm") == pytest.approx([-30 + 55 * 0.7, -20 + 12 * 0.8, 100.5 + 20 * 2.5], abs=0.01)
    page.wait_for_selector(".ctv[data-complete]")
    assert (shown(page, "axial"), shown(page, "coronal"), shown(page, "sagittal")) == (20, 12, 55)


def test_cursor_reads_the_value_of_the_voxel(page: Any) -> None:
    page.mouse.move(*axial_place(page, 47, 30))
    assert page.locator(".ctv-cursor").inner_text().endswith(": 47 HU")


def test_wheel_steps_one_slice_and_trackpads_add_up(page: Any) -> None:
    page.mouse.move(*axial_place(page, 40, 32))
    page.mouse.wheel(0, 100)
    page.wait_for_selector(".ctv-plane[data-shown='19']")
    for _ in range(4):
        page.mouse.wheel(0, -10)
    page.wait_for_selector(".ctv-plane[data-shown='20']")
    assert trait(page, "position_mm")[2] == pytest.approx(150.5)


def test_keys_step_page_and_jump(page: Any) -> None:
    axial = plane(page, "axial")
    axial.focus()
    for key, index in (("ArrowUp", 21), ("ArrowDown", 20), ("PageUp", 30), ("Home", 0), ("End", 39), ("ArrowUp", 39)):
        page.keyboard.press(key)
        page.wait_for_selector(f".ctv-axial [aria-valuenow='{index}']")
    plane(page, "sagittal").focus()
    page.keyboard.press("ArrowRight")
    assert trait(page, "position_mm")[0] == pytest.approx(-30 + 51 * 0.7)


def test_right_drag_windows_without_any_request(page: Any, server: Any) -> None:
    page.evaluate("window.settled()")
    before = len(server.requests)
    x, y = axial_place(page, 40, 32)
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y - 30)
    page.mouse.up(button="right")
    # 1500 HU wide: 5 HU a pixel.
    assert trait(page, "window") == [-600 - 30 * 5, 1500 + 60 * 5]
    assert len(server.requests) == before


def test_keys_choose_presets_and_the_menu_follows(page: Any) -> None:
    plane(page, "coronal").focus()
    page.keyboard.press("2")
    presets = page.evaluate("window.model.get('presets')")
    assert trait(page, "window") == presets[1]["name"]
    assert page.get_by_label("Window preset").input_value() == presets[1]["name"]


def test_grey_is_the_linear_window(page: Any) -> None:
    # 40 HU at level -600, width 1500: (40 + 1350) / 1500 = 0.9267 of 255.
    assert grey_at(page, 40, 25) == pytest.approx(236, abs=1)
    page.evaluate("window.model.set('window', [40, 400])")
    page.wait_for_timeout(100)
    assert grey_at(page, 40, 25) == pytest.approx(128, abs=1)


def test_space_hides_boxes_and_reset_brings_the_start_back(page: Any) -> None:
    axial = plane(page, "axial")
    assert axial.get_attribute("data-boxes") == "1"
    axial.focus()
    page.keyboard.press(" ")
    assert trait(page, "overlays_visible") is False
    for key in ("3", "PageDown", "+", "r"):
        page.keyboard.press(key)
    assert trait(page, "window") == "lung"
    assert trait(page, "position_mm") == pytest.approx([5.0, 4.0, 150.5])


def test_python_moves_the_crosshair(page: Any) -> None:
    page.evaluate("window.model.set('position_mm', [-30, -20, 100.5])")
    page.wait_for_selector(".ctv-axial [data-shown='0']")
    assert page.evaluate("window.saves") == 0


def test_zoom_keeps_the_voxel_under_the_pointer(page: Any) -> None:
    x, y = axial_place(page, 62, 30)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.mouse.move(x + 1, y)
    page.mouse.move(x, y)
    assert page.locator(".ctv-cursor").inner_text().endswith(": 62 HU")
    assert shown(page, "axial") == 20


def test_refusal_takes_every_pixel_away_and_says_why(page: Any, server: Any) -> None:
    server.refusal = (403, "No grant for phantom: yours ended on 3 May. Ask again with dataset.request(purpose=…).")
    plane(page, "axial").focus()
    page.keyboard.press("PageUp")
    page.wait_for_selector(".ctv[data-refused]")
    assert "ended on 3 May" in page.get_by_role("alert").inner_text()
    for name in ("axial", "coronal", "sagittal"):
        assert plane(page, name).evaluate(IS_BLACK)
    assert page.locator(".ctv").get_attribute("data-cache-bytes") == "0"


def test_access_that_came_back_is_shown_again(page: Any, server: Any) -> None:
    server.refusal = (403, "No grant.")
    plane(page, "axial").press("PageUp")
    page.wait_for_selector(".ctv[data-refused]")
    server.refusal = None
    page.get_by_role("button", name="Check access again").click()
    page.wait_for_selector(".ctv[data-complete]:not([data-refused])")
    assert shown(page, "axial") == 30


def test_a_busy_server_is_asked_again_and_pictures_stay(page: Any, server: Any) -> None:
    server.refusal = (503, "The gateway is busy.")
    plane(page, "axial").press("PageUp")
    page.wait_for_function("document.querySelector('.ctv-notice').textContent.includes('busy')")
    assert shown(page, "axial") == 20
    server.refusal = None
    page.wait_for_selector(".ctv-axial [data-shown='30']")
    page.wait_for_function("document.querySelector('.ctv-notice').textContent === ''")


def test_slices_seen_before_are_only_asked_about(page: Any, server: Any) -> None:
    page.wait_for_timeout(300)
    server.requests.clear()
    # Coming back to a tab: what is on screen is asked about with its ETag, and no bytes come.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(asked_about(server.requests)) < 3:
        page.wait_for_timeout(50)
    assert set(asked_about(server.requests).values()) == {304}


def test_scrolling_fetches_ahead_in_its_direction(page: Any, server: Any) -> None:
    page.wait_for_timeout(300)
    server.requests.clear()
    plane(page, "axial").press("ArrowUp")
    # 21 and 22 came with the first picture; from 21 on, eight more are wanted.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(full(server.requests)) < 7:
        page.wait_for_timeout(50)
    assert sorted(index_of(path) for path in full(server.requests)) == [23, 24, 25, 26, 27, 28, 29]


def test_what_nobody_looks_at_any_more_is_cancelled(page: Any, server: Any) -> None:
    page.wait_for_timeout(300)
    server.delay_s = 30
    cancelled: list[int] = []
    page.on("requestfailed", lambda sent: cancelled.append(index_of(sent.url)))
    plane(page, "axial").press("Home")
    page.evaluate("window.settled()")
    plane(page, "axial").press("End")
    page.evaluate("window.settled()")
    assert 0 in cancelled
    assert shown(page, "axial") == 20
    server.released.set()
    page.wait_for_selector(".ctv-axial [data-shown='39']")


def test_cache_forgets_the_oldest_slices_beyond_its_limit(page: Any, server: Any) -> None:
    # 20 slices of 32 MB would be 640 MB; the promise is 64 MB whatever the volume.
    wide = {"X-Shape": "4096,4096", "ETag": '"wide"'}, bytes(2 * 4096 * 4096)
    server.slice_of = lambda path, known: (200, *wide)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    axial = plane(page, "axial")
    for index in (30, 20, 10):
        axial.press("PageUp" if index == 30 else "PageDown")
        page.wait_for_selector(f".ctv-axial [data-shown='{index}']")
        assert int(page.locator(".ctv").get_attribute("data-cache-bytes")) <= 48 * 1024 * 1024


def test_planes_have_right_letters_and_a_keyboard_path(page: Any) -> None:
    names = page.get_by_role("slider").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert names == ["Axial plane", "Coronal plane", "Sagittal plane"]
    assert page.locator(".ctv canvas[tabindex='0']").count() == 3
    assert page.locator(".ctv").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_closing_a_view_leaves_nothing_behind(page: Any) -> None:
    page.evaluate("window.close_view()")
    assert page.locator(".ctv").count() == 0
    page.evaluate("window.model.set('position_mm', [0, 0, 120])")


def test_physical_aspect_is_kept(page: Any) -> None:
    # The crosshair of a click at 1/4 and 3/4 of the coronal plane's height spans half its height in mm.
    box = plane(page, "coronal").bounding_box()
    scale = min(box["width"] / WIDTH_MM, box["height"] / (40 * 2.5))
    places = []
    for offset_mm in (-20, 20):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + offset_mm * scale)
        places.append(trait(page, "position_mm")[2])
    assert places[0] - places[1] == pytest.approx(40, abs=2.5)
