"""A timed read in a real browser: what is hidden when, and what the clock counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.viewer.test_browser import plane, trait

HIDE = """state => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def view_options() -> dict[str, Any]:
    found = [{"position_mm": [5.0, 4.0, 150.5], "score": 0.9}]
    return {"reading": {"state": "idle"}, "candidates": found}


def press_button(page: Any, name: str) -> dict[str, Any]:
    page.get_by_role("button", name=name).click()
    return trait(page, "reading")  # type: ignore[no-any-return]


def is_covered(page: Any) -> bool:
    shown = [plane(page, name).is_visible() for name in ("axial", "coronal", "sagittal")]
    assert len(set(shown)) == 1
    assert page.locator(".ctv-cover").is_visible() is not shown[0]
    return not shown[0]


def test_nothing_of_the_scan_is_seen_before_the_start(page: Any) -> None:
    assert is_covered(page)
    for part in (".ctv-side", ".ctv-place", ".ctv-cursor", ".ctv-read"):
        assert not page.locator(part).is_visible()
    assert press_button(page, "Start reading")["state"] == "running"
    assert not is_covered(page)
    assert page.locator(".ctv-side").is_visible()


def test_keys_do_nothing_to_a_hidden_picture(page: Any) -> None:
    before = trait(page, "position_mm")
    for key in ("n", "a", "PageUp", "3", " "):
        page.locator(".ctv-cover button").press(key) if key != " " else None
    assert trait(page, "position_mm") == before
    assert (trait(page, "judgements"), trait(page, "window")) == ([], "lung")


def test_bar_cannot_be_reached_while_the_picture_is_hidden(page: Any) -> None:
    reached = page.evaluate("""() => [...document.querySelectorAll(".ctv button, .ctv select, .ctv input, .ctv canvas")]
        .filter(one => { one.focus(); return document.activeElement === one; }).map(one => one.textContent)""")
    assert reached == ["Start reading"]


def test_start_by_keyboard_puts_the_focus_on_the_picture(page: Any) -> None:
    page.get_by_role("button", name="Start reading").press("Enter")
    assert page.evaluate("document.activeElement.dataset.plane") == "axial"
    page.keyboard.press("n")
    page.keyboard.press("a")
    assert [one["verdict"] for one in trait(page, "judgements")] == ["agree"]


def test_clock_stands_still_while_it_is_paused(page: Any, server: Any) -> None:
    press_button(page, "Start reading")
    paused = press_button(page, "Pause")
    assert is_covered(page)
    assert (paused["state"], paused["seconds"] > 0) == ("paused", True)
    page.wait_for_timeout(1000)
    again = press_button(page, "Resume")
    assert again["seconds"] == paused["seconds"]
    assert again["paused_seconds"] >= 1.0
    done = press_button(page, "Finish")
    assert done["paused_seconds"] == again["paused_seconds"]
    assert done["seconds"] > paused["seconds"]
    assert server.view.reading == done


def test_a_finished_read_is_hidden_and_cannot_go_on(page: Any) -> None:
    press_button(page, "Start reading")
    assert press_button(page, "Finish")["state"] == "finished"
    assert is_covered(page)
    assert page.locator(".ctv-cover button").count() == 0
    assert "Finished after 0:0" in page.locator(".ctv-cover").inner_text()


def test_another_tab_of_the_browser_pauses(page: Any) -> None:
    press_button(page, "Start reading")
    page.evaluate(HIDE, "hidden")
    assert trait(page, "reading")["state"] == "paused"
    page.evaluate(HIDE, "visible")
    assert is_covered(page)
    assert "out of sight" in page.locator(".ctv-cover").inner_text()


def test_another_tab_of_jupyterlab_pauses(page: Any) -> None:
    press_button(page, "Start reading")
    page.evaluate("document.getElementById('host').style.display = 'none'")
    page.wait_for_function("window.model.get('reading').state === 'paused'")
    page.evaluate("document.getElementById('host').style.display = ''")
    assert is_covered(page)


def test_scrolling_to_the_questions_does_not_pause(page: Any) -> None:
    press_button(page, "Start reading")
    page.evaluate("document.body.style.paddingBottom = '3000px'; window.scrollTo(0, 2500)")
    page.evaluate("window.settled()")
    assert trait(page, "reading")["state"] == "running"


def test_a_page_that_was_loaded_anew_is_paused_where_it_was(page: Any, server: Any) -> None:
    server.view.reading = {"state": "running", "seconds": 42.0, "paused_seconds": 1.0}
    page.reload()
    page.wait_for_selector(".ctv-cover button")
    assert "loaded anew. Paused at 0:42" in page.locator(".ctv-cover").inner_text()
    assert server.view.reading["seconds"] == 42.0
    assert press_button(page, "Resume")["seconds"] == 42.0


def test_the_next_read_begins_at_zero(page: Any, server: Any) -> None:
    press_button(page, "Start reading")
    press_button(page, "Finish")
    page.evaluate("window.from_python({reading: {state: 'idle', seconds: 0, paused_seconds: 0}})")
    assert is_covered(page)
    again = press_button(page, "Start reading")
    assert (again["seconds"], again["paused_seconds"]) == (0, 0)


def test_verdicts_count_from_the_start_of_the_read(page: Any) -> None:
    page.wait_for_timeout(500)
    press_button(page, "Start reading")
    page.keyboard.press("n")
    page.keyboard.press("a")
    done = press_button(page, "Finish")
    assert 0 <= trait(page, "judgements")[0]["seconds"] <= done["seconds"]


def test_a_view_without_a_read_has_no_clock(page: Any) -> None:
    page.evaluate("window.from_python({reading: {state: 'none', seconds: 0, paused_seconds: 0}})")
    assert not is_covered(page)
    assert not page.locator(".ctv-read").is_visible()
