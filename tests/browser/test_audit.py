"""The audit log in the browser: filtered as a table, verified at a press, each event's proof to take away."""

from __future__ import annotations

import json

from playwright.sync_api import expect


def test_the_log_is_filtered_and_verified(clinic, lab_as) -> None:
    lab = lab_as("custodian")
    lab.section("Audit").get_by_role("button", name="Open the log").click()
    page = lab.page.locator(".wb-Page")
    page.get_by_label("Action").fill("version.publish")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("checker-1")
    page.get_by_role("button", name="Verify the log").click()
    expect(page.get_by_role("status")).to_contain_text("events are as they were written")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page") == []
    lab.keep("31-audit")
    page.get_by_label("Action").fill("nothing.like.it")
    expect(page).to_contain_text("No event matches.")


def test_a_proof_and_a_checkpoint_are_taken_away(clinic, lab_as, workbench) -> None:
    lab = lab_as("checker-1")
    lab.open("lab?workbench=audit")
    page = lab.page.locator(".wb-Page")
    page.get_by_label("Action").fill("version.publish")
    expect(page.locator("tbody tr")).to_have_count(1)
    with lab.page.expect_download() as proof:
        page.get_by_role("button", name="Download the proof of event").click()
    with lab.page.expect_download() as checkpoint:
        page.get_by_role("button", name="Download the newest signed checkpoint").click()
    assert json.loads(checkpoint.value.path().read_text())
    assert "ok" in workbench("audit", "check-proof", str(proof.value.path()), "--json")


def test_a_researcher_has_no_audit_section(clinic, lab_as) -> None:
    sidebar = lab_as("researcher").open_sidebar()
    expect(sidebar.get_by_role("heading", name="Datasets")).to_be_visible()
    shown = " ".join(sidebar.get_by_role("heading").all_inner_texts()).lower()
    assert "datasets" in shown and "audit" not in shown and "requests" not in shown
