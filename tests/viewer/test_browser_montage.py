"""Montage, cine and slabs in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.viewer.test_browser import plane, trait

# 40 axial slices of 2.5 mm: every second one (5 mm), from the head: place p is slice 39 - p.
SHOWN = "all => all.map(one => Number(one.dataset.shown))"


@pytest.fixture
def view_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give how the view starts."""
    return dict(getattr(request, "param", {}))


montage = pytest.mark.parametrize("view_options", [{"arrangement": "montage"}], indirect=True, ids=["montage"])


def cells(page: Any) -> list[int]:
    page.wait_for_selector(".ctv[data-complete]")
    page.wait_for_timeout(100)
    return list(page.locator(".ctv-cell:not([hidden]) .ctv-plane").evaluate_all(SHOWN))


@montage
def test_a_sheet_holds_the_crosshair_and_goes_from_head_to_feet(page: Any) -> None:
    # Slice 20 is place 19; pages of 12 cells of 2 slices from place 1: 1, 3, … 23.
    assert cells(page) == [38 - 2 * i for i in range(12)]
    assert page.locator(".ctv-cell[data-current] .ctv-plane").get_attribute("data-shown") == "20"


@montage
def test_the_wheel_turns_pages_and_leaves_the_crosshair(page: Any) -> None:
    page.locator(".ctv-plane").first.hover()
    page.mouse.wheel(0, 100)
    page.wait_for_selector(".ctv-plane[data-shown='14']")
    assert cells(page) == [14 - 2 * i for i in range(8)]
    assert trait(page, "position_mm")[2] == pytest.approx(150.5)
    page.mouse.wheel(0, 100)
    page.wait_for_timeout(100)
    assert cells(page)[0] == 14
    page.mouse.wheel(0, -100)
    page.wait_for_selector(".ctv-plane[data-shown='38']")


@montage
def test_a_click_goes_to_the_slice_and_a_double_click_opens_it(page: Any) -> None:
    third = page.locator(".ctv-plane[data-shown='34']")
    third.click()
    # Slice 34 lies at 100.5 + 34 × 2.5.
    assert trait(page, "position_mm")[2] == pytest.approx(185.5)
    assert page.locator(".ctv-cell[data-current] .ctv-plane").get_attribute("data-shown") == "34"
    third.dblclick()
    page.wait_for_selector(".ctv[data-layout=axial] .ctv-plane[data-shown='34']")


@montage
def test_keys_walk_over_the_sheet_and_open_a_slice(page: Any) -> None:
    page.locator(".ctv-plane[data-shown='20']").focus()
    for key, index in (("ArrowRight", 18), ("ArrowUp", 26), ("ArrowLeft", 28), ("ArrowDown", 20), ("End", 0)):
        page.keyboard.press(key)
        page.wait_for_selector(f".ctv-cell[data-current] .ctv-plane[data-shown='{index}']")
        assert page.evaluate("document.activeElement.dataset.shown") == str(index)
    page.keyboard.press("Enter")
    page.wait_for_selector(".ctv[data-layout=axial] .ctv-plane[data-shown='0']")


@montage
def test_one_tab_stop_leads_into_the_sheet(page: Any) -> None:
    assert page.locator(".ctv-plane[tabindex='0']").count() == 1
    assert page.locator(".ctv-plane[tabindex='0']").get_attribute("data-shown") == "20"


@montage
def test_grid_step_and_plane_can_be_chosen(page: Any) -> None:
    page.get_by_label("Slices across and down").select_option("2 × 2")
    page.get_by_label("Every so many slices").fill("1")
    page.get_by_label("Every so many slices").press("Enter")
    # Pages of 4: place 19 is on the page of places 16 to 19.
    assert cells(page) == [23, 22, 21, 20]
    page.get_by_label("Plane of the montage").select_option("coronal")
    # 5 mm is 6 slices of 0.8 mm; row 30 of 64 is place 33, on a page of 24 places from 3 on: 27, 33, 39, 45.
    assert cells(page) == [63 - place for place in (27, 33, 39, 45)]


def test_m_opens_the_montage_and_comes_back(page: Any) -> None:
    plane(page, "axial").focus()
    page.keyboard.press("m")
    page.wait_for_selector(".ctv[data-layout=montage]")
    assert trait(page, "arrangement") == "montage"
    page.locator(".ctv-plane").first.focus()
    page.keyboard.press("m")
    page.wait_for_selector(".ctv[data-layout=planes]")


@montage
def test_zooming_one_slice_zooms_all(page: Any) -> None:
    reading = "all => all.map(c => c.getContext('2d').getImageData(c.width / 2, c.height / 2 + 20, 1, 1).data.join())"
    page.locator(".ctv-plane").first.hover(position={"x": 5, "y": 5})
    page.keyboard.down("Control")
    for _ in range(12):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.evaluate("window.settled()")
    # The upper left corner is air everywhere, where the block of 40 HU was.
    colours = page.locator(".ctv-plane").evaluate_all(reading)
    assert len(set(colours)) == 1


