"""Reports in the browser: a form from typed parameters, progress cell by cell, and verdicts with both runs beside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.jupyter.reports import RECORD, report_notebook
from workbench.jupyter.accounts import workspace_of

# A kernel in its sandbox, on a busy machine.
RUN_MS = 120_000
SLOW = "import time\nfor second in range(600):\n    time.sleep(1)"
# The time of day is what no seed holds still.
DRAW = """import time
shift = round(time.time() % 1000, 3)
print("Read with a shift of", shift, "millimetres")"""
PLOT = """import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(4, 2.4))
axes.plot(range(10), [value * scale + shift % 7 for value in range(10)], "o-")
axes.set(xlabel="false positives per scan", ylabel="sensitivity", title="How it goes", ylim=(0, 20))
plt.close(figure)"""
SHOW = "from IPython.display import display\ndisplay(figure)"
RESULTS = "from workbench.benchmark import record\nrecord('mean', seed + shift, interval=(0.0, 200.0), tolerance=0.5)"


@pytest.fixture
def mean(clinic) -> Path:
    """Have a report notebook in the researcher's workspace."""
    return report_notebook(workspace_of(clinic, "researcher") / "mean.ipynb", RECORD, "print(seed, size)")


@pytest.fixture
def drifting(clinic) -> Path:
    """Have one whose numbers, text and picture are others at another time."""
    return report_notebook(workspace_of(clinic, "researcher") / "drifting.ipynb", DRAW, PLOT, SHOW, RESULTS)


def form_of(lab, notebook: str) -> Locator:
    lab.open(f"lab?workbench=report/workspace:{notebook}")
    return lab.page.locator(".wb-Page:visible")


def run_of(lab) -> Locator:
    page = lab.page.locator(".wb-RunPage:visible")
    expect(page).to_be_visible()
    return page


def ended(lab, state: str = "done") -> Locator:
    page = run_of(lab)
    expect(page.get_by_role("heading", level=1)).to_contain_text(state, timeout=RUN_MS)
    return page


def reproduced(lab) -> Locator:
    """Press Reproduce, and again when the code of the workbench changed since the first run."""
    lab.page.locator(".wb-Page:visible").get_by_role("button", name="Reproduce", exact=True).click()
    expect(lab.page.locator(".wb-RunPage:visible .wb-Eyebrow")).to_contain_text("Re-run")
    page = ended(lab)
    expect(page.locator(".wb-VerdictLine")).to_be_visible()
    anyway = page.get_by_role("button", name="Run it in this environment anyway")
    if anyway.count():
        # Somebody edited the workbench itself between the two runs.
        anyway.click()
        expect(anyway).to_have_count(0)
        page = ended(lab)
    return page


def test_wrong_values_are_told_beside_their_fields(mean: Path, lab_as) -> None:
    lab = lab_as("researcher")
    row = lab.section("Reports").locator("[data-report='workspace:mean.ipynb']")
    expect(row).to_contain_text("What is the mean?")
    row.get_by_role("button", name="Set up a run of mean.ipynb").click()
    page = lab.page.locator(".wb-Page:visible")
    page.get_by_label("seed").fill("many")
    expect(page.locator("[data-parameter='seed']")).to_contain_text("must be a whole number")
    page.get_by_label("scale").fill("9")
    page.get_by_role("button", name="Run report").click()
    expect(page.locator("[data-parameter='scale'] [role='alert']")).to_contain_text("from 0.5 to 2")
    expect(page.get_by_label("seed")).to_have_attribute("aria-invalid", "true")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-Page") == []
    lab.keep("30-report-form")
    page.get_by_role("button", name="Back to the defaults").click()
    expect(page.get_by_label("seed")).to_have_value("7")
    assert page.get_by_role("alert").count() == 0


