"""A cluster in the lab: the live view below its cell, the section in the sidebar, and the ways to stop it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from workbench.settings import Settings

CELLS = ("import workbench as wb\nlungs = wb.cluster(workers=1, hours=0.5)\nlungs", "idle = 1")


def _notebook(home: Settings) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for n, text in enumerate(CELLS)
    ]
    kernel = {"name": "workbench-python", "display_name": "Governed Python"}
    folder = home.workspace("researcher")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "clusters.ipynb"
    file.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    return file


def test_a_cluster_is_seen_steered_and_stopped(
    lab_as: Callable[..., object], clinic: Settings, workbench: Callable[..., str]
) -> None:
    _notebook(clinic)
    workbench("cluster", "quota", "researcher", "--workers", "2", "--as", "custodian")
    lab = lab_as("researcher")
    section = lab.section("Clusters")
    expect(section).to_contain_text("No cluster runs.")
    lab.open("lab/tree/clusters.ipynb")
    lab.run_all_once_the_kernel_is_ready()
    live = lab.page.locator("section.wb-cluster")
    expect(live).to_contain_text("1 of 1", timeout=60_000)

    live.get_by_label("Workers wanted").fill("3")
    live.get_by_role("button", name="Scale").click()
    expect(live.get_by_role("alert")).to_contain_text("Your quota is 2 workers at the same time")
    live.get_by_label("Workers wanted").fill("2")
    live.get_by_label("Workers wanted").press("Enter")
    expect(live).to_contain_text("2 of 2", timeout=60_000)

    section = lab.section("Clusters")
    row = section.locator("[data-cluster='CL1']")
    expect(row).to_contain_text("CPU · 2 of 2 workers", timeout=60_000)
    expect(section.locator(".wb-Quota")).to_contain_text("2 of 2")
    assert lab.serious_barriers("#ai4h-workbench", "section.wb-cluster") == []
    lab.keep("clusters-light")
    lab.choose_theme("JupyterLab Dark")
    expect(lab.page.locator("#jupyterlab-splash")).to_have_count(0)
    expect(row).to_contain_text("idle for")
    lab.keep("clusters-dark")
    assert lab.serious_barriers("#ai4h-workbench", "section.wb-cluster") == []

    row.get_by_role("button", name="Stop cluster CL1").focus()
    lab.page.keyboard.press("Enter")
    expect(row).to_contain_text("it was stopped from outside of its notebook", timeout=60_000)
    expect(live).to_contain_text("closed: it was stopped from outside of its notebook", timeout=60_000)
    lab.keep("clusters-stopped")
    assert json.loads(workbench("cluster", "list", "--json", "--as", "researcher"))["quota"]["workers_used"] == 0
