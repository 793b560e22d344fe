"""Tasks in the browser: a board that says how sure it is, a file of the workspace checked and scored, the Ladder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.boards import TASK, fill_boards, lay_predictions
from workbench.connection import running_gateway
from workbench.jupyter.accounts import workspace_of
from workbench.settings import Settings

# The evaluator starts, measures the baselines once, and then the predictions; on a busy machine.
SCORED_MS = 120_000


@pytest.fixture(scope="session")
def filled_boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards") / "home"
    fill_boards(folder)
    return folder


@pytest.fixture
def clinic(home: Settings, filled_boards: Path) -> Settings:
    """Have a home with hidden tests in the place of the one with a clinic's scan."""
    shutil.copytree(filled_boards, home.home, ignore=shutil.ignore_patterns("run"))
    with running_gateway(home):
        lay_predictions(home, "researcher", "answers.csv", salt="first")
        # The same answers once more are no improvement, whatever the truth is.
        lay_predictions(home, "researcher", "again.csv", salt="first")
        lay_predictions(home, "teacher", "theirs.csv", salt="third")
    (workspace_of(home, "researcher") / "wrong.csv").write_text("id,probability\nnobody,0.5\n")
    return home


def scored(workbench, home: Settings, account: str, name: str, note: str = "") -> dict[str, object]:
    file = str(workspace_of(home, account) / name)
    found = workbench("submit", TASK, file, "--scored", "--as", account, "--note", note, "--json")
    return dict(json.loads(found))


def task_page(lab) -> Locator:
    lab.open(f"lab?workbench=task/{TASK}")
    return lab.page.locator(".wb-TaskPage:visible")


def test_a_file_is_checked_then_scored_and_stands_on_the_board(lab_as, workbench) -> None:
    lab = lab_as("researcher")
    page = task_page(lab)
    expect(page.locator(".wb-Band")).to_contain_text("Synthetic")
    expect(page).to_contain_text("You have submitted nothing yet.")
    page.get_by_role("radio", name=re.compile("answers.csv")).check()
    page.get_by_role("button", name="Check it, without a score").click()
    expect(page.get_by_role("status").filter(has_text="nothing was measured")).to_be_visible()
    page.get_by_label("A line for the leaderboard").fill("a first guess")
    page.get_by_role("button", name="Submit for a score").click()
    row = page.locator("[data-submission='B2']")
    expect(row).to_have_attribute("data-state", "scored", timeout=SCORED_MS)
    expect(row).to_contain_text("on the public test")
    expect(lab.page.locator(".Toastify, .jp-toastContainer").first).to_contain_text("B2")
    expect(page.locator("[data-entry='B2']")).to_contain_text("a first guess")
    expect(page.locator("tr.wb-mod-baseline")).to_contain_text("diameter alone")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-TaskPage") == []
    lab.keep("40-task-scored")


def test_what_cannot_be_scored_is_told_and_costs_nothing(lab_as, workbench) -> None:
    lab = lab_as("researcher")
    page = task_page(lab)
    expect(page).to_contain_text("20 of 20 scored submissions left this week")
    page.get_by_role("radio", name=re.compile("wrong.csv")).check()
    page.get_by_role("button", name="Submit for a score").click()
    row = page.locator("[data-submission='B1']")
    expect(row).to_have_attribute("data-state", "failed")
    expect(row).to_contain_text("UNKNOWN_ITEM_IDS")
    expect(page).to_contain_text("20 of 20 scored submissions left this week")
    told = json.loads(workbench("leaderboard", TASK, "--json"))
    assert [entry for entry in told["entries"] if entry["person"] == "researcher"] == []
    lab.keep("41-task-refused")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_board_says_ranks_groups_and_what_the_ladder_hides(clinic, lab_as, workbench, theme: str) -> None:
    lab = lab_as("researcher")
    scored(workbench, clinic, "researcher", "answers.csv")
    scored(workbench, clinic, "researcher", "again.csv")
    scored(workbench, clinic, "teacher", "theirs.csv", "theirs")
    board = {entry["person"]: entry for entry in json.loads(workbench("leaderboard", TASK, "--json"))["entries"]}
    lab.choose_theme(theme)
    page = task_page(lab)
    hidden = page.locator("[data-submission='B2']")
    expect(hidden).to_contain_text("not a significant improvement")
    assert not re.search(r"\d\.\d", hidden.inner_text().split("its number is not shown")[0])
    row = page.locator("[data-entry='B1']")
    best, worst = board["researcher"]["rank_interval"]
    expect(row.locator(".wb-Rank")).to_contain_text(f"{best} to {worst}")
    expect(row).to_contain_text("ties with")
    expect(page.get_by_role("columnheader", name="Weakest group")).to_be_visible()
    page.get_by_text("How to read it").click()
    expect(page).to_contain_text("goes through the Ladder")
    assert lab.serious_barriers(".wb-TaskPage") == []
    lab.keep(f"42-board-{theme[-5:].strip().lower()}")
    page.get_by_role("heading", name="What is measured").scroll_into_view_if_needed()
    lab.keep(f"43-card-{theme[-5:].strip().lower()}")


def test_the_final_test_gets_a_column_and_settles_the_ranks(clinic, lab_as, workbench) -> None:
    lab = lab_as("researcher")
    scored(workbench, clinic, "researcher", "answers.csv")
    scored(workbench, clinic, "teacher", "theirs.csv")
    workbench("final", TASK, "--propose", "--reason", "the term ends", "--as", "custodian")
    page = task_page(lab)
    expect(page.locator(".wb-Facts")).to_contain_text("proposed")
    expect(page.get_by_role("button", name="Submit for a score")).to_be_disabled()
    workbench("final", TASK, "--open", "--as", "checker-1")
    lab.page.reload()
    expect(page.get_by_role("columnheader", name="Final test")).to_be_visible()
    finals = {
        entry["person"]: entry["final"] for entry in json.loads(workbench("leaderboard", TASK, "--json"))["entries"]
    }
    for submission, person in (("B1", "researcher"), ("B2", "teacher")):
        shown = page.locator(f"[data-entry='{submission}'] .wb-Final strong")
        expect(shown).to_be_visible()
        assert shown.inner_text() == str(finals[person]["value"])
    lab.keep("44-final")
