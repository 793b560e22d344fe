"""A reader study in JupyterLab, from the first scan over a restart of the kernel to the last row."""

from __future__ import annotations

import csv
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from workbench.jupyter.accounts import workspace_of

# A cold kernel in its sandbox on a busy machine.
NOTEBOOK_MS = 120_000
STUDY = """import workbench as wb
from workbench.viewer.reader_study import ReaderStudy
scan = wb.dataset("clinic-ct").volume("S0001")
middle = scan.geometry.to_patient_mm([n // 2 for n in scan.shape])
found = [{"position_mm": list(middle), "score": 0.9, "kind": "hit"}]
study = ReaderStudy(
    {"first": scan, "second": scan}, reader="R1", path="reads.csv", seed=7,
    questions={"Nodule?": ["yes", "no"], "Remark": str}, candidates={"first": found, "second": found},
)
study"""


@pytest.fixture
def reads(clinic) -> Path:
    return workspace_of(clinic, "researcher") / "reads.csv"


@pytest.fixture
def lab(lab_as, workbench, clinic):
    """Open a notebook with a study for the researcher, who may read the scan, and run it."""
    lab = lab_as("researcher")
    workbench("request", "clinic-ct", "--purpose", "lung nodule detection", "--days", "2", "--as", "researcher")
    workbench("approve", "R1", "--as", "custodian")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(STUDY)])
    notebook.metadata["kernelspec"] = {"name": "workbench-python", "display_name": "Governed Python"}
    nbformat.write(notebook, workspace_of(clinic, "researcher") / "study.ipynb")
    lab.open("lab/tree/study.ipynb")
    lab.page.keyboard.press("Control+b")
    lab.run_all_once_the_kernel_is_ready()
    return lab


def read_one(page: Page, answer: str) -> None:
    """Read a scan by the keyboard: start, judge, finish, answer, save."""
    start = page.get_by_role("button", name="Start reading")
    start.wait_for(timeout=NOTEBOOK_MS)
    expect(page.locator(".ctv-ground")).to_be_hidden()
    start.press("Enter")
    page.wait_for_selector(".ctv[data-complete]")
    page.keyboard.press("n")
    page.keyboard.press("a")
    page.get_by_role("button", name="Finish").press("Enter")
    page.get_by_text("Still to answer: Nodule?").wait_for()
    page.get_by_label(answer, exact=True).check()
    page.get_by_role("button", name="Save and open the next scan").press("Enter")


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return [[row["reader"], row["order"], row["answer: Nodule?"]] for row in csv.DictReader(file)]


def restart(page: Page) -> None:
    """Restart the kernel, run every cell, and wait until the old kernel's output is gone."""
    page.evaluate("document.querySelector('.ctv').dataset.old = ''")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu").get_by_text("Restart Kernel and Run All Cells…", exact=True).click()
    page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    expect(page.locator(".ctv[data-old]")).to_have_count(0, timeout=NOTEBOOK_MS)


def test_a_study_goes_on_after_a_restart_of_the_kernel(lab, reads):
    read_one(lab.page, "yes")
    lab.page.get_by_text("Scan 2 of 2").first.wait_for()
    assert rows(reads) == [["R1", "1", "yes"]]
    lab.keep("reader-study")
    restart(lab.page)
    lab.page.get_by_text("1 saved").wait_for(timeout=NOTEBOOK_MS)
    read_one(lab.page, "no")
    lab.page.get_by_text("All 2 scans are read and saved.").wait_for()
    assert rows(reads) == [["R1", "1", "yes"], ["R1", "2", "no"]]


def test_a_study_keeps_nobody_out_in_either_theme(lab):
    start = lab.page.get_by_role("button", name="Start reading")
    start.wait_for(timeout=NOTEBOOK_MS)
    lab.keep("reader-study-hidden")
    start.press("Enter")
    lab.page.wait_for_selector(".ctv[data-complete]")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.choose_theme(theme)
        lab.keep(f"reader-study-{theme.split()[1].lower()}")
        assert lab.serious_barriers(".ctv", ".widget-radio") == []
