"""What the sidebar and its pages promise beyond the story: custodians, keyboard, themes, links."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_a_custodian_approves_in_the_sidebar(lab_as, workbench) -> None:
    workbench("request", "clinic-ct", "--purpose", "teaching", "--days", "7", "--as", "teacher")
    lab = lab_as("custodian")
    sidebar = lab.open_sidebar()
    request = sidebar.locator("[data-request='R1']")
    expect(request).to_contain_text("teacher asks for Clinic CT")
    expect(request.get_by_role("button", name="Refuse request R1")).to_be_disabled()
    lab.keep("6-custodian")
    request.get_by_role("button", name="Approve request R1").click()
    expect(sidebar).to_contain_text("No request waits for your decision.")
    assert '"allowed": true' in workbench("datasets", "--json", "--as", "teacher")


def test_the_keyboard_alone_asks_for_access(lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.open_sidebar().locator("[data-dataset='clinic-ct']")
    keyboard = lab.page.keyboard
    row.locator("button[aria-expanded]").focus()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(row.get_by_role("button", name="Request access")).to_be_focused()
    keyboard.press("Enter")
    expect(row.get_by_label("Purpose")).to_be_focused()
    keyboard.press("ArrowDown")
    for _ in range(7):
        keyboard.press("Tab")
    expect(row.get_by_role("button", name="Send request")).to_be_focused()
    keyboard.press("Enter")
    expect(row).to_contain_text("Waiting for the custodian")
    assert '"status": "submitted"' in workbench("datasets", "clinic-ct", "--json", "--as", "researcher")


def test_a_refused_form_says_why_and_keeps_what_was_typed(lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.dataset()
    row.get_by_role("button", name="Request access").click()
    row.get_by_label("Purpose").select_option(label="teaching")
    workbench("request", "clinic-ct", "--purpose", "teaching", "--days", "7", "--as", "researcher")
    row.get_by_role("button", name="Send request").click()
    expect(row.get_by_role("alert")).to_contain_text("R1")
    expect(row.get_by_label("Purpose")).to_have_value("teaching")
    assert workbench("requests", "--json", "--as", "researcher").count('"clinic-ct"') == 1
    lab.forgive("409 (Conflict)")


def test_a_link_opens_a_task_and_its_leaderboard(lab_as) -> None:
    lab = lab_as("researcher").open("lab?workbench=task/lung-nodule-detection")
    expect(lab.page.get_by_role("heading", name="Where in a chest CT are the lung nodules?")).to_be_visible()
    expect(lab.page.get_by_text("Nobody has submitted yet.")).to_be_visible()
    assert lab.page.locator(".wb-Page").count() == 1
    lab.keep("7-task")


def test_the_launcher_and_a_card_read_well_in_the_dark(lab_as) -> None:
    lab = lab_as("researcher")
    lab.choose_theme("JupyterLab Dark")
    for card in ("Explore a dataset", "Run a benchmark", "Governed notebook"):
        expect(lab.page.locator(".jp-LauncherCard", has_text=card)).to_be_visible()
    lab.keep("8-launcher-dark")
    lab.dataset().get_by_role("button", name="Details of Clinic CT").click()
    expect(lab.page.get_by_role("heading", name=re.compile("Clinic CT"))).to_be_visible()
    assert lab.page.evaluate("document.body.dataset.jpThemeLight") == "false"
    lab.keep("9-card-dark")


def test_an_accessibility_scan_finds_nothing_serious(lab_as) -> None:
    lab = lab_as("researcher").open("lab?workbench=task/lung-nodule-detection")
    row = lab.dataset()
    expect(lab.page.locator(".wb-Page")).to_be_visible()
    row.get_by_role("button", name="Request access").click()
    expect(row.get_by_label("Purpose")).to_be_focused()
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page", ".wb-Status") == []
