"""Access in the browser: what is missing is a checklist, the agreement is read and accepted, facts are declared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect


@pytest.fixture
def strict(clinic, workbench, tmp_path: Path) -> None:
    """Have the dataset ask for an agreement, a training and a use that no model is trained in."""
    (tmp_path / "terms.txt").write_text("You do not try to find out who anybody is.\n" * 30)
    workbench("agreement", "set", "clinic-ct", str(tmp_path / "terms.txt"), "--title", "Terms", "--as", "custodian")
    workbench("usage", "set", "clinic-ct", "HMB", "NMDS", "--training", "data-protection", "--as", "custodian")


def open_form(row: Locator, purpose: str) -> None:
    row.get_by_role("button", name="Request access").click()
    row.get_by_label("Purpose").select_option(label=purpose)


def test_the_checklist_says_what_is_missing_and_the_agreement_is_accepted_there(strict, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.dataset()
    agreement = row.locator("[data-item='agreement']")
    expect(agreement).to_contain_text("missing")
    expect(row.locator("[data-item='training:data-protection']")).to_contain_text("missing")
    row.get_by_role("button", name="Details of Clinic CT").click()
    page = lab.page.locator(".wb-Page")
    page.locator("summary", has_text="Read and accept the agreement").click()
    expect(page.get_by_role("document", name="Text of the agreement")).to_contain_text("who anybody is")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page") == []
    lab.keep("24-checklist")
    page.get_by_role("button", name="I have read and accept version 1").click()
    expect(agreement).to_contain_text("there")
    items = json.loads(workbench("checklist", "clinic-ct", "--json", "--as", "researcher"))["items"]
    assert [item["met"] for item in items if item["key"] == "agreement"] == [True]


def test_the_form_says_before_sending_that_the_terms_forbid_it(strict, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.dataset()
    open_form(row, "method development")
    expect(row.get_by_role("status")).to_contain_text("not permitted")
    row.get_by_role("button", name="Send request").click()
    expect(row.get_by_role("alert")).to_be_visible()
    assert json.loads(workbench("requests", "--json", "--as", "researcher")) == []
    lab.keep("25-forbidden")
    lab.forgive("403 (Forbidden)")


def test_declared_facts_turn_a_look_into_a_yes(strict, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    row = lab.dataset()
    open_form(row, "lung nodule detection")
    row.locator("summary", has_text="What you declare").focus()
    lab.page.keyboard.press("Enter")
    row.get_by_label("Kind of use").select_option(label="health or biomedical research")
    row.get_by_label("Trains models or develops methods").select_option(label="no")
    row.get_by_label("Studies ancestry or origins").select_option(label="no")
    expect(row.locator("[role=status] > .wb-Mark")).to_have_text(re.compile("✓ permitted"))
    row.get_by_role("button", name="Send request").click()
    expect(row).to_contain_text("Waiting for the custodian")
    request = json.loads(workbench("requests", "--json", "--as", "custodian"))[0]
    assert request["attestations"]["is_method_development"] is False


def test_a_grant_is_given_back_in_the_access_section(clinic, lab_as, workbench) -> None:
    workbench("request", "clinic-ct", "--purpose", "teaching", "--days", "7", "--as", "researcher")
    workbench("approve", "R1", "--as", "custodian")
    lab = lab_as("researcher")
    grant = lab.section("Access").locator("[data-own-grant='G1']")
    grant.get_by_role("button", name="Give back G1").click()
    grant.get_by_label("Why does grant G1 end now?").fill("the course is over")
    lab.keep("26-give-back")
    grant.get_by_role("button", name="End grant G1 now").click()
    expect(lab.section("Access")).to_contain_text("You hold no grant.")
    assert '"allowed": false' in workbench("datasets", "clinic-ct", "--json", "--as", "researcher")
