"""The airlock in the browser: an author offers files, two checkers look safely and vote blind, the files leave."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.offers import COUNTS, lay_files

WHY, CONTROLS = "Figure 2", "Counts of 10 or more only"


@pytest.fixture
def figures(clinic) -> Path:
    return lay_files(clinic)


@pytest.fixture
def offered(figures: Path, workbench) -> str:
    """Have three files offered by the researcher; give the id of the release."""
    files = [str(figures / name) for name in ("froc.png", "counts.csv", "notes.txt")]
    words = ("offer", *files, "--reason", WHY, "--controls", CONTROLS, "--as", "researcher", "--json")
    return str(json.loads(workbench(*words))["id"])


def page_of(lab, link: str) -> Locator:
    lab.open(f"lab?workbench={link}")
    return lab.page.locator(".wb-Page:visible")


def test_an_author_is_told_what_stops_a_file_and_offers_the_others(figures: Path, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    lab.section("Airlock").get_by_role("button", name="Offer files for release").click()
    page = lab.page.locator(".wb-Page")
    page.get_by_role("checkbox", name=re.compile("small.csv")).check()
    page.get_by_role("button", name="Check first").click()
    expect(page.locator("[data-scan='small.csv']")).to_contain_text("stops the release")
    page.get_by_role("checkbox", name=re.compile("small.csv")).uncheck()
    page.get_by_role("checkbox", name=re.compile("counts.csv")).check()
    expect(page.get_by_role("button", name="Offer for release")).to_be_disabled()
    page.get_by_label("What they are for").fill(WHY)
    page.get_by_label("What was done against disclosure").fill(CONTROLS)
    assert lab.serious_barriers(".wb-Page") == []
    lab.keep("20-offering")
    page.get_by_role("button", name="Offer for release").click()
    expect(lab.page.get_by_role("heading", name=re.compile(WHY))).to_be_visible()
    assert json.loads(workbench("offers", "--json", "--as", "researcher"))[0]["state"] == "submitted"


def test_the_keyboard_alone_offers_a_file(figures: Path, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    page, keyboard = page_of(lab, "offer"), lab.page.keyboard
    page.get_by_role("searchbox", name="Search files of your workspace").focus()
    keyboard.type("counts")
    keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Tab")
    keyboard.type(WHY)
    keyboard.press("Tab")
    keyboard.type(CONTROLS)
    keyboard.press("Tab")
    expect(page.get_by_role("button", name="Offer for release")).to_be_focused()
    keyboard.press("Enter")
    expect(lab.page.get_by_role("heading", name=re.compile(WHY))).to_be_visible()
    assert json.loads(workbench("offers", "--json", "--as", "researcher"))[0]["files"][0]["name"] == "counts.csv"


def test_a_checker_looks_at_every_file_and_nothing_of_it_runs(offered: str, lab_as) -> None:
    lab = lab_as("checker-1")
    page = page_of(lab, f"release/{offered}")
    title = lab.page.title()
    for name in ("froc.png", "counts.csv", "notes.txt"):
        page.get_by_role("button", name=f"Look at {name}").click()
    expect(page.get_by_role("region", name="Content of froc.png").locator("img")).to_be_visible()
    expect(page.get_by_role("region", name="Content of counts.csv").get_by_role("cell", name="55")).to_be_visible()
    notes = page.get_by_role("region", name="Content of notes.txt")
    expect(notes).to_contain_text("<script>")
    assert notes.locator("script, img, a").count() == 0 and lab.page.title() == title
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page") == []
    lab.keep("21-checking")


def test_a_vote_is_blind_until_the_second_one_is_in(offered: str, lab_as, workbench) -> None:
    workbench("review", offered, "--vote", "approve", "--comment", "fine by me", "--as", "checker-2")
    lab = lab_as("checker-1")
    page = page_of(lab, f"release/{offered}")
    expect(page).to_contain_text("1 vote stays hidden")
    expect(page.get_by_text("fine by me")).to_have_count(0)
    expect(page.get_by_role("button", name="Ask for changes")).to_be_disabled()
    page.get_by_role("textbox", name=f"Comment on release {offered}").fill("the axis has no unit")
    page.get_by_role("button", name="Ask for changes").click()
    expect(page.locator("[data-vote='checker-2']")).to_contain_text("fine by me")
    expect(page.get_by_role("heading", name=re.compile(WHY))).to_contain_text("returned")
    assert json.loads(workbench("offers", "--json", "--as", "researcher"))[0]["state"] == "returned"
    lab.keep("22-voted")


def test_replacing_a_file_takes_its_votes_away(offered: str, figures: Path, lab_as, workbench) -> None:
    workbench("review", offered, "--vote", "approve", "--as", "checker-1")
    (figures / "better.csv").write_text(COUNTS.replace("40", "41"))
    lab = lab_as("researcher")
    page = page_of(lab, f"release/{offered}")
    expect(page).to_contain_text("1 of 2")
    page.get_by_role("button", name="Replace counts.csv").click()
    page.get_by_role("radio", name=re.compile("better.csv")).check()
    page.get_by_role("button", name="Put it in").click()
    expect(page).to_contain_text("0 of 2")
    found = json.loads(workbench("offers", "--json", "--as", "researcher"))[0]
    assert (found["state"], found["votes_given"], len(found["files"])) == ("submitted", 0, 3)


def test_what_both_approved_is_released_and_downloaded(offered: str, lab_as, workbench) -> None:
    for checker in ("checker-1", "checker-2"):
        workbench("review", offered, "--vote", "approve", "--as", checker)
    lab = lab_as("researcher")
    lab.section("Airlock (1)").get_by_role("button", name=re.compile(f"Open release {offered}")).click()
    page = lab.page.locator(".wb-Page")
    page.get_by_role("button", name="Release the files").click()
    with lab.page.expect_download() as kept:
        page.get_by_role("button", name="Download counts.csv").click()
    assert kept.value.suggested_filename == "counts.csv" and kept.value.path().read_text() == COUNTS
    lab.keep("23-released")


def test_a_draft_waits_with_its_author_alone(figures: Path, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    page = page_of(lab, "offer")
    page.get_by_role("checkbox", name=re.compile("small.csv")).check()
    page.get_by_role("button", name="Save as draft").click()
    expect(lab.page.get_by_role("heading", name=re.compile("Draft"))).to_be_visible()
    page = lab.page.locator(".wb-Page:visible")
    expect(page.locator("[data-file='small.csv']")).to_contain_text("stops the release")
    expect(page.get_by_role("button", name="Submit for review")).to_be_disabled()
    assert json.loads(workbench("offers", "--json", "--as", "checker-1")) == []
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("heading", name=re.compile("withdrawn"))).to_be_visible()