def test_a_report_runs_cell_by_cell_and_is_reproduced(mean: Path, lab_as) -> None:
    lab = lab_as("researcher")
    page = form_of(lab, "mean.ipynb")
    page.get_by_label("seed").fill("5")
    page.get_by_label("size").select_option("large")
    page.get_by_role("button", name="Run report").click()
    page = ended(lab)
    expect(page.locator("[data-cell][data-state='done']")).to_have_count(3)
    expect(page.get_by_role("row", name=re.compile("mean"))).to_contain_text("5")
    report = page.frame_locator("iframe.wb-Report")
    expect(report.get_by_role("heading", name="What is the mean?")).to_be_visible()
    assert page.locator("iframe.wb-Report").get_attribute("sandbox") == ""
    lab.keep("31-run-done")
    page = reproduced(lab)
    verdict = page.locator(".wb-VerdictLine").get_attribute("data-verdict")
    assert verdict == "IDENTICAL", page.inner_text()
    page.get_by_role("button", name="Compare both runs").click()
    page = lab.page.locator(".wb-VerdictPage:visible")
    expect(page).to_contain_text("All 4 cells are the same in both runs.")
    page.get_by_role("button", name="Show the outputs of cell 4").click()
    expect(page.get_by_label(re.compile("Printed of cell 4, First run"))).to_contain_text("5 large")
    expect(lab.section("Reports").locator("[data-crate]")).to_contain_text("Identical")
    assert lab.serious_barriers("#ai4h-workbench", ".wb-VerdictPage") == []
    lab.keep("32-verdict-identical")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_differs_is_marked_in_both_runs(drifting: Path, lab_as, theme: str) -> None:
    lab = lab_as("researcher")
    lab.choose_theme(theme)
    form_of(lab, "drifting.ipynb").get_by_role("button", name="Run report").click()
    ended(lab)
    page = reproduced(lab)
    expect(page.locator(".wb-VerdictLine")).to_contain_text("Beyond its tolerance: mean.")
    page.get_by_role("button", name="Compare both runs").click()
    page = lab.page.locator(".wb-VerdictPage:visible")
    expect(page.locator("[data-result='mean']")).to_have_attribute("data-verdict", "DIFFERENT")
    expect(page.locator("[data-cell='3']")).to_contain_text("first that differs")
    texts = page.locator("[data-cell='3'] .wb-Pair").first
    first, second = (float(texts.locator(mark).inner_text()) for mark in ("del", "ins"))
    assert first != second and "Read with a shift of" in texts.inner_text()
    pictures = page.locator(".wb-Pictures").first
    expect(pictures).to_contain_text("% of the pixels differ")
    expect(pictures.locator("img")).to_have_count(3)
    assert lab.serious_barriers("#ai4h-workbench", ".wb-VerdictPage") == []
    lab.keep(f"33-verdict-different-{theme[-5:].strip().lower()}")
    pictures.scroll_into_view_if_needed()
    lab.keep(f"34-pictures-{theme[-5:].strip().lower()}")
    pictures.get_by_role("button", name="Laid over").click()
    pictures.get_by_role("slider").press("ArrowRight")
    expect(pictures.get_by_role("slider")).to_have_value("51")


def test_a_run_goes_on_when_the_tab_is_closed_and_can_be_cancelled(clinic, lab_as) -> None:
    report_notebook(workspace_of(clinic, "researcher") / "slow.ipynb", SLOW, parameters="seed: int = 1")
    lab = lab_as("researcher")
    form_of(lab, "slow.ipynb").get_by_role("button", name="Run report").click()
    expect(run_of(lab).locator("[data-cell='3']")).to_have_attribute("data-state", "running", timeout=RUN_MS)
    expect(run_of(lab).get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    lab.keep("35-run-under-way")
    lab.page.goto("about:blank")
    lab.open()
    row = lab.section("Reports (1)").locator("[data-run]")
    expect(row).to_have_attribute("data-state", "running")
    row.get_by_role("button").click()
    page = run_of(lab)
    assert lab.serious_barriers("#ai4h-workbench", ".wb-RunPage") == []
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled", timeout=RUN_MS)
    expect(page).to_contain_text("workspace")


def test_a_cell_that_stops_is_named(clinic, lab_as) -> None:
    report_notebook(workspace_of(clinic, "researcher") / "wrong.ipynb", "1 / 0", parameters="seed: int = 1")
    lab = lab_as("researcher")
    form_of(lab, "wrong.ipynb").get_by_role("button", name="Run report").click()
    page = ended(lab, "failed")
    expect(page.get_by_role("alert")).to_contain_text("ZeroDivisionError")
    expect(page.locator("[data-cell='3']")).to_have_attribute("data-state", "failed")
    assert page.locator("iframe").count() == 0
    assert (
        page.locator("[data-cell]").evaluate_all("cells => cells.map(cell => cell.dataset.state)").count("failed") == 1
    )
    lab.keep("36-run-failed")


def test_the_keyboard_alone_runs_a_report(mean: Path, lab_as) -> None:
    lab = lab_as("researcher")
    page, keyboard = form_of(lab, "mean.ipynb"), lab.page.keyboard
    page.get_by_label("seed").focus()
    keyboard.press("Control+a")
    keyboard.type("6")
    for _ in range(4):
        keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run report")).to_be_focused()
    keyboard.press("Enter")
    row = ended(lab).get_by_role("row", name=re.compile("mean"))
    expect(row).to_contain_text("6")
    assert lab.page.locator(".wb-RunPage:visible [data-state='failed']").count() == 0
    assert "6" in row.inner_text()
