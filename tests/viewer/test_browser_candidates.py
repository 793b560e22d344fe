"""Candidates in a real browser: stepping, operating point, verdicts, truth, by mouse and by keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.viewer.test_browser import axial_place, plane, trait

# Voxels (z, y, x) 20, 30, 50; 10, 20, 30; 30, 40, 60; 20, 30, 20: origin + index × spacing, worked out by hand.
PLACES = ([5.0, 4.0, 150.5], [-9.0, -4.0, 125.5], [12.0, 12.0, 175.5], [-16.0, 4.0, 150.5])
SCORES = (0.9, 0.7, 0.5, 0.3)


def candidates(*scores: float) -> list[dict[str, Any]]:
    return [{"position_mm": p, "score": s, "diameter_mm": 6.0} for p, s in zip(PLACES, scores, strict=True)]


@pytest.fixture
def view_options() -> dict[str, Any]:
    return {
        "position_mm": (0.0, 0.0, 150.5), "boxes": [], "candidates": candidates(*SCORES), "threshold": 0.3,
        "operating_points": {0.5: 0.8, 1: 0.6, 4: 0.3}, "truth": [{"centre_mm": (5, 4, 150.5), "size_mm": 8}],
    }  # fmt: skip


def press(page: Any, *keys: str) -> None:
    for key in keys:
        plane(page, "axial").press(key)


def from_python(page: Any, server: Any, **traits: Any) -> None:
    """Set traits in the kernel, as a cell does; the browser is told what became of them."""
    for name, value in traits.items():
        setattr(server.view, name, value)
    told = {name: server.state[name] for name in (*traits, "judgements")}
    page.evaluate("told => window.from_python(told)", told)


def verdicts(page: Any, server: Any) -> list[list[Any]]:
    page.evaluate("window.settled()")
    table = server.view.judgement_table()
    return table[["x_mm", "verdict"]].to_numpy().tolist()  # type: ignore[no-any-return]


def test_n_and_p_go_through_the_places_by_score(page: Any) -> None:
    for key, place in (("n", 0), ("n", 1), ("n", 2), ("p", 1)):
        press(page, key)
        assert trait(page, "position_mm") == pytest.approx(PLACES[place], abs=0.01)
    assert "Candidate 2 of 4, score 0.7" in page.locator(".ctv-said").inner_text()
    assert (
        page.locator("[role=option][aria-selected=true]").get_attribute("aria-label")
        == "2, score 0.7, 6 mm, not judged"
    )


def test_both_ends_say_so_and_stay(page: Any) -> None:
    press(page, "n", "p")
    assert "first candidate" in page.locator(".ctv-said").inner_text()
    press(page, "n", "n", "n", "n")
    assert "last of 4" in page.locator(".ctv-said").inner_text()
    assert trait(page, "position_mm") == pytest.approx(PLACES[3], abs=0.01)


def test_operating_point_hides_what_lies_below_it_everywhere(page: Any) -> None:
    # On slice 20 lie the candidates of 0.9 and of 0.3.
    assert plane(page, "axial").get_attribute("data-candidates") == "2"
    slider = page.get_by_role("slider", name="Operating point")
    slider.press("ArrowLeft")
    assert trait(page, "threshold") == 0.6
    assert slider.get_attribute("aria-valuetext") == "at most 1 false positive per scan (score from 0.6)"
    assert plane(page, "axial").get_attribute("data-candidates") == "1"
    assert page.locator("[role=option]").count() == 2
    press(page, "n", "n", "n")
    assert "last of 2" in page.locator(".ctv-said").inner_text()


def test_threshold_set_in_python_moves_the_slider(page: Any, server: Any) -> None:
    from_python(page, server, threshold=0.85)
    slider = page.get_by_role("slider", name="Operating point")
    assert (slider.input_value(), page.locator("[role=option]").count()) == ("0", 1)
    # Between two points: at most as many false positives as at the one that shows more.
    assert slider.get_attribute("aria-valuetext") == "at most ½ false positives per scan (score from 0.85)"
    from_python(page, server, threshold=0.1)
    assert slider.get_attribute("aria-valuetext") == "all (score from 0.3)"


def test_without_operating_points_the_slider_is_in_the_score(page: Any, server: Any) -> None:
    from_python(page, server, operating_points=[])
    slider = page.get_by_role("slider", name="Operating point")
    slider.press("Home")
    assert trait(page, "threshold") == 0.9
    slider.press("End")
    assert trait(page, "threshold") == 0.3


def test_a_and_x_judge_and_the_same_key_takes_it_back(page: Any, server: Any) -> None:
    press(page, "n", "a", "n", "x")
    assert verdicts(page, server) == [[5.0, "agree"], [-9.0, "reject"]]
    assert "1 agreed · 1 rejected" in page.locator(".ctv-counts").inner_text()
    press(page, "x")
    assert verdicts(page, server) == [[5.0, "agree"]]
    press(page, "p", "x")
    assert verdicts(page, server) == [[5.0, "reject"]]


def test_verdicts_are_undone_and_done_again(page: Any, server: Any) -> None:
    press(page, "n", "a", "x", "Control+z")
    assert verdicts(page, server) == [[5.0, "agree"]]
    press(page, "Control+z")
    assert verdicts(page, server) == []
    press(page, "Control+Shift+Z")
    assert verdicts(page, server) == [[5.0, "agree"]]


def test_verdicts_and_their_undo_stay_with_the_place_when_scores_change(page: Any, server: Any) -> None:
    press(page, "n", "a", "n", "x")
    page.evaluate("window.settled()")
    from_python(page, server, candidates=candidates(0.3, 0.5, 0.7, 0.9))
    assert verdicts(page, server) == [[5.0, "agree"], [-9.0, "reject"]]
    marks = page.locator(".ctv-verdict").all_inner_texts()
    assert marks == ["", "", "✗", "✓"]
    press(page, "Control+z")
    assert verdicts(page, server) == [[5.0, "agree"]]
    assert server.view.judgements[0]["candidate"] == 3


def test_nothing_is_judged_before_something_is_chosen(page: Any, server: Any) -> None:
    press(page, "a")
    assert "No candidate is chosen" in page.locator(".ctv-said").inner_text()
    assert verdicts(page, server) == []
    assert page.get_by_role("button", name="Agree").is_disabled()


def test_a_hidden_candidate_cannot_be_judged(page: Any, server: Any) -> None:
    press(page, "p")
    from_python(page, server, threshold=0.6)
    press(page, "a")
    assert verdicts(page, server) == []


def test_buttons_do_what_the_keys_do(page: Any, server: Any) -> None:
    for name in ("Next", "Agree", "Next", "Reject", "Previous"):
        page.get_by_role("button", name=name).click()
    assert verdicts(page, server) == [[5.0, "agree"], [-9.0, "reject"]]
    assert page.get_by_role("button", name="Agree").get_attribute("aria-pressed") == "true"


def test_a_click_on_a_ring_chooses_its_candidate(page: Any) -> None:
    page.mouse.click(*axial_place(page, 21, 31))
    assert page.locator("[role=option][aria-selected=true]").get_attribute("data-row") == "3"
    # The crosshair goes where the click was, as everywhere.
    assert trait(page, "position_mm")[0] == pytest.approx(-30 + 21 * 0.7)


def test_the_pointer_reads_a_candidate(page: Any) -> None:
    page.mouse.move(*axial_place(page, 50, 30))
    assert "candidate 1 of 4, score 0.9" in page.locator(".ctv-cursor").inner_text()


def test_list_is_a_listbox_with_a_keyboard_path(page: Any) -> None:
    box = page.get_by_role("listbox", name="Candidates by score")
    for key, row in (("ArrowDown", "0"), ("End", "3"), ("ArrowUp", "2"), ("Home", "0"), ("ArrowUp", "0")):
        box.press(key)
        assert page.locator("[role=option][aria-selected=true]").get_attribute("data-row") == row
    active = box.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-posinset") == "1"


def test_thousands_of_candidates_make_few_rows(page: Any, server: Any) -> None:
    many = [{"position_mm": PLACES[0], "score": 1 - number / 5000} for number in range(5000)]
    from_python(page, server, candidates=many, threshold=0.0)
    assert page.locator("[role=option]").count() < 40
    page.get_by_role("listbox").evaluate("one => { one.scrollTop = one.scrollHeight; }")
    page.wait_for_selector("[data-row='4999']")
    assert "5000 of 5000 shown" in page.locator(".ctv-counts").inner_text()


def test_truth_is_hidden_until_t_asks_for_it(page: Any) -> None:
    assert plane(page, "axial").get_attribute("data-truth") == "0"
    press(page, "t")
    assert trait(page, "truth_visible") is True
    assert plane(page, "axial").get_attribute("data-truth") == "1"
    page.get_by_label("Ground truth").click()
    assert trait(page, "truth_visible") is False


def test_without_candidates_and_truth_there_is_no_panel(page: Any, server: Any) -> None:
    from_python(page, server, candidates=[], operating_points=[], truth=[])
    assert not page.locator("[data-panel='candidates']").is_visible()
    press(page, "n", "t")
    assert trait(page, "truth_visible") is False
