"""itkwidgets in JupyterLab: a governed scan drawn, turned and asked from both sides, with nothing from another host."""

from __future__ import annotations

import io
from importlib.util import find_spec

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.conftest import missing
from workbench.jupyter.accounts import workspace_of

# itk loads for seconds, in a cold kernel in its sandbox on a busy machine, and software draws.
NOTEBOOK_MS = 180_000
SHOW = """import workbench as wb
scan = wb.dataset("clinic-ct").volume("S0001")
shown = wb.view(scan, engine="itkwidgets", window=(-600, 1500))
shown"""
ASK = "viewer = shown.viewer\nprint('limits', viewer.vmin, viewer.vmax, 'drawn', viewer.rendered_image.shape)"
LABELS = """import workbench as wb
scan = wb.dataset("clinic-ct").volume("S0001")
wb.view(scan, engine="itkwidgets", labels=(scan[...] > -200).astype("uint8") * 200)"""
TURN = "viewer.mode = 'x'"


@pytest.fixture
def notebook_of(lab_as, workbench, clinic):
    """Give a function that opens a notebook of cells for the researcher, who may read the scan, and runs it."""
    if find_spec("itkwidgets") is None:
        missing("itkwidgets is not installed; pip install 'ai4h-workbench[itk]'")

    def open_notebook(*cells: str):
        lab = lab_as("researcher")
        workbench("request", "clinic-ct", "--purpose", "lung nodule detection", "--days", "2", "--as", "researcher")
        workbench("approve", "R1", "--as", "custodian")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "workbench-python", "display_name": "Governed Python"}
        nbformat.write(notebook, workspace_of(clinic, "researcher") / "itk.ipynb")
        lab.open("lab/tree/itk.ipynb")
        lab.page.keyboard.press("Control+b")
        lab.run_all_once_the_kernel_is_ready()
        return lab

    return open_notebook


def canvas_of(lab) -> Locator:
    canvas = lab.page.locator(".jp-OutputArea canvas").first
    canvas.wait_for(timeout=NOTEBOOK_MS)
    # The last thing it does when it opens: the sliders for the slices.
    expect(lab.page.locator(".jp-OutputArea input[type='range']").last).to_be_attached(timeout=NOTEBOOK_MS)
    return canvas


def greys(canvas: Locator) -> int:
    """Count the grey values that are seen: a picture has many, an empty box few."""
    return len(np.unique(np.asarray(Image.open(io.BytesIO(canvas.screenshot(timeout=NOTEBOOK_MS))).convert("L"))))


def test_a_governed_scan_is_drawn_by_itkwidgets_and_its_traits_go_both_ways(notebook_of):
    lab = notebook_of(SHOW, ASK, TURN)
    canvas = canvas_of(lab)
    assert greys(canvas) > 50
    lab.keep("itkwidgets")
    outputs = lab.page.locator(".jp-OutputArea")
    expect(outputs.nth(0)).to_contain_text("at most 192 voxels along an axis")
    expect(outputs.nth(1)).to_contain_text("[150.0] drawn (134, 192, 192)")
    # The window of the first cell is what the picture is drawn with.
    expect(outputs.nth(0).locator("input[type='number']").nth(1)).to_have_value("150")
    # The third cell turned it: only the slider of the sagittal slices stays.
    expect(lab.page.get_by_text("X:", exact=False).locator("visible=true").last).to_be_visible(timeout=NOTEBOOK_MS)


def test_labels_lie_on_the_scan_in_itkwidgets(notebook_of):
    lab = notebook_of(LABELS)
    canvas = canvas_of(lab)
    pixels = np.asarray(Image.open(io.BytesIO(canvas.screenshot(timeout=NOTEBOOK_MS))).convert("RGB")).astype(int)
    coloured = (pixels.max(axis=2) - pixels.min(axis=2) > 60).mean()
    lab.keep("itkwidgets-labels")
    assert coloured > 0.01
