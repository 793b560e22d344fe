"""The custodian's pages: a request with all it is decided by, grants taken back, and the rules of a dataset."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, expect

POLICY = """// example "CT alone": {"roles": ["researcher"]} => allow, rows scans.modality = CT
@id("ct-alone") @rows("scans.modality = CT")
permit(principal, action == Action::"read", resource);
"""


@pytest.fixture
def asked(clinic, workbench) -> str:
    """Have terms that need a look, and a request; give its id."""
    workbench("usage", "set", "clinic-ct", "HMB", "IRB", "--as", "custodian")
    words = (
        "request",
        "clinic-ct",
        "--purpose",
        "lung nodule detection",
        "--days",
        "30",
        "--as",
        "researcher",
        "--json",
    )
    return str(json.loads(workbench(*words))["id"])


def rules(lab) -> Locator:
    lab.open("lab?workbench=rules/clinic-ct")
    return lab.page.locator(".wb-Page")


def test_a_custodian_sees_each_term_and_approves_fewer_days(asked: str, lab_as, workbench) -> None:
    lab = lab_as("custodian")
    lab.section(re.compile("Requests")).get_by_role("button", name=f"Details of request {asked}").click()
    page = lab.page.locator(".wb-Page")
    expect(page.locator("[data-term='DUO:0000021']")).to_contain_text("needs a look")
    expect(page.get_by_role("list", name="What is needed")).to_be_visible()
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page") == []
    lab.keep("27-request")
    page.get_by_role("spinbutton", name=f"Days granted for {asked}").fill("10")
    page.get_by_role("textbox", name=f"Reason for the decision on {asked}").fill("ethics letter seen")
    page.get_by_role("button", name=f"Approve request {asked}").click()
    expect(page).to_contain_text("ethics letter seen")
    found = json.loads(workbench("requests", "--json", "--as", "researcher"))[0]
    assert found["status"] == "granted" and found["reviewed"]


def test_a_running_grant_is_revoked_with_a_reason_by_keyboard(clinic, lab_as, workbench) -> None:
    workbench("request", "clinic-ct", "--purpose", "teaching", "--days", "7", "--as", "teacher")
    workbench("approve", "R1", "--as", "custodian")
    lab = lab_as("custodian")
    grant = lab.section(re.compile("Requests")).locator("[data-grant='G1']")
    grant.get_by_role("button", name="Revoke G1").focus()
    lab.page.keyboard.press("Enter")
    grant.get_by_label("Why does grant G1 end now?").fill("the term is over")
    lab.page.keyboard.press("Tab")
    expect(grant.get_by_role("button", name="End grant G1 now")).to_be_focused()
    lab.page.keyboard.press("Enter")
    expect(grant).to_have_count(0)
    assert '"allowed": false' in workbench("datasets", "clinic-ct", "--json", "--as", "teacher")


def test_a_policy_with_a_typo_is_named_by_line_and_not_put_in_force(clinic, lab_as, workbench) -> None:
    lab = lab_as("custodian")
    form = rules(lab).get_by_role("form", name="Policy")
    text = form.get_by_label(re.compile("Policy in Cedar"))
    text.fill(POLICY.replace("@rows", "@rowz"))
    form.get_by_role("button", name="Put in force").click()
    expect(form.get_by_role("status")).to_contain_text("Line 2, column")
    expect(form.get_by_role("status")).to_contain_text("did you mean @rows?")
    lab.keep("28-policy-typo")
    assert json.loads(workbench("policy", "show", "clinic-ct", "--json", "--as", "custodian"))["number"] == 0
    text.fill(POLICY)
    form.get_by_role("button", name="Check").click()
    expect(form.locator("[data-example='true']")).to_contain_text("CT alone")
    form.get_by_role("button", name="Put in force").click()
    expect(form).to_contain_text("Policy 1 is in force")


def test_terms_training_and_agreement_are_set_on_one_page(clinic, lab_as, workbench) -> None:
    lab = lab_as("custodian")
    page = rules(lab)
    use = page.get_by_role("form", name="Permitted use and training")
    use.get_by_label("Add a term of use").select_option(label="DS · disease specific research")
    use.get_by_label("disease").fill("lung cancer")
    use.get_by_role("button", name="Add term").click()
    use.get_by_label("Ask for a training").fill("data-protection")
    use.get_by_role("button", name="Add training").click()
    use.get_by_role("button", name="Save permitted use and training").click()
    agreement = page.get_by_role("form", name="Agreement")
    agreement.get_by_label("Title of the agreement").fill("Terms")
    agreement.get_by_label("Text of the agreement").fill("You keep the data here.")
    agreement.get_by_role("button", name="Ask for this agreement").click()
    expect(agreement).to_contain_text("Version 1 counts now.")
    lab.keep("29-rules")
    assert lab.serious_barriers(".wb-Page") == []
    found = json.loads(workbench("usage", "show", "clinic-ct", "--json", "--as", "researcher"))
    assert (found["terms"][0]["value"], found["training"]) == ("lung cancer", ["data-protection"])


def test_a_training_is_recorded_and_the_answer_explained(clinic, lab_as, workbench) -> None:
    lab = lab_as("custodian")
    page = rules(lab)
    record = page.get_by_role("form", name="Record a training")
    for label, value in (("Person", "researcher"), ("Training", "gcp"), ("Provider", "the clinic")):
        record.get_by_label(label, exact=True).fill(value)
    record.get_by_label("Done on").fill("2026-01-01")
    record.get_by_label("Valid until").fill("2099-01-01")
    record.get_by_role("button", name="Record training").click()
    expect(page.locator("[data-training='T1']")).to_contain_text("the clinic")
    who = page.get_by_role("form", name="Who may what")
    who.get_by_label("Person").fill("researcher")
    who.get_by_role("button", name="Explain").click()
    expect(who.get_by_role("status")).to_contain_text("not allowed")
    expect(who.get_by_role("status")).to_contain_text("What would change it")
    who.scroll_into_view_if_needed()
    lab.keep("30-explained")
    assert "gcp" in workbench("training", "list", "--json", "--as", "researcher")
