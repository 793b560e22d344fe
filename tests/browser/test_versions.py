"""A second person reads the ingest report in the browser and publishes the version, or rejects it with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

ARRIVED, TITLE = "arrived-ct", "Arrived CT"


@pytest.fixture
def arrived(clinic, workbench, tmp_path: Path) -> str:
    """Bring another scan in, as the custodian; give the id of its version, which waits."""
    workbench("phantoms", str(tmp_path / "scans"), "--seed", "12", "--count", "1", "--size", "96")
    words = ("ingest", str(tmp_path / "scans"), "--dataset", ARRIVED, "--title", TITLE, "--as", "custodian", "--json")
    return str(json.loads(workbench(*words))["version"])


def test_a_checker_reads_the_report_and_publishes(arrived: str, lab_as, workbench) -> None:
    assert ARRIVED not in workbench("datasets", "--as", "researcher")
    lab = lab_as("checker-1")
    waiting = lab.open_sidebar().locator(f"[data-waiting='{ARRIVED}']")
    expect(waiting).to_contain_text("brought in by custodian")
    expect(waiting).to_contain_text("The verifier found nothing.")
    waiting.get_by_role("button", name=f"Open the ingest report of {TITLE}").click()
    report = lab.page.frame_locator("iframe[title='Ingest report of arrived-ct']")
    expect(report.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(report.get_by_text(arrived)).to_be_visible()
    lab.keep("10-version-waiting")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-ReportPage > .wb-Box") == []
    waiting.get_by_role("textbox").fill("every slice looked at")
    waiting.get_by_role("button", name=f"Publish the version of {TITLE}").click()
    expect(lab.open_sidebar()).to_contain_text("No version waits for a sign-off.")
    assert ARRIVED in workbench("datasets", "--as", "researcher")


def test_who_brought_it_in_may_only_reject_it(arrived: str, lab_as, workbench) -> None:
    lab = lab_as("custodian")
    waiting = lab.open_sidebar().locator(f"[data-waiting='{ARRIVED}']")
    expect(waiting).to_contain_text("nobody signs off their own")
    expect(waiting.get_by_role("button", name=f"Publish the version of {TITLE}")).to_be_disabled()
    reject = waiting.get_by_role("button", name=f"Reject the version of {TITLE}")
    expect(reject).to_be_disabled()
    waiting.get_by_role("textbox").fill("the wrong folder")
    reject.click()
    expect(lab.open_sidebar()).to_contain_text("No version waits for a sign-off.")
    assert json.loads(workbench("sign-off", "--json")) == []
    assert arrived


def test_a_researcher_has_no_such_section(arrived: str, lab_as) -> None:
    sidebar = lab_as("researcher").open_sidebar()
    expect(sidebar.locator("[data-dataset='clinic-ct']")).to_be_visible()
    expect(sidebar.get_by_text("Versions waiting")).to_have_count(0)
    expect(sidebar.get_by_text(TITLE)).to_have_count(0)
    assert arrived