# What passes by for a tenth of a second only is noted by the page itself.
NOTE_WHAT_PASSES = """() => {
  const axial = document.querySelector('canvas[data-plane=axial]');
  window.passed = [axial.dataset.shown];
  new MutationObserver(() => {
    if (window.passed.at(-1) !== axial.dataset.shown) window.passed.push(axial.dataset.shown);
  }).observe(axial, { attributeFilter: ['data-shown'] });
}"""


def passed(page: Any, index: int, more: int = 0) -> list[int]:
    """Wait until cine has shown a slice, and as many more after it; give all that it has shown."""
    page.wait_for_function(
        "([i, n]) => passed.includes(`${i}`) && passed.length > passed.indexOf(`${i}`) + n", arg=[index, more]
    )
    return [int(one) for one in page.evaluate("window.passed")]


def cine_button(page: Any) -> tuple[str, str]:
    button = page.locator("[aria-label=Cine] button").first
    return button.inner_text(), button.get_attribute("aria-pressed")


def play(page: Any) -> None:
    page.evaluate(NOTE_WHAT_PASSES)
    plane(page, "axial").focus()
    page.keyboard.press("k")


def test_cine_plays_and_pauses(page: Any) -> None:
    play(page)
    assert passed(page, 23)[:4] == [20, 21, 22, 23]
    page.get_by_role("button", name="Pause").click()
    page.evaluate("window.settled()")
    stopped = plane(page, "axial").get_attribute("data-shown")
    page.wait_for_timeout(500)
    assert plane(page, "axial").get_attribute("data-shown") == stopped
    assert cine_button(page) == ("Play", "false")


@pytest.mark.parametrize(("order", "after"), [("loop", [0, 1]), ("swing", [38, 37])])
def test_after_the_last_slice_it_starts_again_or_turns(page: Any, order: str, after: list[int]) -> None:
    page.get_by_label("What comes after the last slice").select_option(order)
    plane(page, "axial").focus()
    page.keyboard.press("End")
    page.wait_for_selector(".ctv-axial [data-shown='39']")
    play(page)
    assert passed(page, after[0], more=1)[:3] == [39, *after]
    assert cine_button(page) == ("Pause", "true")


def test_cine_waits_for_slices_that_are_on_their_way(page: Any, server: Any) -> None:
    page.evaluate("window.settled()")
    server.delay_s = 30
    play(page)
    page.wait_for_timeout(1500)
    # 21 and 22 were fetched with the first picture; 23 is wished for, and nothing beyond it.
    assert plane(page, "axial").get_attribute("aria-valuenow") == "23"
    assert plane(page, "axial").get_attribute("data-shown") == "22"
    server.released.set()
    assert passed(page, 25)[:6] == [20, 21, 22, 23, 24, 25]


def test_cine_stops_when_nobody_can_see_it(page: Any) -> None:
    play(page)
    passed(page, 22)
    page.evaluate("document.getElementById('host').style.display = 'none'")
    page.wait_for_function("document.querySelector('[aria-label=Cine] button').textContent === 'Play'")
    assert page.locator("[aria-label=Cine] button").first.get_attribute("aria-pressed") == "false"


def test_cine_stops_at_a_refusal(page: Any, server: Any) -> None:
    play(page)
    passed(page, 21)
    server.refusal = (403, "No grant.")
    page.wait_for_selector(".ctv[data-refused]")
    page.wait_for_function("document.querySelector('[aria-label=Cine] button').textContent === 'Play'")
    assert cine_button(page) == ("Play", "false")


def test_speed_has_keys_and_limits(page: Any) -> None:
    speed = page.get_by_label("Slices a second")
    plane(page, "axial").focus()
    page.keyboard.press("]")
    assert speed.input_value() == "12"
    for _ in range(12):
        page.keyboard.press("[")
    assert speed.input_value() == "1"
    speed.fill("99")
    speed.press("Enter")
    plane(page, "axial").focus()
    page.keyboard.press("[")
    assert speed.input_value() == "25"


def test_slab_keys_and_fields_change_the_traits(page: Any) -> None:
    plane(page, "axial").focus()
    page.keyboard.press("s")
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.keyboard.press(".")
    assert (trait(page, "slab_mode"), trait(page, "slab_mm")) == ("mip", 5)
    # Slices of 2.5 mm: the middle one and one on each side.
    assert page.locator(".ctv-said").inner_text() == "Slab 5 mm, MIP: 3 axial slices"
    page.keyboard.press(",")
    assert trait(page, "slab_mm") == 3
    page.get_by_label("Slab thickness in mm").fill("5000")
    page.get_by_label("Slab thickness in mm").press("Enter")
    assert trait(page, "slab_mm") == 1000


def test_python_sets_the_slab_and_the_fields_follow(page: Any) -> None:
    page.evaluate("window.from_python({slab_mm: 7.5, slab_mode: 'minip'})")
    assert page.get_by_label("Slab thickness in mm").input_value() == "7.5"
    assert page.get_by_label("How a slab is projected").input_value() == "minip"
